//! What each job does to the rows, inside the transaction of its group.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _};
use sheaf_shared::ids::DocName;

use super::tables;
use super::writer::Job;
use crate::adapters::codec::{self, signed, unsigned};
use crate::adapters::system::unix_now;
use crate::ports::{
    Appended, Generation, NewSnapshot, PutSnapshot, Quarantined, Seq, UpdateBytes, Written,
};

/// Most bytes of updates in one segment of the history, unless a single row is longer.
const SEGMENT_BYTES: usize = 1024 * 1024;

/// A document's row number and newest update, as committed or as the open transaction will leave it.
#[derive(Clone, Copy)]
pub(super) struct Known {
    doc_id: i64,
    head: Seq,
}

/// What a job came to, before it is known whether the transaction holds.
pub(super) enum Done {
    Appended(Appended),
    PutSnapshot(PutSnapshot),
    Trimmed(u64),
    Tables(Written),
    Nothing,
}

pub(super) fn perform(
    transaction: &Connection,
    known: &mut HashMap<DocName, Known>,
    job: &Job,
) -> rusqlite::Result<Done> {
    match job {
        Job::Append { doc, updates, .. } => {
            append(transaction, known, doc, updates).map(Done::Appended)
        }
        Job::PutSnapshot { doc, snapshot, .. } => {
            put_snapshot(transaction, known, doc, snapshot).map(Done::PutSnapshot)
        }
        Job::Trim { doc, through, .. } => {
            trim(transaction, known, doc, *through).map(Done::Trimmed)
        }
        Job::Quarantine { doc, update, .. } => {
            put_aside(transaction, known, doc, update)?;
            Ok(Done::Nothing)
        }
        Job::Trouble { doc, trouble, .. } => {
            transaction
                .prepare_cached("UPDATE doc SET trouble = ?2 WHERE name = ?1")?
                .execute((doc.as_str(), trouble))?;
            Ok(Done::Nothing)
        }
        Job::Tables { statements, .. } => {
            tables::perform(transaction, statements).map(Done::Tables)
        }
        Job::Probe { .. } => {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO probe (probe_id, at_ms) VALUES (1, ?1)")?
                .execute([signed(unix_now().0)])?;
            Ok(Done::Nothing)
        }
        Job::Close => Ok(Done::Nothing),
    }
}

fn append(
    transaction: &Connection,
    known: &mut HashMap<DocName, Known>,
    doc: &DocName,
    updates: &[UpdateBytes],
) -> rusqlite::Result<Appended> {
    let Known { doc_id, head } = find_or_create(transaction, known, doc)?;
    let first = head.plus(1);
    let last = head.plus(updates.len() as u64);
    let joined = codec::join(updates);
    let checksum = codec::checksum(doc.as_str(), first.0, last.0, &joined);
    transaction
        .prepare_cached(
            "INSERT INTO log (doc_id, first_seq, last_seq, at_ms, checksum, updates) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            doc_id,
            signed(first.0),
            signed(last.0),
            signed(unix_now().0),
            i64::from(checksum),
            joined,
        ))?;
    known.insert(doc.clone(), Known { doc_id, head: last });
    Ok(Appended { first, last })
}

fn put_snapshot(
    transaction: &Connection,
    known: &mut HashMap<DocName, Known>,
    doc: &DocName,
    snapshot: &NewSnapshot,
) -> rusqlite::Result<PutSnapshot> {
    let Known { doc_id, head } = find_or_create(transaction, known, doc)?;
    let current: Option<(i64, i64)> = transaction
        .prepare_cached("SELECT generation, through_seq FROM snapshot WHERE doc_id = ?1")?
        .query_row([doc_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (generation, through) = current.map_or((0, 0), |(g, t)| (unsigned(g), unsigned(t)));
    // A snapshot that claims more than there is, or less than the last one held, was not made from this log.
    let fits = through <= snapshot.through.0 && snapshot.through <= head;
    if generation != snapshot.made_from.0 || !fits {
        return Ok(PutSnapshot::Outrun(Generation(generation)));
    }
    let next = generation + 1;
    let checksum = codec::checksum(doc.as_str(), next, snapshot.through.0, &snapshot.bytes);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO snapshot (doc_id, generation, through_seq, at_ms, checksum, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            doc_id,
            signed(next),
            signed(snapshot.through.0),
            signed(unix_now().0),
            i64::from(checksum),
            &snapshot.bytes[..],
        ))?;
    Ok(PutSnapshot::Stored(Generation(next)))
}

/// One row of the log on its way to the history.
struct LogRow {
    first: u64,
    last: u64,
    at_ms: i64,
    checksum: u32,
    updates: Vec<u8>,
}

fn trim(
    transaction: &Connection,
    known: &mut HashMap<DocName, Known>,
    doc: &DocName,
    through: Seq,
) -> rusqlite::Result<u64> {
    let Known { doc_id, .. } = find_or_create(transaction, known, doc)?;
    let held: Option<i64> = transaction
        .prepare_cached("SELECT through_seq FROM snapshot WHERE doc_id = ?1")?
        .query_row([doc_id], |row| row.get(0))
        .optional()?;
    let through = signed(through.0).min(held.unwrap_or(0));
    let mut select = transaction.prepare_cached(
        "SELECT first_seq, last_seq, at_ms, checksum, updates FROM log
         WHERE doc_id = ?1 AND last_seq <= ?2 ORDER BY first_seq",
    )?;
    let mut rows = select.query((doc_id, through))?;
    let mut segment: Option<LogRow> = None;
    let mut moved = 0;
    let mut last_moved = 0;
    while let Some(row) = rows.next()? {
        let row = LogRow {
            first: unsigned(row.get(0)?),
            last: unsigned(row.get(1)?),
            at_ms: row.get(2)?,
            checksum: row.get(3)?,
            updates: row.get(4)?,
        };
        // A damaged row stays where it is, for `verify` to find: moving it would give it a fresh checksum.
        if codec::checksum(doc.as_str(), row.first, row.last, &row.updates) != row.checksum {
            break;
        }
        moved += row.last - row.first + 1;
        last_moved = row.last;
        segment = Some(match segment.take() {
            Some(mut open) if open.updates.len() + row.updates.len() <= SEGMENT_BYTES => {
                open.last = row.last;
                open.at_ms = row.at_ms;
                open.updates.extend_from_slice(&row.updates);
                open
            }
            Some(full) => {
                put_segment(transaction, doc_id, doc, &full)?;
                row
            }
            None => row,
        });
    }
    if let Some(open) = segment {
        put_segment(transaction, doc_id, doc, &open)?;
    }
    transaction
        .prepare_cached("DELETE FROM log WHERE doc_id = ?1 AND last_seq <= ?2")?
        .execute((doc_id, signed(last_moved)))?;
    Ok(moved)
}

fn put_segment(
    transaction: &Connection,
    doc_id: i64,
    doc: &DocName,
    segment: &LogRow,
) -> rusqlite::Result<()> {
    let checksum = codec::checksum(doc.as_str(), segment.first, segment.last, &segment.updates);
    transaction
        .prepare_cached(
            "INSERT INTO history (doc_id, first_seq, last_seq, at_ms, checksum, updates) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            doc_id,
            signed(segment.first),
            signed(segment.last),
            segment.at_ms,
            i64::from(checksum),
            &segment.updates,
        ))?;
    Ok(())
}

fn put_aside(
    transaction: &Connection,
    known: &mut HashMap<DocName, Known>,
    doc: &DocName,
    update: &Quarantined,
) -> rusqlite::Result<()> {
    let Known { doc_id, .. } = find_or_create(transaction, known, doc)?;
    transaction
        .prepare_cached(
            "INSERT INTO quarantine (doc_id, seq, at_ms, reason, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            doc_id,
            update.seq.map(|seq| signed(seq.0)),
            signed(update.at.0),
            &update.reason,
            &update.update[..],
        ))?;
    Ok(())
}

fn find_or_create(
    transaction: &Connection,
    known: &mut HashMap<DocName, Known>,
    doc: &DocName,
) -> rusqlite::Result<Known> {
    if let Some(found) = known.get(doc) {
        return Ok(*found);
    }
    let doc_id: Option<i64> = transaction
        .prepare_cached("SELECT doc_id FROM doc WHERE name = ?1")?
        .query_row([doc.as_str()], |row| row.get(0))
        .optional()?;
    let found = match doc_id {
        Some(doc_id) => Known {
            doc_id,
            head: Seq(unsigned(head_of(transaction, doc_id)?)),
        },
        None => {
            transaction
                .prepare_cached("INSERT INTO doc (name, created_at_ms) VALUES (?1, ?2)")?
                .execute((doc.as_str(), signed(unix_now().0)))?;
            Known {
                doc_id: transaction.last_insert_rowid(),
                head: Seq(0),
            }
        }
    };
    known.insert(doc.clone(), found);
    Ok(found)
}

/// The newest update's place: the log's end, or the snapshot's if the log is empty.
pub(super) fn head_of(connection: &Connection, doc_id: i64) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT MAX(
                 COALESCE((SELECT last_seq FROM log WHERE doc_id = ?1 ORDER BY first_seq DESC LIMIT 1), 0),
                 COALESCE((SELECT through_seq FROM snapshot WHERE doc_id = ?1), 0))",
        )?
        .query_row([doc_id], |row| row.get(0))
}
