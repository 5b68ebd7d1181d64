//! Share links.

use super::{Password, Secret, answers, requests, words};
use crate::ids::{DocName, LinkId, UserId};
use crate::time::UnixMs;

words! {
    /// What a link allows.
    Lets {
        /// To read.
        View,
        /// To comment, too.
        Comment,
        /// To write, too.
        Edit,
    }
}

requests! {
    /// `POST /api/pages/{page}/links`
    pub struct NewLink {
        /// What it allows.
        pub lets: Lets,
        /// Whether it leads to whatever lies below the page as well.
        pub below: bool,
        /// When it ends; without it: when it is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ends: Option<UnixMs>,
        /// A password to ask for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub password: Option<Password>,
    }

    /// `PATCH /api/links/{id}`: what is not there stays as it is, and `null` takes an end or a password away.
    pub struct ChangeLink {
        /// What it allows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lets: Option<Lets>,
        /// Whether it leads to whatever lies below the page as well.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub below: Option<bool>,
        /// When it ends.
        #[serde(default, deserialize_with = "super::given", skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<UnixMs>))]
        pub ends: Option<Option<UnixMs>>,
        /// The password it asks for.
        #[serde(default, deserialize_with = "super::given", skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Password>))]
        pub password: Option<Option<Password>>,
    }
}

answers! {
    /// A share link, as those see it who may share the page.
    pub struct Link {
        /// Its id.
        pub id: LinkId,
        /// The document it leads to.
        pub page: DocName,
        /// What it allows.
        pub lets: Lets,
        /// Whether it leads to whatever lies below the page as well.
        pub below: bool,
        /// Whether it asks for a password.
        pub has_password: bool,
        /// When it ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ends: Option<UnixMs>,
        /// Who made it.
        pub made_by: UserId,
        /// When.
        pub created: UnixMs,
        /// `/s/…`, to be joined to the address of the installation: told once, when it was just made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub path: Option<Secret>,
    }

    /// A page that a guest's link leads to.
    pub struct GuestPage {
        /// Its document.
        pub id: DocName,
        /// What it is called.
        pub title: String,
        /// The page it lies below, if the link leads there as well.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub parent: Option<DocName>,
    }
}
