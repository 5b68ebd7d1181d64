//! A block of an update, as far as the gate looks at it: how long it is, and where it belongs.

use super::content::{ANY, DELETED, STRING};

/// The whole first byte of a block that was collected.
pub(super) const COLLECTED: u8 = 0;
/// The whole first byte of a block that is skipped.
pub(super) const SKIPPED: u8 = 10;
pub(super) const HAS_ORIGIN: u8 = 0x80;
pub(super) const HAS_RIGHT_ORIGIN: u8 = 0x40;
pub(super) const HAS_PARENT_KEY: u8 = 0x20;
/// A bit of the first byte that Yjs reads as part of the kind, `yrs` doesn't, and nobody writes.
pub(super) const NO_SUCH_FLAG: u8 = 0x10;

/// Names one inserted unit: its writer and its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) client: u64,
    pub(super) clock: u32,
}

/// A block, as far as its place in the tree matters.
pub(super) struct Block {
    pub(super) clocks: u32,
    pub(super) kind: BlockKind,
}

pub(super) enum BlockKind {
    Run,
    Gap,
    Item(Item),
}

impl BlockKind {
    /// Whether a replica makes one block of this, at `id`, and the one `before` it.
    pub(super) fn goes_on(&self, before: &Self, id: Id) -> bool {
        match (before, self) {
            (Self::Run, Self::Run) => true,
            (Self::Item(before), Self::Item(item)) => {
                let last = id.clock.checked_sub(1).map(|clock| Id { clock, ..id });
                let joins = matches!(item.kind, DELETED | STRING | ANY);
                joins && item.kind == before.kind && item.left == last && item.right == before.right
            }
            _ => false,
        }
    }
}

/// Where an item belongs. Neighbours are of the same parent; none of the three: directly in a root.
#[derive(Clone, Copy)]
pub(super) struct Item {
    /// Of its content.
    pub(super) kind: u8,
    pub(super) parent: Option<Id>,
    pub(super) left: Option<Id>,
    pub(super) right: Option<Id>,
}
