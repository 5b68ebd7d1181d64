//! The small tables, each list of statements a transaction.

use async_trait::async_trait;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Column as _, Connection as _, Postgres, Row as _, TypeInfo as _};

use super::{PostgresStore, schema};
use crate::ports::{Row, Statement, StorageFault, Tables, Touches, Value, Written};

/// Raises the floor, unless a server that lets everyone in was heard of in the last ten minutes. One that was killed may
/// stay on the list for a day; one that is only cut off comes back sooner.
const CLOSE_TO_EARLIER: &str = "UPDATE migration SET floor = $1::BIGINT::INTEGER
     WHERE version = $1 AND NOT EXISTS (SELECT 1 FROM member
         WHERE knows < $1 AND seen_at > clock_timestamp() - INTERVAL '10 minutes')";

#[async_trait]
impl Tables for PostgresStore {
    async fn read(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, StorageFault> {
        self.read(async {
            let mut lease = self.connections.take().await?;
            let found = bound(sql, &values).fetch_all(&mut *lease).await;
            let rows = found.and_then(|rows| rows.iter().map(row).collect());
            lease.settle(rows)
        })
        .await
    }

    async fn write(&self, statements: Vec<Statement>) -> Result<Written, StorageFault> {
        self.write(async {
            let mut lease = self.connections.take().await?;
            let written = perform(&mut lease, &statements).await;
            lease.settle(written)
        })
        .await
    }

    fn closing_to_earlier(&self) -> Option<Statement> {
        Some(Statement {
            sql: CLOSE_TO_EARLIER,
            values: vec![Value::from(i64::from(schema::KNOWS_ACCOUNTS))],
            touches: Touches::One,
        })
    }

    fn bytes_sql(&self) -> &'static str {
        "SELECT pg_database_size(current_database())"
    }
}

pub(super) fn bound<'a>(
    sql: &'static str,
    values: &'a [Value],
) -> Query<'a, Postgres, PgArguments> {
    values
        .iter()
        .fold(sqlx::query(sql), |query, value| match value {
            Value::Int(value) => query.bind(value),
            Value::Text(value) => query.bind(value.as_deref()),
            Value::Bytes(value) => query.bind(value.as_deref()),
        })
}

pub(super) fn row(found: &PgRow) -> Result<Row, sqlx::Error> {
    let values = found.columns().iter().map(|column| {
        let at = column.ordinal();
        match column.type_info().name() {
            "INT8" => found.try_get(at).map(Value::Int),
            "BYTEA" => found.try_get(at).map(Value::Bytes),
            _ => found.try_get(at).map(Value::Text),
        }
    });
    values.collect::<Result<_, _>>().map(Row)
}

async fn perform(
    connection: &mut PgConnection,
    statements: &[Statement],
) -> Result<Written, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for (at, statement) in statements.iter().enumerate() {
        let done = bound(statement.sql, &statement.values)
            .execute(&mut *transaction)
            .await;
        let is_missed = match done {
            Ok(done) => statement.touches == Touches::One && done.rows_affected() != 1,
            Err(sqlx::Error::Database(error)) if is_constraint(&*error) => true,
            Err(error) => return Err(error),
        };
        if is_missed {
            transaction.rollback().await?;
            return Ok(Written::Missed { statement: at });
        }
    }
    transaction.commit().await?;
    Ok(Written::Done)
}

/// A row stands in the way, one it leans on is missing, or it is not as rows must be.
fn is_constraint(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| code.starts_with("23"))
}
