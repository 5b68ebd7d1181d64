//! The small tables, beside the documents and in the same commits.

use async_trait::async_trait;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, ToSql, params_from_iter};

use super::SqliteStore;
use super::fault::storage_fault;
use super::writer::Job;
use crate::ports::{Row, Statement, StorageFault, Tables, Touches, Value, Written, is_in_order};

#[async_trait]
impl Tables for SqliteStore {
    async fn read(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StorageFault> {
        self.ask_reader(move |connection| {
            rows(connection, sql, &values).map_err(|error| storage_fault(&error))
        })
        .await
    }

    async fn write(&self, statements: Vec<Statement>) -> Result<Written, StorageFault> {
        self.ask_writer(|answer| Job::Tables { statements, answer })
            .await
    }

    fn bytes_sql(&self) -> &'static str {
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    }
}

/// The rows that answer a question.
pub(super) fn rows(
    connection: &Connection,
    sql: &str,
    values: &[Value],
) -> rusqlite::Result<Vec<Row>> {
    debug_assert!(is_in_order(sql, values.len()), "{sql}");
    let mut statement = connection.prepare_cached(sql)?;
    let columns = statement.column_count();
    let mut found = statement.query(params_from_iter(values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(match row.get_ref(column)? {
                ValueRef::Null => Value::Int(None),
                ValueRef::Integer(value) => Value::Int(Some(value)),
                ValueRef::Text(_) => Value::Text(Some(row.get(column)?)),
                ValueRef::Blob(bytes) => Value::Bytes(Some(bytes.to_vec())),
                ValueRef::Real(_) => {
                    let kind = rusqlite::types::Type::Real;
                    let why = "small tables hold no fractions";
                    return Err(rusqlite::Error::FromSqlConversionFailure(
                        column,
                        kind,
                        why.into(),
                    ));
                }
            });
        }
        rows.push(Row(values));
    }
    Ok(rows)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Self::Int(value) => value.to_sql(),
            Self::Text(value) => value.to_sql(),
            Self::Bytes(value) => value.to_sql(),
        }
    }
}

/// Does a list inside the transaction of its group. One that misses leaves what others of the group did.
pub(super) fn perform(
    transaction: &Connection,
    statements: &[Statement],
) -> rusqlite::Result<Written> {
    transaction.prepare_cached("SAVEPOINT list")?.execute([])?;
    for (at, statement) in statements.iter().enumerate() {
        debug_assert!(
            is_in_order(statement.sql, statement.values.len()),
            "{}",
            statement.sql
        );
        let touched = transaction
            .prepare_cached(statement.sql)?
            .execute(params_from_iter(&statement.values));
        let is_missed = match touched {
            Ok(rows) => statement.touches == Touches::One && rows != 1,
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => true,
            Err(error) => return Err(error),
        };
        if is_missed {
            transaction
                .prepare_cached("ROLLBACK TO list")?
                .execute([])?;
            transaction.prepare_cached("RELEASE list")?.execute([])?;
            return Ok(Written::Missed { statement: at });
        }
    }
    transaction.prepare_cached("RELEASE list")?.execute([])?;
    Ok(Written::Done)
}
