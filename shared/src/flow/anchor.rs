//! Positions that survive edits of others: carets, comments.
//!
//! An anchor sticks to a character, not to a number: to the one on its right, or to the one on its left. In JSON it
//! is a Yjs relative position, so that carets of other editors show here and ours there. What arrives is read
//! leniently: one odd anchor costs one caret, nothing more.

use yrs::{
    Any, Assoc, BranchID, ClientID, ID, IndexScope, IndexedSequence, Number, ReadTxn, StickyIndex,
    Text,
};

use super::CONTENT;
use crate::json::{self, Object};
use crate::replica::Replica;

/// Highest client id that every Yjs client can hold.
const CLIENT_MAX: u64 = (1 << 53) - 1;
/// Longest name of a root, in bytes.
const ROOT_NAME_BYTES_MAX: usize = 255;

/// Which neighbour an anchor goes with when something is inserted right at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stick {
    /// Stays before the character on its right: text inserted here comes before it. At the end, it stays at the end.
    Right,
    /// Stays behind the character on its left: text inserted here comes after it. At the start, it stays at the start.
    Left,
}

/// A position in a page's body that survives edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor(StickyIndex);

impl Anchor {
    /// An anchor at `offset` (UTF-16 units, cut to the page's end).
    #[must_use]
    pub fn at(replica: &Replica, offset: u32, stick: Stick) -> Self {
        let assoc = match stick {
            Stick::Right => Assoc::After,
            Stick::Left => Assoc::Before,
        };
        let txn = replica.read();
        let sticky = txn.get_text(CONTENT).and_then(|text| {
            // At the end there is no character on the right, and yrs gives none: the anchor is the text's own end.
            text.sticky_index(&txn, offset.min(text.len(&txn)), assoc)
        });
        Self(sticky.unwrap_or_else(|| StickyIndex::new(IndexScope::Root(CONTENT.into()), assoc)))
    }

    /// An anchor that sticks to the last unit `replica` wrote itself; `None` if it wrote nothing. Found at once, where
    /// [`at`](Self::at) walks over the page.
    #[must_use]
    pub fn behind_last_written(replica: &Replica) -> Option<Self> {
        let clock = replica.own_clock().checked_sub(1)?;
        let unit = ID::new(ClientID::new(u64::from(replica.id().0)), clock);
        let scope = IndexScope::Relative(unit);
        Some(Self(StickyIndex::new(scope, Assoc::Before)))
    }

    /// Where it is now, in UTF-16 units from the page's start; `None` while what it sticks to has not arrived,
    /// has been forgotten, or is not in the page's body.
    #[must_use]
    pub fn resolve(&self, replica: &Replica) -> Option<u32> {
        let txn = replica.read();
        let offset = match self.0.scope() {
            IndexScope::Root(name) if **name != *CONTENT => return None,
            // The body of an empty page need not be there yet.
            IndexScope::Root(_) if txn.get_text(CONTENT).is_none() => return Some(0),
            _ => self.0.get_offset(&txn)?,
        };
        match offset.branch.id() {
            BranchID::Root(name) if *name == *CONTENT => Some(offset.index),
            BranchID::Root(_) | BranchID::Nested(_) => None,
        }
    }

    /// Writes it behind `out` as a Yjs relative position: `{type, tname, item, assoc}`.
    pub fn put_json(&self, out: &mut String) {
        let (item, branch, name) = match self.0.scope() {
            IndexScope::Relative(item) => (Some(item), None, Some(CONTENT)),
            IndexScope::Nested(branch) => (None, Some(branch), None),
            IndexScope::Root(name) => (None, None, Some(&**name)),
        };
        let assoc = match self.0.assoc {
            Assoc::After => 0,
            Assoc::Before => -1,
        };
        let mut object = Object::begin(out);
        put_id(object.key("type"), branch);
        match name {
            Some(name) => object.text("tname", name),
            None => object.plain("tname", "null"),
        }
        put_id(object.key("item"), item);
        object.plain("assoc", assoc);
        object.end();
    }

    /// Reads a Yjs relative position. Absent keys count as `null`, unknown ones are passed over;
    /// `None` if it names no place.
    #[must_use]
    pub fn from_json(value: &Any) -> Option<Self> {
        // Yjs takes any number: what is not negative sticks to the right.
        let assoc = match json::field(value, "assoc") {
            Any::Number(Number::Int(..0)) => Assoc::Before,
            Any::Number(Number::Float(assoc)) if *assoc < 0.0 => Assoc::Before,
            _ => Assoc::After,
        };
        let present = |key: &str| match json::field(value, key) {
            Any::Null => None,
            field => Some(field),
        };
        let scope = if let Some(item) = present("item") {
            IndexScope::Relative(read_id(item)?)
        } else if let Some(name) = present("tname") {
            let name = json::text(name).filter(|name| name.len() <= ROOT_NAME_BYTES_MAX)?;
            IndexScope::Root(name.into())
        } else {
            IndexScope::Nested(read_id(present("type")?)?)
        };
        Some(Self(StickyIndex::new(scope, assoc)))
    }
}

fn put_id(out: &mut String, id: Option<&ID>) {
    let Some(id) = id else {
        return out.push_str("null");
    };
    let mut object = Object::begin(out);
    object.plain("client", id.client.get());
    object.plain("clock", id.clock);
    object.end();
}

fn read_id(value: &Any) -> Option<ID> {
    let client = json::whole(json::field(value, "client")).filter(|it| *it <= CLIENT_MAX)?;
    let clock = json::whole_u32(json::field(value, "clock"))?;
    Some(ID::new(ClientID::new(client), clock))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::apply_delta;
    use crate::flow::delta::DeltaOp;
    use crate::ids::ReplicaId;
    use crate::replica::Origin;
    use serde_json::{Value, json};

    fn page(text: &str) -> Replica {
        let mut replica = Replica::new(ReplicaId(1));
        apply_delta(&mut replica, Origin::Local, &[DeltaOp::text(text)]).unwrap();
        replica
    }

    fn edit(replica: &mut Replica, ops: &[DeltaOp]) {
        apply_delta(replica, Origin::Local, ops).unwrap();
    }

    #[test]
    fn an_anchor_stays_with_its_neighbour_when_text_comes_and_goes() {
        let mut replica = page("a🎉b\ncd");
        let right = Anchor::at(&replica, 3, Stick::Right);
        let left = Anchor::at(&replica, 3, Stick::Left);
        edit(&mut replica, &[DeltaOp::skip(3), DeltaOp::text("xy")]);
        assert_eq!(right.resolve(&replica), Some(5));
        assert_eq!(left.resolve(&replica), Some(3));
        edit(&mut replica, &[DeltaOp::text("0")]);
        assert_eq!(right.resolve(&replica), Some(6));
        edit(&mut replica, &[DeltaOp::skip(4), DeltaOp::Delete(3)]);
        assert_eq!(right.resolve(&replica), Some(4));
        assert_eq!(left.resolve(&replica), Some(4));
    }

    #[test]
    fn every_offset_anchors_and_resolves_to_itself() {
        let mut replica = page("ab\n🎉\n");
        edit(
            &mut replica,
            &[DeltaOp::skip(1), DeltaOp::embed("image", "/a")],
        );
        for offset in 0..=7 {
            for stick in [Stick::Right, Stick::Left] {
                let anchor = Anchor::at(&replica, offset, stick);
                assert_eq!(anchor.resolve(&replica), Some(offset), "{offset} {stick:?}");
                let mut json = String::new();
                anchor.put_json(&mut json);
                let read = Anchor::from_json(&json::read(&json).unwrap()).unwrap();
                assert_eq!(read.resolve(&replica), Some(offset), "{json}");
            }
        }
        assert_eq!(
            Anchor::at(&replica, 99, Stick::Right).resolve(&replica),
            Some(7)
        );
    }

    #[test]
    fn behind_what_was_just_typed_an_anchor_is_the_one_that_a_walk_finds() {
        let mut replica = page("one\ntwo");
        for (at, typed) in [(3, "x"), (4, "🎉"), (0, "ab")] {
            edit(&mut replica, &[DeltaOp::skip(at), DeltaOp::text(typed)]);
            let behind = at + crate::flow::delta::utf16_length(typed);
            assert_eq!(
                Anchor::behind_last_written(&replica),
                Some(Anchor::at(&replica, behind, Stick::Left))
            );
        }
        assert_eq!(
            Anchor::behind_last_written(&Replica::new(ReplicaId(9))),
            None
        );
    }

    #[test]
    fn anchors_at_the_ends_stay_at_the_ends() {
        let mut replica = Replica::new(ReplicaId(1));
        let end = Anchor::at(&replica, 0, Stick::Right);
        let start = Anchor::at(&replica, 0, Stick::Left);
        assert_eq!(
            (start.resolve(&replica), end.resolve(&replica)),
            (Some(0), Some(0))
        );
        edit(&mut replica, &[DeltaOp::text("abc")]);
        assert_eq!(
            (start.resolve(&replica), end.resolve(&replica)),
            (Some(0), Some(3))
        );
    }

    #[test]
    fn an_anchor_to_what_has_not_arrived_resolves_once_it_has() {
        let here = page("abc");
        let mut there = Replica::new(ReplicaId(2));
        let anchor = Anchor::at(&here, 1, Stick::Right);
        assert_eq!(anchor.resolve(&there), None);
        there.apply(&here.encode(), Origin::Remote).unwrap();
        assert_eq!(anchor.resolve(&there), Some(1));
    }

    #[test]
    fn positions_of_other_programs_are_read_as_far_as_they_name_a_place() {
        let replica = page("abc");
        let resolve = |json: Value| {
            let json = crate::json::read(&json.to_string())?;
            Anchor::from_json(&json)?.resolve(&replica)
        };
        let item = json!({ "client": 1, "clock": 2 });
        assert_eq!(resolve(json!({ "item": item })), Some(2));
        assert_eq!(
            resolve(json!({ "item": item, "assoc": -1, "extra": {} })),
            Some(3)
        );
        assert_eq!(
            resolve(json!({ "item": item, "assoc": 7, "tname": "content" })),
            Some(2)
        );
        assert_eq!(
            resolve(json!({ "tname": "content", "item": null, "type": null })),
            Some(3)
        );
        for nowhere in [
            json!(null),
            json!(3),
            json!([]),
            json!({}),
            json!({ "item": 3 }),
            json!({ "item": { "client": -1, "clock": 0 } }),
            json!({ "item": { "client": u64::MAX, "clock": 0 } }),
            json!({ "item": { "client": 1, "clock": 99 } }),
            json!({ "item": { "client": 1, "clock": u64::MAX } }),
            json!({ "item": { "client": 9, "clock": 0 } }),
            json!({ "tname": "elsewhere" }),
            json!({ "tname": "x".repeat(9999) }),
            json!({ "type": { "client": 1, "clock": 0 } }),
        ] {
            assert_eq!(resolve(nowhere.clone()), None, "{nowhere}");
        }
    }
}
