//! Delta: a flow, or a change to one, as a list of operations.

use std::collections::BTreeMap;

use yrs::Any;

/// Attributes of a character, a newline or an embed. In a change, [`Any::Null`] takes the attribute away.
pub type Attrs = BTreeMap<String, Any>;

/// What can stand in a flow.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Characters, newlines among them.
    Text(String),
    /// A thing that is not text; length 1. Usually a map with one key that names its type.
    Embed(Any),
}

/// One operation of a change. A flow itself is a list of inserts.
#[derive(Clone, Debug, PartialEq)]
pub enum DeltaOp {
    /// Puts content here.
    Insert(Content, Attrs),
    /// Steps over `len` units and changes their attributes (none: just steps).
    Retain(u32, Attrs),
    /// Takes `len` units away.
    Delete(u32),
}
