//! The ways in: the first account, a password, an invitation, a way to set another password; and out again.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use sheaf_shared::api::entry::{
    FirstRun, FirstRunAsks, InvitationKind, InvitationSays, Join, Look, Reset, SignIn,
};
use sheaf_shared::api::{ErrorWord, Password};
use sheaf_shared::ids::{SessionId, UserId};
use sheaf_shared::people::{Colour, Email, Name};

use super::super::answers::{Done, Problem, json, nothing};
use super::super::caller::{Cookie, Peer, is_local};
use super::known::{MARK_S, door_of, mark, marked};
use super::{Call, Route, Takes, me, routes};
use crate::adapters::random::{Drawn, NoRandomness};
use crate::app::directory::facts::{About, Key};
use crate::app::directory::invitations::Invitation;
use crate::app::directory::people::{NewPerson, PersonRecord};
use crate::app::directory::secret::{InvitationSecret, PasswordHash, SessionSecret};
use crate::app::directory::sessions::{NewSession, SESSION_MS, SessionError, Shown};
use crate::app::directory::set_up::SetUpCode;
use crate::app::tries::{Door, From, Place};
use crate::config::{Audience, FirstAccount};

pub(super) const ROUTES: &[Route] = routes! {
    GET "/first-run" Anyone Takes::Nothing => first_run_asks;
    POST "/first-run" Anyone Takes::Json => first_run;
    POST "/sign-in" Anyone Takes::Json => sign_in;
    POST "/sign-out" Anyone Takes::Nothing => sign_out;
    POST "/invitations/look" Anyone Takes::Json => look;
    POST "/join" Anyone Takes::Json => join;
    POST "/reset" Anyone Takes::Json => reset;
};

/// What the first space is called until somebody names it.
pub const HOME_NAME: &str = "Home";

/// Colours of new accounts: told apart from each other, and seen on white and on black.
const COLOURS: [[u8; 3]; 12] = [
    [0x1e, 0x90, 0xff],
    [0xd9, 0x48, 0x0f],
    [0x2b, 0x8a, 0x3e],
    [0xae, 0x3e, 0xc9],
    [0xc2, 0x25, 0x5c],
    [0x08, 0x7f, 0x8c],
    [0x99, 0x66, 0x00],
    [0x5f, 0x3d, 0xc4],
    [0xe0, 0x31, 0x31],
    [0x36, 0x4f, 0xc7],
    [0x5c, 0x7a, 0x00],
    [0x86, 0x5b, 0x3b],
];

impl Call {
    /// Refuses to take what is secret over a line that others can read.
    pub(super) fn needs_private_line(&self) -> Result<(), Problem> {
        if self.peer.keeps_secrets() {
            Ok(())
        } else {
            Err(Problem::of(ErrorWord::NeedsHttps))
        }
    }

    /// Checks a password, counting the try.
    ///
    /// # Errors
    /// [`ErrorWord::TooMany`] without having looked, [`ErrorWord::WrongPassword`].
    pub(super) async fn checks(
        &self,
        door: &Door,
        from: From,
        password: Password,
        kept: Option<PasswordHash>,
    ) -> Result<(), Problem> {
        let metrics = &self.site.metrics;
        if let Err(many) = self.site.known.begin(door, from) {
            metrics.sign_ins_held_back.add(1);
            return Err(many.into());
        }
        let is_right = if password.is_bounded() {
            self.site.passwords.is_right(password, kept).await
        } else {
            Ok(false)
        };
        match is_right {
            Ok(true) => {
                self.site.known.forget(door, from);
                Ok(())
            }
            Ok(false) => {
                metrics.sign_ins_failed.add(1);
                Err(Problem::of(ErrorWord::WrongPassword))
            }
            Err(fault) => {
                self.site.known.forget(door, from);
                Err(fault.into())
            }
        }
    }

    /// Where whoever tries a password is.
    pub(super) fn place(&self) -> From {
        From::Place(Place::of(Some(self.peer.address)))
    }
}

/// A person to be made.
///
/// # Errors
/// [`NoRandomness`]
pub fn new_person(
    email: Email,
    name: Name,
    password: Option<PasswordHash>,
) -> Result<NewPerson, NoRandomness> {
    let user = UserId::draw()?;
    let colour = COLOURS[(user.to_bits() % COLOURS.len() as u128) as usize];
    Ok(NewPerson {
        user,
        email,
        name,
        colour: Colour(colour),
        password,
        private: Drawn::draw()?,
    })
}

/// Whether there still is no account and one may be made here. On a public pad, where whoever comes is everyone's equal, nobody
/// may put all others out by it.
async fn can_be_founded(call: &Call) -> Result<(), Problem> {
    if call.site.config.audience == Audience::Everyone {
        let message = "This is a public pad. Whoever runs it makes the first account: by starting it without --open, or with `sheaf user add`.";
        return Err(Problem::new(ErrorWord::Forbidden, message));
    }
    if call.directory()?.is_founded().await? {
        return Err(Problem::of(ErrorWord::Founded));
    }
    Ok(())
}

/// Whether who asks must show that they run this installation. Who sits at the machine need not.
fn asks_for_code(call: &Call) -> bool {
    let config = &call.site.config;
    config.first_account == FirstAccount::ByCode && !is_local(call.headers(), config)
}

async fn first_run_asks(call: Call) -> Done {
    can_be_founded(&call).await?;
    let code = asks_for_code(&call);
    Ok(json(&FirstRunAsks { code }))
}

/// Makes the first account.
async fn first_run(call: Call) -> Done {
    call.needs_private_line()?;
    let FirstRun {
        name,
        email,
        password,
        code,
    } = call.json()?;
    can_be_founded(&call).await?;
    let directory = call.directory()?;
    if asks_for_code(&call) {
        let wanted = SetUpCode::from_random(Drawn::draw()?);
        let wanted = directory.set_up_code(wanted).await?;
        let wanted = wanted.ok_or_else(|| Problem::of(ErrorWord::Founded))?;
        if !code.is_some_and(|code| wanted.is(code.reveal())) {
            let message = "This is not the set-up code. Whoever runs this server finds it in the server's log.";
            return Err(Problem::new(ErrorWord::Forbidden, message));
        }
    }
    password.check(&email, &name)?;
    let kept = call.site.passwords.hash(password).await?;
    let new = new_person(email, name.clone(), Some(kept.clone()))?;
    let user = new.user;
    let home = Name::parse(HOME_NAME).map_err(|_| Problem::of(ErrorWord::TryAgain))?;
    directory.found(new, home, &call.by_newcomer(&name)).await?;
    call.site.gate.changed();
    let_in(&call, user, name, kept).await
}

async fn sign_in(call: Call) -> Done {
    call.needs_private_line()?;
    let SignIn { email, password } = call.json()?;
    let found = call.directory()?.person_by_email(email.clone()).await?;
    let kept = found.as_ref().and_then(|found| found.password.clone());
    let door = door_of(&email);
    let known = known_browser(&call, found.as_ref());
    let from = known.unwrap_or_else(|| call.place());
    if let Err(problem) = call.checks(&door, from, password, kept.clone()).await {
        if found.is_some() {
            note_failure(&call, email);
        }
        return Err(problem);
    }
    let wrong = || Problem::of(ErrorWord::WrongPassword);
    let (found, kept) = found.zip(kept).ok_or_else(wrong)?;
    let let_in = let_in(&call, found.user, found.name, kept).await;
    // An account that is out of use is no account to whoever tries it.
    let_in.map_err(|problem| match problem {
        refused if refused == Problem::of(ErrorWord::SignedOut) => wrong(),
        other => other,
    })
}

fn known_browser(call: &Call, found: Option<&PersonRecord>) -> Option<From> {
    let found = found?;
    let shown = Cookie::Known.of(call.headers())?;
    marked(shown, found.user, found.password.as_ref()?).map(From::Known)
}

/// Beside the answer, which must not take longer where there is an account.
fn note_failure(call: &Call, email: Email) {
    let Ok(somebody) = Name::parse("somebody") else {
        return;
    };
    let (by, site) = (call.by_newcomer(&somebody), call.site.clone());
    tokio::spawn(async move {
        let Some(directory) = site.gate.directory() else {
            return;
        };
        if directory
            .note_failed_sign_in(&by, email.as_str())
            .await
            .is_err()
        {
            tracing::debug!("A failed sign-in could not be noted");
        }
    });
}

/// Begins a session of somebody who has just shown the password that `kept` was made from.
async fn let_in(call: &Call, user: UserId, name: Name, kept: PasswordHash) -> Done {
    let mark = mark(user, &kept)?;
    let mut response = let_in_by(call, user, name, Shown::Password(kept)).await?;
    let known = Cookie::Known.keep(&mark, call.peer.line, MARK_S);
    append(&mut response, known);
    Ok(response)
}

/// Begins a session of `user`, who has `shown` that it is them, ends the one the browser had, and answers who they are now.
pub(in super::super) async fn let_in_by(
    call: &Call,
    user: UserId,
    name: Name,
    shown: Shown,
) -> Done {
    let directory = call.directory()?;
    let new = new_session(call)?;
    let (secret, by) = (
        new.secret.clone(),
        call.done_by(crate::app::directory::Actor::Person(user, name)),
    );
    directory.sign_in(user, shown, new, &by).await?;
    call.site.metrics.sign_ins.add(1);
    end_session(call, Cookie::Person).await;
    let facts = directory.facts(Key::from(&secret), About::Nobody).await?;
    let me = me::describe(call, &[facts.caller]).await?;
    let mut response = json(&me);
    append(
        &mut response,
        session_cookie(Cookie::Person, &secret, call.peer),
    );
    Ok(response)
}

pub(super) fn new_session(call: &Call) -> Result<NewSession, NoRandomness> {
    Ok(NewSession {
        session: SessionId::draw()?,
        secret: SessionSecret::from_random(Drawn::draw()?),
        agent: call.agent(),
    })
}

pub(super) fn session_cookie(
    cookie: Cookie,
    secret: &SessionSecret,
    peer: Peer,
) -> Option<HeaderValue> {
    cookie.keep(&secret.reveal(), peer.line, SESSION_MS / 1_000)
}

pub(super) fn append(response: &mut Response, cookie: Option<HeaderValue>) {
    let headers = response.headers_mut();
    headers.extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
}

/// Ends the session that the browser has of this kind. One that can't be ended now ends by itself.
pub(super) async fn end_session(call: &Call, cookie: Cookie) {
    let (Some(secret), Ok(directory)) = (call.session(cookie), call.directory()) else {
        return;
    };
    match directory.sign_out(&secret, &call.by()).await {
        Ok(()) => call.site.gate.changed(),
        Err(SessionError::NoSuchSession) => {}
        Err(_) => tracing::debug!("A session could not be ended"),
    }
}

/// Ends the sessions of this browser, a guest's too.
async fn sign_out(call: Call) -> Done {
    for cookie in [Cookie::Person, Cookie::Guest] {
        let Some(secret) = call.session(cookie) else {
            continue;
        };
        match call.directory()?.sign_out(&secret, &call.by()).await {
            Ok(()) | Err(SessionError::NoSuchSession) => {}
            // The browser would forget what still opens.
            Err(error) => return Err(error.into()),
        }
    }
    call.site.gate.changed();
    let mut response = nothing();
    for cookie in [Cookie::Person, Cookie::Guest] {
        append(&mut response, cookie.forget(call.peer.line));
    }
    Ok(response)
}

fn used_up() -> Problem {
    Problem::of(ErrorWord::UsedUp)
}

async fn look(call: Call) -> Done {
    let Look { secret } = call.json()?;
    let secret = InvitationSecret::parse(secret.reveal()).map_err(|_| used_up())?;
    let directory = call.directory()?;
    let found = directory.invitation(&secret, call.now).await?;
    let found = found.ok_or_else(used_up)?;
    let by = match found.made_by {
        Some(user) => directory.person(user).await?.map(|person| person.name),
        None => None,
    };
    let says = match found.to {
        Invitation::Reset(user) => InvitationSays {
            kind: InvitationKind::Reset,
            by,
            space_name: None,
            email: directory
                .person(user)
                .await?
                .and_then(|person| person.email),
        },
        Invitation::Join { email, space, .. } => InvitationSays {
            kind: InvitationKind::Join,
            by,
            space_name: match space {
                Some((space, _)) => directory.space(space).await?.map(|space| space.name),
                None => None,
            },
            email,
        },
    };
    Ok(json(&says))
}

async fn join(call: Call) -> Done {
    call.needs_private_line()?;
    let Join {
        secret,
        name,
        email,
        password,
    } = call.json()?;
    let secret = InvitationSecret::parse(secret.reveal()).map_err(|_| used_up())?;
    let directory = call.directory()?;
    // Looked at first, so that who has none makes nobody work on passwords.
    let found = directory.invitation(&secret, call.now).await?;
    let Some(Invitation::Join { email: named, .. }) = found.map(|found| found.to) else {
        return Err(used_up());
    };
    let email = named.unwrap_or(email);
    password.check(&email, &name)?;
    let kept = call.site.passwords.hash(password).await?;
    let new = new_person(email, name.clone(), Some(kept.clone()))?;
    let user = new.user;
    directory
        .join(&secret, new, &call.by_newcomer(&name))
        .await?;
    call.site.gate.changed();
    let_in(&call, user, name, kept).await
}

async fn reset(call: Call) -> Done {
    call.needs_private_line()?;
    let Reset { secret, password } = call.json()?;
    let secret = InvitationSecret::parse(secret.reveal()).map_err(|_| used_up())?;
    let directory = call.directory()?;
    let found = directory.invitation(&secret, call.now).await?;
    let Some(Invitation::Reset(user)) = found.map(|found| found.to) else {
        return Err(used_up());
    };
    let person = directory.person(user).await?;
    let (name, email) = person
        .and_then(|person| Some((person.name, person.email?)))
        .ok_or_else(used_up)?;
    password.check(&email, &name)?;
    let kept = call.site.passwords.hash(password).await?;
    let by = call.done_by(crate::app::directory::Actor::Person(user, name.clone()));
    directory.reset_password(&secret, kept.clone(), &by).await?;
    call.site.gate.changed();
    let_in(&call, user, name, kept).await
}
