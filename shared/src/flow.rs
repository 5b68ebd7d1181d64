//! A page's body: one flow of text in Delta form (DOCUMENT.md), read as blocks and runs.
//!
//! Characters carry inline attributes; each block ends with one `"\n"` whose attributes say what kind of block
//! it is; what is not text is an embed of length 1. Offsets count UTF-16 units. Reading normalises, and never writes.
//! Edits are operations: what they do not touch stays as it is, known or not.

pub mod anchor;
pub mod block;
pub mod compose;
pub mod delta;
pub mod edit;
pub mod facts;
pub mod marks;
pub mod rewrite;
pub mod table;

use std::ops::Range;

use yrs::types::text::YChange;
use yrs::{Any, Out, ReadTxn, Text};

use crate::replica::Replica;

use block::Block;
use delta::{Attrs, Content, DeltaOp};

pub use block::Inline;
pub use edit::{EditError, apply_delta, apply_fitting_delta};
pub use rewrite::rewrite;

/// Name of the root text that holds a page's body.
pub const CONTENT: &str = "content";
/// Name of the root map that holds facts about a page.
pub const META: &str = "meta";
/// Name of the root map that holds a page's tables.
pub const TABLES: &str = "tables";

/// A block and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedBlock {
    /// Which block of the page it is, from 0.
    pub index: usize,
    /// Offset of its first unit.
    pub start: u32,
    /// The block.
    pub block: Block,
    /// Whether its newline is stored. Only a page's last block can lack it.
    pub newline: Newline,
}

/// Whether the newline that ends a block is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newline {
    /// It is, and carries what is known of the block.
    Stored,
    /// The page ends without one, as pages do that are empty or come from other programs.
    Implied,
}

impl PlacedBlock {
    /// Offset of its newline, stored or not.
    #[must_use]
    pub fn newline_at(&self) -> u32 {
        self.start + self.block.length() - 1
    }

    /// Offset behind all that is stored of it.
    #[must_use]
    pub fn end(&self) -> u32 {
        match self.newline {
            Newline::Stored => self.newline_at() + 1,
            Newline::Implied => self.newline_at(),
        }
    }
}

/// A page's body as blocks; at least one.
#[must_use]
pub fn read(replica: &Replica) -> Vec<Block> {
    block::from_delta(&to_delta(replica))
}

/// The blocks that `range` (in UTF-16 units) touches; an empty range touches the block it stands in.
///
/// `yrs` walks the whole text for it; beyond that it takes time with what is touched.
#[must_use]
pub fn read_range(replica: &Replica, range: Range<u32>) -> Vec<PlacedBlock> {
    place(&to_delta(replica), range)
}

/// A page's body as inserts, neighbours with the same attributes joined.
#[must_use]
pub fn to_delta(replica: &Replica) -> Vec<DeltaOp> {
    let txn = replica.read();
    txn.get_text(CONTENT)
        .map_or_else(Vec::new, |text| delta_of(&txn, &text))
}

/// Length of a page's body in UTF-16 units.
#[must_use]
pub fn length(replica: &Replica) -> u32 {
    let txn = replica.read();
    txn.get_text(CONTENT).map_or(0, |text| text.len(&txn))
}

/// Any text of a document as inserts: the body, or a table's cell.
pub(crate) fn delta_of<T: ReadTxn, X: Text>(txn: &T, text: &X) -> Vec<DeltaOp> {
    let mut delta = Vec::new();
    for piece in text.diff(txn, YChange::identity) {
        let attrs: Attrs = piece
            .attributes
            .map(|attrs| {
                delta::attrs_of(
                    attrs
                        .into_iter()
                        .map(|(key, value)| (key.to_string(), value)),
                )
            })
            .unwrap_or_default();
        let content = match piece.insert {
            Out::Any(Any::String(text)) => Content::Text(text.to_string()),
            Out::Any(value) => Content::Embed(value),
            // A shared type inside the flow: some other program's. It takes one place and is left alone.
            _ => Content::Embed(Any::Undefined),
        };
        delta::push(&mut delta, DeltaOp::Insert(content, attrs));
    }
    delta
}

/// A place in a delta: which operation, and how many bytes into its text.
type Cut = (usize, usize);

/// Cuts the part of `delta` that `range` touches into blocks; untouched blocks are only stepped over.
/// A range behind the end touches the last block.
pub(crate) fn place(delta: &[DeltaOp], range: Range<u32>) -> Vec<PlacedBlock> {
    let mut placed = Vec::new();
    let mut last: Option<(usize, u32, Cut, Cut, Newline)> = None;
    let (mut start, mut index, mut at) = (0_u32, 0_usize, 0_u32);
    let mut from: Cut = (0, 0);
    for (number, op) in delta.iter().enumerate() {
        let DeltaOp::Insert(content, _) = op else {
            continue;
        };
        let Content::Text(text) = content else {
            at += 1;
            continue;
        };
        let mut bytes = 0;
        for piece in text.split_inclusive('\n') {
            at += delta::utf16_length(piece);
            bytes += piece.len();
            if piece.ends_with('\n') {
                let to = (number, bytes);
                if touches(&range, start, at - 1) {
                    placed.push(cut(delta, index, start, from, to, Newline::Stored));
                } else if start > range.end {
                    return placed;
                }
                last = Some((index, start, from, to, Newline::Stored));
                (start, index, from) = (at, index + 1, to);
            }
        }
    }
    let end = (delta.len(), 0);
    if at > start || index == 0 {
        if touches(&range, start, at) {
            placed.push(cut(delta, index, start, from, end, Newline::Implied));
        }
        last = Some((index, start, from, end, Newline::Implied));
    }
    if placed.is_empty()
        && let Some((index, start, from, to, newline)) = last
    {
        placed.push(cut(delta, index, start, from, to, newline));
    }
    placed
}

/// Whether `range`, or the caret where it is empty, is in a block whose places are `first` to `last`.
const fn touches(range: &Range<u32>, first: u32, last: u32) -> bool {
    range.start <= last && (first < range.end || first <= range.start)
}

fn cut(
    delta: &[DeltaOp],
    index: usize,
    start: u32,
    from: Cut,
    to: Cut,
    newline: Newline,
) -> PlacedBlock {
    let mut line = Vec::new();
    for (number, op) in delta.iter().enumerate().take(to.0 + 1).skip(from.0) {
        match op {
            DeltaOp::Insert(Content::Text(text), attrs) => {
                let first = if number == from.0 { from.1 } else { 0 };
                let last = if number == to.0 { to.1 } else { text.len() };
                if let Some(text) = text.get(first..last).filter(|text| !text.is_empty()) {
                    line.push(DeltaOp::text_with(text, attrs.clone()));
                }
            }
            DeltaOp::Insert(Content::Embed(_), _) => line.push(op.clone()),
            DeltaOp::Retain(..) | DeltaOp::Delete(_) => {}
        }
    }
    let block = block::from_delta(&line).swap_remove(0);
    PlacedBlock {
        index,
        start,
        block,
        newline,
    }
}

#[cfg(test)]
mod tests;
