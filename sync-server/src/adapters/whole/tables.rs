//! The small tables that hold what people made: which columns are carried, and in which order.
//!
//! Two of them stay behind. Sessions: one that was ended after a copy was made would live again where the copy is
//! restored; people sign in anew. The authority version: it means something only to servers that have seen it rise.

use std::sync::LazyLock;

use crate::ports::{Row, StorageFault, Value};

/// Most rows that are read at once. Each has less than a page of text.
const AT_ONCE_ROWS: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
    Bytes,
}

/// A table that is carried.
pub(in crate::adapters) struct Table {
    pub(in crate::adapters) name: &'static str,
    columns: Vec<(&'static str, Kind)>,
    /// By what its rows are sorted, and found again. What a database counts by itself is not among the columns.
    key: Vec<(&'static str, Kind)>,
    first: String,
    next: String,
    insert: String,
}

/// Those that are carried. A row comes after those it leans on.
static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    use Kind::{Bytes, Int, Text};
    vec![
        Table::of(
            "person",
            &[("person_id", Bytes)],
            &[
                ("person_id", Bytes),
                ("email", Text),
                ("name", Text),
                ("colour", Text),
                ("office", Int),
                ("standing", Int),
                ("password", Text),
                ("created_ms", Int),
            ],
        ),
        Table::of(
            "confirmed_address",
            &[("person_id", Bytes)],
            &[("person_id", Bytes), ("email", Text), ("confirmed_ms", Int)],
        ),
        Table::of(
            "space",
            &[("space_id", Bytes)],
            &[
                ("space_id", Bytes),
                ("name", Text),
                ("private_of", Bytes),
                ("created_ms", Int),
                ("deleted_ms", Int),
            ],
        ),
        Table::of(
            "space_member",
            &[("space_id", Bytes), ("person_id", Bytes)],
            &[
                ("space_id", Bytes),
                ("person_id", Bytes),
                ("role", Int),
                ("since_ms", Int),
            ],
        ),
        Table::of(
            "belonging",
            &[("name", Text)],
            &[
                ("name", Text),
                ("space_id", Bytes),
                ("made_by", Bytes),
                ("made_ms", Int),
            ],
        ),
        Table::of(
            "share_link",
            &[("link_id", Bytes)],
            &[
                ("link_id", Bytes),
                ("secret_hash", Bytes),
                ("name", Text),
                ("below", Int),
                ("role", Int),
                ("password", Text),
                ("made_by", Bytes),
                ("made_ms", Int),
                ("ends_ms", Int),
                ("revoked_ms", Int),
            ],
        ),
        Table::of(
            "token",
            &[("secret_hash", Bytes)],
            &[
                ("secret_hash", Bytes),
                ("token_id", Bytes),
                ("person_id", Bytes),
                ("label", Text),
                ("space_id", Bytes),
                ("reach", Int),
                ("made_ms", Int),
                ("used_ms", Int),
                ("ends_ms", Int),
                ("revoked_ms", Int),
            ],
        ),
        Table::of(
            "invitation",
            &[("secret_hash", Bytes)],
            &[
                ("secret_hash", Bytes),
                ("invitation_id", Bytes),
                ("person_id", Bytes),
                ("email", Text),
                ("office", Int),
                ("space_id", Bytes),
                ("role", Int),
                ("made_by", Bytes),
                ("made_ms", Int),
                ("ends_ms", Int),
                ("used_ms", Int),
            ],
        ),
        Table::of(
            "identity",
            &[("issuer", Text), ("subject", Text)],
            &[("issuer", Text), ("subject", Text), ("person_id", Bytes)],
        ),
        Table::of(
            "audit",
            &[("audit_id", Int)],
            &[
                ("at_ms", Int),
                ("by_id", Bytes),
                ("by_name", Text),
                ("deed", Text),
                ("object", Text),
                ("detail", Text),
                ("address", Text),
            ],
        ),
        Table::of(
            "setting",
            &[("name", Text)],
            &[("name", Text), ("value", Text)],
        ),
    ]
});

/// Rows that are on their way, and where the next ones begin.
pub(super) struct SomeRows {
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) last: Option<Vec<Value>>,
}

impl Table {
    fn of(
        name: &'static str,
        key: &[(&'static str, Kind)],
        columns: &[(&'static str, Kind)],
    ) -> Self {
        let keys = names(key);
        let all = names(&[columns, key].concat());
        let carried = names(columns);
        let select = format!("SELECT {all} FROM {name}");
        let order = format!("ORDER BY {keys} LIMIT {AT_ONCE_ROWS}");
        Self {
            name,
            columns: columns.to_vec(),
            key: key.to_vec(),
            first: format!("{select} {order}"),
            next: format!("{select} WHERE ({keys}) > ({}) {order}", places(key.len())),
            insert: format!(
                "INSERT INTO {name} ({carried}) VALUES ({})",
                places(columns.len())
            ),
        }
    }

    /// The table at `place` among those that are carried.
    pub(super) fn at(place: usize) -> Option<&'static Self> {
        TABLES.get(place)
    }

    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// What to ask for the rows after `after`, and with which values.
    pub(super) fn question(&'static self, after: Option<Vec<Value>>) -> (&'static str, Vec<Value>) {
        match after {
            None => (&self.first, Vec::new()),
            Some(key) => (&self.next, key),
        }
    }

    /// What writes a row.
    pub(super) fn insert(&'static self) -> &'static str {
        &self.insert
    }

    /// What was answered, each value of the kind that its column has, be there a value or not.
    pub(super) fn read(&self, found: &[Row]) -> Result<SomeRows, StorageFault> {
        let mut rows = Vec::with_capacity(found.len());
        let mut last = None;
        for row in found {
            rows.push(typed(row, 0, &self.columns)?);
            last = Some(typed(row, self.columns.len(), &self.key)?);
        }
        Ok(SomeRows { rows, last })
    }
}

fn typed(
    row: &Row,
    from: usize,
    columns: &[(&'static str, Kind)],
) -> Result<Vec<Value>, StorageFault> {
    let values = columns.iter().zip(from..).map(|((_, kind), column)| {
        Ok(match kind {
            Kind::Int => Value::Int(row.int(column)?),
            Kind::Text => Value::Text(row.text(column)?.map(str::to_owned)),
            Kind::Bytes => Value::Bytes(row.bytes(column)?.map(<[u8]>::to_vec)),
        })
    });
    values.collect()
}

fn names(columns: &[(&'static str, Kind)]) -> String {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

fn places(count: usize) -> String {
    let places: Vec<_> = (1..=count).map(|place| format!("${place}")).collect();
    places.join(", ")
}
