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
    /// A thing that is not text; length 1. A map with one key that names its type; [`Any::Undefined`] when
    /// reading something that is kept but cannot be shown as a value (a shared type put in by another program).
    Embed(Any),
}

impl Content {
    /// Length in UTF-16 units.
    #[must_use]
    pub fn length(&self) -> u32 {
        match self {
            Self::Text(text) => utf16_length(text),
            Self::Embed(_) => 1,
        }
    }
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

impl DeltaOp {
    /// Puts plain text here.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Insert(Content::Text(text.into()), Attrs::new())
    }

    /// Puts text with attributes here.
    #[must_use]
    pub fn text_with(text: impl Into<String>, attrs: Attrs) -> Self {
        Self::Insert(Content::Text(text.into()), attrs)
    }

    /// Puts an embed `{name: value}` here.
    #[must_use]
    pub fn embed(name: &str, value: impl Into<Any>) -> Self {
        Self::Insert(Content::Embed(embed(name, value)), Attrs::new())
    }

    /// Steps over `len` units.
    #[must_use]
    pub const fn skip(len: u32) -> Self {
        Self::Retain(len, Attrs::new())
    }
}

/// Attributes from pairs.
#[must_use]
pub fn attrs<const N: usize>(pairs: [(&str, Any); N]) -> Attrs {
    attrs_of(
        pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value)),
    )
}

/// Attributes from pairs. Where a key comes twice, the last one counts.
///
/// Inserted one by one: `collect` sorts first, and each place that does so carries 4 KB of sorting into the page.
pub fn attrs_of(pairs: impl IntoIterator<Item = (String, Any)>) -> Attrs {
    let mut attrs = Attrs::new();
    for (key, value) in pairs {
        attrs.insert(key, value);
    }
    attrs
}

/// The value of an embed of type `name`.
#[must_use]
pub fn embed(name: &str, value: impl Into<Any>) -> Any {
    Any::from(std::collections::HashMap::from([(
        name.to_owned(),
        value.into(),
    )]))
}

/// Length of `text` in UTF-16 units, as everything in a flow counts.
#[must_use]
pub fn utf16_length(text: &str) -> u32 {
    let units: usize = text.chars().map(char::len_utf16).sum();
    // A text of 4 GiB cannot have come through the gate, nor fits it the memory of a page.
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// Adds `op` to `delta`, joining it with the last one where the two say the same.
pub fn push(delta: &mut Vec<DeltaOp>, op: DeltaOp) {
    match (delta.last_mut(), op) {
        (_, DeltaOp::Retain(0, _) | DeltaOp::Delete(0)) => {}
        (_, DeltaOp::Insert(Content::Text(text), _)) if text.is_empty() => {}
        (
            Some(DeltaOp::Insert(Content::Text(text), attrs)),
            DeltaOp::Insert(Content::Text(more), more_attrs),
        ) if *attrs == more_attrs => text.push_str(&more),
        (Some(DeltaOp::Retain(len, attrs)), DeltaOp::Retain(more, more_attrs))
            if *attrs == more_attrs =>
        {
            *len = len.saturating_add(more);
        }
        (Some(DeltaOp::Delete(len)), DeltaOp::Delete(more)) => *len = len.saturating_add(more),
        (_, op) => delta.push(op),
    }
}
