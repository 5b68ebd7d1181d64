//! What is read, each from one consistent view.

use futures_util::TryStreamExt as _;
use sheaf_shared::ids::DocName;
use sheaf_shared::time::UnixMs;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row as _};

use super::fault::of_reading;
use super::rows::row_of;
use crate::adapters::codec::{self, Assembly, signed, unsigned};
use crate::ports::{
    DocumentSummary, Entry, Generation, Head, Quarantined, READ_BYTES_MAX, ReadFault, Seq,
    StoredDocument, UpdateBytes,
};

/// Several questions, one moment.
const ONE_VIEW: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

fn fault(error: sqlx::Error) -> ReadFault {
    of_reading(&error)
}

/// What is known of a document before its log is read.
struct Found {
    doc_id: i64,
    trouble: Option<String>,
    generation: Generation,
    through: Seq,
    head: Seq,
}

async fn find(connection: &mut PgConnection, doc: &DocName) -> Result<Option<Found>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT doc_id, trouble, COALESCE(generation, 0), COALESCE(through_seq, 0), head_seq
         FROM doc LEFT JOIN snapshot USING (doc_id) WHERE name = $1",
    )
    .bind(doc.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Found {
            doc_id: row.try_get(0)?,
            trouble: row.try_get(1)?,
            generation: Generation(unsigned(row.try_get(2)?)),
            through: Seq(unsigned(row.try_get(3)?)),
            head: Seq(unsigned(row.try_get(4)?)),
        })
    })
    .transpose()
}

/// The trouble noted before, and the document, or what is wrong with it now.
pub(super) type Loaded = (Option<String>, Result<Option<StoredDocument>, String>);

pub(super) async fn load(
    connection: &mut PgConnection,
    doc: &DocName,
) -> Result<Loaded, ReadFault> {
    let mut view = connection.begin_with(ONE_VIEW).await.map_err(fault)?;
    let Some(found) = find(&mut view, doc).await.map_err(fault)? else {
        view.commit().await.map_err(fault)?;
        return Ok((None, Ok(None)));
    };
    let loaded = match load_found(&mut view, doc, &found).await {
        Ok(stored) => Ok(Some(stored)),
        Err(ReadFault::Damaged(reason)) => Err(reason),
        Err(unanswered) => return Err(unanswered),
    };
    view.commit().await.map_err(fault)?;
    Ok((found.trouble, loaded))
}

async fn load_found(
    view: &mut PgConnection,
    doc: &DocName,
    found: &Found,
) -> Result<StoredDocument, ReadFault> {
    let mut stored = StoredDocument {
        generation: found.generation,
        snapshot_through: found.through,
        ..StoredDocument::default()
    };
    if found.generation > Generation(0) {
        let row = sqlx::query("SELECT checksum, bytes FROM snapshot WHERE doc_id = $1")
            .bind(found.doc_id)
            .fetch_one(&mut *view)
            .await
            .map_err(fault)?;
        let checksum: i64 = row.try_get(0).map_err(fault)?;
        let bytes: &[u8] = row.try_get(1).map_err(fault)?;
        let computed = codec::checksum(doc.as_str(), found.generation.0, found.through.0, bytes);
        if i64::from(computed) != checksum {
            return Err(ReadFault::Damaged(
                "the snapshot's checksum does not match".to_owned(),
            ));
        }
        stored.snapshot = Some(UpdateBytes::copy_from_slice(bytes));
    }
    stored.log = log_since(view, doc, found.doc_id, found.through, usize::MAX).await?;
    if let Some(first) = stored.log.first()
        && first.seq != stored.snapshot_through.plus(1)
    {
        return Err(missing(stored.snapshot_through, first.seq));
    }
    if stored.head() < found.head {
        return Err(missing(stored.head(), found.head.plus(1)));
    }
    Ok(stored)
}

fn missing(after: Seq, before: Seq) -> ReadFault {
    ReadFault::Damaged(format!(
        "the updates from {} to {} are missing",
        after.0 + 1,
        before.0 - 1
    ))
}

async fn log_since(
    connection: &mut PgConnection,
    doc: &DocName,
    doc_id: i64,
    after: Seq,
    bytes_max: usize,
) -> Result<Vec<Entry>, ReadFault> {
    // The row that holds `after` itself may hold later ones too.
    let question = sqlx::query(
        "SELECT first_seq, last_seq, checksum, updates, at_ms FROM log
         WHERE doc_id = $1 AND first_seq >= COALESCE(
             (SELECT MAX(first_seq) FROM log WHERE doc_id = $1 AND first_seq <= $2), 0)
         ORDER BY first_seq",
    )
    .bind(doc_id)
    .bind(signed(after.plus(1).0));
    let mut assembly = Assembly::default();
    {
        let mut rows = question.fetch(&mut *connection);
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            take(&mut assembly, doc, after, &row)?;
            if assembly.is_full(bytes_max) {
                break;
            }
        }
    }
    done(connection, doc_id, assembly).await
}

pub(super) async fn history_since(
    connection: &mut PgConnection,
    doc: &DocName,
    after: Seq,
) -> Result<Vec<Entry>, ReadFault> {
    let mut view = connection.begin_with(ONE_VIEW).await.map_err(fault)?;
    let Some(found) = find(&mut view, doc).await.map_err(fault)? else {
        return Ok(Vec::new());
    };
    let question = sqlx::query(
        "SELECT first_seq, last_seq, checksum, updates, at_ms FROM history
         WHERE doc_id = $1 AND first_seq >= COALESCE(
             (SELECT MAX(first_seq) FROM history WHERE doc_id = $1 AND first_seq <= $2), 0)
         ORDER BY first_seq",
    )
    .bind(found.doc_id)
    .bind(signed(after.plus(1).0));
    let mut assembly = Assembly::default();
    {
        let mut rows = question.fetch(&mut *view);
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            take(&mut assembly, doc, after, &row)?;
            if assembly.is_full(READ_BYTES_MAX) {
                break;
            }
        }
    }
    let entries = done(&mut view, found.doc_id, assembly).await?;
    view.commit().await.map_err(fault)?;
    Ok(entries)
}

fn take(assembly: &mut Assembly, doc: &DocName, after: Seq, row: &PgRow) -> Result<(), ReadFault> {
    let row = row_of(doc, row).map_err(fault)?;
    assembly.take(after, &row).map_err(ReadFault::Damaged)
}

async fn done(
    connection: &mut PgConnection,
    doc_id: i64,
    assembly: Assembly,
) -> Result<Vec<Entry>, ReadFault> {
    let put_aside: Vec<i64> =
        sqlx::query_scalar("SELECT seq FROM quarantine WHERE doc_id = $1 AND seq IS NOT NULL")
            .bind(doc_id)
            .fetch_all(connection)
            .await
            .map_err(fault)?;
    Ok(assembly.done(put_aside.into_iter().map(|seq| Seq(unsigned(seq)))))
}

pub(super) async fn read_since(
    connection: &mut PgConnection,
    doc: &DocName,
    after: Seq,
) -> Result<Option<Vec<Entry>>, ReadFault> {
    let mut view = connection.begin_with(ONE_VIEW).await.map_err(fault)?;
    let Some(found) = find(&mut view, doc).await.map_err(fault)? else {
        view.commit().await.map_err(fault)?;
        return Ok(Some(Vec::new()));
    };
    let entries = log_since(&mut view, doc, found.doc_id, after, READ_BYTES_MAX).await?;
    view.commit().await.map_err(fault)?;
    match entries.first() {
        Some(first) if first.seq <= after.plus(1) => Ok(Some(entries)),
        None if found.through <= after => Ok(Some(entries)),
        Some(first) if first.seq > found.through.plus(1) => {
            Err(missing(after.max(found.through), first.seq))
        }
        Some(_) | None => Ok(None),
    }
}

pub(super) async fn heads(
    connection: &mut PgConnection,
    docs: &[DocName],
) -> Result<Vec<Option<Head>>, sqlx::Error> {
    let names: Vec<&str> = docs.iter().map(DocName::as_str).collect();
    let rows = sqlx::query(
        "SELECT head_seq, COALESCE(generation, 0), COALESCE(through_seq, 0)
         FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, place)
         LEFT JOIN doc ON doc.name = asked.name LEFT JOIN snapshot USING (doc_id)
         ORDER BY place",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    let head = |row: &PgRow| {
        let seq: Option<i64> = row.try_get(0)?;
        let generation: i64 = row.try_get(1)?;
        let through: i64 = row.try_get(2)?;
        Ok(seq.map(|seq| Head {
            seq: Seq(unsigned(seq)),
            generation: Generation(unsigned(generation)),
            snapshot_through: Seq(unsigned(through)),
        }))
    };
    rows.iter().map(head).collect()
}

/// When this run of the database began. A standby that takes over has its own time.
pub(super) async fn run(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_postmaster_start_time()::text")
        .fetch_one(connection)
        .await
}

pub(super) async fn list(
    connection: &mut PgConnection,
    after: &str,
    limit: usize,
) -> Result<Vec<DocumentSummary>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT name, head_seq, COALESCE(generation, 0), COALESCE(through_seq, 0), trouble
         FROM doc LEFT JOIN snapshot USING (doc_id) WHERE name > $1 ORDER BY name LIMIT $2",
    )
    .bind(after)
    .bind(signed(limit as u64))
    .fetch_all(connection)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        // Only parsed names are ever written; one that does not parse is damage, and `verify` says so.
        let Ok(doc) = DocName::parse(row.try_get(0)?) else {
            continue;
        };
        found.push(DocumentSummary {
            doc,
            head: Head {
                seq: Seq(unsigned(row.try_get(1)?)),
                generation: Generation(unsigned(row.try_get(2)?)),
                snapshot_through: Seq(unsigned(row.try_get(3)?)),
            },
            trouble: row.try_get(4)?,
        });
    }
    Ok(found)
}

pub(super) async fn quarantined(
    connection: &mut PgConnection,
    doc: &DocName,
) -> Result<Vec<Quarantined>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT seq, reason, bytes, at_ms FROM quarantine JOIN doc USING (doc_id)
         WHERE name = $1 ORDER BY quarantine_id",
    )
    .bind(doc.as_str())
    .fetch_all(connection)
    .await?;
    let one = |row: PgRow| {
        Ok(Quarantined {
            seq: row
                .try_get::<Option<i64>, _>(0)?
                .map(|seq| Seq(unsigned(seq))),
            reason: row.try_get(1)?,
            update: UpdateBytes::copy_from_slice(row.try_get(2)?),
            at: UnixMs(unsigned(row.try_get(3)?)),
        })
    };
    rows.into_iter().map(one).collect()
}
