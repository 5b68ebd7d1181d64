//! Arithmetic on changes: one after another, one across another, one split in two.
//!
//! A change is a list of [`DeltaOp`]s over a flow; lengths count UTF-16 units. Nothing here knows blocks, views or
//! documents. Two changes made to the same flow at the same time satisfy
//! `a.then(b.across(a)) == b.then(a.across(b))`, whatever they do.

use std::borrow::Cow;
use std::ops::Range;

use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp, attrs_of};
use yrs::Any;

/// A change to a flow. Neighbouring operations of the same sort are merged and trailing empty steps dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    ops: Vec<DeltaOp>,
}

/// Which of two changes goes first where both insert at one place, and wins where both set one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The change being carried across.
    Mine,
    /// The change it is carried across.
    Theirs,
}

/// Length of `text` in UTF-16 units.
#[must_use]
pub fn units(text: &str) -> u32 {
    let count = if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Change {
    /// Takes operations as they come.
    #[must_use]
    pub fn from_ops(ops: impl IntoIterator<Item = DeltaOp>) -> Self {
        let mut change = Self::default();
        for op in ops {
            change.push(op);
        }
        change.trim();
        change
    }

    /// The operations, in order.
    #[must_use]
    pub fn ops(&self) -> &[DeltaOp] {
        &self.ops
    }

    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// How many units of a flow it steps over or takes away.
    #[must_use]
    pub fn reach(&self) -> u32 {
        self.ops
            .iter()
            .map(|op| match op {
                DeltaOp::Insert(..) => 0,
                DeltaOp::Retain(len, _) | DeltaOp::Delete(len) => *len,
            })
            .sum()
    }

    /// Steps over `len` units.
    pub fn retain(&mut self, len: u32) {
        self.push(DeltaOp::Retain(len, Attrs::new()));
    }

    /// Adds one operation at the end.
    pub fn push(&mut self, op: DeltaOp) {
        match (self.ops.last_mut(), op) {
            (_, DeltaOp::Retain(0, _) | DeltaOp::Delete(0)) => {}
            (_, DeltaOp::Insert(Content::Text(text), _)) if text.is_empty() => {}
            (Some(DeltaOp::Delete(len)), DeltaOp::Delete(more)) => *len += more,
            (Some(DeltaOp::Retain(len, attrs)), DeltaOp::Retain(more, wanted))
                if *attrs == wanted =>
            {
                *len += more;
            }
            (
                Some(DeltaOp::Insert(Content::Text(text), attrs)),
                DeltaOp::Insert(Content::Text(more), wanted),
            ) if *attrs == wanted => text.push_str(&more),
            // An insertion stands before a deletion at the same place, so that equal changes look equal.
            (Some(DeltaOp::Delete(_)), op @ DeltaOp::Insert(..)) => {
                let deletion = self.ops.pop();
                self.push(op);
                self.ops.extend(deletion);
            }
            (_, op) => self.ops.push(op),
        }
    }

    fn trim(&mut self) {
        while matches!(self.ops.last(), Some(DeltaOp::Retain(_, attrs)) if attrs.is_empty()) {
            self.ops.pop();
        }
    }

    /// This change followed by `next`, as one.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let (mut first, mut second) = (Reader::new(&self.ops), Reader::new(&next.ops));
        let mut out = Self::default();
        while !(first.is_done() && second.is_done()) {
            if second.at_insert() {
                out.push(second.take(u32::MAX).into_op());
                continue;
            }
            if first.at_delete() {
                out.push(first.take(u32::MAX).into_op());
                continue;
            }
            let len = first.remaining().min(second.remaining());
            match (first.take(len), second.take(len)) {
                (Part::Retain(_, was), Part::Retain(_, set)) => {
                    out.push(DeltaOp::Retain(len, merged(was, set)));
                }
                (Part::Retain(..), Part::Delete(_)) => out.push(DeltaOp::Delete(len)),
                (Part::Text(text, was), Part::Retain(_, set)) => {
                    out.push(DeltaOp::Insert(
                        Content::Text(text.into_owned()),
                        settled(was, set),
                    ));
                }
                (Part::Embed(value, was), Part::Retain(_, set)) => {
                    out.push(DeltaOp::Insert(
                        Content::Embed(value.clone()),
                        settled(was, set),
                    ));
                }
                // What the first inserted, the second took away. Other pairs were dealt with above.
                _ => {}
            }
        }
        out.trim();
        out
    }

    /// This change as it reads after `other`, which was made to the same flow, has been applied.
    #[must_use]
    pub fn across(&self, other: &Self, precedence: Precedence) -> Self {
        let (mut theirs, mut mine) = (Reader::new(&other.ops), Reader::new(&self.ops));
        let mut out = Self::default();
        while !mine.is_done() {
            let mine_goes_first = precedence == Precedence::Mine;
            if theirs.at_insert() && !(mine.at_insert() && mine_goes_first) {
                out.retain(theirs.take(u32::MAX).len());
                continue;
            }
            if mine.at_insert() {
                out.push(mine.take(u32::MAX).into_op());
                continue;
            }
            let len = theirs.remaining().min(mine.remaining());
            match (theirs.take(len), mine.take(len)) {
                (Part::Delete(_), _) => {}
                (_, Part::Delete(_)) => out.push(DeltaOp::Delete(len)),
                (Part::Retain(_, taken), Part::Retain(_, set)) => {
                    let kept = set
                        .iter()
                        .filter(|(key, _)| mine_goes_first || !taken.contains_key(*key))
                        .map(|(key, value)| (key.clone(), value.clone()));
                    out.push(DeltaOp::Retain(len, attrs_of(kept)));
                }
                // Insertions were dealt with above.
                _ => {}
            }
        }
        out.trim();
        out
    }

    /// Where `offset` lands when this change is applied; an insertion exactly there leaves it before.
    #[must_use]
    pub fn carry(&self, offset: u32) -> u32 {
        let (mut before, mut after) = (0_u32, 0_u32);
        for op in &self.ops {
            match op {
                DeltaOp::Insert(content, _) => {
                    if before >= offset {
                        break;
                    }
                    after += content_len(content);
                }
                DeltaOp::Retain(len, _) => {
                    if before + len > offset {
                        break;
                    }
                    before += len;
                    after += len;
                }
                DeltaOp::Delete(len) => {
                    if before + len > offset {
                        return after;
                    }
                    before += len;
                }
            }
        }
        after + (offset - before.min(offset))
    }

    /// Where `offset` stood before this change was applied; inside something inserted: where that was put.
    #[must_use]
    pub fn carry_back(&self, offset: u32) -> u32 {
        let (mut before, mut after) = (0_u32, 0_u32);
        for op in &self.ops {
            match op {
                DeltaOp::Insert(content, _) => {
                    let len = content_len(content);
                    if after + len > offset {
                        return before;
                    }
                    after += len;
                }
                DeltaOp::Retain(len, _) => {
                    if after + len > offset {
                        break;
                    }
                    before += len;
                    after += len;
                }
                DeltaOp::Delete(len) => before += len,
            }
        }
        before + (offset - after.min(offset))
    }

    /// Splits this change: what happens away from `held` (offsets before the change), and the rest as it reads
    /// once that has been applied. An insertion at either end of `held` counts as inside.
    #[must_use]
    pub fn split_around(&self, held: &Range<u32>) -> (Self, Self) {
        let mut reader = Reader::new(&self.ops);
        let (mut now, mut later) = (Self::default(), Self::default());
        let mut at = 0_u32;
        while !reader.is_done() {
            if reader.at_insert() {
                let part = reader.take(u32::MAX);
                if (held.start..=held.end).contains(&at) {
                    later.push(part.into_op());
                } else {
                    later.retain(part.len());
                    now.push(part.into_op());
                }
                continue;
            }
            let border = if at < held.start {
                held.start - at
            } else if at < held.end {
                held.end - at
            } else {
                u32::MAX
            };
            let inside = held.contains(&at);
            let part = reader.take(reader.remaining().min(border));
            let len = part.len();
            at += len;
            if inside {
                now.retain(len);
                later.push(part.into_op());
            } else {
                if !matches!(part, Part::Delete(_)) {
                    later.retain(len);
                }
                now.push(part.into_op());
            }
        }
        now.trim();
        later.trim();
        (now, later)
    }
}

fn content_len(content: &Content) -> u32 {
    match content {
        Content::Text(text) => units(text),
        Content::Embed(_) => 1,
    }
}

fn merged(was: &Attrs, set: &Attrs) -> Attrs {
    let mut all = was.clone();
    all.extend(set.iter().map(|(key, value)| (key.clone(), value.clone())));
    all
}

fn settled(was: &Attrs, set: &Attrs) -> Attrs {
    let mut all = merged(was, set);
    all.retain(|_, value| *value != Any::Null);
    all
}

/// A stretch of one operation.
enum Part<'a> {
    Text(Cow<'a, str>, &'a Attrs),
    Embed(&'a Any, &'a Attrs),
    Retain(u32, &'a Attrs),
    Delete(u32),
}

impl Part<'_> {
    fn len(&self) -> u32 {
        match self {
            Part::Text(text, _) => units(text),
            Part::Embed(..) => 1,
            Part::Retain(len, _) | Part::Delete(len) => *len,
        }
    }

    fn into_op(self) -> DeltaOp {
        match self {
            Part::Text(text, attrs) => {
                DeltaOp::Insert(Content::Text(text.into_owned()), attrs.clone())
            }
            Part::Embed(value, attrs) => {
                DeltaOp::Insert(Content::Embed(value.clone()), attrs.clone())
            }
            Part::Retain(len, attrs) => DeltaOp::Retain(len, attrs.clone()),
            Part::Delete(len) => DeltaOp::Delete(len),
        }
    }
}

static NO_ATTRS: Attrs = Attrs::new();

/// Reads operations in stretches. Past the end it steps over everything there is.
struct Reader<'a> {
    ops: &'a [DeltaOp],
    /// What was read of the first operation: units, and bytes if it is text.
    taken: u32,
    taken_bytes: usize,
    first_len: u32,
}

impl<'a> Reader<'a> {
    fn new(ops: &'a [DeltaOp]) -> Self {
        let mut reader = Self {
            ops,
            taken: 0,
            taken_bytes: 0,
            first_len: 0,
        };
        reader.measure();
        reader
    }

    fn measure(&mut self) {
        (self.taken, self.taken_bytes) = (0, 0);
        self.first_len = match self.ops.first() {
            None => u32::MAX,
            Some(DeltaOp::Insert(content, _)) => content_len(content),
            Some(DeltaOp::Retain(len, _) | DeltaOp::Delete(len)) => *len,
        };
    }

    const fn is_done(&self) -> bool {
        self.ops.is_empty()
    }

    fn at_insert(&self) -> bool {
        matches!(self.ops.first(), Some(DeltaOp::Insert(..)))
    }

    fn at_delete(&self) -> bool {
        matches!(self.ops.first(), Some(DeltaOp::Delete(_)))
    }

    const fn remaining(&self) -> u32 {
        self.first_len - self.taken
    }

    fn take(&mut self, most: u32) -> Part<'a> {
        let len = most.min(self.remaining());
        let part = match self.ops.first() {
            None => return Part::Retain(len, &NO_ATTRS),
            Some(DeltaOp::Insert(Content::Text(text), attrs)) => {
                let rest = &text[self.taken_bytes..];
                if len == self.remaining() {
                    Part::Text(Cow::Borrowed(rest), attrs)
                } else {
                    let bytes = byte_at(rest, len);
                    self.taken_bytes += bytes;
                    Part::Text(Cow::Borrowed(&rest[..bytes]), attrs)
                }
            }
            Some(DeltaOp::Insert(Content::Embed(value), attrs)) => Part::Embed(value, attrs),
            Some(DeltaOp::Retain(_, attrs)) => Part::Retain(len, attrs),
            Some(DeltaOp::Delete(_)) => Part::Delete(len),
        };
        self.taken += len;
        if self.taken == self.first_len {
            self.ops = &self.ops[1..];
            self.measure();
        }
        part
    }
}

/// Byte offset of UTF-16 offset `at` in `text`. Inside a surrogate pair: behind it, so that no character is
/// torn; callers keep edits to whole characters.
fn byte_at(text: &str, at: u32) -> usize {
    let mut left = at;
    for (byte, character) in text.char_indices() {
        if left == 0 {
            return byte;
        }
        left = left.saturating_sub(if character.len_utf16() == 2 { 2 } else { 1 });
    }
    text.len()
}
