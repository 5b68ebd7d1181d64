//! A page made to say something else by the fewest operations: what stays is never deleted and written again, so that
//! carets, the edits others make meanwhile, and who wrote what survive.
//!
//! Blocks are compared first, then the words of those that differ, then the letters where words differ. Marks and kinds
//! change only where they do. All of it takes bounded work (`rewrite/alike.rs`).
//!
//! What is wanted usually comes out of a file, and no file says all that a page holds: identifiers of code blocks,
//! attributes nobody knows, empty lines at the end. So the caller may also tell what such a file *says* of the page as it
//! is; blocks that say the same as before are left alone with all that they hold.

mod alike;
mod meaning;
mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;
use yrs::Any;

use super::block::{self, Block, BlockKind};
use super::delta::{self, Attrs, Content, DeltaOp, utf16_length};
use super::edit::{EditError, apply_delta};
use super::{Newline, to_delta};
use crate::replica::{Origin, Replica};
use crate::text;
use alike::Sign;
use sides::{Cursor, Names, Piece, Token, What};

/// Makes the page say what `wanted`, a list of inserts, says. Returns the update for others, or `None` when it said so already.
///
/// `said`: what the form in which `wanted` was written says of the page as it is.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn rewrite(
    replica: &mut Replica,
    origin: Origin,
    wanted: &[DeltaOp],
    said: Option<&[DeltaOp]>,
) -> Result<Option<Vec<u8>>, EditError> {
    let change = change(&to_delta(replica), wanted, said);
    if change.is_empty() {
        return Ok(None);
    }
    apply_delta(replica, origin, &change)
}

/// The change that makes a flow, `now`, say what `wanted` says; both are lists of inserts. See [`rewrite`].
#[must_use]
pub fn change(now: &[DeltaOp], wanted: &[DeltaOp], said: Option<&[DeltaOp]>) -> Vec<DeltaOp> {
    let mut old = block::from_delta(now);
    let mut new = block::from_delta(wanted);
    let said = said.map(block::from_delta).unwrap_or_default();
    let mut last = if ends_with_newline(now) {
        Newline::Stored
    } else {
        Newline::Implied
    };
    if !said.is_empty() && says_same(&said, &new) {
        return Vec::new();
    }
    // Empty lines at the very end that the file does not tell of stay where they are.
    let untold = empty_at_end(&old).saturating_sub(empty_at_end(&said));
    if !said.is_empty() && untold > 0 && untold < old.len() && said.len() + untold == old.len() {
        old.truncate(said.len());
        last = Newline::Stored;
    }
    let said = said_of(&old, &said);
    let mut names = Names::default();
    let mut work = alike::WORK_MAX;
    let plan = Plan::of(&old, &said, &new, &mut names, &mut work);
    give_fences(&old, &mut new, &plan.lines);
    let change = plan.carry_out(&old, last, &new);
    without_implied_newline(change, last, &old, &new)
}

fn ends_with_newline(flow: &[DeltaOp]) -> bool {
    matches!(flow.last(), Some(DeltaOp::Insert(Content::Text(text), _)) if text.ends_with('\n'))
}

fn says_same(one: &[Block], other: &[Block]) -> bool {
    let joins = |blocks: &[Block]| -> Vec<bool> {
        let neighbours = blocks.windows(2);
        neighbours.map(|two| two[0].joins(&two[1])).collect()
    };
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| meaning::of_block(one) == meaning::of_block(other))
        && joins(one) == joins(other)
}

fn empty_at_end(blocks: &[Block]) -> usize {
    let is_empty = |block: &&Block| {
        block.content.is_empty()
            && block.kind == BlockKind::Paragraph
            && block.indent == 0
            && !block.quoted
            && block.align.is_none()
    };
    blocks.iter().rev().take_while(is_empty).count()
}

/// What each block of the page says in the file: as `said` has it if that is the block of the same words, else as it is.
fn said_of(old: &[Block], said: &[Block]) -> Vec<String> {
    let is_told = said.len() == old.len();
    let words = |block: &Block| -> String {
        let text = text::of_block(block);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    old.iter()
        .enumerate()
        .map(|(number, block)| match said.get(number) {
            Some(told) if is_told && words(told) == words(block) => meaning::of_block(told),
            _ => meaning::of_block(block),
        })
        .collect()
}

/// What is done with a part of the page, from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A whole block stays as it is, but for where its block of code begins and ends.
    Stay(usize, usize),
    /// So many UTF-16 units stay; their marks may change.
    Keep(u32),
    /// So many are taken away.
    Drop(u32),
    /// So many of what is wanted are put in.
    Put(u32),
}

#[derive(Debug, Default)]
struct Plan {
    steps: Vec<Step>,
    /// Blocks of the page, and which of the wanted ones each of their newlines will end.
    lines: Vec<(usize, usize)>,
}

impl Plan {
    fn of(
        old: &[Block],
        said: &[String],
        new: &[Block],
        names: &mut Names,
        work: &mut u64,
    ) -> Self {
        let mut plan = Self::default();
        let mut sign = |block: &Block, said: String| Sign {
            name: names.of(said),
            weight: block.length(),
        };
        let old_signs: Vec<Sign> = old
            .iter()
            .zip(said)
            .map(|(block, said)| sign(block, format!("block {said}")))
            .collect();
        let new_signs: Vec<Sign> = new
            .iter()
            .map(|block| sign(block, format!("block {}", meaning::of_block(block))))
            .collect();
        // What means the same may be stored in other lengths; its name tells more than they do.
        let by_name = |signs: &[Sign], of: &[Sign]| -> Vec<Sign> {
            let weights: BTreeMap<u32, u32> =
                of.iter().map(|sign| (sign.name, sign.weight)).collect();
            let weighed = signs.iter().map(|sign| Sign {
                weight: weights.get(&sign.name).copied().unwrap_or(1),
                ..*sign
            });
            weighed.collect()
        };
        let pairs = alike::pairs(
            &by_name(&old_signs, &new_signs),
            &by_name(&new_signs, &new_signs),
            work,
        );
        let (mut old_from, mut new_from) = (0, 0);
        for (old_at, new_at) in pairs.into_iter().chain([(old.len(), new.len())]) {
            let gap = (old_from..old_at, new_from..new_at);
            plan.fill(gap, old, new, names, work);
            if old_at < old.len() && new_at < new.len() {
                plan.lines.push((old_at, new_at));
                plan.steps.push(Step::Stay(old_at, new_at));
            }
            (old_from, new_from) = (old_at + 1, new_at + 1);
        }
        plan
    }

    /// Goes from some blocks of the page to some that are wanted, word by word.
    fn fill(
        &mut self,
        gap: (Range<usize>, Range<usize>),
        old: &[Block],
        new: &[Block],
        names: &mut Names,
        work: &mut u64,
    ) {
        let (in_old, in_new) = gap;
        if in_old.is_empty() && in_new.is_empty() {
            return;
        }
        let was = sides::tokens(&old[in_old.clone()], in_old.start, names);
        let will = sides::tokens(&new[in_new.clone()], in_new.start, names);
        let signs =
            |tokens: &[Token]| -> Vec<Sign> { tokens.iter().map(|token| token.sign).collect() };
        let pairs = alike::pairs(&signs(&was), &signs(&will), work);
        let (mut i, mut j) = (0, 0);
        for (a, b) in pairs.into_iter().chain([(was.len(), will.len())]) {
            self.replace(&was[i..a], &will[j..b]);
            if let (Some(kept), Some(stays)) = (was.get(a), will.get(b)) {
                self.steps.push(Step::Keep(kept.sign.weight));
                if let (What::End(old), What::End(new)) = (&kept.what, &stays.what) {
                    self.lines.push((*old, *new));
                }
            }
            (i, j) = (a + 1, b + 1);
        }
    }

    /// Takes some tokens away and puts others there; what both begin and end with stays.
    fn replace(&mut self, was: &[Token], will: &[Token]) {
        let units = |tokens: &[Token]| tokens.iter().map(|token| token.sign.weight).sum::<u32>();
        let (mut drop, mut put) = (units(was), units(will));
        if drop > 0 && put > 0 {
            let (was_head, will_head) = (head(was), head(will));
            let first = same_graphemes(was_head.graphemes(true), will_head.graphemes(true));
            let (was_tail, will_tail) = (tail(was, first), tail(will, first));
            let behind = same_graphemes(
                was_tail.graphemes(true).rev(),
                will_tail.graphemes(true).rev(),
            );
            let start = utf16_length(&was_head[..first]);
            let end = utf16_length(&was_tail[was_tail.len() - behind..]);
            (drop, put) = (drop - start - end, put - start - end);
            self.steps.push(Step::Keep(start));
            self.steps.extend([Step::Put(put), Step::Drop(drop)]);
            self.steps.push(Step::Keep(end));
        } else {
            self.steps.extend([Step::Put(put), Step::Drop(drop)]);
        }
    }

    fn carry_out(&self, old: &[Block], last: Newline, new: &[Block]) -> Vec<DeltaOp> {
        let (was, will) = (sides::pieces(old), sides::pieces(new));
        let mut walk = Walk {
            old,
            new,
            unstored: (last == Newline::Implied).then(|| old.len() - 1),
            was: Cursor::at_start(&was),
            will: Cursor::at_start(&will),
            change: Vec::new(),
        };
        for step in &self.steps {
            match *step {
                Step::Stay(old, new) => walk.stay(old, new),
                Step::Keep(units) => walk.keep(units),
                Step::Drop(units) => walk.drop(units),
                Step::Put(units) => walk.put(units),
            }
        }
        let mut change = walk.change;
        while matches!(change.last(), Some(DeltaOp::Retain(_, attrs)) if attrs.is_empty()) {
            change.pop();
        }
        change
    }
}

/// The text that some tokens begin with.
fn head(tokens: &[Token]) -> String {
    let words = tokens.iter().map_while(|token| match &token.what {
        What::Text(word) => Some(word.as_str()),
        What::Embed | What::End(_) => None,
    });
    words.collect()
}

/// The text that some tokens end with; if they are nothing but text, without its first `taken` bytes.
fn tail(tokens: &[Token], taken: usize) -> String {
    let is_text = |token: &&Token| matches!(token.what, What::Text(_));
    let words = tokens.iter().rev().take_while(is_text).count();
    let tail = head(&tokens[tokens.len() - words..]);
    if words == tokens.len() {
        tail[taken..].to_owned()
    } else {
        tail
    }
}

/// Bytes of what both begin with.
fn same_graphemes<'a>(
    one: impl Iterator<Item = &'a str>,
    other: impl Iterator<Item = &'a str>,
) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one.len())
        .sum()
}

/// Along both flows at once.
struct Walk<'a> {
    old: &'a [Block],
    new: &'a [Block],
    /// The block of the page whose newline is not stored.
    unstored: Option<usize>,
    was: Cursor<'a>,
    will: Cursor<'a>,
    change: Vec<DeltaOp>,
}

impl Walk<'_> {
    fn drop(&mut self, mut units: u32) {
        while units > 0 {
            let Some((was, passed)) = self.was.pass(units) else {
                return;
            };
            units = units.saturating_sub(passed);
            if !self.is_unstored(was) {
                delta::push(&mut self.change, DeltaOp::Delete(passed));
            }
        }
    }

    fn is_unstored(&self, piece: Piece<'_>) -> bool {
        matches!(piece, Piece::End(block) if Some(block) == self.unstored)
    }

    fn stay(&mut self, old: usize, new: usize) {
        pass_all(&mut self.was, self.old[old].length());
        pass_all(&mut self.will, self.new[new].length());
        let (stays, wanted) = (&self.old[old], self.new[new].newline_attrs());
        delta::push(&mut self.change, DeltaOp::skip(stays.length() - 1));
        if Some(old) == self.unstored {
            delta::push(&mut self.change, DeltaOp::text_with("\n", wanted));
            return;
        }
        let mut change = meaning::change_of_newline(stays, &wanted);
        // In all else it says what is wanted already.
        change.retain(|key, _| key == FENCE);
        delta::push(&mut self.change, DeltaOp::Retain(1, change));
    }

    fn keep(&mut self, mut units: u32) {
        while units > 0 {
            let Some((was, mut left)) = self.was.pass(units) else {
                return;
            };
            units = units.saturating_sub(left);
            if self.is_unstored(was) {
                self.put(left);
                continue;
            }
            while left > 0 {
                let Some((will, passed)) = self.will.pass(left) else {
                    return;
                };
                left = left.saturating_sub(passed);
                let change = self.change_between(was, will);
                delta::push(&mut self.change, DeltaOp::Retain(passed, change));
            }
        }
    }

    fn change_between(&self, was: Piece<'_>, will: Piece<'_>) -> Attrs {
        match (was, will) {
            (Piece::Text(_, old), Piece::Text(_, new)) => meaning::change_of_text(old, new),
            (Piece::Embed(value, old), Piece::Embed(wanted, new)) => {
                meaning::change_of_embed((value, old), (wanted, new))
            }
            (Piece::End(old), Piece::End(new)) => {
                meaning::change_of_newline(&self.old[old], &self.new[new].newline_attrs())
            }
            // Only what is of one kind is kept.
            _ => Attrs::new(),
        }
    }

    fn put(&mut self, mut units: u32) {
        while units > 0 {
            let Some((will, passed)) = self.will.pass(units) else {
                return;
            };
            units = units.saturating_sub(passed);
            let op = match will {
                Piece::Text(text, attrs) => DeltaOp::text_with(text, attrs.clone()),
                Piece::Embed(value, attrs) => {
                    DeltaOp::Insert(Content::Embed(value.clone()), attrs.clone())
                }
                Piece::End(block) => DeltaOp::text_with("\n", self.new[block].newline_attrs()),
            };
            delta::push(&mut self.change, op);
        }
    }
}

fn pass_all(cursor: &mut Cursor<'_>, mut units: u32) {
    while units > 0 {
        let Some((_, passed)) = cursor.pass(units) else {
            return;
        };
        units = units.saturating_sub(passed);
    }
}

/// Newline attribute that tells neighbouring blocks of code apart.
const FENCE: &str = "fence";

/// Names the wanted blocks of code as those lines are named that stay in them, as far as neighbours stay apart.
fn give_fences(old: &[Block], new: &mut [Block], lines: &[(usize, usize)]) {
    let stays: BTreeMap<usize, usize> = lines.iter().map(|(old, new)| (*new, *old)).collect();
    let fence_of = |block: &Block| match &block.kind {
        BlockKind::Code { fence, .. } => Some(fence.clone()),
        _ => None,
    };
    let mut used: BTreeSet<String> = old.iter().filter_map(fence_of).flatten().collect();
    let mut from = 0;
    while from < new.len() {
        let mut to = from + 1;
        while to < new.len() && new[to - 1].joins(&new[to]) {
            to += 1;
        }
        if fence_of(&new[from]).is_some() {
            let kept = (from..to).find_map(|line| fence_of(old.get(*stays.get(&line)?)?));
            let mut fence = kept.unwrap_or_else(|| fresh(&mut used));
            set_fence(&mut new[from], fence.clone());
            if from > 0 && new[from - 1].joins(&new[from]) {
                fence = fresh(&mut used);
            }
            for line in &mut new[from..to] {
                set_fence(line, fence.clone());
            }
        }
        from = to;
    }
}

fn set_fence(block: &mut Block, name: Option<String>) {
    if let BlockKind::Code { fence, .. } = &mut block.kind {
        *fence = name;
    }
}

/// A name that no block of code has.
fn fresh(used: &mut BTreeSet<String>) -> Option<String> {
    let mut number = used.len() + 1;
    while !used.insert(number.to_string()) {
        number += 1;
    }
    Some(number.to_string())
}

/// Leaves a last newline unwritten that the page lacked before and whose block reads the same without it: two people who
/// write it at once would get an empty block more.
fn without_implied_newline(
    mut change: Vec<DeltaOp>,
    last: Newline,
    old: &[Block],
    new: &[Block],
) -> Vec<DeltaOp> {
    let was_empty = old.len() == 1 && old[0].content.is_empty();
    let reads_without = match new {
        [only] => !was_empty || only.content.is_empty(),
        [.., last] => !was_empty && !last.content.is_empty(),
        [] => false,
    };
    if last == Newline::Implied
        && reads_without
        && let Some(DeltaOp::Insert(Content::Text(text), attrs)) = change.last_mut()
        && attrs.values().all(|value| *value == Any::Null)
        && text.ends_with('\n')
    {
        text.pop();
        if text.is_empty() {
            change.pop();
        }
        while matches!(change.last(), Some(DeltaOp::Retain(_, attrs)) if attrs.is_empty()) {
            change.pop();
        }
    }
    change
}

#[cfg(test)]
mod tests;
