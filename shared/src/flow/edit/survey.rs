//! Cuts a change to the text it is for: not beyond its end, not into the middle of a character.

use std::collections::BTreeSet;

use yrs::{Any, GetString, Text, TextRef, TransactionMut};

use super::Pairs;
use super::delta::{self, Content, DeltaOp, attrs_of};
use crate::flow::delta_of;

/// `change` with positions that are in `text`, inserts that set nothing to null, and no step without effect at its end.
pub(super) fn fit(
    txn: &TransactionMut<'_>,
    text: &TextRef,
    change: &[DeltaOp],
    pairs: Pairs,
) -> Vec<DeltaOp> {
    let edges = edges_of(change);
    let deletes = change.iter().any(|op| matches!(op, DeltaOp::Delete(_)));
    let ground = match pairs {
        Pairs::Possible => Ground::of(txn, text, &edges, pairs),
        Pairs::None if deletes => Ground::of(txn, text, &edges, pairs),
        Pairs::None | Pairs::Whole => Ground {
            length: text.len(txn),
            inside_character: BTreeSet::new(),
        },
    };
    let mut fitted = Vec::with_capacity(change.len());
    let mut at = 0;
    let mut edge = 0;
    for (number, op) in change.iter().enumerate() {
        match op {
            DeltaOp::Insert(content, attrs) => {
                let mut attrs = attrs.clone();
                attrs.retain(|_, value| !matches!(value, Any::Null | Any::Undefined));
                delta::push(&mut fitted, DeltaOp::Insert(content.clone(), attrs));
            }
            DeltaOp::Retain(..) | DeltaOp::Delete(_) => {
                let changes = has_effect(op);
                let next_changes = change.get(number + 1).is_some_and(has_effect);
                let to = ground.snap(edges[edge], changes && !next_changes).max(at);
                edge += 1;
                delta::push(&mut fitted, with_length(op, to - at));
                at = to;
            }
        }
    }
    while matches!(fitted.last(), Some(DeltaOp::Retain(_, attrs)) if attrs.is_empty()) {
        fitted.pop();
    }
    fitted
}

/// Where each step and each deletion ends.
fn edges_of(change: &[DeltaOp]) -> Vec<u32> {
    let mut at = 0_u32;
    change
        .iter()
        .filter_map(|op| match op {
            DeltaOp::Insert(..) => None,
            DeltaOp::Retain(len, _) | DeltaOp::Delete(len) => {
                at = at.saturating_add(*len);
                Some(at)
            }
        })
        .collect()
}

fn has_effect(op: &DeltaOp) -> bool {
    match op {
        DeltaOp::Insert(..) => false,
        DeltaOp::Retain(_, attrs) => !attrs.is_empty(),
        DeltaOp::Delete(_) => true,
    }
}

fn with_length(op: &DeltaOp, len: u32) -> DeltaOp {
    match op {
        DeltaOp::Delete(_) => DeltaOp::Delete(len),
        DeltaOp::Retain(_, attrs) => {
            let nulls = |value: &Any| {
                if *value == Any::Undefined {
                    Any::Null
                } else {
                    value.clone()
                }
            };
            let attrs = attrs.iter().map(|(key, value)| (key.clone(), nulls(value)));
            DeltaOp::Retain(len, attrs_of(attrs))
        }
        DeltaOp::Insert(..) => op.clone(),
    }
}

/// What must be known of a text to cut a change to it.
struct Ground {
    /// Units that can be stepped over and deleted.
    length: u32,
    /// Those of the edges that stand between the two halves of a character.
    inside_character: BTreeSet<u32>,
}

impl Ground {
    fn of(txn: &TransactionMut<'_>, text: &TextRef, edges: &[u32], pairs: Pairs) -> Self {
        let length = text.len(txn);
        let mut ground = Self {
            length,
            inside_character: BTreeSet::new(),
        };
        let Some(&furthest) = edges.last() else {
            return ground;
        };
        let characters = text.get_string(txn);
        let (units, has_pairs) = measure(&characters, pairs);
        if units == length && !has_pairs {
            return ground;
        }
        // The rest is embeds, and whatever a strange program put there that is counted but cannot be deleted;
        // yrs panics when told to delete that. Only near the end does it matter which.
        if !has_pairs && furthest <= units {
            return ground;
        }
        let delta = delta_of(txn, text);
        ground.length = delta.iter().map(length_of).sum();
        if has_pairs {
            ground.inside_character = splitting(&delta, edges);
        }
        ground
    }

    fn snap(&self, edge: u32, outwards: bool) -> u32 {
        let edge = edge.min(self.length);
        match (self.inside_character.contains(&edge), outwards) {
            (false, _) => edge,
            (true, true) => edge + 1,
            (true, false) => edge - 1,
        }
    }
}

fn length_of(op: &DeltaOp) -> u32 {
    match op {
        DeltaOp::Insert(content, _) => content.length(),
        DeltaOp::Retain(..) | DeltaOp::Delete(_) => 0,
    }
}

/// UTF-16 units of `text`, and whether any character takes two.
fn measure(text: &str, pairs: Pairs) -> (u32, bool) {
    // Counted by bytes, many at a time: this runs over the whole page with each deletion.
    let starts = count(text, |byte| byte & 0b1100_0000 != 0b1000_0000);
    let doubles = match pairs {
        Pairs::None | Pairs::Whole => 0,
        Pairs::Possible => count(text, |byte| byte >= 0xF0),
    };
    (
        u32::try_from(starts + doubles).unwrap_or(u32::MAX),
        doubles > 0,
    )
}

/// How many bytes are of a kind; in pieces whose count fits a byte, which processors add sixteen at a time.
fn count(text: &str, is: impl Fn(u8) -> bool) -> usize {
    let pieces = text.as_bytes().chunks(255);
    pieces
        .map(|piece| usize::from(piece.iter().map(|byte| u8::from(is(*byte))).sum::<u8>()))
        .sum()
}

/// Which of `edges` (ascending) stand inside a character of two units.
fn splitting(delta: &[DeltaOp], edges: &[u32]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut edges = edges.iter().copied().peekable();
    let mut at = 0;
    for op in delta {
        let DeltaOp::Insert(content, _) = op else {
            continue;
        };
        let Content::Text(text) = content else {
            at += 1;
            continue;
        };
        for character in text.chars() {
            while edges.next_if(|edge| *edge <= at).is_some() {}
            let Some(&edge) = edges.peek() else {
                return found;
            };
            if character.len_utf16() == 2 && edge == at + 1 {
                found.insert(edge);
            }
            at += character.len_utf16() as u32;
        }
    }
    found
}
