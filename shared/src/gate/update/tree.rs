//! How deep an update nests shared types, as far as it shows.
//!
//! An item belongs to the parent it names or, if it has neighbours, to theirs. The items of one update refer to
//! each other across writers in any order, so depths are found by walking, with a stack of our own.

use super::{Block, BlockKind, Gate, Id, Item, Refusal, STORED};
use crate::limits::TREE_DEPTH_MAX;

/// Refuses nesting beyond [`TREE_DEPTH_MAX`], and items that refer to each other in a circle. What an update
/// hangs under something it does not bring counts from there.
///
/// `update` has been read whole and is sound; this reads it once more.
pub(super) fn check_depth(update: &[u8], gate: &mut Gate<'_>) -> Result<(), Refusal> {
    let mut tree = Tree::read(update)?;
    for place in 0..tree.nodes.len() {
        let steps = tree.find_depth(place)?;
        gate.tally.steps += steps;
    }
    Ok(())
}

/// Every block of an update, with what it refers to.
struct Tree {
    /// By writer, then clock.
    writers: Vec<(u64, std::ops::Range<usize>)>,
    nodes: Vec<Node>,
}

struct Node {
    clock: u32,
    clocks: u32,
    item: Option<Item>,
    depth: Depth,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Unknown,
    /// On the stack.
    Asked,
    /// How many items are around it.
    Known(u32),
}

impl Tree {
    fn read(update: &[u8]) -> Result<Self, Refusal> {
        let mut gate = Gate::new(update, &STORED);
        let mut tree = Self {
            writers: Vec::new(),
            nodes: Vec::new(),
        };
        for _ in 0..gate.count(1)? {
            let section = gate.section()?;
            let from = tree.nodes.len();
            let mut clock = section.clock;
            for _ in 0..section.blocks {
                let Block { clocks, kind } = gate.block(Id {
                    client: section.client,
                    clock,
                })?;
                let item = match kind {
                    BlockKind::Item(item) => Some(item),
                    BlockKind::Run | BlockKind::Gap => None,
                };
                tree.nodes.push(Node {
                    clock,
                    clocks,
                    item,
                    depth: Depth::Unknown,
                });
                clock += clocks;
            }
            tree.writers.push((section.client, from..tree.nodes.len()));
        }
        tree.writers.sort_unstable_by_key(|(client, _)| *client);
        Ok(tree)
    }

    /// The node that holds `id`, if the update brings it.
    fn place_of(&self, id: Id) -> Option<usize> {
        let writer = self
            .writers
            .binary_search_by_key(&id.client, |(client, _)| *client)
            .ok()?;
        let range = self.writers[writer].1.clone();
        let behind = self.nodes[range.clone()].partition_point(|node| node.clock <= id.clock);
        let place = range.start + behind.checked_sub(1)?;
        let node = &self.nodes[place];
        (id.clock < node.clock + node.clocks).then_some(place)
    }

    /// Finds the depth of the node at `place` and of all it hangs on; gives the steps it took.
    fn find_depth(&mut self, place: usize) -> Result<u64, Refusal> {
        let mut steps = 0;
        let mut stack = vec![place];
        while let Some(&place) = stack.last() {
            steps += 1;
            if let Depth::Known(_) = self.nodes[place].depth {
                stack.pop();
                continue;
            }
            self.nodes[place].depth = Depth::Asked;
            let before = stack.len();
            if let Some(depth) = self.depth_from_others(place, &mut stack)? {
                self.nodes[place].depth = Depth::Known(depth);
                stack.truncate(before);
                stack.pop();
            }
        }
        Ok(steps)
    }

    /// The depth of the node at `place`, or none, and then what must be known first is on the stack.
    fn depth_from_others(
        &self,
        place: usize,
        stack: &mut Vec<usize>,
    ) -> Result<Option<u32>, Refusal> {
        let Some(item) = self.nodes[place].item else {
            return Ok(Some(0));
        };
        let mut depth = 0;
        let mut is_known = true;
        let others = [(item.parent, 1), (item.left, 0), (item.right, 0)];
        for (id, deeper) in others {
            let Some(id) = id else { continue };
            // What the update does not bring counts as being at the top.
            let of_other = match self
                .place_of(id)
                .map(|place| (place, self.nodes[place].depth))
            {
                None => 0,
                Some((_, Depth::Known(depth))) => depth,
                Some((_, Depth::Asked)) => {
                    return Err(Refusal::new("blocks refer to each other in a circle", 0));
                }
                Some((other, Depth::Unknown)) => {
                    stack.push(other);
                    is_known = false;
                    0
                }
            };
            depth = depth.max(of_other + deeper);
        }
        if depth as usize > TREE_DEPTH_MAX {
            return Err(Refusal::new("shared types are nested too deep", 0));
        }
        Ok(is_known.then_some(depth))
    }
}
