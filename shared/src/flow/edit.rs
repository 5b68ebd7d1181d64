//! Edits as operations on a flow: each is one transaction and takes time with what it changes.
//!
//! An edit that makes no sense is refused whole; one that reaches beyond the text or into the middle of a
//! character is cut to what is there.

mod named;
mod survey;

use std::collections::HashMap;
use std::sync::Arc;

use yrs::types::Delta;
use yrs::{Any, In, Text, TextRef, TransactionMut, WriteTxn};

use crate::limits::{UPDATE_BYTES_MAX, VALUE_DEPTH_MAX};
use crate::replica::{Origin, Replica};

use super::CONTENT;
use super::delta::{self, Attrs, Content, DeltaOp};

pub use named::{
    BlockChange, change_blocks, delete, indent, insert_embed, insert_text, join, move_blocks,
    set_kind, split, toggle_mark,
};

/// Most bytes of text and attributes in one edit; the update it makes stays well below what the gate lets through.
pub const EDIT_BYTES_MAX: usize = UPDATE_BYTES_MAX / 2;
/// Deepest nesting of a value that is written; others count the layers around it too.
pub const WRITTEN_DEPTH_MAX: usize = VALUE_DEPTH_MAX / 2;

/// Why an edit was refused. The page is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// More than [`EDIT_BYTES_MAX`] at once; cut it into several edits.
    #[error("an edit holds at most {EDIT_BYTES_MAX} bytes")]
    TooLarge,
    /// An embed must be a map that names its type.
    #[error("an embed must be a map with a key that names its type")]
    NotAnEmbed,
    /// A value nests deeper than [`WRITTEN_DEPTH_MAX`].
    #[error("a value nests at most {WRITTEN_DEPTH_MAX} deep")]
    TooDeep,
    /// The blocks hold something another program put there that cannot be copied, so they cannot be moved.
    #[error("these blocks hold something that cannot be moved")]
    CannotMove,
}

/// Applies a change to a page's body. Returns the update for others, or `None` when nothing changed.
///
/// # Errors
/// [`EditError`] when the change makes no sense; nothing was changed.
pub fn apply_delta(
    replica: &mut Replica,
    origin: Origin,
    change: &[DeltaOp],
) -> Result<Option<Vec<u8>>, EditError> {
    let pairs = if replica.may_hold_pairs() {
        Pairs::Possible
    } else {
        Pairs::None
    };
    apply(replica, origin, change, pairs)
}

/// Like [`apply_delta`], for a change of which the caller knows that it fits: whatever it steps over and deletes is
/// there, and it begins and ends nothing in the middle of a character. Finding that out would read the whole page with
/// each deletion, and with each key where somebody wrote an emoji.
///
/// # Errors
/// [`EditError`] when the change makes no sense; nothing was changed.
pub fn apply_fitting_delta(
    replica: &mut Replica,
    origin: Origin,
    change: &[DeltaOp],
) -> Result<Option<Vec<u8>>, EditError> {
    apply(replica, origin, change, Pairs::Whole)
}

fn apply(
    replica: &mut Replica,
    origin: Origin,
    change: &[DeltaOp],
    pairs: Pairs,
) -> Result<Option<Vec<u8>>, EditError> {
    check(change)?;
    Ok(replica.transact(origin, |txn| {
        let text = txn.get_or_insert_text(CONTENT);
        write(txn, &text, change, pairs);
    }))
}

/// Refuses what must not be written.
///
/// # Errors
/// [`EditError`]
pub(crate) fn check(change: &[DeltaOp]) -> Result<(), EditError> {
    let mut bytes = 0;
    for op in change {
        let attrs = match op {
            DeltaOp::Insert(Content::Text(text), attrs) => {
                bytes += text.len();
                attrs
            }
            DeltaOp::Insert(Content::Embed(value), attrs) => {
                match value {
                    Any::Map(entries) if !entries.is_empty() => {}
                    _ => return Err(EditError::NotAnEmbed),
                }
                bytes += size_of_value(value, 0)?;
                attrs
            }
            DeltaOp::Retain(_, attrs) => attrs,
            DeltaOp::Delete(_) => continue,
        };
        for (key, value) in attrs {
            bytes += key.len() + size_of_value(value, 0)?;
        }
        if bytes > EDIT_BYTES_MAX {
            return Err(EditError::TooLarge);
        }
    }
    Ok(())
}

/// About how many bytes a value takes.
fn size_of_value(value: &Any, depth: usize) -> Result<usize, EditError> {
    if depth >= WRITTEN_DEPTH_MAX {
        return Err(EditError::TooDeep);
    }
    Ok(match value {
        Any::Null | Any::Undefined | Any::Bool(_) | Any::Number(_) => 9,
        Any::String(text) => text.len() + 2,
        Any::Buffer(bytes) => bytes.len() + 2,
        Any::Array(items) => {
            let mut size = 2;
            for item in items.iter() {
                size += size_of_value(item, depth + 1)?;
            }
            size
        }
        Any::Map(entries) => {
            let mut size = 2;
            for (key, item) in entries.iter() {
                size += key.len() + 1 + size_of_value(item, depth + 1)?;
            }
            size
        }
    })
}

/// Whether a text may hold characters of two UTF-16 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairs {
    /// It holds none.
    None,
    /// It may.
    Possible,
    /// The change is known to fit the text: none is cut, and nothing is missing.
    Whole,
}

/// Writes a change that passed [`check`] into any text of a document.
pub(crate) fn write(
    txn: &mut TransactionMut<'_>,
    text: &TextRef,
    change: &[DeltaOp],
    pairs: Pairs,
) {
    let change = survey::fit(txn, text, change, pairs);
    if let Some((at, typed, attrs)) = as_typing(&change) {
        // What happens with each key has a way of its own in yrs, half as long.
        let at = at.min(text.len(txn));
        return text.insert_with_attributes(txn, at, typed, to_yrs(attrs));
    }
    // In two walks: yrs 0.28 loses count of the attributes in force once it has deleted in a walk, and would give
    // what is inserted or formatted behind that the wrong ones.
    let adds = |op: &DeltaOp| match op {
        DeltaOp::Insert(..) => true,
        DeltaOp::Retain(_, attrs) => !attrs.is_empty(),
        DeltaOp::Delete(_) => false,
    };
    if change.iter().any(adds) {
        let additions = change.iter().map(|op| match op {
            DeltaOp::Insert(content, attrs) => {
                Delta::Inserted(value_of(content), Some(Box::new(to_yrs(attrs))))
            }
            DeltaOp::Retain(len, attrs) if attrs.is_empty() => Delta::Retain(*len, None),
            DeltaOp::Retain(len, attrs) => Delta::Retain(*len, Some(Box::new(to_yrs(attrs)))),
            DeltaOp::Delete(len) => Delta::Retain(*len, None),
        });
        text.apply_delta(txn, additions);
    }
    if change.iter().any(|op| matches!(op, DeltaOp::Delete(_))) {
        let deletions = change.iter().map(|op| match op {
            DeltaOp::Insert(content, _) => Delta::Retain(content.length(), None),
            DeltaOp::Retain(len, _) => Delta::Retain(*len, None),
            DeltaOp::Delete(len) => Delta::<In>::Deleted(*len),
        });
        text.apply_delta(txn, deletions);
    }
}

/// The change, if all it does is to put text at one place.
fn as_typing(change: &[DeltaOp]) -> Option<(u32, &str, &Attrs)> {
    match change {
        [DeltaOp::Insert(Content::Text(text), attrs)] => Some((0, text, attrs)),
        [
            DeltaOp::Retain(at, skipped),
            DeltaOp::Insert(Content::Text(text), attrs),
        ] if skipped.is_empty() => Some((*at, text, attrs)),
        _ => None,
    }
}

fn value_of(content: &Content) -> In {
    match content {
        Content::Text(text) => In::Any(Any::from(text.as_str())),
        Content::Embed(value) => In::Any(value.clone()),
    }
}

fn to_yrs(attrs: &Attrs) -> HashMap<Arc<str>, Any> {
    attrs
        .iter()
        .map(|(key, value)| (Arc::from(key.as_str()), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
