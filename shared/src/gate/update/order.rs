//! Whether an update's blocks can be taken one after the other, each when all it refers to is there.
//!
//! Honest blocks always can: their writers knew what they referred to. Forged ones may each wait for the other, and
//! would leave holes in the document where they stand.

use std::collections::BTreeMap;

use super::tree::{Node, Tree};
use crate::ids::ClientId;

/// Whether every block of `update`, which passed the gate, finds its place. `clock_of` is as for
/// [`Inspected::is_ready_for`](super::Inspected::is_ready_for).
pub(super) fn can_be_taken(update: &[u8], clock_of: impl Fn(ClientId) -> u32) -> bool {
    let Ok(tree) = Tree::read(update) else {
        return false;
    };
    let mut taking = Taking {
        next: tree.writers.iter().map(|(_, range)| range.start).collect(),
        known: BTreeMap::new(),
        asking: BTreeMap::new(),
        clock_of,
        tree,
    };
    taking.all()
}

struct Taking<F> {
    tree: Tree,
    /// For each writer of the tree, the first block not taken yet.
    next: Vec<usize>,
    /// What was taken: each writer's clock.
    known: BTreeMap<u64, u32>,
    /// Writers whose next block waits for a block of the writer named by the key.
    asking: BTreeMap<u64, Vec<usize>>,
    clock_of: F,
}

impl<F: Fn(ClientId) -> u32> Taking<F> {
    fn all(&mut self) -> bool {
        let mut to_try: Vec<usize> = (0..self.next.len()).rev().collect();
        while let Some(writer) = to_try.pop() {
            let client = self.tree.writers[writer].0;
            let Some(has_moved) = self.take_of(writer) else {
                return false;
            };
            if has_moved {
                to_try.extend(self.asking.remove(&client).unwrap_or_default());
            }
        }
        let mut ends = self.tree.writers.iter().map(|(_, range)| range.end);
        self.next.iter().all(|&next| Some(next) == ends.next())
    }

    /// Takes what can be taken of one writer; says whether that was anything, or none if its next block can never
    /// be taken.
    fn take_of(&mut self, writer: usize) -> Option<bool> {
        let (client, range) = self.tree.writers[writer].clone();
        let from = self.next[writer];
        while self.next[writer] < range.end {
            let node = &self.tree.nodes[self.next[writer]];
            let known = self.known(client);
            let until = node.clock + node.clocks;
            if until > known {
                if node.clock > known || node.is_gap {
                    return None;
                }
                if let Some(missing) = self.missing(client, node) {
                    // Writers are in order.
                    let writers = &self.tree.writers;
                    writers
                        .binary_search_by_key(&missing, |(other, _)| *other)
                        .ok()?;
                    self.asking.entry(missing).or_default().push(writer);
                    break;
                }
                self.known.insert(client, until);
            }
            self.next[writer] += 1;
        }
        Some(self.next[writer] > from)
    }

    /// Another writer, a block of whom `node` refers to, and it is not there.
    fn missing(&self, client: u64, node: &Node) -> Option<u64> {
        let item = node.item?;
        let others = [item.parent, item.left, item.right].into_iter().flatten();
        let mut others = others.filter(|id| id.client != client);
        let missing = others.find(|id| id.clock >= self.known(id.client))?;
        Some(missing.client)
    }

    fn known(&self, client: u64) -> u32 {
        let taken = self.known.get(&client).copied();
        taken.unwrap_or_else(|| (self.clock_of)(ClientId(client)))
    }
}
