//! Questions to the database: a few connections that only read, each answer from one consistent view.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _};
use sheaf_shared::ids::DocName;
use sheaf_shared::time::UnixMs;

use super::fault::{OpenError, storage_fault};
use super::rows::head_of;
use super::schema;
use crate::adapters::codec::{self, Assembly, signed, unsigned};
use crate::ports::{
    DocumentSummary, Entry, Generation, Head, Quarantined, READ_BYTES_MAX, ReadFault, Seq,
    StorageFault, StoredDocument,
};

/// Most idle connections that are kept.
const IDLE_MAX: usize = 4;

/// Connections that wait for a question.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let first = schema::open_reader(path)?;
        Ok(Self {
            path: path.to_owned(),
            idle: Mutex::new(vec![first]),
        })
    }

    /// Asks one question, in a transaction. Blocks on the disk: call it where that is allowed.
    pub(super) fn ask<T, E: From<StorageFault>>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let waiting = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut connection = match waiting {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)
                .map_err(|error| StorageFault::Failed(error.to_string()))?,
        };
        let transaction = connection
            .transaction()
            .map_err(|error| storage_fault(&error))?;
        let answer = question(&transaction)?;
        drop(transaction);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        Ok(answer)
    }
}

/// What SQLite itself finds wrong with the file, page by page; nothing if it is sound.
pub(super) fn damages_of_file(connection: &Connection) -> Result<Vec<String>, StorageFault> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        let lines = statement.query_map([], |row| row.get(0))?;
        lines.collect()
    };
    match check() {
        Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
        Err(error) => match fault(error) {
            ReadFault::Damaged(what) => Ok(vec![what]),
            ReadFault::Storage(fault) => Err(fault),
        },
    }
}

fn fault(error: rusqlite::Error) -> ReadFault {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            ReadFault::Damaged("the database file itself is damaged".to_owned())
        }
        Some(_) => ReadFault::Storage(storage_fault(&error)),
        None => ReadFault::Damaged("a row has an unexpected form".to_owned()),
    }
}

/// Row number of a document, and the trouble that was noted about it.
pub(super) fn find(
    connection: &Connection,
    doc: &DocName,
) -> Result<Option<(i64, Option<String>)>, ReadFault> {
    connection
        .prepare_cached("SELECT doc_id, trouble FROM doc WHERE name = ?1")
        .and_then(|mut select| {
            select
                .query_row([doc.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .map_err(fault)
}

pub(super) fn load(
    connection: &Connection,
    doc: &DocName,
    doc_id: i64,
) -> Result<StoredDocument, ReadFault> {
    let mut stored = StoredDocument::default();
    type SnapshotRow = (i64, i64, u32, Vec<u8>);
    let snapshot: Option<SnapshotRow> = connection
        .prepare_cached(
            "SELECT generation, through_seq, checksum, bytes FROM snapshot WHERE doc_id = ?1",
        )
        .and_then(|mut select| {
            select
                .query_row([doc_id], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })
                .optional()
        })
        .map_err(fault)?;
    if let Some((generation, through, checksum, bytes)) = snapshot {
        let (generation, through) = (unsigned(generation), unsigned(through));
        if codec::checksum(doc.as_str(), generation, through, &bytes) != checksum {
            return Err(ReadFault::Damaged(
                "the snapshot's checksum does not match".to_owned(),
            ));
        }
        stored.generation = Generation(generation);
        stored.snapshot_through = Seq(through);
        stored.snapshot = Some(bytes.into());
    }
    stored.log = rows(
        connection,
        doc,
        doc_id,
        Table::Log,
        stored.snapshot_through,
        usize::MAX,
    )?;
    if let Some(first) = stored.log.first()
        && first.seq != stored.snapshot_through.plus(1)
    {
        return Err(ReadFault::Damaged(format!(
            "the updates from {} to {} are missing",
            stored.snapshot_through.0 + 1,
            first.seq.0 - 1
        )));
    }
    Ok(stored)
}

/// Where rows of updates lie.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Log,
    History,
}

/// Updates after `after`, checked for damage and gaps; those put aside are answered as empty ones.
pub(super) fn rows(
    connection: &Connection,
    doc: &DocName,
    doc_id: i64,
    table: Table,
    after: Seq,
    bytes_max: usize,
) -> Result<Vec<Entry>, ReadFault> {
    // The row that holds `after` itself may hold later ones too.
    let sql = match table {
        Table::Log => {
            "SELECT first_seq, last_seq, checksum, updates, at_ms FROM log WHERE doc_id = ?1 AND first_seq >=
             COALESCE((SELECT MAX(first_seq) FROM log WHERE doc_id = ?1 AND first_seq <= ?2 + 1), 0) ORDER BY first_seq"
        }
        Table::History => {
            "SELECT first_seq, last_seq, checksum, updates, at_ms FROM history WHERE doc_id = ?1 AND first_seq >=
             COALESCE((SELECT MAX(first_seq) FROM history WHERE doc_id = ?1 AND first_seq <= ?2 + 1), 0) ORDER BY first_seq"
        }
    };
    let mut select = connection.prepare_cached(sql).map_err(fault)?;
    let mut rows = select.query((doc_id, signed(after.0))).map_err(fault)?;
    let mut assembly = Assembly::default();
    while let Some(row) = rows.next().map_err(fault)? {
        let first = unsigned(row.get(0).map_err(fault)?);
        let last = unsigned(row.get(1).map_err(fault)?);
        let checksum: u32 = row.get(2).map_err(fault)?;
        let updates = row.get_ref(3).map_err(fault)?;
        let updates = updates
            .as_blob()
            .map_err(|_| ReadFault::Damaged("a row holds no bytes".to_owned()))?;
        let row = codec::Row {
            first: Seq(first),
            last: Seq(last),
            at: UnixMs(unsigned(row.get(4).map_err(fault)?)),
            is_sound: codec::checksum(doc.as_str(), first, last, updates) == checksum,
            updates,
        };
        assembly.take(after, &row).map_err(ReadFault::Damaged)?;
        if assembly.is_full(bytes_max) {
            break;
        }
    }
    Ok(assembly.done(put_aside(connection, doc_id)?))
}

/// The places whose updates were put aside.
fn put_aside(connection: &Connection, doc_id: i64) -> Result<Vec<Seq>, ReadFault> {
    let read = || -> rusqlite::Result<Vec<Seq>> {
        connection
            .prepare_cached("SELECT seq FROM quarantine WHERE doc_id = ?1 AND seq IS NOT NULL")?
            .query_map([doc_id], |row| Ok(Seq(unsigned(row.get(0)?))))?
            .collect()
    };
    read().map_err(fault)
}

pub(super) fn read_since(
    connection: &Connection,
    doc: &DocName,
    after: Seq,
) -> Result<Option<Vec<Entry>>, ReadFault> {
    let Some((doc_id, _)) = find(connection, doc)? else {
        return Ok(Some(Vec::new()));
    };
    let entries = rows(connection, doc, doc_id, Table::Log, after, READ_BYTES_MAX)?;
    let reached = entries.first().map(|entry| entry.seq.0.saturating_sub(1));
    let through: i64 = connection
        .prepare_cached("SELECT COALESCE((SELECT through_seq FROM snapshot WHERE doc_id = ?1), 0)")
        .and_then(|mut select| select.query_row([doc_id], |row| row.get(0)))
        .map_err(fault)?;
    let through = unsigned(through);
    match reached {
        Some(reached) if reached <= after.0 => Ok(Some(entries)),
        None if through <= after.0 => Ok(Some(entries)),
        Some(reached) if reached > through => Err(ReadFault::Damaged(format!(
            "the updates from {} to {reached} are missing",
            after.0.max(through) + 1
        ))),
        Some(_) | None => Ok(None),
    }
}

pub(super) fn history_since(
    connection: &Connection,
    doc: &DocName,
    after: Seq,
) -> Result<Vec<Entry>, ReadFault> {
    let Some((doc_id, _)) = find(connection, doc)? else {
        return Ok(Vec::new());
    };
    rows(
        connection,
        doc,
        doc_id,
        Table::History,
        after,
        READ_BYTES_MAX,
    )
}

pub(super) fn heads(
    connection: &Connection,
    docs: &[DocName],
) -> Result<Vec<Option<Head>>, StorageFault> {
    let ask = |doc: &DocName| -> rusqlite::Result<Option<Head>> {
        let found: Option<(i64, i64, i64)> = connection
            .prepare_cached(
                "SELECT doc.doc_id, COALESCE(snapshot.generation, 0), COALESCE(snapshot.through_seq, 0)
                 FROM doc LEFT JOIN snapshot USING (doc_id) WHERE doc.name = ?1",
            )?
            .query_row([doc.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        found
            .map(|(doc_id, generation, through)| {
                Ok(Head {
                    seq: Seq(unsigned(head_of(connection, doc_id)?)),
                    generation: Generation(unsigned(generation)),
                    snapshot_through: Seq(unsigned(through)),
                })
            })
            .transpose()
    };
    docs.iter()
        .map(ask)
        .collect::<rusqlite::Result<_>>()
        .map_err(|error| storage_fault(&error))
}

pub(super) fn list(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> Result<Vec<DocumentSummary>, StorageFault> {
    let read = || -> rusqlite::Result<Vec<DocumentSummary>> {
        let mut select = connection.prepare_cached(
            "SELECT doc.name, doc.doc_id, doc.trouble, COALESCE(snapshot.generation, 0), COALESCE(snapshot.through_seq, 0)
             FROM doc LEFT JOIN snapshot USING (doc_id) WHERE doc.name > ?1 ORDER BY doc.name LIMIT ?2",
        )?;
        let mut rows = select.query((after, signed(limit as u64)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            // Only parsed names are ever written; one that does not parse is damage, and `verify` says so.
            let Ok(doc) = DocName::parse(&name) else {
                continue;
            };
            found.push(DocumentSummary {
                doc,
                head: Head {
                    seq: Seq(unsigned(head_of(connection, row.get(1)?)?)),
                    generation: Generation(unsigned(row.get(3)?)),
                    snapshot_through: Seq(unsigned(row.get(4)?)),
                },
                trouble: row.get(2)?,
            });
        }
        Ok(found)
    };
    read().map_err(|error| storage_fault(&error))
}

pub(super) fn quarantined(
    connection: &Connection,
    doc: &DocName,
) -> Result<Vec<Quarantined>, StorageFault> {
    let read = || -> rusqlite::Result<Vec<Quarantined>> {
        let mut select = connection.prepare_cached(
            "SELECT quarantine.seq, reason, bytes, at_ms FROM quarantine JOIN doc USING (doc_id)
             WHERE doc.name = ?1 ORDER BY quarantine_id",
        )?;
        select
            .query_map([doc.as_str()], |row| {
                Ok(Quarantined {
                    seq: row.get::<_, Option<i64>>(0)?.map(|seq| Seq(unsigned(seq))),
                    reason: row.get(1)?,
                    update: row.get::<_, Vec<u8>>(2)?.into(),
                    at: UnixMs(unsigned(row.get(3)?)),
                })
            })?
            .collect()
    };
    read().map_err(|error| storage_fault(&error))
}
