//! The edits that people know by name, for imports, programs and tests.
//!
//! Each reads the page to find where it stands. The editor, which knows where it stands, writes deltas itself.

use std::ops::Range;

use yrs::{Any, Number};

use super::delta::{self, Attrs, Content, DeltaOp};
use super::{EditError, apply_delta};
use crate::flow::block::{Align, BlockKind, INDENT_MAX, Inline};
use crate::flow::marks::{self, Mark};
use crate::flow::{Newline, PlacedBlock, place, read_range, to_delta};
use crate::replica::{Origin, Replica};

/// What an edit gives: the update for others, or `None` when nothing changed.
type Edited = Result<Option<Vec<u8>>, EditError>;

/// What to change about blocks; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockChange {
    /// What they become. [`BlockKind::Divider`] cannot be set: insert its embed.
    pub kind: Option<BlockKind>,
    /// Their indent, cut to [`INDENT_MAX`].
    pub indent: Option<u8>,
    /// Whether they are quoted.
    pub quoted: Option<bool>,
    /// Where their text stands; `Some(None)` is the left.
    pub align: Option<Option<Align>>,
}

/// Changes the blocks that `range` touches.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn change_blocks(
    replica: &mut Replica,
    origin: Origin,
    range: Range<u32>,
    change: &BlockChange,
) -> Edited {
    let mut attrs = change
        .kind
        .as_ref()
        .map(BlockKind::to_change)
        .unwrap_or_default();
    if let Some(indent) = change.indent {
        attrs.insert("indent".to_owned(), indent_value(i64::from(indent)));
    }
    if let Some(quoted) = change.quoted {
        attrs.insert(
            "blockquote".to_owned(),
            if quoted { Any::Bool(true) } else { Any::Null },
        );
    }
    if let Some(align) = change.align {
        let value = align.map_or(Any::Null, |align| align.as_str().into());
        attrs.insert("align".to_owned(), value);
    }
    change_newlines(replica, origin, range, |_| attrs.clone())
}

/// Makes the blocks that `range` touches `kind`.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn set_kind(
    replica: &mut Replica,
    origin: Origin,
    range: Range<u32>,
    kind: &BlockKind,
) -> Edited {
    let change = BlockChange {
        kind: Some(kind.clone()),
        ..BlockChange::default()
    };
    change_blocks(replica, origin, range, &change)
}

/// Moves the blocks that `range` touches `by` steps to the right, or to the left if negative.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn indent(replica: &mut Replica, origin: Origin, range: Range<u32>, by: i8) -> Edited {
    change_newlines(replica, origin, range, |placed| {
        let to = i64::from(placed.block.indent) + i64::from(by);
        delta::attrs([("indent", indent_value(to))])
    })
}

fn indent_value(indent: i64) -> Any {
    match indent.clamp(0, i64::from(INDENT_MAX)) {
        0 => Any::Null,
        indent => Any::Number(Number::Int(indent)),
    }
}

fn change_newlines(
    replica: &mut Replica,
    origin: Origin,
    range: Range<u32>,
    change: impl Fn(&PlacedBlock) -> Attrs,
) -> Edited {
    let mut ops = Vec::new();
    let mut at = 0;
    for placed in read_range(replica, range) {
        let attrs = differing(&placed.block.newline, change(&placed));
        if attrs.is_empty() {
            continue;
        }
        delta::push(&mut ops, DeltaOp::skip(placed.newline_at() - at));
        match placed.newline {
            Newline::Stored => {
                delta::push(&mut ops, DeltaOp::Retain(1, attrs));
                at = placed.newline_at() + 1;
            }
            Newline::Implied => {
                delta::push(&mut ops, DeltaOp::text_with("\n", attrs));
                at = placed.newline_at();
            }
        }
    }
    apply_delta(replica, origin, &ops)
}

/// The part of `change` that would change `stored`.
fn differing(stored: &Attrs, mut change: Attrs) -> Attrs {
    change.retain(|key, value| stored.get(key).unwrap_or(&Any::Null) != value);
    change
}

/// The block around `at`.
fn block_at(replica: &Replica, at: u32) -> PlacedBlock {
    read_range(replica, at..at).swap_remove(0)
}

/// Cuts the block around `at` in two, both of its kind. At its end, what follows a heading or a callout
/// is a paragraph, and what follows a ticked task is not ticked.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn split(replica: &mut Replica, origin: Origin, at: u32) -> Edited {
    let placed = block_at(replica, at);
    let at = at.min(placed.newline_at());
    let first = placed.block.newline.clone();
    let mut ops = vec![DeltaOp::skip(at)];
    if at == placed.newline_at() {
        // The new block comes after the old newline, which stays with the text it belongs to,
        // together with whatever others type at this end meanwhile.
        match placed.newline {
            Newline::Stored => ops.push(DeltaOp::skip(1)),
            // One newline at the end only stores what was implied.
            Newline::Implied => ops.push(DeltaOp::text("\n")),
        }
        let mut second = first;
        let follower = follower_of(&placed.block.kind).to_change();
        second.extend(follower);
        ops.push(DeltaOp::text_with("\n", second));
    } else {
        ops.push(DeltaOp::text_with("\n", first));
        if placed.block.newline.contains_key("start") {
            ops.push(DeltaOp::skip(placed.newline_at() - at));
            ops.push(DeltaOp::Retain(1, delta::attrs([("start", Any::Null)])));
        }
    }
    apply_delta(replica, origin, &ops)
}

/// What a new block after one of `kind` is.
fn follower_of(kind: &BlockKind) -> BlockKind {
    match kind {
        BlockKind::Heading(_) | BlockKind::Callout(_) | BlockKind::Divider => BlockKind::Paragraph,
        BlockKind::Ordered { .. } => BlockKind::Ordered { start: None },
        BlockKind::Task { .. } => BlockKind::Task { done: false },
        BlockKind::Paragraph | BlockKind::Bullet | BlockKind::Code { .. } => kind.clone(),
    }
}

/// Joins the block around `at` with the one after it; the whole keeps the first one's kind, unless that was empty.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn join(replica: &mut Replica, origin: Origin, at: u32) -> Edited {
    let first = block_at(replica, at);
    let second = block_at(replica, first.end());
    if second.index == first.index {
        return Ok(None);
    }
    let mut ops = vec![DeltaOp::skip(first.newline_at()), DeltaOp::Delete(1)];
    if !first.block.content.is_empty() {
        let mut attrs = first.block.newline.clone();
        for key in second.block.newline.keys() {
            attrs.entry(key.clone()).or_insert(Any::Null);
        }
        let attrs = differing(&second.block.newline, attrs);
        if !attrs.is_empty() {
            ops.push(DeltaOp::skip(second.newline_at() - second.start));
            ops.push(match second.newline {
                Newline::Stored => DeltaOp::Retain(1, attrs),
                Newline::Implied => DeltaOp::text_with("\n", attrs),
            });
        }
    }
    apply_delta(replica, origin, &ops)
}

/// Puts text with `marks` at `at`. Newlines in it end plain paragraphs.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn insert_text(
    replica: &mut Replica,
    origin: Origin,
    at: u32,
    text: &str,
    marks: &[Mark],
) -> Edited {
    let marks = marks::write(marks);
    let mut ops = vec![DeltaOp::skip(at)];
    for piece in text.split_inclusive('\n') {
        let line = piece.strip_suffix('\n');
        delta::push(
            &mut ops,
            DeltaOp::text_with(line.unwrap_or(piece), marks.clone()),
        );
        if line.is_some() {
            delta::push(&mut ops, DeltaOp::text("\n"));
        }
    }
    apply_delta(replica, origin, &ops)
}

/// Puts an embed `{name: value}` at `at`.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn insert_embed(
    replica: &mut Replica,
    origin: Origin,
    at: u32,
    name: &str,
    value: impl Into<Any>,
) -> Edited {
    apply_delta(
        replica,
        origin,
        &[DeltaOp::skip(at), DeltaOp::embed(name, value)],
    )
}

/// Takes `range` away. Blocks whose newline is in it join the block after them.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn delete(replica: &mut Replica, origin: Origin, range: Range<u32>) -> Edited {
    let len = range.end.saturating_sub(range.start);
    apply_delta(
        replica,
        origin,
        &[DeltaOp::skip(range.start), DeltaOp::Delete(len)],
    )
}

/// Sets `mark` on all characters of `range`; if all of them have it already, takes it away. Newlines carry no marks.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn toggle_mark(
    replica: &mut Replica,
    origin: Origin,
    range: Range<u32>,
    mark: &Mark,
) -> Edited {
    let spans = spans_of(replica, &range);
    let key = mark.key();
    let has_it = |attrs: &Attrs| attrs.get(key).is_some_and(|value| *value == mark.value());
    let everywhere = spans.iter().all(|(_, attrs)| has_it(attrs));
    let value = if everywhere { Any::Null } else { mark.value() };
    let mut ops = Vec::new();
    let mut at = 0;
    for (span, attrs) in spans {
        if everywhere || !has_it(&attrs) {
            delta::push(&mut ops, DeltaOp::skip(span.start - at));
            let change = delta::attrs([(key, value.clone())]);
            delta::push(&mut ops, DeltaOp::Retain(span.end - span.start, change));
            at = span.end;
        }
    }
    apply_delta(replica, origin, &ops)
}

/// The runs of characters and embeds in `range`, newlines left out.
fn spans_of(replica: &Replica, range: &Range<u32>) -> Vec<(Range<u32>, Attrs)> {
    let mut spans = Vec::new();
    for placed in read_range(replica, range.clone()) {
        let mut at = placed.start;
        for inline in &placed.block.content {
            let end = at + inline.length();
            let span = at.max(range.start)..end.min(range.end);
            if span.start < span.end {
                let (Inline::Text { attrs, .. } | Inline::Embed { attrs, .. }) = inline;
                spans.push((span, attrs.clone()));
            }
            at = end;
        }
    }
    spans
}

/// Moves the blocks that `range` touches before the block around `to`, or behind all blocks if `to` is at the
/// page's end or beyond. They are deleted and inserted anew: what others type in them meanwhile stays behind.
///
/// # Errors
/// [`EditError`]; nothing was changed.
pub fn move_blocks(replica: &mut Replica, origin: Origin, range: Range<u32>, to: u32) -> Edited {
    let body = to_delta(replica);
    let moved = place(&body, range);
    let (Some(first), Some(last)) = (moved.first(), moved.last()) else {
        return Ok(None);
    };
    let source = first.start..last.end();
    let ends_in = place(&body, u32::MAX..u32::MAX).swap_remove(0);
    let target = if to >= ends_in.end() {
        ends_in.end()
    } else {
        place(&body, to..to)[0].start
    };
    if (source.start..=source.end).contains(&target) {
        return Ok(None);
    }
    let mut copy = Vec::new();
    if target == ends_in.end() && ends_in.newline == Newline::Implied {
        copy.push(DeltaOp::text("\n"));
    }
    for placed in &moved {
        for inline in &placed.block.content {
            copy.push(match inline {
                Inline::Text { text, attrs } => DeltaOp::text_with(text.clone(), attrs.clone()),
                Inline::Embed {
                    value: Any::Map(map),
                    attrs,
                } => DeltaOp::Insert(Content::Embed(Any::Map(map.clone())), attrs.clone()),
                Inline::Embed { .. } => return Err(EditError::CannotMove),
            });
        }
        copy.push(DeltaOp::text_with("\n", placed.block.newline.clone()));
    }
    let gone = DeltaOp::Delete(source.end - source.start);
    let mut ops = Vec::new();
    if target < source.start {
        delta::push(&mut ops, DeltaOp::skip(target));
        ops.extend(copy);
        ops.extend([DeltaOp::skip(source.start - target), gone]);
    } else {
        delta::push(&mut ops, DeltaOp::skip(source.start));
        ops.extend([gone, DeltaOp::skip(target - source.end)]);
        ops.extend(copy);
    }
    apply_delta(replica, origin, &ops)
}
