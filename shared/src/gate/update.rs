//! The gate for document updates (V1 encoding).
//!
//! One pass over the bytes, which believes no count before the bytes for it are there. What passes decodes in
//! `yrs` and in Yjs to the same blocks, in memory bounded by the limits. What one update cannot show is judged
//! elsewhere: whether a writer may use a client id (the server's room), and whether something is hung too deep
//! under what the document already holds (the replica).
//!
//! An update is a list of writers, each with its blocks in order of clock, and then the deleted ranges of each
//! writer. A block is a *run* (collected, or skipped: an update merged out of two with a third missing
//! between them), or an *item*: where it belongs, and its content.

mod block;
mod content;
mod inspected;
mod order;
mod parts;
mod tree;

pub use inspected::{Checked, Inspected, Lacks, Run};
use parts::in_strides;
pub use parts::{PartBytes, in_parts};

use std::collections::BTreeMap;

use block::{
    Block, BlockKind, COLLECTED, HAS_ORIGIN, HAS_PARENT_KEY, HAS_RIGHT_ORIGIN, Id, Item,
    NO_SUCH_FLAG, SKIPPED,
};
use inspected::Facts;

use super::writers::Writers;
use super::{OrRefuse, Refusal};
use crate::bytes::Reader;
use crate::ids::ClientId;
use crate::limits::{
    CLOCK_MAX, LIKE_WRITERS_MAX, RUN_CLOCKS_MAX, TREE_DEPTH_MAX, UPDATE_BLOCKS_MAX,
    UPDATE_BYTES_MAX, UPDATE_DELETIONS_MAX, UPDATE_VALUES_MAX, UPDATE_WRITERS_MAX,
};

/// Checks one update.
///
/// # Errors
/// [`Refusal`] when the bytes could hurt the replica that applies them.
pub fn check(update: &[u8]) -> Result<(), Refusal> {
    inspect(update).map(|_| ())
}

/// Checks a state that comes from our own store: it may have grown, in many lawful updates, beyond what one
/// update may be.
///
/// # Errors
/// [`Refusal`] when the bytes could hurt the replica that applies them.
pub fn check_stored(state: &[u8]) -> Result<(), Refusal> {
    inspect_stored(state).map(|_| ())
}

/// [`check_stored`], with what the state holds.
pub(crate) fn inspect_stored(state: &[u8]) -> Result<Inspected<'_>, Refusal> {
    Gate::new(state, &STORED).inspect(state)
}

/// Checks one update and says what is in it.
///
/// # Errors
/// [`Refusal`] when the bytes could hurt the replica that applies them.
pub fn inspect(update: &[u8]) -> Result<Inspected<'_>, Refusal> {
    Gate::new(update, &SENT).inspect(update)
}

/// Like [`inspect`], and says how much work the verdict took: a step is a block, a value or a range looked at.
pub fn inspect_metered(update: &[u8]) -> (Result<Inspected<'_>, Refusal>, u64) {
    let mut gate = Gate::new(update, &SENT);
    let verdict = gate.inspect(update);
    (verdict, gate.tally.steps)
}

/// What was counted so far.
#[derive(Default)]
struct Tally {
    blocks: u32,
    deletions: u32,
    /// Items that can hold others.
    types: u32,
    values: u32,
    steps: u64,
    /// An item stands beside or in another writer's.
    refers_to_others: bool,
    /// Blocks that go on where the one before ends: whoever applies them makes one of both.
    joins: u32,
    /// Of other writers: the clock up to which they must be known.
    needs: BTreeMap<ClientId, u32>,
    /// The need looked at last, which is not among the others yet: references come in flocks.
    last_need: Option<(u64, u32)>,
}

impl Tally {
    fn need(&mut self, client: u64, until: u32) {
        match &mut self.last_need {
            Some((last, enough)) if *last == client => *enough = until.max(*enough),
            _ => {
                self.note_last_need();
                self.last_need = Some((client, until));
            }
        }
    }

    fn note_last_need(&mut self) {
        if let Some((client, until)) = self.last_need.take() {
            let need = self.needs.entry(ClientId(client)).or_insert(0);
            *need = until.max(*need);
        }
    }
}

/// How much there may be.
struct Bounds {
    bytes: usize,
    blocks: u32,
    deletions: u32,
    values: u32,
    writers: usize,
    like_writers: usize,
    run_clocks: u32,
}

const SENT: Bounds = Bounds {
    bytes: UPDATE_BYTES_MAX,
    blocks: UPDATE_BLOCKS_MAX,
    deletions: UPDATE_DELETIONS_MAX,
    values: UPDATE_VALUES_MAX,
    writers: UPDATE_WRITERS_MAX,
    like_writers: LIKE_WRITERS_MAX,
    run_clocks: RUN_CLOCKS_MAX,
};

const STORED: Bounds = Bounds {
    bytes: usize::MAX,
    blocks: u32::MAX,
    deletions: u32::MAX,
    values: u32::MAX,
    writers: usize::MAX,
    like_writers: usize::MAX,
    // Neighbouring runs grow together.
    run_clocks: CLOCK_MAX,
};

struct Gate<'a> {
    reader: Reader<'a>,
    bounds: &'static Bounds,
    tally: Tally,
}

/// Fewest bytes of a writer's list: how many blocks, who, from which clock, and one block.
const WRITER_BYTES_MIN: usize = 3 + BLOCK_BYTES_MIN;
/// Fewest bytes of a block: a collected run.
const BLOCK_BYTES_MIN: usize = 2;
/// Fewest bytes of a writer's deleted ranges: who, how many, and one range.
const DELETED_BYTES_MIN: usize = 2 + RANGE_BYTES_MIN;
/// Fewest bytes of a deleted range: from, and how many.
const RANGE_BYTES_MIN: usize = 2;

impl<'a> Gate<'a> {
    fn new(update: &'a [u8], bounds: &'static Bounds) -> Self {
        Self {
            reader: Reader::new(update),
            bounds,
            tally: Tally::default(),
        }
    }

    fn inspect(&mut self, update: &'a [u8]) -> Result<Inspected<'a>, Refusal> {
        if update.len() > self.bounds.bytes {
            return Err(Refusal::new("the update is too long", 0));
        }
        let mut runs = Vec::new();
        let mut sections = Vec::new();
        self.inserted(&mut runs, &mut sections)?;
        let deleted_at = self.reader.at();
        self.deleted()?;
        if self.reader.left() > 0 {
            return Err(Refusal::here(&self.reader, "bytes are left at the end"));
        }
        // Each level needs an item that holds others, so few of them cannot be deep. One writer's nesting was seen
        // while it was read.
        let types = self.tally.types as usize;
        if types > TREE_DEPTH_MAX && sections.len() > 1 && self.tally.refers_to_others {
            self.tally.steps += tree::check_depth(update, &sections)?;
        }
        self.tally.note_last_need();
        let needs = std::mem::take(&mut self.tally.needs);
        let Tally {
            blocks,
            deletions,
            types,
            joins,
            ..
        } = self.tally;
        let facts = Facts {
            blocks,
            joins,
            deletions,
            types,
            runs,
            sections,
            deleted_at,
            needs,
        };
        Ok(Inspected {
            bytes: update,
            facts,
        })
    }

    /// A count of things that take at least `bytes_each`.
    fn count(&mut self, bytes_each: usize) -> Result<u32, Refusal> {
        let at = self.reader.at();
        let count = self.reader.var_uint().or_refuse(at)?;
        if count > (self.reader.left() / bytes_each) as u64 {
            return Err(Refusal::new("more is claimed than can follow", at));
        }
        u32::try_from(count).map_err(|_| Refusal::new("more is claimed than can follow", at))
    }

    fn inserted(
        &mut self,
        runs: &mut Vec<Run>,
        sections: &mut Vec<Section>,
    ) -> Result<(), Refusal> {
        let mut writers = Writers::new(self.bounds.writers, self.bounds.like_writers);
        for _ in 0..self.count(WRITER_BYTES_MIN)? {
            let mut section = self.section()?;
            writers.add(section.client, self.reader.at())?;
            section.until = self.section_runs(&section, runs)?;
            sections.push(section);
        }
        writers.finish(self.reader.at())
    }

    fn section(&mut self) -> Result<Section, Refusal> {
        let blocks = self.count(BLOCK_BYTES_MIN)?;
        let at = self.reader.at();
        if blocks == 0 {
            return Err(Refusal::new("a writer is listed without a block", at));
        }
        self.tally.blocks = self.tally.blocks.saturating_add(blocks);
        if self.tally.blocks > self.bounds.blocks {
            return Err(Refusal::new("too many blocks", at));
        }
        let client = self.reader.var_uint().or_refuse(at)?;
        let clock = self.clock()?;
        Ok(Section {
            client,
            clock,
            until: clock,
            blocks,
            at: self.reader.at(),
        })
    }

    /// Reads a writer's blocks; gives the clock behind the last.
    fn section_runs(&mut self, section: &Section, runs: &mut Vec<Run>) -> Result<u32, Refusal> {
        let mut depths = tree::Depths::default();
        let mut before = BlockKind::Gap;
        let mut clock = section.clock;
        let mut run_from = clock;
        let client = ClientId(section.client);
        for _ in 0..section.blocks {
            let id = Id {
                client: section.client,
                clock,
            };
            let block = self.block(id)?;
            if section.blocks as usize > TREE_DEPTH_MAX {
                depths.note(id, &block, self.reader.at())?;
            }
            self.tally.joins += u32::from(block.kind.goes_on(&before, id));
            // Both are at most CLOCK_MAX.
            let until = clock + block.clocks;
            if until > CLOCK_MAX {
                return Err(Refusal::here(&self.reader, "a clock is impossibly high"));
            }
            if matches!(block.kind, BlockKind::Gap) {
                if run_from < clock {
                    runs.push(Run {
                        client,
                        from: run_from,
                        until: clock,
                    });
                }
                run_from = until;
            }
            clock = until;
            before = block.kind;
        }
        if run_from < clock {
            runs.push(Run {
                client,
                from: run_from,
                until: clock,
            });
        }
        Ok(clock)
    }

    fn block(&mut self, id: Id) -> Result<Block, Refusal> {
        self.tally.steps += 1;
        let at = self.reader.at();
        let info = self.reader.byte().or_refuse(at)?;
        match info {
            COLLECTED => Ok(Block {
                clocks: self.run_length()?,
                kind: BlockKind::Run,
            }),
            SKIPPED => Ok(Block {
                clocks: self.run_length()?,
                kind: BlockKind::Gap,
            }),
            _ if info & NO_SUCH_FLAG != 0 => Err(Refusal::new("an unknown kind of block", at)),
            _ => self.item(id, info),
        }
    }

    fn item(&mut self, id: Id, info: u8) -> Result<Block, Refusal> {
        let left = if info & HAS_ORIGIN == 0 {
            None
        } else {
            Some(self.id_before(id)?)
        };
        let right = if info & HAS_RIGHT_ORIGIN == 0 {
            None
        } else {
            Some(self.id_before(id)?)
        };
        let parent = if left.is_none() && right.is_none() {
            self.parent(id, info & HAS_PARENT_KEY != 0)?
        } else {
            None
        };
        let clocks = self.content(info & 0x0f)?;
        Ok(Block {
            clocks,
            kind: BlockKind::Item(Item {
                kind: info & 0x0f,
                parent,
                left,
                right,
            }),
        })
    }

    /// Where an item without neighbours belongs: a root by name, or another item.
    fn parent(&mut self, id: Id, has_key: bool) -> Result<Option<Id>, Refusal> {
        let at = self.reader.at();
        // Both libraries read any number but 1 as the second way.
        let parent = if self.reader.var_u32().or_refuse(at)? == 1 {
            self.text()?;
            None
        } else {
            Some(self.id_before(id)?)
        };
        if has_key {
            self.text()?;
        }
        Ok(parent)
    }

    /// The name of something an item stands beside or in. A writer knows it before writing the item.
    fn id_before(&mut self, item: Id) -> Result<Id, Refusal> {
        let at = self.reader.at();
        let client = self.reader.var_uint().or_refuse(at)?;
        let clock = self.clock()?;
        if client == item.client && clock >= item.clock {
            return Err(Refusal::new(
                "a block refers to itself or to a later one",
                at,
            ));
        }
        // A writer's own earlier clocks are known wherever its blocks fit.
        if client != item.client {
            self.tally.need(client, clock + 1);
            self.tally.refers_to_others = true;
        }
        Ok(Id { client, clock })
    }

    fn clock(&mut self) -> Result<u32, Refusal> {
        let at = self.reader.at();
        match self.reader.var_u32().or_refuse(at)? {
            clock if clock <= CLOCK_MAX => Ok(clock),
            _ => Err(Refusal::new("a clock is impossibly high", at)),
        }
    }

    /// How many clocks a block without content stands for.
    fn run_length(&mut self) -> Result<u32, Refusal> {
        self.length(self.bounds.run_clocks)
    }

    fn length(&mut self, most: u32) -> Result<u32, Refusal> {
        let at = self.reader.at();
        match self.reader.var_u32().or_refuse(at)? {
            0 => Err(Refusal::new("a block without length", at)),
            clocks if clocks <= most => Ok(clocks),
            _ => Err(Refusal::new("a run is impossibly long", at)),
        }
    }

    fn text(&mut self) -> Result<&'a str, Refusal> {
        let at = self.reader.at();
        self.reader.text().or_refuse(at)
    }

    fn deleted(&mut self) -> Result<(), Refusal> {
        let mut writers = Writers::new(self.bounds.writers, self.bounds.like_writers);
        for _ in 0..self.count(DELETED_BYTES_MIN)? {
            let at = self.reader.at();
            let client = self.reader.var_uint().or_refuse(at)?;
            writers.add(client, at)?;
            let until = self.deleted_ranges()?;
            self.tally.need(client, until);
        }
        writers.finish(self.reader.at())
    }

    /// Reads one writer's deleted ranges; gives the clock behind the last.
    fn deleted_ranges(&mut self) -> Result<u32, Refusal> {
        let at = self.reader.at();
        let ranges = self.count(RANGE_BYTES_MIN)?;
        if ranges == 0 {
            return Err(Refusal::new(
                "a writer is listed without a deleted range",
                at,
            ));
        }
        self.tally.deletions = self.tally.deletions.saturating_add(ranges);
        if self.tally.deletions > self.bounds.deletions {
            return Err(Refusal::new("too many deleted ranges", at));
        }
        let mut free_from = 0;
        for _ in 0..ranges {
            self.tally.steps += 1;
            let at = self.reader.at();
            let from = self.clock()?;
            // Deleting uses up no clocks, and what was deleted bit by bit is told as one range.
            let until = from + self.length(CLOCK_MAX)?;
            if until > CLOCK_MAX {
                return Err(Refusal::new("a clock is impossibly high", at));
            }
            if from < free_from {
                return Err(Refusal::new(
                    "deleted ranges overlap or are out of order",
                    at,
                ));
            }
            free_from = until;
        }
        Ok(free_from)
    }
}

/// The head of one writer's blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Section {
    client: u64,
    clock: u32,
    /// The clock behind the last block.
    until: u32,
    blocks: u32,
    /// Offset of the first block.
    at: usize,
}

const _: () = assert!(CLOCK_MAX as u64 + CLOCK_MAX as u64 <= u32::MAX as u64);
const _: () = assert!(CLOCK_MAX as u64 + UPDATE_BYTES_MAX as u64 <= u32::MAX as u64);
const _: () = assert!(UPDATE_WRITERS_MAX <= UPDATE_BYTES_MAX / WRITER_BYTES_MIN);
