//! Pages.

use super::{answers, requests};
use crate::access::Role;
use crate::ids::{PageId, SpaceId};

requests! {
    /// `POST /api/spaces/{id}/pages`
    pub struct MakePage {
        /// What to call it; may be empty.
        #[serde(default)]
        pub title: String,
        /// The page it shall stand under; without it: at the top.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub parent: Option<PageId>,
        /// What it says, as Markdown; without it: nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub markdown: Option<String>,
    }
}

answers! {
    /// A page in a list, or one that was just made. A list is in the order of the tree, from top to bottom.
    pub struct Page {
        /// Its id.
        pub id: PageId,
        /// What it is called; may be empty.
        pub title: String,
        /// The sign before its title.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub icon: Option<String>,
        /// The page it stands under; without it: at the top.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub parent: Option<PageId>,
    }

    /// `GET /api/pages/{page}`
    pub struct PageFacts {
        /// Its id.
        pub id: PageId,
        /// What it is called; may be empty.
        pub title: String,
        /// The sign before its title.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub icon: Option<String>,
        /// The page it stands under, if it does and who asks may know.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub parent: Option<PageId>,
        /// Where it lies.
        pub space: SpaceId,
        /// What who asks may there.
        pub role: Role,
    }

    /// `PUT /api/pages/{page}/content`
    pub struct PageWritten {
        /// Whether it said anything else before.
        pub changed: bool,
    }
}
