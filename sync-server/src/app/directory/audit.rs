//! Who did what to whom, when, from where. Lines are written with what they tell of, and never changed.

use std::fmt;
use std::net::IpAddr;

use sheaf_core::access::ReadAudit;
use sheaf_shared::ids::{DocName, InvitationId, LinkId, SessionId, SpaceId, TokenId, UserId};
use sheaf_shared::time::UnixMs;

use super::cells::values;
use super::change::Change;
use super::{By, Directory, Granted, LIST_MAX, Undone};
use crate::ports::StorageFault;

macro_rules! deeds {
    ($($(#[$doc:meta])* $name:ident is $code:literal;)*) => {
        /// What can have been done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Deed { $($(#[$doc])* $name),* }

        impl Deed {
            /// What it is called in the record. Never changes once it was released.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }
        }
    };
}

deeds! {
    /// The first account was made.
    Founded is "house.founded";
    /// An account was made.
    PersonAdded is "person.added";
    /// A name, a colour or an address was changed.
    PersonChanged is "person.changed";
    /// It was said of an address that it is that of who has the account.
    AddressConfirmed is "person.address";
    /// A password was set.
    PasswordSet is "person.password";
    /// An office was given or taken.
    OfficeSet is "person.office";
    /// An account was taken out of use.
    PersonDisabled is "person.disabled";
    /// An account was put to use again.
    PersonEnabled is "person.enabled";
    /// An account was deleted.
    PersonDeleted is "person.deleted";
    /// An account elsewhere was tied to one here.
    IdentityTied is "identity.tied";
    /// It was untied.
    IdentityUntied is "identity.untied";
    /// Somebody signed in.
    SignedIn is "session.started";
    /// Somebody tried to sign in and could not.
    SignInFailed is "session.refused";
    /// A session was ended.
    SessionEnded is "session.ended";
    /// All sessions of a person but one were ended.
    OtherSessionsEnded is "session.others_ended";
    /// A space was made.
    SpaceMade is "space.made";
    /// A space was renamed.
    SpaceRenamed is "space.renamed";
    /// A space was deleted.
    SpaceDeleted is "space.deleted";
    /// A deleted space was brought back.
    SpaceRestored is "space.restored";
    /// A space that nobody decided about any more was given an owner.
    SpaceGiven is "space.given";
    /// Somebody became a member, or got another role.
    MemberSet is "member.set";
    /// Somebody is no member any more.
    MemberGone is "member.gone";
    /// A page went to another space.
    PageMoved is "page.moved";
    /// A link was made.
    LinkMade is "link.made";
    /// A link was changed.
    LinkChanged is "link.changed";
    /// A link was taken back.
    LinkRevoked is "link.revoked";
    /// A token was made.
    TokenMade is "token.made";
    /// A token was taken back.
    TokenRevoked is "token.revoked";
    /// Somebody was invited.
    Invited is "invitation.made";
    /// A link to set a new password was made.
    ResetOffered is "invitation.reset";
    /// An invitation was used.
    InvitationUsed is "invitation.used";
    /// An invitation was taken back.
    InvitationRevoked is "invitation.revoked";
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// The installation.
    House,
    /// An account.
    Person(UserId),
    /// A session.
    Session(SessionId),
    /// A space.
    Space(SpaceId),
    /// A page.
    Document(DocName),
    /// A link.
    Link(LinkId),
    /// A token.
    Token(TokenId),
    /// An invitation.
    Invitation(InvitationId),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::House => f.write_str("house"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::Space(id) => write!(f, "space:{id}"),
            Self::Document(doc) => write!(f, "page:{doc}"),
            Self::Link(id) => write!(f, "link:{id}"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Invitation(id) => write!(f, "invitation:{id}"),
        }
    }
}

/// A place in the record; later lines have greater ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub u64);

/// A line of the record, as it was written then; another release may have known deeds that this one doesn't.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Its place.
    pub id: AuditId,
    /// When.
    pub at: UnixMs,
    /// Who, if they had an account.
    pub by: Option<UserId>,
    /// What they were called then.
    pub by_name: String,
    /// [`Deed::code`]
    pub deed: String,
    /// [`Thing`] as text.
    pub thing: String,
    /// What else there is to say: a name, a role.
    pub detail: String,
    /// From where; empty if not over the network.
    pub address: String,
}

impl Directory<'_> {
    /// At most `limit` lines before `before`, newest first.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn audit_lines(
        &self,
        _may: &Granted<ReadAudit>,
        before: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StorageFault> {
        let sql = "SELECT audit_id, at_ms, by_id, by_name, deed, object, detail, address FROM audit
                   WHERE $1 IS NULL OR audit_id < $1 ORDER BY audit_id DESC LIMIT $2";
        let values = values![before.map(|id| id.0), limit.min(LIST_MAX)];
        self.list(sql, values, |row| {
            Ok(AuditLine {
                id: AuditId(row.need()?),
                at: row.need()?,
                by: row.may()?,
                by_name: row.need()?,
                deed: row.need()?,
                thing: row.need()?,
                detail: row.need()?,
                address: row.need()?,
            })
        })
        .await
    }

    /// Writes a line about a sign-in that failed: the one thing that is worth a line and changes nothing. `detail` is cut
    /// to a bounded length, as a stranger may have chosen it.
    ///
    /// # Errors
    /// [`Undone`]
    pub async fn note_failed_sign_in(&self, by: &By, detail: &str) -> Result<(), Undone> {
        let shown = detail.chars().filter(|char| !char.is_control());
        let detail: String = shown.take(DETAIL_CHARS_MAX).collect();
        Change::<Undone>::beside()
            .noted(by, Deed::SignInFailed, &Thing::House, &detail)
            .make(self)
            .await
    }

    /// Removes lines from before `until`.
    ///
    /// # Errors
    /// [`Undone`]
    pub async fn sweep_audit(&self, until: UnixMs) -> Result<(), Undone> {
        Change::<Undone>::beside()
            .also("DELETE FROM audit WHERE at_ms < $1", values![until])
            .make(self)
            .await
    }
}

/// Most characters that a stranger can write into a line.
const DETAIL_CHARS_MAX: usize = 300;

/// An address as the record and the list of sessions keep it.
pub(super) fn address_text(address: Option<IpAddr>) -> String {
    address.map(|it| it.to_string()).unwrap_or_default()
}
