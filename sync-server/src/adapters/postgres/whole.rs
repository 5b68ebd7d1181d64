//! Everything in one database, on its way out, or in: one connection, one transaction, no deadline, as it may be much.

use std::collections::VecDeque;
use std::str::FromStr as _;

use async_trait::async_trait;
use bytes::Bytes;
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::time::UnixMs;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::fault::{OpenError, of_storage};
use super::rows::{signed, unsigned};
use super::schema;
use crate::adapters::codec;
use crate::ports::{
    Batch, Entering, Generation, Leaving, Piece, Quarantined, Soundness, StorageFault,
};

/// Most rows, and about the most bytes of them, that are read at once.
const AT_ONCE_ROWS: i64 = 512;
const AT_ONCE_BYTES: i64 = 8 * 1024 * 1024;

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
        let next = self.walk.next(&mut self.connection).await;
        next.map_err(|error| of_storage(&error))
    }
}

/// A database that is being filled, in one transaction: if that ends in any other way, it is as empty as before.
#[derive(Debug)]
pub struct PostgresEntering {
    connection: PgConnection,
    current: Option<(i64, DocName)>,
    walk: Walk,
}

impl PostgresEntering {
    /// Opens the database at `url`, sets up its tables, and keeps everyone else from writing documents.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be reached or would lose what it commits; [`OpenError::NotEmpty`] when it holds
    /// documents.
    pub async fn begin(url: &str) -> Result<Self, OpenError> {
        let mut connection = connect(url).await?;
        schema::check_durability(&mut connection).await?;
        schema::migrate(&mut connection).await?;
        sqlx::raw_sql("BEGIN; SET LOCAL synchronous_commit = on; LOCK TABLE doc IN EXCLUSIVE MODE")
            .execute(&mut connection)
            .await?;
        let holds_some: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM doc)")
            .fetch_one(&mut connection)
            .await?;
        if holds_some {
            return Err(OpenError::NotEmpty);
        }
        Ok(Self {
            connection,
            current: None,
            walk: Walk::default(),
        })
    }

    async fn insert(&mut self, piece: Piece) -> Result<(), sqlx::Error> {
        if let Piece::Document {
            doc,
            created_at,
            head,
            trouble,
        } = piece
        {
            let doc_id = sqlx::query_scalar(
                "INSERT INTO doc (name, created_at_ms, head_seq, trouble) VALUES ($1, $2, $3, $4)
                 RETURNING doc_id",
            )
            .bind(doc.as_str())
            .bind(signed(created_at.0))
            .bind(signed(head.0))
            .bind(trouble)
            .fetch_one(&mut self.connection)
            .await?;
            self.current = Some((doc_id, doc));
            return Ok(());
        }
        let Some((doc_id, doc)) = &self.current else {
            return Ok(());
        };
        let question = match &piece {
            Piece::Document { .. } => return Ok(()),
            Piece::Snapshot {
                generation,
                through,
                at,
                soundness,
                bytes,
            } => {
                let right = codec::checksum(doc.as_str(), generation.0, through.0, bytes);
                sqlx::query(
                    "INSERT INTO snapshot (doc_id, generation, through_seq, at_ms, checksum, bytes)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .bind(doc_id)
                .bind(signed(generation.0))
                .bind(signed(through.0))
                .bind(signed(at.0))
                .bind(soundness.checksum(right))
                .bind(&bytes[..])
            }
            Piece::History(batch) => bind_batch(
                "INSERT INTO history (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                (*doc_id, doc),
                batch,
            ),
            Piece::Log(batch) => bind_batch(
                "INSERT INTO log (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                (*doc_id, doc),
                batch,
            ),
            Piece::Aside(aside) => bind_aside(*doc_id, aside),
        };
        question.execute(&mut self.connection).await.map(drop)
    }
}

type Question<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bind_batch<'q>(
    sql: &'static str,
    (doc_id, doc): (i64, &DocName),
    batch: &'q Batch,
) -> Question<'q> {
    sqlx::query(sql)
        .bind(doc_id)
        .bind(signed(batch.first.0))
        .bind(signed(batch.last.0))
        .bind(signed(batch.at.0))
        .bind(
            batch
                .soundness
                .checksum(checksum_of(doc, batch.first, batch.last, &batch.updates)),
        )
        .bind(&batch.updates[..])
}

fn bind_aside<'q>(doc_id: i64, aside: &'q Quarantined) -> Question<'q> {
    let Quarantined {
        seq,
        reason,
        update,
        at,
    } = aside;
    sqlx::query(
        "INSERT INTO quarantine (doc_id, seq, at_ms, reason, bytes) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(doc_id)
    .bind(seq.map(|seq| signed(seq.0)))
    .bind(signed(at.0))
    .bind(reason)
    .bind(&update[..])
}

fn checksum_of(doc: &DocName, first: Seq, last: Seq, updates: &[u8]) -> u32 {
    codec::placed(codec::checksum_of_bytes(doc.as_str(), updates), first, last)
}

#[async_trait]
impl Leaving for PostgresEntering {
    async fn next(&mut self) -> Result<Option<Piece>, StorageFault> {
        let next = self.walk.next(&mut self.connection).await;
        next.map_err(|error| of_storage(&error))
    }
}

#[async_trait]
impl Entering for PostgresEntering {
    async fn put(&mut self, piece: Piece) -> Result<(), StorageFault> {
        let put = self.insert(piece).await;
        put.map_err(|error| of_storage(&error))
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
            sqlx::raw_sql("ANALYZE doc, log, snapshot, history")
                .execute(&mut self.connection)
                .await,
        );
        drop(self.connection.close().await);
        Ok(())
    }
}

/// How far a database has been read.
#[derive(Debug, Default)]
struct Walk {
    waiting: VecDeque<Piece>,
    current: Option<(i64, DocName)>,
    stage: Stage,
}

/// Which rows of a document come next.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// None: the next document.
    #[default]
    Over,
    /// Of its history, after this place.
    History(Seq),
    /// Of its log, after this place.
    Log(Seq),
    /// What was put aside.
    Aside,
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

impl Walk {
    async fn next(&mut self, connection: &mut PgConnection) -> Result<Option<Piece>, sqlx::Error> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Ok(Some(piece));
            }
            if self.go_on(connection).await? {
                return Ok(None);
            }
        }
    }

    /// Reads some more; answers whether there was nothing more to read.
    async fn go_on(&mut self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        match (self.stage, self.current.clone()) {
            (Stage::Over, _) | (_, None) => return self.next_document(connection).await,
            (Stage::History(after), Some(of)) => {
                let sql = some_rows_of!("history");
                let last = self.batches(connection, sql, of, after, Piece::History);
                self.stage = last.await?.map_or(Stage::Log(Seq(0)), Stage::History);
            }
            (Stage::Log(after), Some(of)) => {
                let sql = some_rows_of!("log");
                let last = self.batches(connection, sql, of, after, Piece::Log);
                self.stage = last.await?.map_or(Stage::Aside, Stage::Log);
            }
            (Stage::Aside, Some((doc_id, _))) => {
                let rows = sqlx::query(
                    "SELECT seq, reason, bytes, at_ms FROM quarantine WHERE doc_id = $1 ORDER BY quarantine_id",
                )
                .bind(doc_id)
                .fetch_all(connection)
                .await?;
                for row in &rows {
                    self.waiting.push_back(Piece::Aside(Quarantined {
                        seq: row
                            .try_get::<Option<i64>, _>(0)?
                            .map(|seq| Seq(unsigned(seq))),
                        reason: row.try_get(1)?,
                        update: blob(row, 2)?,
                        at: UnixMs(unsigned(row.try_get(3)?)),
                    }));
                }
                self.stage = Stage::Over;
            }
        }
        Ok(false)
    }

    async fn next_document(&mut self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let after = self.current.as_ref().map_or("", |(_, doc)| doc.as_str());
        let found = sqlx::query(
            "SELECT doc_id, name, created_at_ms, head_seq, trouble FROM doc
             WHERE name > $1 ORDER BY name LIMIT 1",
        )
        .bind(after)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(found) = found else {
            return Ok(true);
        };
        let doc_id: i64 = found.try_get(0)?;
        let doc = DocName::parse(found.try_get(1)?)
            .map_err(|error| sqlx::Error::Decode(error.to_string().into()))?;
        self.waiting.push_back(Piece::Document {
            doc: doc.clone(),
            created_at: UnixMs(unsigned(found.try_get(2)?)),
            head: Seq(unsigned(found.try_get(3)?)),
            trouble: found.try_get(4)?,
        });
        let snapshot = sqlx::query(
            "SELECT generation, through_seq, at_ms, checksum, bytes FROM snapshot WHERE doc_id = $1",
        )
        .bind(doc_id)
        .fetch_optional(connection)
        .await?;
        if let Some(row) = snapshot {
            let generation = unsigned(row.try_get(0)?);
            let through = unsigned(row.try_get(1)?);
            let bytes = blob(&row, 4)?;
            let right = codec::checksum(doc.as_str(), generation, through, &bytes);
            self.waiting.push_back(Piece::Snapshot {
                generation: Generation(generation),
                through: Seq(through),
                at: UnixMs(unsigned(row.try_get(2)?)),
                soundness: Soundness::of(row.try_get::<i64, _>(3)? == i64::from(right)),
                bytes,
            });
        }
        self.current = Some((doc_id, doc));
        self.stage = Stage::History(Seq(0));
        Ok(false)
    }

    /// Some rows after `after`; answers the last one's first place, or `None` if there was none.
    async fn batches(
        &mut self,
        connection: &mut PgConnection,
        sql: &'static str,
        (doc_id, doc): (i64, DocName),
        after: Seq,
        piece: fn(Batch) -> Piece,
    ) -> Result<Option<Seq>, sqlx::Error> {
        let rows = sqlx::query(sql)
            .bind(doc_id)
            .bind(signed(after.0))
            .bind(AT_ONCE_ROWS)
            .bind(AT_ONCE_BYTES)
            .fetch_all(connection)
            .await?;
        let mut reached = None;
        for row in &rows {
            let first = Seq(unsigned(row.try_get(0)?));
            let last = Seq(unsigned(row.try_get(1)?));
            let updates = blob(row, 4)?;
            let right = checksum_of(&doc, first, last, &updates);
            reached = Some(first);
            self.waiting.push_back(piece(Batch {
                first,
                last,
                at: UnixMs(unsigned(row.try_get(2)?)),
                soundness: Soundness::of(row.try_get::<i64, _>(3)? == i64::from(right)),
                updates,
            }));
        }
        Ok(reached)
    }
}

fn blob(row: &PgRow, column: usize) -> Result<Bytes, sqlx::Error> {
    row.try_get(column).map(Bytes::copy_from_slice)
}
