//! Everything in one database, on its way out, or in: one connection, one transaction, no deadline, as it may be much.

use std::str::FromStr as _;

use async_trait::async_trait;
use bytes::Bytes;
use sheaf_shared::ids::{DocName, Seq};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::fault::{OpenError, of_storage};
use super::schema;
use super::tables;
use crate::adapters::codec::{self, signed};
use crate::adapters::whole::{
    AT_ONCE_BYTES, AsideRow, BatchRow, DocumentRow, Filling, Rows, RowsIn, SnapshotRow, Updates,
    Walk,
};
use crate::ports::{Entering, Leaving, Piece, Row as SmallRow, StorageFault, Value};

/// Most rows that are read at once.
const AT_ONCE_ROWS: i64 = 512;

/// What holds for these connections alone: a large table takes the time it takes, and a lock is waited for a while.
const PATIENT: [(&str, &str); 3] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "10000"),
    ("idle_in_transaction_session_timeout", "0"),
];

/// Everything in a database, as it stood when this was opened. Servers may go on writing.
#[derive(Debug)]
pub struct PostgresLeaving {
    connection: PgConnection,
    walk: Walk,
}

impl PostgresLeaving {
    /// Opens the database at `url` to read.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be reached, or its tables are not those of this release.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let mut connection = connect(url).await?;
        schema::check_readable(&mut connection).await?;
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            .execute(&mut connection)
            .await?;
        // The first question fixes the moment.
        sqlx::raw_sql("SELECT 1 FROM doc LIMIT 1")
            .execute(&mut connection)
            .await?;
        Ok(Self {
            connection,
            walk: Walk::default(),
        })
    }
}

async fn connect(url: &str) -> Result<PgConnection, OpenError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(OpenError::Address)?
        .application_name("sheaf")
        .options(PATIENT)
        .disable_statement_logging();
    PgConnection::connect_with(&options)
        .await
        .map_err(OpenError::Unreachable)
}

#[async_trait]
impl Leaving for PostgresLeaving {
    async fn next(&mut self) -> Result<Option<Piece>, StorageFault> {
        self.walk.next(&mut self.connection).await
    }
}

/// A database that is being filled, in one transaction: if that ends in any other way, it is as empty as before.
#[derive(Debug)]
pub struct PostgresEntering {
    connection: PgConnection,
    filling: Filling,
    walk: Walk,
}

impl PostgresEntering {
    /// Opens the database at `url`, sets up its tables, and keeps everyone else from making documents and
    /// accounts.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be reached or would lose what it commits; [`OpenError::NotEmpty`] when it holds
    /// documents or people.
    pub async fn begin(url: &str) -> Result<Self, OpenError> {
        let mut connection = connect(url).await?;
        schema::check_durability(&mut connection).await?;
        schema::migrate(&mut connection).await?;
        sqlx::raw_sql(
            "BEGIN; SET LOCAL synchronous_commit = on; LOCK TABLE doc, person IN EXCLUSIVE MODE",
        )
        .execute(&mut connection)
        .await?;
        let holds_some: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM doc) OR EXISTS (SELECT 1 FROM person)",
        )
        .fetch_one(&mut connection)
        .await?;
        if holds_some {
            return Err(OpenError::NotEmpty);
        }
        Ok(Self {
            connection,
            filling: Filling::default(),
            walk: Walk::default(),
        })
    }
}

#[async_trait]
impl Leaving for PostgresEntering {
    async fn next(&mut self) -> Result<Option<Piece>, StorageFault> {
        self.walk.next(&mut self.connection).await
    }
}

#[async_trait]
impl Entering for PostgresEntering {
    async fn put(&mut self, piece: Piece) -> Result<(), StorageFault> {
        self.filling.put(&mut self.connection, piece).await
    }

    async fn turn_round(&mut self) -> Result<(), StorageFault> {
        self.walk = Walk::default();
        Ok(())
    }

    async fn keep(mut self: Box<Self>) -> Result<(), StorageFault> {
        let kept = sqlx::raw_sql("COMMIT").execute(&mut self.connection).await;
        kept.map_err(|error| of_storage(&error))?;
        // New tables are planned for as if they were empty until somebody looks. Whether it works changes nothing.
        drop(
            sqlx::raw_sql("ANALYZE doc, log, snapshot, history, belonging")
                .execute(&mut self.connection)
                .await,
        );
        drop(self.connection.close().await);
        Ok(())
    }
}

/// Rows of one document after a place, some at a time.
macro_rules! some_rows_of {
    ($table:literal) => {
        concat!(
            "SELECT first_seq, last_seq, at_ms, checksum, updates FROM (
                 SELECT *, SUM(octet_length(updates)) OVER (ORDER BY first_seq) - octet_length(updates) AS bytes_before
                 FROM (SELECT first_seq, last_seq, at_ms, checksum, updates FROM ",
            $table,
            " WHERE doc_id = $1 AND first_seq > $2 ORDER BY first_seq LIMIT $3) AS next_rows
             ) AS counted WHERE bytes_before < $4 ORDER BY first_seq"
        )
    };
}

#[async_trait]
impl Rows for PgConnection {
    fn checksum(doc: &DocName, first: Seq, last: Seq, updates: &[u8]) -> u32 {
        codec::placed(codec::checksum_of_bytes(doc.as_str(), updates), first, last)
    }

    async fn document_after(
        &mut self,
        name: &str,
    ) -> Result<Option<(i64, DocumentRow)>, StorageFault> {
        let found = sqlx::query(
            "SELECT doc_id, name, created_at_ms, head_seq, trouble FROM doc
             WHERE name > $1 ORDER BY name LIMIT 1",
        )
        .bind(name)
        .fetch_optional(self)
        .await;
        one(found, |row| {
            let document = DocumentRow {
                name: row.try_get(1)?,
                created_at_ms: row.try_get(2)?,
                head_seq: row.try_get(3)?,
                trouble: row.try_get(4)?,
            };
            Ok((row.try_get(0)?, document))
        })
    }

    async fn snapshot_of(&mut self, doc_id: i64) -> Result<Option<SnapshotRow>, StorageFault> {
        let found = sqlx::query(
            "SELECT generation, through_seq, at_ms, checksum, bytes FROM snapshot WHERE doc_id = $1",
        )
        .bind(doc_id)
        .fetch_optional(self)
        .await;
        one(found, |row| {
            Ok(SnapshotRow {
                generation: row.try_get(0)?,
                through_seq: row.try_get(1)?,
                at_ms: row.try_get(2)?,
                checksum: row.try_get(3)?,
                bytes: blob(row, 4)?,
            })
        })
    }

    async fn some_of(
        &mut self,
        updates: Updates,
        doc_id: i64,
        after: i64,
    ) -> Result<Vec<BatchRow>, StorageFault> {
        let found = sqlx::query(match updates {
            Updates::History => some_rows_of!("history"),
            Updates::Log => some_rows_of!("log"),
        })
        .bind(doc_id)
        .bind(after)
        .bind(AT_ONCE_ROWS)
        .bind(signed(AT_ONCE_BYTES as u64))
        .fetch_all(self)
        .await;
        all(found, |row| {
            Ok(BatchRow {
                first_seq: row.try_get(0)?,
                last_seq: row.try_get(1)?,
                at_ms: row.try_get(2)?,
                checksum: row.try_get(3)?,
                updates: blob(row, 4)?,
            })
        })
    }

    async fn aside_of(&mut self, doc_id: i64) -> Result<Vec<AsideRow>, StorageFault> {
        let found = sqlx::query(
            "SELECT seq, at_ms, reason, bytes FROM quarantine WHERE doc_id = $1 ORDER BY quarantine_id",
        )
        .bind(doc_id)
        .fetch_all(self)
        .await;
        all(found, |row| {
            Ok(AsideRow {
                seq: row.try_get(0)?,
                at_ms: row.try_get(1)?,
                reason: row.try_get(2)?,
                bytes: blob(row, 3)?,
            })
        })
    }

    async fn has_table(&mut self, name: &'static str) -> Result<bool, StorageFault> {
        sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(name)
            .fetch_one(self)
            .await
            .map_err(|error| of_storage(&error))
    }

    async fn rows_of_table(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<SmallRow>, StorageFault> {
        all(
            tables::bound(sql, &values).fetch_all(self).await,
            tables::row,
        )
    }
}

fn one<T>(
    found: Result<Option<PgRow>, sqlx::Error>,
    read: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Option<T>, StorageFault> {
    let read = found.and_then(|row| row.as_ref().map(read).transpose());
    read.map_err(|error| of_storage(&error))
}

fn all<T>(
    found: Result<Vec<PgRow>, sqlx::Error>,
    read: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, StorageFault> {
    let read = found.and_then(|rows| rows.iter().map(read).collect());
    read.map_err(|error| of_storage(&error))
}

#[async_trait]
impl RowsIn for PgConnection {
    async fn insert_document(&mut self, row: DocumentRow) -> Result<i64, StorageFault> {
        sqlx::query_scalar(
            "INSERT INTO doc (name, created_at_ms, head_seq, trouble) VALUES ($1, $2, $3, $4)
             RETURNING doc_id",
        )
        .bind(row.name)
        .bind(row.created_at_ms)
        .bind(row.head_seq)
        .bind(row.trouble)
        .fetch_one(self)
        .await
        .map_err(|error| of_storage(&error))
    }

    async fn insert_snapshot(&mut self, doc_id: i64, row: SnapshotRow) -> Result<(), StorageFault> {
        let question = sqlx::query(
            "INSERT INTO snapshot (doc_id, generation, through_seq, at_ms, checksum, bytes)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(doc_id)
        .bind(row.generation)
        .bind(row.through_seq)
        .bind(row.at_ms)
        .bind(row.checksum)
        .bind(&row.bytes[..]);
        insert(self, question).await
    }

    async fn insert_updates(
        &mut self,
        updates: Updates,
        doc_id: i64,
        row: BatchRow,
    ) -> Result<(), StorageFault> {
        let question = sqlx::query(match updates {
            Updates::History => {
                "INSERT INTO history (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            }
            Updates::Log => {
                "INSERT INTO log (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            }
        })
        .bind(doc_id)
        .bind(row.first_seq)
        .bind(row.last_seq)
        .bind(row.at_ms)
        .bind(row.checksum)
        .bind(&row.updates[..]);
        insert(self, question).await
    }

    async fn insert_aside(&mut self, doc_id: i64, row: AsideRow) -> Result<(), StorageFault> {
        let question = sqlx::query(
            "INSERT INTO quarantine (doc_id, seq, at_ms, reason, bytes) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(doc_id)
        .bind(row.seq)
        .bind(row.at_ms)
        .bind(row.reason)
        .bind(&row.bytes[..]);
        insert(self, question).await
    }

    async fn insert_row(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), StorageFault> {
        insert(self, tables::bound(sql, &values)).await
    }
}

type Question<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

async fn insert(connection: &mut PgConnection, question: Question<'_>) -> Result<(), StorageFault> {
    let inserted = question.execute(connection).await;
    inserted.map(drop).map_err(|error| of_storage(&error))
}

fn blob(row: &PgRow, column: usize) -> Result<Bytes, sqlx::Error> {
    row.try_get(column).map(Bytes::copy_from_slice)
}
