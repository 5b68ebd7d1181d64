//! Selections that survive the edits of others, and how they travel: `{"anchor": …, "head": …}` with the relative
//! positions of the Yjs family, as editors on other programs write and read them.

use serde_json::{Map, Value};
use sheaf_shared::flow::CONTENT;
use yrs::{Assoc, ClientID, ID, IndexScope, IndexedSequence, ReadTxn, StickyIndex, TextRef};

/// A selection by what it stands between.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AnchoredSelection {
    anchor: StickyIndex,
    head: StickyIndex,
}

impl AnchoredSelection {
    /// Fixes two flow offsets.
    pub(crate) fn new<T: ReadTxn>(txn: &T, text: &TextRef, anchor: u32, head: u32) -> Self {
        Self {
            anchor: fix(txn, text, anchor),
            head: fix(txn, text, head),
        }
    }

    /// Where the two ends stand now, if what they were fixed to is known here.
    pub(crate) fn offsets<T: ReadTxn>(&self, txn: &T) -> Option<(u32, u32)> {
        Some((
            self.anchor.get_offset(txn)?.index,
            self.head.get_offset(txn)?.index,
        ))
    }

    pub(crate) fn to_json(&self) -> String {
        let pair = [("anchor", &self.anchor), ("head", &self.head)];
        Value::Object(
            pair.map(|(key, end)| (key.to_owned(), to_value(end)))
                .into_iter()
                .collect(),
        )
        .to_string()
    }

    /// Reads what any program of the family wrote. `None` if it is no selection in a page's body.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(json).ok()?;
        Some(Self {
            anchor: from_value(value.get("anchor")?)?,
            head: from_value(value.get("head")?)?,
        })
    }
}

/// An end sticks to what is before it, so that what others type right there comes behind it.
fn fix<T: ReadTxn>(txn: &T, text: &TextRef, offset: u32) -> StickyIndex {
    text.sticky_index(txn, offset, Assoc::Before)
        .unwrap_or_else(|| StickyIndex::from_type(txn, text, Assoc::Before))
}

fn to_value(end: &StickyIndex) -> Value {
    let mut value = Map::new();
    value.insert("type".to_owned(), Value::Null);
    value.insert("tname".to_owned(), Value::Null);
    value.insert("item".to_owned(), Value::Null);
    match end.scope() {
        IndexScope::Relative(id) => {
            value.insert("item".to_owned(), id_value(id));
            value.insert("tname".to_owned(), Value::from(CONTENT));
        }
        IndexScope::Nested(id) => {
            value.insert("type".to_owned(), id_value(id));
        }
        IndexScope::Root(name) => {
            value.insert("tname".to_owned(), Value::from(&**name));
        }
    }
    let assoc = match end.assoc {
        Assoc::Before => -1,
        Assoc::After => 0,
    };
    value.insert("assoc".to_owned(), Value::from(assoc));
    Value::Object(value)
}

fn id_value(id: &ID) -> Value {
    let pair = [
        ("client", Value::from(id.client.get())),
        ("clock", Value::from(id.clock)),
    ];
    Value::Object(
        pair.map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect(),
    )
}

fn from_value(value: &Value) -> Option<StickyIndex> {
    let assoc = match value.get("assoc").and_then(Value::as_i64) {
        Some(assoc) if assoc < 0 => Assoc::Before,
        _ => Assoc::After,
    };
    let scope = if let Some(id) = value.get("item").and_then(read_id) {
        IndexScope::Relative(id)
    } else if value.get("tname").and_then(Value::as_str) == Some(CONTENT) {
        IndexScope::Root(CONTENT.into())
    } else {
        return None;
    };
    Some(StickyIndex::new(scope, assoc))
}

fn read_id(value: &Value) -> Option<ID> {
    let clock = value.get("clock").and_then(Value::as_u64)?;
    let client = value.get("client").and_then(Value::as_u64)?;
    Some(ID::new(ClientID::new(client), u32::try_from(clock).ok()?))
}
