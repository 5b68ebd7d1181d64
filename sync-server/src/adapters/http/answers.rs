//! What the API answers: what was asked for, or why not. The one place where an error gets its word, its status and its
//! sentence.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sheaf_core::access::Refusal;
use sheaf_shared::api::{Error, ErrorWord, List, PasswordError};

use crate::adapters::passwords::PasswordFault;
use crate::adapters::random::NoRandomness;
use crate::app::directory::Undone;
use crate::app::directory::belonging::BelongingError;
use crate::app::directory::identities::IdentityError;
use crate::app::directory::invitations::InvitationError;
use crate::app::directory::links::LinkError;
use crate::app::directory::people::PersonError;
use crate::app::directory::sessions::SessionError;
use crate::app::directory::spaces::SpaceError;
use crate::app::directory::tokens::TokenError;
use crate::app::gate::Denied;
use crate::app::tries::TooMany;
use crate::ports::StorageFault;

/// Seconds after which one should come again who met a store that could not be asked.
const AGAIN_S: u64 = 2;

/// Why something was not done, as the API says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    word: ErrorWord,
    message: Cow<'static, str>,
    again_s: Option<u64>,
    has_moved: bool,
}

/// What a handler answers.
pub(super) type Done = Result<Response, Problem>;

impl Problem {
    /// `message` says what happened and what to do, and nothing that is secret.
    pub(super) fn new(word: ErrorWord, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            word,
            message: message.into(),
            again_s: None,
            has_moved: false,
        }
    }

    /// With its usual sentence.
    pub(super) fn of(word: ErrorWord) -> Self {
        Self::new(word, sentence(word))
    }

    /// The same may be asked again in so many seconds.
    pub(super) fn in_s(mut self, seconds: u64) -> Self {
        self.again_s = Some(seconds);
        self
    }

    /// Whether it was decided by facts that changed meanwhile, so that it is to be decided again.
    pub(super) const fn has_moved(&self) -> bool {
        self.has_moved
    }

    pub(super) const fn word(&self) -> ErrorWord {
        self.word
    }
}

/// How each word is answered.
const fn status(word: ErrorWord) -> StatusCode {
    match word {
        ErrorWord::Invalid | ErrorWord::WeakPassword | ErrorWord::NeedsHttps => {
            StatusCode::BAD_REQUEST
        }
        ErrorWord::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorWord::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorWord::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorWord::SignedOut | ErrorWord::WrongPassword => StatusCode::UNAUTHORIZED,
        ErrorWord::Forbidden | ErrorWord::CrossSite => StatusCode::FORBIDDEN,
        ErrorWord::NotFound => StatusCode::NOT_FOUND,
        ErrorWord::UsedUp => StatusCode::GONE,
        ErrorWord::EmailTaken
        | ErrorWord::Founded
        | ErrorWord::EarlierRelease
        | ErrorWord::NotFounded
        | ErrorWord::LastOwner
        | ErrorWord::PrivateSpace
        | ErrorWord::HasOwner => StatusCode::CONFLICT,
        ErrorWord::Changed => StatusCode::PRECONDITION_FAILED,
        ErrorWord::ConditionMissing => StatusCode::PRECONDITION_REQUIRED,
        ErrorWord::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorWord::TryAgain => StatusCode::SERVICE_UNAVAILABLE,
    }
}

const fn sentence(word: ErrorWord) -> &'static str {
    match word {
        ErrorWord::Invalid => "This request can't be understood.",
        ErrorWord::TooLarge => "This is longer than what is taken here.",
        ErrorWord::UnsupportedType => "Send this as JSON, with the content type application/json.",
        ErrorWord::MethodNotAllowed => "This address does something else.",
        ErrorWord::SignedOut => "You are not signed in. Sign in and try again.",
        ErrorWord::WrongPassword => "The email address or the password is wrong.",
        ErrorWord::WeakPassword => "Choose another password.",
        ErrorWord::Forbidden => "You may not do that. Somebody who owns it can.",
        ErrorWord::CrossSite => "Only pages of this address may do that.",
        ErrorWord::NeedsHttps => {
            "Passwords are taken over https only, as anybody on the way could read them. Open this address with https."
        }
        ErrorWord::NotFound => "There is nothing here, or nothing that you may see.",
        ErrorWord::UsedUp => {
            "This link can't be used any more. Ask whoever sent it to you for another one."
        }
        ErrorWord::EmailTaken => "There is an account with this email address already.",
        ErrorWord::EarlierRelease => {
            "A server of an earlier release still runs on this database, and lets everyone in. Stop it, then try again."
        }
        ErrorWord::Founded => "Somebody has made the first account already. Sign in instead.",
        ErrorWord::NotFounded => "Nobody has an account here yet. Make the first one.",
        ErrorWord::LastOwner => "Nobody would own it any more. Make somebody else an owner first.",
        ErrorWord::PrivateSpace => "A private space is one person's alone.",
        ErrorWord::HasOwner => "This space has an owner, who decides about it.",
        ErrorWord::Changed => {
            "Somebody has changed it meanwhile. Look at what it is now and try again."
        }
        ErrorWord::ConditionMissing => "Say what you expect to be there, by If-Match.",
        ErrorWord::TooMany => "Too many tries. Wait a moment and try again.",
        ErrorWord::TryAgain => "That could not be done just now. Try again in a moment.",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Error {
            error: self.word,
            message: self.message.into_owned(),
        };
        let mut response = json(&body);
        *response.status_mut() = status(self.word);
        if let Some(seconds) = self.again_s {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// `said`, as JSON.
pub(super) fn json(said: &impl Serialize) -> Response {
    // Only maps whose keys are no texts cannot be written, and there are none.
    let text = serde_json::to_vec(said).unwrap_or_default();
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, Body::from(text)).into_response()
}

/// Those of a list that were `found`, as `said`; where the rest of it begins, by the last one's `cursor`, if they are as many as
/// were asked for. What is not `said` counts as found.
pub(super) fn part_of<T, U: Serialize>(
    found: Vec<T>,
    limit: u32,
    cursor: impl FnOnce(&T) -> String,
    said: impl FnMut(T) -> Option<U>,
) -> Response {
    let is_full = found.len() >= limit as usize;
    let next = found.last().filter(|_| is_full).map(cursor);
    let items: Vec<U> = found.into_iter().filter_map(said).collect();
    json(&List { items, next })
}

/// Done, and nothing to say.
pub(super) fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

impl From<StorageFault> for Problem {
    /// What the store says is for whoever runs it.
    fn from(fault: StorageFault) -> Self {
        match fault {
            StorageFault::Failed(_) => tracing::warn!(%fault, "The store did not answer the API"),
            _ => tracing::debug!(%fault, "The store did not answer the API"),
        }
        Self::of(ErrorWord::TryAgain).in_s(AGAIN_S)
    }
}

impl From<Undone> for Problem {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Storage(fault) => fault.into(),
            Undone::Moved => Self {
                has_moved: true,
                ..Self::of(ErrorWord::TryAgain).in_s(1)
            },
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::of(match refusal {
            Refusal::Unknown => ErrorWord::NotFound,
            Refusal::Known => ErrorWord::Forbidden,
        })
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(refusal) => refusal.into(),
            Denied::TryAgain(fault) => fault.into(),
        }
    }
}

impl From<PasswordFault> for Problem {
    fn from(fault: PasswordFault) -> Self {
        if fault == PasswordFault::Failed {
            tracing::error!("A password could not be worked on");
        }
        Self::of(ErrorWord::TryAgain).in_s(AGAIN_S)
    }
}

impl From<NoRandomness> for Problem {
    fn from(fault: NoRandomness) -> Self {
        tracing::error!(%fault, "No secret could be drawn");
        Self::of(ErrorWord::TryAgain).in_s(AGAIN_S)
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        let text = error.to_string();
        let mut letters = text.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        let sentence: String = first.into_iter().chain(letters).chain(['.']).collect();
        Self::new(ErrorWord::WeakPassword, sentence)
    }
}

impl From<TooMany> for Problem {
    fn from(many: TooMany) -> Self {
        Self::of(ErrorWord::TooMany).in_s(many.wait_s)
    }
}

/// Errors of the directory: what was undone, and a word for each of the others.
macro_rules! told_as {
    ($($error:ident { $($variant:ident => $word:ident),* $(,)? })*) => {
        $(
            impl From<$error> for Problem {
                fn from(error: $error) -> Self {
                    match error {
                        $error::Undone(undone) => undone.into(),
                        $($error::$variant => Self::of(ErrorWord::$word),)*
                    }
                }
            }
        )*
    };
}

told_as! {
    PersonError {
        FoundedAlready => Founded,
        EarlierRelease => EarlierRelease,
        EmailTaken => EmailTaken,
        NoSuchPerson => NotFound,
        LastOwner => LastOwner,
    }
    SessionError {
        Refused => SignedOut,
        NoSuchSession => NotFound,
    }
    TokenError {
        NoSuchPerson => SignedOut,
        NoSuchSpace => NotFound,
        NoSuchToken => NotFound,
    }
    SpaceError {
        NoSuchSpace => NotFound,
        NoSuchPerson => NotFound,
        NoSuchMember => NotFound,
        Private => PrivateSpace,
        LastOwner => LastOwner,
        Owned => HasOwner,
    }
    LinkError {
        NoSuchPage => NotFound,
        NoSuchLink => NotFound,
    }
    InvitationError {
        NoSuchInvitation => UsedUp,
        NoSuchPerson => NotFound,
        NoSuchSpace => NotFound,
        EmailTaken => EmailTaken,
    }
    BelongingError {
        NoSuchSpace => NotFound,
        LiesElsewhere => NotFound,
        Tree => NotFound,
    }
    IdentityError {
        NoSuchPerson => SignedOut,
        Unconfirmed => SignedOut,
        Taken => EmailTaken,
        EmailTaken => EmailTaken,
        NotTied => NotFound,
        LastWayIn => LastOwner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_may_not_know_of_is_answered_like_what_is_not_there() {
        let unknown = Problem::from(Refusal::Unknown);
        for same in [
            Problem::from(SpaceError::NoSuchSpace),
            Problem::from(SpaceError::NoSuchPerson),
            Problem::from(LinkError::NoSuchLink),
            Problem::from(TokenError::NoSuchToken),
            Problem::from(SessionError::NoSuchSession),
            Problem::from(PersonError::NoSuchPerson),
        ] {
            assert_eq!(same, unknown);
        }
    }

    #[test]
    fn what_the_store_says_of_itself_is_not_told_to_who_asks() {
        let fault = StorageFault::Failed("password=hunter2 host=db".to_owned());
        let problem = Problem::from(fault);
        assert_eq!(problem.word(), ErrorWord::TryAgain);
        assert!(!problem.message.contains("hunter2"));
        assert_eq!(problem.into_response().status(), 503);
    }
}
