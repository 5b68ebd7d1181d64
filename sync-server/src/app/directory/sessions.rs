//! Sessions: who came in by which browser, and until when. Those of guests are of the same kind, so that one mechanism ends
//! both.

use sheaf_shared::ids::{LinkId, SessionId, UserId};
use sheaf_shared::people::Name;
use sheaf_shared::time::UnixMs;

use super::audit::{Deed, Thing, address_text};
use super::cells::values;
use super::change::Change;
use super::secret::{PasswordHash, SecretHash, SessionSecret};
use super::{By, Directory, LIST_MAX, Undone, Whose};
use crate::ports::StorageFault;

/// How long, in milliseconds, a session lasts from its last use.
pub const SESSION_MS: u64 = 30 * 24 * 3_600 * 1_000;
/// Shortest pause, in milliseconds, between two notes that a session was used.
pub const SESSION_TOUCH_EVERY_MS: u64 = 5 * 60 * 1_000;
/// The same for sessions by which a socket stays open: nobody waits to see that.
pub const SESSION_HELD_EVERY_MS: u64 = 3_600_000;
const _: () = assert!(SESSION_TOUCH_EVERY_MS * 100 < SESSION_MS);
const _: () = assert!(SESSION_HELD_EVERY_MS * 100 < SESSION_MS);
/// Most sessions that are noted in one transaction.
const HELD_AT_ONCE: usize = 64;

/// Most characters of what a browser says of itself that are kept.
const AGENT_CHARS_MAX: usize = 300;

/// A session to be begun.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Its id, drawn by the caller.
    pub session: SessionId,
    /// What the browser will hold, drawn by the caller.
    pub secret: SessionSecret,
    /// What the browser says of itself; cut to a bounded length.
    pub agent: String,
}

/// By what somebody has shown who they are. It must still be so when the session begins: one that began beside a change
/// of the password would outlive it.
#[derive(Clone, Debug)]
pub enum Shown {
    /// By the password that makes this hash.
    Password(PasswordHash),
    /// By an account elsewhere.
    Identity,
    /// By the secret of an invitation that was used just now, or of a link that takes no password.
    Secret,
}

impl Shown {
    fn password(self) -> Option<PasswordHash> {
        match self {
            Self::Password(password) => Some(password),
            Self::Identity | Self::Secret => None,
        }
    }
}

/// A session, as the one it belongs to sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its id.
    pub session: SessionId,
    /// When it began.
    pub created_at: UnixMs,
    /// When it was used last, give or take [`SESSION_TOUCH_EVERY_MS`].
    pub used_at: UnixMs,
    /// When it ends if it isn't used again.
    pub ends_at: UnixMs,
    /// What the browser said of itself.
    pub agent: String,
    /// From where it began; empty if that is not known.
    pub address: String,
}

/// Why a session was not begun or ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// The account or the link may not be used, or what was shown opens it no more.
    #[error("this opens nothing any more")]
    Refused,
    /// There is no such session of this person.
    #[error("there is no such session")]
    NoSuchSession,
}

impl Directory<'_> {
    /// Begins a session of `user`, who has `shown` that it is them.
    ///
    /// # Errors
    /// [`SessionError::Refused`] if the account is not in use, or has another password by now.
    pub async fn sign_in(
        &self,
        user: UserId,
        shown: Shown,
        new: NewSession,
        by: &By,
    ) -> Result<(), SessionError> {
        Change::in_turn()
            .needs(
                "INSERT INTO session (secret_hash, session_id, person_id, created_ms, used_ms, ends_ms, agent, address)
                 SELECT $1, $2, person_id, $3, $3, $4, $5, $6 FROM person
                 WHERE person_id = $7 AND standing = 0 AND ($8 IS NULL OR password = $8)",
                values![
                    new.secret.hash(),
                    new.session,
                    by.at,
                    ends(by.at),
                    cut(&new.agent),
                    address_text(by.address),
                    user,
                    shown.password(),
                ],
                SessionError::Refused,
            )
            .noted(by, Deed::SignedIn, &Thing::Person(user), "")
            .make(self)
            .await
    }

    /// Begins a session of a guest called `name`, who came by `link` and, if that takes a password, has `shown` it.
    ///
    /// # Errors
    /// [`SessionError::Refused`] if the link was taken back, has ended, or takes another password.
    pub async fn enter_by_link(
        &self,
        link: LinkId,
        name: Name,
        shown: Shown,
        new: NewSession,
        by: &By,
    ) -> Result<(), SessionError> {
        Change::in_turn()
            .needs(
                "INSERT INTO session (secret_hash, session_id, link_id, name, created_ms, used_ms, ends_ms, agent, address)
                 SELECT $1, $2, link_id, $3, $4, $4, $5, $6, $7 FROM share_link
                 WHERE link_id = $8 AND revoked_ms IS NULL AND (ends_ms IS NULL OR ends_ms > $4)
                   AND (password IS NULL OR password = $9)",
                values![
                    new.secret.hash(),
                    new.session,
                    name,
                    by.at,
                    ends(by.at),
                    cut(&new.agent),
                    address_text(by.address),
                    link,
                    shown.password(),
                ],
                SessionError::Refused,
            )
            .make(self)
            .await
    }

    /// Notes that a session is used, at most every [`SESSION_TOUCH_EVERY_MS`], and answers whether that was written: then
    /// it ends [`SESSION_MS`] from `at`. One that is over stays over.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn touch_session(
        &self,
        secret: &SessionSecret,
        at: UnixMs,
    ) -> Result<bool, StorageFault> {
        let due = UnixMs(at.0.saturating_sub(SESSION_TOUCH_EVERY_MS));
        let touched = Change::<SessionError>::beside()
            .needs(
                "UPDATE session SET used_ms = $1, ends_ms = $2
                 WHERE secret_hash = $3 AND used_ms <= $4 AND ends_ms > $1",
                values![at, ends(at), secret.hash(), due],
                SessionError::NoSuchSession,
            )
            .make(self)
            .await;
        match touched {
            Ok(()) => Ok(true),
            Err(SessionError::Undone(Undone::Storage(fault))) => Err(fault),
            Err(_) => Ok(false),
        }
    }

    /// Notes that sessions are used by sockets that stay open: each of which nothing was noted for [`SESSION_HELD_EVERY_MS`]
    /// ends [`SESSION_MS`] from `at`. One that is over stays over, and one that was ended is none. Give them in ascending
    /// order: servers that note the same at once must not wait for each other in a circle.
    ///
    /// # Errors
    /// [`StorageFault`]; some may be noted.
    pub async fn hold_sessions(
        &self,
        sessions: &[SecretHash],
        at: UnixMs,
    ) -> Result<(), StorageFault> {
        let due = UnixMs(at.0.saturating_sub(SESSION_HELD_EVERY_MS));
        for some in sessions.chunks(HELD_AT_ONCE) {
            let mut change = Change::<SessionError>::beside();
            for session in some {
                change = change.also(
                    "UPDATE session SET used_ms = $1, ends_ms = $2
                     WHERE secret_hash = $3 AND used_ms <= $4 AND ends_ms > $1",
                    values![at, ends(at), *session, due],
                );
            }
            let noted = change.make(self).await;
            if let Err(SessionError::Undone(Undone::Storage(fault))) = noted {
                return Err(fault);
            }
        }
        Ok(())
    }

    /// The sessions of a person that are not over, the one used last first; at most [`LIST_MAX`].
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn sessions_of(
        &self,
        whose: impl Into<Whose>,
        now: UnixMs,
    ) -> Result<Vec<SessionRecord>, StorageFault> {
        let Whose { user, .. } = whose.into();
        let sql = "SELECT session_id, created_ms, used_ms, ends_ms, agent, address FROM session
                   WHERE person_id = $1 AND ends_ms > $2 ORDER BY used_ms DESC, session_id LIMIT $3";
        self.list(sql, values![user, now, LIST_MAX], |row| {
            Ok(SessionRecord {
                session: row.need()?,
                created_at: row.need()?,
                used_at: row.need()?,
                ends_at: row.need()?,
                agent: row.need()?,
                address: row.need()?,
            })
        })
        .await
    }

    /// Ends one session of a person.
    ///
    /// # Errors
    /// [`SessionError`]; another person's session is no such session.
    pub async fn end_session(
        &self,
        whose: impl Into<Whose>,
        session: SessionId,
        by: &By,
    ) -> Result<(), SessionError> {
        let Whose { user, decided_at } = whose.into();
        Change::of_rights(decided_at)
            .needs(
                "DELETE FROM session WHERE session_id = $1 AND person_id = $2",
                values![session, user],
                SessionError::NoSuchSession,
            )
            .noted(by, Deed::SessionEnded, &Thing::Session(session), "")
            .make(self)
            .await
    }

    /// Ends the session that `secret` opens, a guest's too.
    ///
    /// # Errors
    /// [`SessionError`]
    pub async fn sign_out(&self, secret: &SessionSecret, by: &By) -> Result<(), SessionError> {
        let change = Change::of_rights(None).needs(
            "DELETE FROM session WHERE secret_hash = $1",
            values![secret.hash()],
            SessionError::NoSuchSession,
        );
        let change = match by.actor.user() {
            Some(user) => change.noted(by, Deed::SessionEnded, &Thing::Person(user), ""),
            None => change,
        };
        change.make(self).await
    }

    /// Ends every session of a person but `keep`.
    ///
    /// # Errors
    /// [`SessionError`]
    pub async fn end_other_sessions(
        &self,
        whose: impl Into<Whose>,
        keep: Option<SessionId>,
        by: &By,
    ) -> Result<(), SessionError> {
        let Whose { user, decided_at } = whose.into();
        Change::of_rights(decided_at)
            .also(
                "DELETE FROM session WHERE person_id = $1 AND ($2 IS NULL OR session_id <> $2)",
                values![user, keep],
            )
            .noted(by, Deed::OtherSessionsEnded, &Thing::Person(user), "")
            .make(self)
            .await
    }

    /// Removes the sessions that are over. Nobody's rights change: they were over.
    ///
    /// # Errors
    /// [`SessionError`]
    pub async fn sweep_sessions(&self, now: UnixMs) -> Result<(), SessionError> {
        Change::beside()
            .also("DELETE FROM session WHERE ends_ms <= $1", values![now])
            .make(self)
            .await
    }
}

const fn ends(at: UnixMs) -> UnixMs {
    UnixMs(at.0.saturating_add(SESSION_MS))
}

fn cut(agent: &str) -> String {
    let shown = agent.chars().filter(|char| !char.is_control());
    shown.take(AGENT_CHARS_MAX).collect()
}
