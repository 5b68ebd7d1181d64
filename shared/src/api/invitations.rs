//! Invitations to make an account.

use super::me::Office;
use super::{Secret, answers, requests};
use crate::access::Role;
use crate::ids::{InvitationId, SpaceId, UserId};
use crate::people::Email;
use crate::time::UnixMs;

requests! {
    /// `POST /api/invitations`
    pub struct NewInvitation {
        /// What the account will be to the installation.
        pub office: Office,
        /// A space it will be a member of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub space: Option<SpaceId>,
        /// As what; `editor` if a space is named and this is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
        /// The address it will have; without it: whatever is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub email: Option<Email>,
        /// When the invitation ends; without it: in seven days. At most in thirty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ends: Option<UnixMs>,
    }
}

answers! {
    /// An invitation that can still be used.
    pub struct Invitation {
        /// Its id.
        pub id: InvitationId,
        /// What the account will be to the installation.
        pub office: Office,
        /// A space it will be a member of.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub space: Option<SpaceId>,
        /// As what.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub role: Option<Role>,
        /// The address it will have.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub email: Option<Email>,
        /// Who made it; none if whoever runs the server did.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub made_by: Option<UserId>,
        /// When.
        pub created: UnixMs,
        /// When it ends.
        pub ends: UnixMs,
    }

    /// A way in that was just made.
    pub struct MadePath {
        /// `/join/…` or `/reset/…`, to be joined to the address of the installation: told this once.
        pub path: Secret,
        /// The id of the invitation.
        pub id: InvitationId,
        /// When it ends.
        pub ends: UnixMs,
        /// Whether a letter with it was sent.
        #[serde(default)]
        pub mailed: bool,
    }
}
