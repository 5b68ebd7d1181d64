//! What those see and do who look after people and the installation.

use super::me::Office;
use super::{answers, requests};
use crate::ids::{SpaceId, UserId};
use crate::people::{Colour, Email, Name};
use crate::time::UnixMs;

requests! {
    /// `POST /api/admin/people/{id}/disable` and `DELETE /api/admin/people/{id}`
    pub struct LetGo {
        /// Whether the links they made go on.
        pub keep_links: bool,
    }

    /// `POST /api/admin/people/{id}/office`
    pub struct SetOffice {
        /// What they shall be to the installation.
        pub office: Office,
    }

    /// `POST /api/admin/people/{id}/confirm`
    pub struct ConfirmAddress {
        /// The address that is theirs: it must be the one that the account has.
        pub email: Email,
    }

    /// `POST /api/admin/spaces/{id}/give`
    pub struct GiveSpace {
        /// Who shall own it.
        pub to: UserId,
    }
}

answers! {
    /// An account.
    pub struct Person {
        /// Whose.
        pub id: UserId,
        /// What they are called.
        pub name: Name,
        /// By what they sign in.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub email: Option<Email>,
        /// Their caret's colour.
        pub colour: Colour,
        /// What they are to the installation.
        pub office: Office,
        /// Whether the account is out of use.
        pub disabled: bool,
        /// When it was made.
        pub created: UnixMs,
        /// Whether it is known that the address is theirs, so that it is enough to come in by an account elsewhere.
        pub confirmed: bool,
    }

    /// A space, as those see it who look after the installation: nothing of what is in it.
    pub struct AnySpace {
        /// Its id.
        pub id: SpaceId,
        /// What it is called.
        pub name: Name,
        /// Whose private space it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub private_of: Option<UserId>,
        /// When it was made.
        pub created: UnixMs,
        /// When it was deleted.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub deleted: Option<UnixMs>,
        /// Whether nobody decides about it any more, so that it can be given to somebody.
        pub orphaned: bool,
    }

    /// The installation.
    pub struct House {
        /// The release of the server that answers.
        pub version: String,
        /// Accounts that are not deleted.
        pub people: u64,
        /// Spaces that are not deleted.
        pub spaces: u64,
        /// Documents, trees among them.
        pub documents: u64,
        /// Bytes that documents take in the store, about.
        pub storage_bytes: u64,
        /// Servers that are there.
        pub servers: u64,
        /// Whether mail can be sent.
        pub mail: bool,
        /// Whether one can sign in by an account elsewhere.
        pub oidc: bool,
    }

    /// A line of the record of who did what.
    pub struct AuditLine {
        /// Its place; later lines have greater ones.
        pub id: u64,
        /// When.
        pub at: UnixMs,
        /// Who, if they had an account.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub by: Option<UserId>,
        /// What they were called then.
        pub by_name: String,
        /// What: a word like `space.renamed`.
        pub deed: String,
        /// To what: a kind and an id, like `space:…`.
        pub thing: String,
        /// What else there is to say: a name, a role.
        pub detail: String,
        /// From where; empty if not over the network.
        pub address: String,
    }
}
