//! Spaces and their members.

use super::{answers, requests};
use crate::access::Role;
use crate::ids::{SpaceId, UserId};
use crate::people::{Colour, Name};
use crate::time::UnixMs;

requests! {
    /// `POST /api/spaces` and `PATCH /api/spaces/{id}`
    pub struct NameSpace {
        /// What to call it.
        pub name: Name,
    }

    /// `PUT /api/spaces/{id}/members/{user}`
    pub struct SetMember {
        /// What they may there.
        pub role: Role,
    }
}

answers! {
    /// A space.
    pub struct Space {
        /// Its id.
        pub id: SpaceId,
        /// What it is called.
        pub name: Name,
        /// What who asks may there.
        pub role: Role,
        /// Whether it is one person's alone.
        pub private: bool,
        /// When it was made.
        pub created: UnixMs,
    }

    /// A member of a space.
    pub struct Member {
        /// Who.
        pub id: UserId,
        /// What they are called.
        pub name: Name,
        /// Their caret's colour.
        pub colour: Colour,
        /// What they may.
        pub role: Role,
        /// Whether their account is out of use.
        pub disabled: bool,
        /// Since when they are a member.
        pub since: UnixMs,
    }

    /// Somebody one could make a member.
    pub struct PersonName {
        /// Who.
        pub id: UserId,
        /// What they are called.
        pub name: Name,
        /// Their caret's colour.
        pub colour: Colour,
    }
}
