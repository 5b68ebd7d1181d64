//! How deep an update nests shared types, as far as it shows.
//!
//! An item belongs to the parent it names or, if it has neighbours, to theirs. One writer's own nesting shows while its
//! blocks are read, and is refused there and then. Where several writers build on each other, the blocks are walked
//! once more, each after those it refers to, so that its depth follows from what is known. Nothing is kept of a block but
//! its depth, and of neighbours at the same depth only the first.

use super::order::{LeftOut, Walk};
use super::{Block, BlockKind, Id, Item, Refusal, Section};
use crate::limits::TREE_DEPTH_MAX;

const TOO_DEEP: &str = "shared types are nested too deep";

/// How many items are around each block of one writer: the clocks at which that changes, and to what. 0 before the first.
#[derive(Default)]
pub(super) struct Depths(Vec<(u32, u32)>);

impl Depths {
    fn at(&self, clock: u32) -> u32 {
        match self.0.last() {
            None => 0,
            // Most of what is written stands beside what was written just before.
            Some((from, depth)) if *from <= clock => *depth,
            Some(_) => {
                let behind = self.0.partition_point(|(from, _)| *from <= clock);
                behind.checked_sub(1).map_or(0, |last| self.0[last].1)
            }
        }
    }

    fn put(&mut self, clock: u32, depth: u32) {
        if self.0.last().map_or(0, |(_, last)| *last) != depth {
            self.0.push((clock, depth));
        }
    }

    /// Notes the next block of one writer, as if whatever other writers wrote were at the top. Refuses it if it is
    /// [`TREE_DEPTH_MAX`] deep even so; `at` is where it ends.
    pub(super) fn note(&mut self, id: Id, block: &Block, at: usize) -> Result<(), Refusal> {
        let depth = match &block.kind {
            BlockKind::Run | BlockKind::Gap => 0,
            BlockKind::Item(item) => depth_of(item, |other| {
                if other.client == id.client {
                    self.at(other.clock)
                } else {
                    0
                }
            }),
        };
        self.put(id.clock, depth);
        allowed(depth, at)
    }
}

/// How deep an item is, where `depth_at` says it of others. What the update does not bring counts as being at the top.
fn depth_of(item: &Item, depth_at: impl Fn(Id) -> u32) -> u32 {
    let parent = item.parent.map_or(0, |parent| depth_at(parent) + 1);
    let left = item.left.map_or(0, &depth_at);
    let right = item.right.map_or(0, &depth_at);
    parent.max(left).max(right)
}

fn allowed(depth: u32, at: usize) -> Result<(), Refusal> {
    if depth as usize > TREE_DEPTH_MAX {
        return Err(Refusal::new(TOO_DEEP, at));
    }
    Ok(())
}

/// Refuses nesting beyond [`TREE_DEPTH_MAX`] across writers, and items that refer to each other in a circle. What an
/// update hangs under something it does not bring counts from there. Gives the steps it took.
///
/// `update` has been read whole and is sound.
pub(super) fn check_depth(update: &[u8], sections: &[Section]) -> Result<u64, Refusal> {
    let known = |_| u32::MAX;
    let mut walk = Walk::new(update, sections, known, LeftOut::Known);
    let mut depths: Vec<Depths> = Vec::new();
    depths.resize_with(walk.writers(), Depths::default);
    while let Some((taken, block)) = walk.next_block() {
        let depth_at = |other: Id| {
            let writer = walk.writer_of(other);
            writer.map_or(0, |writer| depths[writer].at(other.clock))
        };
        let depth = match &block.kind {
            BlockKind::Run | BlockKind::Gap => 0,
            BlockKind::Item(item) => depth_of(item, depth_at),
        };
        allowed(depth, taken.bytes.start)?;
        if let Some(writer) = walk.writer_of(taken.id) {
            depths[writer].put(taken.id.clock, depth);
        }
    }
    if !walk.is_through() {
        return Err(Refusal::new("blocks refer to each other in a circle", 0));
    }
    Ok(walk.steps())
}
