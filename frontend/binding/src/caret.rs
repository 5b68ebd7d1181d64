//! Selections that survive the edits of others, and how they travel: `{"anchor": …, "head": …}` with the relative
//! positions of the Yjs family, as editors on other programs write and read them.

use sheaf_shared::flow::anchor::Anchor;
use sheaf_shared::json::{self, Object};
use sheaf_shared::replica::Replica;

/// A selection by what it stands between.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AnchoredSelection {
    anchor: Anchor,
    head: Anchor,
}

impl AnchoredSelection {
    pub(crate) const fn new(anchor: Anchor, head: Anchor) -> Self {
        Self { anchor, head }
    }

    /// Where the two ends stand now, if what they were fixed to is known here.
    pub(crate) fn offsets(&self, replica: &Replica) -> Option<(u32, u32)> {
        Some((self.anchor.resolve(replica)?, self.head.resolve(replica)?))
    }

    pub(crate) fn to_json(&self) -> String {
        let mut out = String::new();
        let mut pair = Object::begin(&mut out);
        self.anchor.put_json(pair.key("anchor"));
        self.head.put_json(pair.key("head"));
        pair.end();
        out
    }

    /// Reads what any program of the family wrote. `None` if it is no selection in a page's body.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        let value = json::read(json)?;
        Some(Self {
            anchor: Anchor::from_json(json::field(&value, "anchor"))?,
            head: Anchor::from_json(json::field(&value, "head"))?,
        })
    }
}
