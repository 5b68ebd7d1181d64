//! An update's blocks in an order in which each finds all it refers to.
//!
//! Honest blocks always have such an order: their writers knew what they referred to. Forged ones may each wait for
//! the other, and would leave holes in the document where they stand.
//!
//! Blocks are read where they lie, so a walk costs a few words a writer, however long the update.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::{Block, BlockKind, Gate, Id, STORED, Section};
use crate::ids::ClientId;
use crate::sorting::sort;

/// A walk over the blocks of an update that passed the gate.
pub(super) struct Walk<'a, F> {
    gate: Gate<'a>,
    /// By writer.
    cursors: Vec<Cursor>,
    /// Writers whose next block may be ready; the last is looked at next.
    to_try: Vec<usize>,
    /// For each writer: who waits for a clock of it, and for which, the lowest first.
    asking: Vec<BinaryHeap<Reverse<(u32, usize)>>>,
    clock_of: F,
    left_out: LeftOut,
}

/// What to make of clocks that stand between or behind a writer's blocks and are not in the update.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LeftOut {
    /// They are known only as far as was said beforehand.
    Lacks,
    /// They are known.
    Known,
}

/// Where the walk stands in one writer's blocks.
#[derive(Clone, Copy)]
struct Cursor {
    client: u64,
    /// Offset of the next block.
    at: usize,
    /// Its clock.
    clock: u32,
    /// The clock behind its last block.
    until: u32,
    /// Blocks not taken yet.
    left: u32,
    /// How many clocks of this writer are there: known before, or taken.
    known: u32,
}

/// A block that was taken.
pub(super) struct Taken {
    /// Its first unit.
    pub(super) id: Id,
    /// How many units it has.
    pub(super) clocks: u32,
    /// How many values it holds.
    pub(super) values: u32,
    /// Where it lies in the update.
    pub(super) bytes: Range<usize>,
}

/// What can be done with a writer's next block.
enum Next {
    /// It is there already.
    Known(Block, usize),
    /// It can be taken.
    Ready(Block, usize),
    /// It waits for this clock of that writer.
    Waits { writer: usize, clock: u32 },
    /// There is none, or it can never be taken.
    Never,
}

impl<'a, F: Fn(ClientId) -> u32> Walk<'a, F> {
    /// `clock_of` says how many clocks of a writer are known beforehand; where what is left out is known, of writers
    /// who are not in the update.
    pub(super) fn new(
        update: &'a [u8],
        sections: &[Section],
        clock_of: F,
        left_out: LeftOut,
    ) -> Self {
        let mut cursors: Vec<Cursor> = sections
            .iter()
            .map(|section| Cursor {
                client: section.client,
                at: section.at,
                clock: section.clock,
                until: section.until,
                left: section.blocks,
                known: match left_out {
                    LeftOut::Lacks => clock_of(ClientId(section.client)),
                    LeftOut::Known => section.clock,
                },
            })
            .collect();
        sort(&mut cursors, |a, b| a.client < b.client);
        Self {
            gate: Gate::new(update, &STORED),
            to_try: (0..cursors.len()).rev().collect(),
            asking: cursors.iter().map(|_| BinaryHeap::new()).collect(),
            cursors,
            clock_of,
            left_out,
        }
    }

    /// How many writers there are.
    pub(super) const fn writers(&self) -> usize {
        self.cursors.len()
    }

    /// Whose this is of the writers, if the update does not end before it.
    pub(super) fn writer_of(&self, id: Id) -> Option<usize> {
        let writer = self.writer(id.client)?;
        (id.clock < self.cursors[writer].until).then_some(writer)
    }

    fn writer(&self, client: u64) -> Option<usize> {
        let cursors = &self.cursors;
        cursors
            .binary_search_by_key(&client, |cursor| cursor.client)
            .ok()
    }

    /// How often it looked at a block.
    pub(super) const fn steps(&self) -> u64 {
        self.gate.tally.steps
    }

    /// Whether every block finds its place.
    pub(super) fn reaches_all(mut self) -> bool {
        while self.next().is_some() {}
        self.is_through()
    }

    /// Whether every block was taken, or was known before.
    pub(super) fn is_through(&self) -> bool {
        self.cursors.iter().all(|cursor| cursor.left == 0)
    }

    /// The next block that can be taken: each writer's in order, as many of one writer in a row as can be.
    pub(super) fn next(&mut self) -> Option<Taken> {
        self.next_block().map(|(taken, _)| taken)
    }

    /// The same, with what it is.
    pub(super) fn next_block(&mut self) -> Option<(Taken, Block)> {
        while let Some(&writer) = self.to_try.last() {
            match self.look_at(writer) {
                Next::Known(block, behind) => {
                    self.step(writer, &block, behind);
                }
                Next::Ready(block, behind) => {
                    let taken = self.step(writer, &block, behind);
                    self.wake(writer);
                    return Some((taken, block));
                }
                Next::Waits { writer: of, clock } => {
                    self.to_try.pop();
                    self.asking[of].push(Reverse((clock, writer)));
                }
                Next::Never => {
                    self.to_try.pop();
                }
            }
        }
        None
    }

    fn look_at(&mut self, writer: usize) -> Next {
        let Cursor {
            client,
            at,
            clock,
            left,
            known,
            ..
        } = self.cursors[writer];
        if left == 0 {
            return Next::Never;
        }
        self.gate.reader.go_to(at);
        self.gate.tally.values = 0;
        let Ok(block) = self.gate.block(Id { client, clock }) else {
            return Next::Never;
        };
        let behind = self.gate.reader.at();
        if clock + block.clocks <= known {
            return Next::Known(block, behind);
        }
        let item = match block.kind {
            BlockKind::Gap if self.left_out == LeftOut::Known => return Next::Ready(block, behind),
            BlockKind::Gap => return Next::Never,
            _ if clock > known => return Next::Never,
            BlockKind::Run => return Next::Ready(block, behind),
            BlockKind::Item(item) => item,
        };
        let others = [item.parent, item.left, item.right].into_iter().flatten();
        for other in others.filter(|other| other.client != client) {
            if let Some(next) = self.missing(other) {
                return next;
            }
        }
        Next::Ready(block, behind)
    }

    /// What to do about `other`, to which a block refers, unless it is there.
    fn missing(&self, other: Id) -> Option<Next> {
        let Some(writer) = self.writer(other.client) else {
            let known = (self.clock_of)(ClientId(other.client));
            return (other.clock >= known).then_some(Next::Never);
        };
        let Cursor { known, until, .. } = self.cursors[writer];
        if other.clock < known {
            return None;
        }
        if other.clock >= until {
            return (self.left_out == LeftOut::Lacks).then_some(Next::Never);
        }
        let clock = other.clock;
        Some(Next::Waits { writer, clock })
    }

    fn step(&mut self, writer: usize, block: &Block, behind: usize) -> Taken {
        let cursor = &mut self.cursors[writer];
        let taken = Taken {
            id: Id {
                client: cursor.client,
                clock: cursor.clock,
            },
            clocks: block.clocks,
            values: self.gate.tally.values,
            bytes: cursor.at..behind,
        };
        cursor.at = behind;
        cursor.clock += block.clocks;
        cursor.left -= 1;
        cursor.known = cursor.clock.max(cursor.known);
        taken
    }

    /// Those who waited for what `writer` now has are tried again, after it.
    fn wake(&mut self, writer: usize) {
        let known = self.cursors[writer].known;
        let asking = &mut self.asking[writer];
        if asking
            .peek()
            .is_none_or(|Reverse((clock, _))| *clock >= known)
        {
            return;
        }
        self.to_try.pop();
        while let Some(Reverse((clock, asker))) = asking.peek()
            && *clock < known
        {
            self.to_try.push(*asker);
            asking.pop();
        }
        self.to_try.push(writer);
    }
}
