//! The lists and quotes around a block: which stay open for it, which it opens.

use crate::flow::block::{Block, BlockKind};
use crate::markdown::source::{Directive, is_callout_kind};

/// Greatest number that Markdown lets an item bear.
const NUMBER_MAX: u32 = 999_999_999;

/// An open container. `level` is the indent of what stands directly inside.
#[derive(Clone, Debug)]
pub(super) enum Open {
    Quote { level: u8 },
    Callout { level: u8, kind: String },
    Item { level: u8, width: usize, list: List },
    Footnote { level: u8 },
}

/// Which list an item belongs to; two lists that touch differ in `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) ordered: bool,
    /// Marked with `*` or `)` instead of `-` or `.`.
    pub(super) other: bool,
}

impl Open {
    const fn level(&self) -> u8 {
        match self {
            Self::Quote { level }
            | Self::Callout { level, .. }
            | Self::Item { level, .. }
            | Self::Footnote { level } => *level,
        }
    }

    const fn is_quote(&self) -> bool {
        matches!(self, Self::Quote { .. } | Self::Callout { .. })
    }
}

/// How a block fits in.
pub(super) struct Plan {
    /// How many open containers hold it.
    pub(super) keep: usize,
    /// What it opens, outermost first.
    pub(super) opens: Vec<Open>,
    /// What its item is marked with.
    pub(super) marker: String,
    /// Said in a comment before its list or callout.
    pub(super) outer: Directive,
    /// Said in a comment right before its text.
    pub(super) inner: Directive,
    /// Follows without a blank line.
    pub(super) tight: bool,
}

/// What is known of a block as an item before its place is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Its number, if it has one.
    pub(super) number: Option<u32>,
    /// Its number goes on with the list before it.
    pub(super) goes_on: bool,
    /// There is nothing to write after its marker.
    pub(super) is_empty: bool,
    /// The block before was an item of text only.
    pub(super) after_item: bool,
}

/// Finds a block's place: which of the open containers hold it, and what it opens.
pub(super) fn plan(open: &[Open], block: &Block, item: Item) -> Plan {
    let callout = callout_written(&block.kind);
    let (keep, in_quote) = kept(open, block, callout.as_deref());
    let closed = &open[keep..];
    let ordered = list_of(&block.kind);
    let starts_anew = item.goes_on && matches!(block.kind, BlockKind::Ordered { start: Some(_) });
    let touching = match closed.first() {
        Some(Open::Item { level, list, .. }) if in_quote == block.quoted => Some((*level, *list)),
        _ => None,
    };
    let sibling = touching.filter(|(level, list)| {
        *level == block.indent + 1 && ordered == Some(list.ordered) && !starts_anew
    });
    let (mut opens, shift) = match sibling {
        Some(_) => (Vec::new(), 0),
        None => around(&open[..keep], block, in_quote, callout.clone()),
    };
    let opens_quote = !opens.is_empty();
    let mut marker = String::new();
    if let Some(ordered) = ordered {
        // A list that touches another of its kind would go on with it, were it not marked otherwise.
        let other = match (sibling, touching) {
            (Some((_, list)), _) => list.other,
            (None, Some((_, list))) => {
                list.ordered == ordered && !list.other && !opens_quote && shift == 0
            }
            (None, None) => false,
        };
        let list = List { ordered, other };
        marker = list.marker(item.number.unwrap_or(1));
        opens.push(Open::Item {
            level: block.indent + 1,
            width: marker.len() + 1,
            list,
        });
    }
    let first_below = closed.is_empty()
        && !opens_quote
        && shift == 0
        && !item.is_empty
        && item.number.unwrap_or(1) == 1;
    let continues = sibling.is_some() && !closed.iter().any(Open::is_quote);
    let shifted = Directive {
        indent: shift,
        align: None,
    };
    let aligned = Directive {
        indent: 0,
        align: block.align,
    };
    let (outer, inner) = if ordered.is_some() || callout.is_some() {
        (shifted, aligned)
    } else {
        (
            Directive::default(),
            Directive {
                indent: shift,
                ..aligned
            },
        )
    };
    let tight = item.after_item && ordered.is_some() && (continues || first_below);
    Plan {
        keep,
        opens,
        marker,
        outer,
        inner,
        tight,
    }
}

/// Whether an item's list is ordered; `None` if the block is no item.
fn list_of(kind: &BlockKind) -> Option<bool> {
    match kind {
        BlockKind::Bullet | BlockKind::Task { .. } => Some(false),
        BlockKind::Ordered { .. } => Some(true),
        _ => None,
    }
}

/// The quotes and the callout that a block opens, and how many steps to the right only a comment can say.
fn around(
    kept: &[Open],
    block: &Block,
    in_quote: bool,
    callout: Option<String>,
) -> (Vec<Open>, u8) {
    let mut level = kept.last().map_or(0, Open::level);
    let mut opens = Vec::new();
    if block.quoted && !in_quote {
        opens.push(Open::Quote { level });
    }
    while block.quoted && level < block.indent {
        level += 1;
        opens.push(Open::Quote { level });
    }
    let in_callout = matches!(kept.last(), Some(Open::Callout { .. }));
    if let Some(kind) = callout.filter(|_| !in_callout) {
        opens.push(Open::Callout {
            level: block.indent,
            kind,
        });
    }
    (opens, block.indent.saturating_sub(level))
}

/// How many open containers hold the block, and whether a quote is among them.
fn kept(open: &[Open], block: &Block, callout: Option<&str>) -> (usize, bool) {
    let mut in_quote = false;
    for (at, container) in open.iter().enumerate() {
        let holds = match container {
            Open::Item { level, .. } | Open::Footnote { level } => *level <= block.indent,
            Open::Quote { level } => block.quoted && *level <= block.indent,
            Open::Callout { level, kind } => {
                callout == Some(kind) && *level == block.indent && in_quote == block.quoted
            }
        };
        if !holds {
            return (at, in_quote);
        }
        in_quote |= matches!(container, Open::Quote { .. });
    }
    (open.len(), in_quote)
}

impl Open {
    /// What stands before each further line inside.
    pub(super) fn continue_line(&self, prefix: &mut String) {
        match self {
            Self::Quote { .. } | Self::Callout { .. } => prefix.push_str("> "),
            Self::Item { width, .. } => prefix.extend(std::iter::repeat_n(' ', *width)),
            Self::Footnote { .. } => prefix.push_str("    "),
        }
    }
}

impl List {
    fn marker(self, number: u32) -> String {
        let number = number.min(NUMBER_MAX);
        match (self.ordered, self.other) {
            (false, false) => "-".to_owned(),
            (false, true) => "*".to_owned(),
            (true, false) => format!("{number}."),
            (true, true) => format!("{number})"),
        }
    }
}

/// The kind of callout as it is written; one that can't be is a note.
fn callout_written(kind: &BlockKind) -> Option<String> {
    let BlockKind::Callout(kind) = kind else {
        return None;
    };
    Some(if is_callout_kind(kind) {
        kind.to_ascii_lowercase()
    } else {
        "note".to_owned()
    })
}
