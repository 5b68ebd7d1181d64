//! Plans of concurrent edits: several people write in one page, and what they wrote travels in any order.
//!
//! A plan is data. Running it says what went wrong, and a failing one is shortened until nothing more can be left
//! out, then printed so that it can be pasted into a test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use yrs::undo::UndoManager;
use yrs::{Transact as _, WriteTxn as _};

use super::Chance;
use super::picture::draw;
use crate::flow::block::BlockKind;
use crate::flow::delta::DeltaOp;
use crate::flow::edit::{self, BlockChange};
use crate::flow::marks::Mark;
use crate::flow::{self, Inline};
use crate::ids::ReplicaId;
use crate::replica::{Origin, Replica};

/// What people do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many people; each has a copy of the page.
    pub writers: usize,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One thing that happens. Numbers that are too large wrap around, so that any part of a plan is a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One person edits their own copy.
    Edit(usize, Edit),
    /// One person receives the n-th of the updates made so far, again perhaps, or before others it needs.
    Deliver(usize, usize),
    /// Everybody receives everything.
    Meet,
}

/// An edit; `at` is an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants say what their numbers are")]
pub enum Edit {
    /// Types this many characters that nobody else types.
    Type { at: u32, count: u8 },
    /// Deletes this many units.
    Delete { at: u32, len: u32 },
    /// Cuts the block in two.
    Split { at: u32 },
    /// Joins the block with the next.
    Join { at: u32 },
    /// Makes the block another kind.
    Retype { at: u32, kind: u8 },
    /// Moves the block sideways.
    Indent { at: u32, by: i8 },
    /// Puts the block into a quote, or takes it out.
    Quote { at: u32, on: u8 },
    /// Moves the block to another place.
    Move { at: u32, to: u32 },
    /// Toggles a mark on this many units.
    Format { at: u32, len: u32, mark: u8 },
    /// Takes back the own last edit.
    Undo,
}

/// Names of the kinds of [`Edit`], in the order [`Edit::random`] counts them.
pub const EDIT_NAMES: [&str; 10] = [
    "type", "delete", "split", "join", "retype", "indent", "quote", "move", "format", "undo",
];
/// Which of [`EDIT_NAMES`] is the move.
pub const MOVE: usize = 7;

impl Edit {
    /// A random edit of the `kind`-th kind.
    pub fn random(chance: &mut Chance, kind: usize) -> Self {
        let at = chance.below(1000) as u32;
        let len = 1 + chance.below(9) as u32;
        match kind {
            0 => Self::Type {
                at,
                count: 1 + chance.below(4) as u8,
            },
            1 => Self::Delete { at, len },
            2 => Self::Split { at },
            3 => Self::Join { at },
            4 => Self::Retype {
                at,
                kind: chance.below(8) as u8,
            },
            5 => Self::Indent {
                at,
                by: if chance.coin() { 1 } else { -1 },
            },
            6 => Self::Quote {
                at,
                on: chance.below(2) as u8,
            },
            MOVE => Self::Move {
                at,
                to: chance.below(1000) as u32,
            },
            8 => Self::Format {
                at,
                len,
                mark: chance.below(4) as u8,
            },
            _ => Self::Undo,
        }
    }
}

impl Plan {
    /// A random plan of `steps` steps; `weights` say how often each of [`EDIT_NAMES`] comes.
    pub fn random(chance: &mut Chance, writers: usize, steps: usize, weights: &[u64; 10]) -> Self {
        let steps = (0..steps)
            .map(|_| match chance.weighted(&[12, 8, 1]) {
                0 => {
                    let kind = chance.weighted(weights);
                    Step::Edit(chance.index_below(writers), Edit::random(chance, kind))
                }
                1 => Step::Deliver(chance.index_below(writers), chance.index_below(1000)),
                _ => Step::Meet,
            })
            .collect();
        Self { writers, steps }
    }

    /// Runs it.
    ///
    /// # Errors
    /// What went wrong, in words: copies that differ, text that is lost, doubled or back from the dead.
    pub fn run(&self) -> Result<Outcome, String> {
        let run = std::panic::AssertUnwindSafe(|| Party::new(self.writers).run(&self.steps));
        std::panic::catch_unwind(run).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            Err(format!(
                "panic: {}",
                words.or(panic.downcast_ref().copied()).unwrap_or("?")
            ))
        })
    }

    /// Runs it, and if that fails panics with the shortest part of it that fails still.
    ///
    /// # Panics
    /// When the plan fails.
    pub fn expect(&self, seed: u64) -> Outcome {
        match self.run() {
            Ok(outcome) => outcome,
            Err(_) => {
                let short = self.shortened();
                let complaint = short.run().err().unwrap_or_default();
                panic!("seed {seed}: {complaint}\nshortened plan: {short:?}");
            }
        }
    }

    /// Leaves out whatever can be left out of a failing plan.
    fn shortened(&self) -> Self {
        let mut short = self.clone();
        let mut length = short.steps.len().max(1);
        while length > 0 {
            let mut at = 0;
            while at < short.steps.len() {
                let mut part = short.clone();
                part.steps.drain(at..(at + length).min(short.steps.len()));
                if part.run().is_err() {
                    short = part;
                } else {
                    at += length;
                }
            }
            length /= 2;
        }
        short
    }
}

/// What came of a plan that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The page, the same in every copy, as [`draw`] draws it.
    pub drawn: String,
    /// Typed characters that stand there more than once; only plans with moves may have any.
    pub doubled: usize,
}

struct Writer {
    // Before the replica: it must let go of the document first.
    undo: UndoManager<()>,
    replica: Replica,
}

struct Party {
    writers: Vec<Writer>,
    updates: Vec<Vec<u8>>,
    /// How many characters were typed; the n-th is always the same one, and nobody else's.
    typed: u32,
    /// Characters that an edit took out of somebody's copy.
    deleted: BTreeSet<char>,
    /// Who brought a character back by undoing.
    revived: BTreeMap<char, BTreeSet<usize>>,
    moved: bool,
    /// Edits that are no deletions and took a character away all the same.
    robbed: Vec<(Edit, char)>,
}

/// The n-th character anybody types: each is used once, and each fourth takes two units.
fn nth_character(n: u32) -> char {
    let code = if n % 4 == 3 { 0x2_0000 + n } else { 0x4E00 + n };
    char::from_u32(code).unwrap_or('?')
}

fn is_typed(character: char) -> bool {
    character >= '\u{4E00}'
}

fn characters(replica: &Replica) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    for block in flow::read(replica) {
        for inline in block.content {
            if let Inline::Text { text, .. } = inline {
                for character in text.chars().filter(|character| is_typed(*character)) {
                    *counts.entry(character).or_default() += 1;
                }
            }
        }
    }
    counts
}

impl Party {
    fn new(count: usize) -> Self {
        let mut party = Self {
            writers: (0..count)
                .map(|number| Writer::new(number as u32 + 1))
                .collect(),
            updates: Vec::new(),
            typed: 0,
            deleted: BTreeSet::new(),
            revived: BTreeMap::new(),
            moved: false,
            robbed: Vec::new(),
        };
        let mut first = Replica::new(ReplicaId(1000));
        let mut page = Vec::new();
        for kind in [4, 0, 2, 0, 1] {
            page.push(DeltaOp::text(party.type_next(5)));
            page.push(DeltaOp::text_with("\n", kind_of(kind).to_attrs()));
        }
        let page = flow::apply_delta(&mut first, Origin::Local, &page);
        party.updates.extend(page.ok().flatten());
        party.meet();
        party
    }

    fn type_next(&mut self, count: u32) -> String {
        let text = (self.typed..self.typed + count)
            .map(nth_character)
            .collect();
        self.typed += count;
        text
    }

    fn run(mut self, steps: &[Step]) -> Result<Outcome, String> {
        for step in steps {
            match *step {
                Step::Edit(who, edit) => self.edit(who % self.writers.len(), edit),
                Step::Deliver(to, nth) => {
                    let to = to % self.writers.len();
                    let nth = nth % self.updates.len();
                    self.writers[to].receive(&self.updates[nth]);
                }
                Step::Meet => self.meet(),
            }
        }
        self.meet();
        self.judge()
    }

    fn meet(&mut self) {
        for (number, writer) in self.writers.iter_mut().enumerate() {
            // In another order for each; who gets each update once must keep those that come too early.
            let (early, late) = self.updates.split_at(self.updates.len() / 2);
            let order: Vec<&Vec<u8>> = match number % 4 {
                0 => self.updates.iter().rev().collect(),
                1 => late.iter().chain(early).collect(),
                2 => self.updates.iter().collect(),
                _ => self.updates.iter().chain(early).collect(),
            };
            for update in order {
                writer.receive(update);
            }
        }
    }

    fn edit(&mut self, who: usize, edit: Edit) {
        let text = match edit {
            Edit::Type { count, .. } => self.type_next(u32::from(count)),
            _ => String::new(),
        };
        self.moved |= matches!(edit, Edit::Move { .. });
        let writer = &mut self.writers[who];
        let before = characters(&writer.replica);
        self.updates.extend(writer.edit(edit, &text));
        let after = characters(&writer.replica);
        for character in (0..self.typed).map(nth_character) {
            let count = |of: &BTreeMap<char, usize>| of.get(&character).copied().unwrap_or(0);
            if count(&after) < count(&before) {
                if matches!(edit, Edit::Delete { .. } | Edit::Undo) {
                    self.deleted.insert(character);
                } else {
                    self.robbed.push((edit, character));
                }
            }
            if count(&after) > count(&before) && !text.contains(character) {
                self.revived.entry(character).or_default().insert(who);
            }
        }
    }

    fn judge(&self) -> Result<Outcome, String> {
        let first = &self.writers[0].replica;
        let blocks = flow::read(first);
        for writer in &self.writers[1..] {
            if flow::read(&writer.replica) != blocks {
                let other = draw(&flow::read(&writer.replica));
                return Err(format!("copies show\n{}\nand\n{other}", draw(&blocks)));
            }
            if writer.replica.canonical() != first.canonical() {
                return Err("copies look alike and differ inside".to_owned());
            }
        }
        if let Some((edit, character)) = self.robbed.first() {
            return Err(format!("{edit:?} took {character} away"));
        }
        let there = characters(first);
        let mut doubled = 0;
        for character in (0..self.typed).map(nth_character) {
            let count = there.get(&character).copied().unwrap_or(0);
            let revivers = self.revived.get(&character).map_or(0, BTreeSet::len);
            let was_deleted = self.deleted.contains(&character);
            if count == 0 && !was_deleted {
                return Err(format!("{character} is lost:\n{}", draw(&blocks)));
            }
            // Two people who each undo their own deletion of the same text bring it back twice.
            if count > revivers.max(1) {
                if !self.moved {
                    return Err(format!("{character} is doubled:\n{}", draw(&blocks)));
                }
                doubled += 1;
            }
            if count > 0 && was_deleted && revivers == 0 && !self.moved {
                return Err(format!(
                    "{character} was deleted and is back:\n{}",
                    draw(&blocks)
                ));
            }
        }
        Ok(Outcome {
            drawn: draw(&blocks),
            doubled,
        })
    }
}

fn kind_of(number: u8) -> BlockKind {
    match number % 8 {
        0 => BlockKind::Paragraph,
        1 => BlockKind::Bullet,
        2 => BlockKind::Task { done: false },
        3 => BlockKind::Task { done: true },
        4 => BlockKind::Heading(1),
        5 => BlockKind::Heading(2),
        6 => BlockKind::Code {
            language: "rust".to_owned(),
            fence: None,
        },
        _ => BlockKind::Callout("info".to_owned()),
    }
}

fn mark_of(number: u8) -> Mark {
    match number % 4 {
        0 => Mark::Bold,
        1 => Mark::Italic,
        2 => Mark::Link("/a".to_owned()),
        _ => Mark::Highlight("red".to_owned()),
    }
}

impl Writer {
    fn new(id: u32) -> Self {
        let mut replica = Replica::new(ReplicaId(id));
        replica.transact(Origin::Local, |txn| {
            let _ = txn.get_or_insert_text(flow::CONTENT);
        });
        // Every edit is undone by itself: no time passes, and the time in which edits would join is nil.
        let mut undo = UndoManager::with_options(yrs::undo::Options {
            capture_timeout_millis: 0,
            tracked_origins: [yrs::Origin::from(Origin::Local)].into(),
            capture_transaction: None,
            timestamp: Arc::new(|| 0),
            init_undo_stack: Vec::new(),
            init_redo_stack: Vec::new(),
        });
        let content = replica
            .doc()
            .transact_mut()
            .get_or_insert_text(flow::CONTENT);
        undo.expand_scope(replica.doc(), &content);
        Self { undo, replica }
    }

    fn receive(&mut self, update: &[u8]) {
        let applied = self.replica.apply(update, Origin::Remote);
        assert!(
            applied.is_ok_and(|applied| !applied.another_writes_as_me),
            "an update of the party was not taken"
        );
    }

    fn edit(&mut self, edit: Edit, text: &str) -> Vec<Vec<u8>> {
        const LOCAL: Origin = Origin::Local;
        let replica = &mut self.replica;
        let places = flow::length(replica) + 1;
        let edited = match edit {
            Edit::Type { at, .. } => edit::insert_text(replica, LOCAL, at % places, text, &[]),
            Edit::Delete { at, len } => {
                let at = at % places;
                edit::delete(replica, LOCAL, at..at + len)
            }
            Edit::Split { at } => edit::split(replica, LOCAL, at % places),
            Edit::Join { at } => edit::join(replica, LOCAL, at % places),
            Edit::Retype { at, kind } => {
                let at = at % places;
                edit::set_kind(replica, LOCAL, at..at, &kind_of(kind))
            }
            Edit::Indent { at, by } => edit::indent(replica, LOCAL, at % places..at % places, by),
            Edit::Quote { at, on } => {
                let change = BlockChange {
                    quoted: Some(on > 0),
                    ..BlockChange::default()
                };
                edit::change_blocks(replica, LOCAL, at % places..at % places, &change)
            }
            Edit::Move { at, to } => {
                let at = at % places;
                edit::move_blocks(replica, LOCAL, at..at, to % places)
            }
            Edit::Format { at, len, mark } => {
                let at = at % places;
                edit::toggle_mark(replica, LOCAL, at..at + len, &mark_of(mark))
            }
            Edit::Undo => {
                let undo = &mut self.undo;
                return replica.capture(|_| undo.undo_blocking()).1;
            }
        };
        edited.ok().flatten().into_iter().collect()
    }
}
