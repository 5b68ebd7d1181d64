//! One request, on its way to its handler: who asks, about what, with what.

use axum::extract::RawPathParams;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use sheaf_core::access::{Person, Who};
use sheaf_shared::api::ErrorWord;
use sheaf_shared::ids::{
    DocName, InvitationId, LinkId, PageId, SessionId, SpaceId, TokenId, UserId,
};
use sheaf_shared::people::Name;
use sheaf_shared::time::UnixMs;

use super::super::Site;
use super::super::answers::Problem;
use super::super::caller::{Cookie, Peer, bearer};
use super::query;
use crate::adapters::system::unix_now;
use crate::app::directory::facts::{About, Caller, Key};
use crate::app::directory::secret::{SessionSecret, TokenSecret};
use crate::app::directory::sessions::SESSION_MS;
use crate::app::directory::{Actor, By, Directory};
use crate::app::gate::Keys;

/// Something that a part of a path names.
pub(in super::super) trait InPath: Sized {
    /// Reads it; `None`: there is no such thing.
    fn read(raw: &str) -> Option<Self>;
}

macro_rules! in_path {
    ($($name:ident)*) => {
        $(
            impl InPath for $name {
                fn read(raw: &str) -> Option<Self> {
                    Self::parse(raw).ok()
                }
            }
        )*
    };
}

in_path! { UserId SpaceId PageId LinkId SessionId TokenId InvitationId DocName }

/// A request.
pub(in super::super) struct Call {
    /// What every handler can reach.
    pub(in super::super) site: Site,
    /// The other end.
    pub(in super::super) peer: Peer,
    /// What it brings.
    pub(in super::super) keys: Keys,
    /// Who that is, for each key.
    pub(in super::super) callers: Vec<Caller>,
    /// When it came.
    pub(in super::super) now: UnixMs,
    /// What it sent.
    pub(in super::super) body: Bytes,
    head: Parts,
    params: Vec<(String, String)>,
    begun: Option<(Cookie, SessionSecret)>,
}

impl Call {
    /// Finds out who asks.
    ///
    /// # Errors
    /// That the store can't be asked.
    pub(super) async fn new(
        site: Site,
        peer: Peer,
        keys: Keys,
        head: Parts,
        params: &RawPathParams,
    ) -> Result<Self, Problem> {
        let params = params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut call = Self {
            site,
            peer,
            keys,
            callers: Vec::new(),
            now: unix_now(),
            body: Bytes::new(),
            head,
            params,
            begun: None,
        };
        let asked = call.keys.iter().map(|key| (key, About::Nobody)).collect();
        let facts = call.directory()?.facts_of(asked).await?;
        call.callers = facts.into_iter().map(|facts| facts.caller).collect();
        Ok(call)
    }

    /// What is kept of people.
    ///
    /// # Errors
    /// That nothing is.
    pub(in super::super) fn directory(&self) -> Result<Directory<'_>, Problem> {
        let nothing = || Problem::new(ErrorWord::NotFounded, "This server keeps no accounts.");
        self.site.gate.directory().ok_or_else(nothing)
    }

    pub(in super::super) const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The body, as JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(in super::super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // Where in the text it is wrong says nothing to a person.
            let said = error.to_string();
            let what = said.split(" at line ").next().unwrap_or_default();
            let message = format!("This request can't be understood: {what}.");
            Problem::new(ErrorWord::Invalid, message)
        })
    }

    /// What the path names at `{name}`.
    ///
    /// # Errors
    /// Like what is not there.
    pub(in super::super) fn named<T: InPath>(&self, name: &str) -> Result<T, Problem> {
        let raw = self.params.iter().find(|(known, _)| known == name);
        raw.and_then(|(_, raw)| T::read(raw))
            .ok_or_else(|| Problem::of(ErrorWord::NotFound))
    }

    /// What the query says at `name`, if it does.
    ///
    /// # Errors
    /// That it can't be understood.
    pub(in super::super) fn asked<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(raw) = query(&self.head.uri, name) else {
            return Ok(None);
        };
        let wrong = || {
            let message = format!("What stands after {name}= can't be understood.");
            Problem::new(ErrorWord::Invalid, message)
        };
        read(raw).map(Some).ok_or_else(wrong)
    }

    /// Makes sure that somebody has this page: asked for by a program whose token names a space, one that nobody has would
    /// come to life there.
    ///
    /// # Errors
    /// That it is not there.
    pub(in super::super) async fn is_there(&self, doc: &DocName) -> Result<(), Problem> {
        let is_local = self.callers.iter().any(|caller| caller.who == Who::Local);
        if is_local || self.directory()?.belonging(doc).await?.is_some() {
            return Ok(());
        }
        Err(Problem::of(ErrorWord::NotFound))
    }

    /// Asks whoever is nobody, or nobody any more, to sign in.
    ///
    /// # Errors
    /// That.
    pub(super) fn needs_someone(&self) -> Result<(), Problem> {
        let mut callers = self.callers.iter();
        if callers.any(|caller| caller.who.is_in_use(self.now)) {
            Ok(())
        } else {
            Err(Problem::of(ErrorWord::SignedOut))
        }
    }

    /// Whether somebody is anyone now.
    pub(in super::super) fn is_living(&self, caller: &Caller) -> bool {
        caller.who.is_in_use(self.now)
    }

    /// Refuses an end that is past already.
    ///
    /// # Errors
    /// That.
    pub(in super::super) fn is_to_come(&self, ends: Option<UnixMs>) -> Result<(), Problem> {
        if ends.is_some_and(|ends| ends <= self.now) {
            let message = "What ends must end at some time to come.";
            return Err(Problem::new(ErrorWord::Invalid, message));
        }
        Ok(())
    }

    /// The first that is somebody.
    pub(in super::super) fn caller(&self) -> Option<&Caller> {
        let mut callers = self.callers.iter();
        callers.find(|caller| caller.who.is_in_use(self.now))
    }

    /// Who asks, with an account, in person.
    ///
    /// # Errors
    /// That it is somebody else.
    pub(in super::super) fn person(&self) -> Result<(&Caller, &Person), Problem> {
        let mut is_local = false;
        for caller in &self.callers {
            match &caller.who {
                Who::Person(person) if caller.who.is_in_use(self.now) => {
                    return Ok((caller, person));
                }
                Who::Local => is_local = true,
                _ => {}
            }
        }
        Err(if is_local {
            Problem::of(ErrorWord::NotFounded)
        } else {
            let message = "Only somebody with an account can do that, in person.";
            Problem::new(ErrorWord::Forbidden, message)
        })
    }

    /// On whose behalf this is done.
    pub(in super::super) fn by(&self) -> By {
        let person = self.callers.iter().find_map(|caller| {
            let user = caller
                .who
                .user()
                .filter(|_| caller.who.is_in_use(self.now))?;
            Some(Actor::Person(user, caller.name.clone()?))
        });
        self.done_by(person.unwrap_or(Actor::Operator))
    }

    /// The same, for somebody who has no account yet.
    pub(in super::super) fn by_newcomer(&self, name: &Name) -> By {
        self.done_by(Actor::Newcomer(name.clone()))
    }

    /// On behalf of `actor`, from where this came.
    pub(in super::super) const fn done_by(&self, actor: Actor) -> By {
        By {
            actor,
            address: Some(self.peer.address),
            at: self.now,
        }
    }

    /// What the browser says of itself.
    pub(in super::super) fn agent(&self) -> String {
        let said = self.headers().get(header::USER_AGENT);
        let said = said.and_then(|said| said.to_str().ok());
        said.unwrap_or_default().to_owned()
    }

    /// From now on the browser has this session, and not the one it came with.
    pub(in super::super) fn replace_session(&mut self, cookie: Cookie, secret: SessionSecret) {
        self.begun = Some((cookie, secret));
    }

    /// The secret in one of the cookies.
    pub(in super::super) fn session(&self, cookie: Cookie) -> Option<SessionSecret> {
        if let Some((_, begun)) = self.begun.as_ref().filter(|(which, _)| *which == cookie) {
            return Some(begun.clone());
        }
        SessionSecret::parse(cookie.of(self.headers())?).ok()
    }

    /// Notes that the sessions it came by are used, if that is due, and answers the cookies that last as long again.
    pub(super) async fn touch(&self) -> Vec<HeaderValue> {
        let mut cookies = Vec::new();
        let Some(directory) = self.site.gate.directory() else {
            return cookies;
        };
        let token = bearer(self.headers()).and_then(|it| TokenSecret::parse(it.trim()).ok());
        if let Some(token) = token {
            if self.site.known.is_due(Key::from(&token), self.now) {
                let touched = directory.touch_token(&token, self.now).await;
                touched.unwrap_or_else(|_| tracing::debug!("The use of a token was not noted"));
            }
            return cookies;
        }
        for cookie in [Cookie::Person, Cookie::Guest] {
            let Some(secret) = self.session(cookie) else {
                continue;
            };
            if !self.site.known.is_due(Key::from(&secret), self.now) {
                continue;
            }
            // Whoever can't note it now does so the next time.
            if let Ok(true) = directory.touch_session(&secret, self.now).await {
                let kept = cookie.keep(&secret.reveal(), self.peer.line, SESSION_MS / 1_000);
                cookies.extend(kept);
            }
        }
        cookies
    }
}
