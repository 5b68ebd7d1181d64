//! Signing in by an account elsewhere: away to the provider, and back.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sheaf_shared::api::ErrorWord;
use sheaf_shared::ids::UserId;
use sheaf_shared::people::{Email, Name};

use super::super::answers::{Done, Problem};
use super::super::caller::Cookie;
use super::entry::{append, let_in_by, new_person};
use super::pages::decoded;
use super::{Call, Route, Takes, again, routes};
use crate::adapters::oidc::{Arrived, Away, Oidc, OidcFault};
use crate::app::directory::identities::{Identity, IdentityError, Welcome};
use crate::app::directory::sessions::Shown;

pub(super) const ROUTES: &[Route] = routes! {
    GET "/oidc/start" Anyone Takes::Nothing => start;
    GET "/oidc/return" Anyone Takes::Nothing => come_back;
};

/// Seconds in which somebody must be back.
const AWAY_S: u64 = 600;

/// Why somebody did not come in, for the page where they sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    /// The provider does not answer, or refuses.
    Provider,
    /// This browser was not sent away, or too long ago.
    Late,
    /// They said no there.
    Declined,
    /// Nobody here has or gets an account by it.
    NoAccount,
    /// Somebody here has an account with that address, and it is not known whether that is them.
    Unconfirmed,
    /// Their account is out of use.
    Closed,
    /// Something here could not be done.
    TryAgain,
}

impl Failed {
    const fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Late => "late",
            Self::Declined => "declined",
            Self::NoAccount => "no-account",
            Self::Unconfirmed => "unconfirmed",
            Self::Closed => "closed",
            Self::TryAgain => "try-again",
        }
    }
}

impl From<Problem> for Failed {
    fn from(_: Problem) -> Self {
        Self::TryAgain
    }
}

impl From<OidcFault> for Failed {
    fn from(fault: OidcFault) -> Self {
        tracing::warn!(%fault, "Somebody could not sign in by an account elsewhere");
        match fault {
            OidcFault::NotOurs => Self::Late,
            OidcFault::Provider(_) | OidcFault::Unbelievable(_) => Self::Provider,
        }
    }
}

impl From<IdentityError> for Failed {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::NoSuchPerson | IdentityError::EmailTaken => Self::NoAccount,
            IdentityError::Unconfirmed => Self::Unconfirmed,
            IdentityError::Taken
            | IdentityError::NotTied
            | IdentityError::LastWayIn
            | IdentityError::Undone(_) => Self::TryAgain,
        }
    }
}

/// `GET /api/oidc/start?to=/path`
async fn start(call: Call) -> Done {
    let to = call.asked("to", decoded)?;
    let begun = match provider(&call) {
        Some(oidc) => oidc.begin(to.as_deref().unwrap_or("/")).await,
        None => return Ok(failed(&call, Failed::NoAccount)),
    };
    match begun {
        Ok((address, away)) => {
            let mut response = see(&address);
            append(
                &mut response,
                Cookie::Away.keep(&away.to_cookie(), call.peer.line, AWAY_S),
            );
            Ok(response)
        }
        Err(fault) => Ok(failed(&call, fault.into())),
    }
}

/// `GET /api/oidc/return?state=…&code=…`
async fn come_back(call: Call) -> Done {
    match let_in_from_elsewhere(&call).await {
        Ok(response) => Ok(response),
        Err(why) => Ok(failed(&call, why)),
    }
}

fn provider(call: &Call) -> Option<&Oidc> {
    call.site.oidc.as_deref()
}

async fn let_in_from_elsewhere(call: &Call) -> Result<Response, Failed> {
    let oidc = provider(call).ok_or(Failed::NoAccount)?;
    let cookie = Cookie::Away.of(call.headers()).ok_or(Failed::Late)?;
    let away = Away::of_cookie(cookie).ok_or(Failed::Late)?;
    let asked = |name| call.asked(name, decoded);
    if let Some(said) = asked("error")? {
        return Err(if said == "access_denied" {
            Failed::Declined
        } else {
            Failed::Provider
        });
    }
    let (state, code) = asked("state")?.zip(asked("code")?).ok_or(Failed::Late)?;
    let arrived = oidc.finish(&away, &state, &code).await?;
    let user = account_of(call, oidc, arrived).await?;
    let directory = call.directory()?;
    let person = directory.person(user).await.map_err(|_| Failed::TryAgain)?;
    let name = person.ok_or(Failed::NoAccount)?.name;
    let let_in = let_in_by(call, user, name, Shown::Identity)
        .await
        .map_err(|problem| {
            if problem.word() == ErrorWord::SignedOut {
                Failed::Closed
            } else {
                Failed::TryAgain
            }
        })?;
    let mut response = see(&away.to);
    for cookie in let_in.headers().get_all(header::SET_COOKIE) {
        append(&mut response, Some(cookie.clone()));
    }
    append(&mut response, Cookie::Away.forget(call.peer.line));
    Ok(response)
}

/// Whose account here it is; one that is made if they may have one.
async fn account_of(call: &Call, oidc: &Oidc, arrived: Arrived) -> Result<UserId, Failed> {
    let directory = call.directory()?;
    let Arrived {
        identity,
        email,
        name,
    } = arrived;
    let tied = directory.person_by_identity(&identity).await;
    if let Some(user) = tied.map_err(|_| Failed::TryAgain)? {
        return Ok(user);
    }
    // An address that nobody vouches for is no reason to let anyone into somebody's account.
    let email = email.ok_or(Failed::NoAccount)?;
    let name = name.or_else(|| {
        let local = email.as_str().split('@').next()?;
        Name::parse(local).ok()
    });
    let name = name.ok_or(Failed::NoAccount)?;
    let by = call.by_newcomer(&name);
    match directory.tie_by_email(&identity, &email, &by).await {
        Ok(user) => {
            call.site.gate.changed();
            return Ok(user);
        }
        Err(IdentityError::NoSuchPerson) => {}
        // Who is signed in to that very account has shown that it is theirs.
        Err(IdentityError::Unconfirmed) => {
            return tie_own(call, &identity, &email).await;
        }
        Err(error) => return Err(error.into()),
    }
    let welcome = if oidc.lets_anyone_in() {
        Welcome::Anyone
    } else {
        Welcome::Invited
    };
    let new = new_person(email, name, None).map_err(|_| Failed::TryAgain)?;
    let user = new.user;
    directory
        .join_by_identity(&identity, welcome, new, &by)
        .await?;
    call.site.gate.changed();
    Ok(user)
}

/// Ties an account elsewhere to the account that this browser is signed in to, if that has the same address.
async fn tie_own(call: &Call, identity: &Identity, email: &Email) -> Result<UserId, Failed> {
    if call.person().is_err() {
        return Err(Failed::Unconfirmed);
    }
    let (directory, gate) = (call.directory()?, &call.site.gate);
    let by = call.by();
    let tied = again!({
        let may = gate.own_account(&call.keys, call.now).await?;
        let tied = directory.tie_own_by_email(&may, identity, email, &by).await;
        Ok(tied?)
    });
    let user = tied.map_err(|problem| match problem.word() {
        // It is somebody else's.
        ErrorWord::SignedOut => Failed::Unconfirmed,
        _ => Failed::TryAgain,
    })?;
    gate.changed();
    Ok(user)
}

fn see(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

fn failed(call: &Call, why: Failed) -> Response {
    let mut response = see(&format!("/sign-in?failed={}", why.word()));
    append(&mut response, Cookie::Away.forget(call.peer.line));
    response
}
