//! What is written, each in one transaction.

use futures_util::TryStreamExt as _;
use sheaf_shared::ids::DocName;
use sheaf_shared::time::UnixMs;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection as _, Row as _};

use super::leases;
use crate::adapters::codec::{self, signed, unsigned};
use crate::adapters::system::unix_now;
use crate::ports::{Appended, Generation, NewSnapshot, PutSnapshot, Quarantined, Seq, UpdateBytes};

/// Most bytes of updates in one segment of the history, unless a single row is longer.
const SEGMENT_BYTES: usize = 1024 * 1024;

/// Stores a batch behind a document's head, in one statement: one round trip, one commit.
///
/// `$1` name, `$2` count, `$3` time, `$4` checksum of name and bytes, `$5` bytes. The mixing of places into the
/// checksum is [`codec::placed`].
const APPEND: &str = "
    WITH head AS (
        UPDATE doc SET head_seq = head_seq + $2 WHERE name = $1 RETURNING doc_id, head_seq
    )
    INSERT INTO log (doc_id, first_seq, last_seq, at_ms, checksum, updates)
    SELECT doc_id, head_seq - $2 + 1, head_seq, $3,
           $4 # ((((head_seq - $2 + 1) & 4294967295) * 1597334677) & 4294967295)
              # (((head_seq & 4294967295) * 1181783497) & 4294967295),
           $5
    FROM head
    RETURNING last_seq";

pub(super) async fn append(
    connection: &mut PgConnection,
    doc: &DocName,
    updates: &[UpdateBytes],
) -> Result<Appended, sqlx::Error> {
    let count = signed(updates.len() as u64);
    let joined = codec::join(updates);
    let checksum = i64::from(codec::checksum_of_bytes(doc.as_str(), &joined));
    loop {
        let last: Option<i64> = sqlx::query_scalar(APPEND)
            .bind(doc.as_str())
            .bind(count)
            .bind(signed(unix_now().0))
            .bind(checksum)
            .bind(&joined)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(last) = last {
            return Ok(Appended {
                first: Seq(unsigned(last - count + 1)),
                last: Seq(unsigned(last)),
            });
        }
        create(connection, doc).await?;
    }
}

async fn create(connection: &mut PgConnection, doc: &DocName) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO doc (name, created_at_ms, head_seq) VALUES ($1, $2, 0) ON CONFLICT (name) DO NOTHING",
    )
    .bind(doc.as_str())
    .bind(signed(unix_now().0))
    .execute(connection)
    .await?;
    Ok(())
}

/// Row number and head of a document.
async fn find(
    connection: &mut PgConnection,
    doc: &DocName,
) -> Result<Option<(i64, Seq)>, sqlx::Error> {
    let row = sqlx::query("SELECT doc_id, head_seq FROM doc WHERE name = $1")
        .bind(doc.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok((row.try_get(0)?, Seq(unsigned(row.try_get(1)?)))))
        .transpose()
}

pub(super) async fn put_snapshot(
    connection: &mut PgConnection,
    doc: &DocName,
    snapshot: &NewSnapshot,
) -> Result<PutSnapshot, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    if leases::newest(&mut transaction, doc).await? > snapshot.fence {
        return Ok(PutSnapshot::Fenced);
    }
    let Some((doc_id, head)) = find(&mut transaction, doc).await? else {
        return Ok(PutSnapshot::Outrun(Generation(0)));
    };
    // Whoever comes second waits here for the first, and then sees its generation.
    let current = held(&mut transaction, doc_id).await?;
    let (generation, through) = current.unwrap_or((0, Seq(0)));
    // A snapshot that claims more than there is, or less than the last one held, was not made from this log.
    let fits = through <= snapshot.through && snapshot.through <= head;
    if generation != snapshot.made_from.0 || !fits {
        return Ok(PutSnapshot::Outrun(Generation(generation)));
    }
    let next = generation + 1;
    let checksum = codec::checksum(doc.as_str(), next, snapshot.through.0, &snapshot.bytes);
    let stored = sqlx::query(
        "INSERT INTO snapshot (doc_id, generation, through_seq, at_ms, checksum, bytes)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (doc_id) DO UPDATE
         SET generation = $2, through_seq = $3, at_ms = $4, checksum = $5, bytes = $6
         WHERE snapshot.generation = $2 - 1",
    )
    .bind(doc_id)
    .bind(signed(next))
    .bind(signed(snapshot.through.0))
    .bind(signed(unix_now().0))
    .bind(i64::from(checksum))
    .bind(&snapshot.bytes[..])
    .execute(&mut *transaction)
    .await?;
    if stored.rows_affected() == 0 {
        // Two made the first snapshot at the same time: there was no row to wait at.
        let (generation, _) = held(&mut transaction, doc_id).await?.unwrap_or_default();
        return Ok(PutSnapshot::Outrun(Generation(generation)));
    }
    transaction.commit().await?;
    Ok(PutSnapshot::Stored(Generation(next)))
}

/// Generation and reach of the snapshot there is, locked until the transaction ends.
async fn held(
    connection: &mut PgConnection,
    doc_id: i64,
) -> Result<Option<(u64, Seq)>, sqlx::Error> {
    let row =
        sqlx::query("SELECT generation, through_seq FROM snapshot WHERE doc_id = $1 FOR UPDATE")
            .bind(doc_id)
            .fetch_optional(connection)
            .await?;
    row.map(|row| Ok((unsigned(row.try_get(0)?), Seq(unsigned(row.try_get(1)?)))))
        .transpose()
}

/// One row of the log on its way to the history.
struct Segment {
    first: Seq,
    last: Seq,
    at: UnixMs,
    updates: Vec<u8>,
}

pub(super) async fn trim(
    connection: &mut PgConnection,
    doc: &DocName,
    through: Seq,
) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let Some((doc_id, _)) = find(&mut transaction, doc).await? else {
        return Ok(0);
    };
    // Held until the end, so that two who trim do it one after the other; those who append are not held up.
    let Some((_, reach)) = held(&mut transaction, doc_id).await? else {
        return Ok(0);
    };
    let through = through.min(reach);
    let (segments, moved, last_moved) = segments_of(&mut transaction, doc, doc_id, through).await?;
    for segment in segments {
        put_segment(&mut transaction, doc_id, doc, &segment).await?;
    }
    sqlx::query("DELETE FROM log WHERE doc_id = $1 AND last_seq <= $2")
        .bind(doc_id)
        .bind(signed(last_moved.0))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(moved)
}

/// The rows up to `through`, joined; how many updates they hold, and the last one's place.
async fn segments_of(
    connection: &mut PgConnection,
    doc: &DocName,
    doc_id: i64,
    through: Seq,
) -> Result<(Vec<Segment>, u64, Seq), sqlx::Error> {
    let mut rows = sqlx::query(
        "SELECT first_seq, last_seq, checksum, updates, at_ms FROM log
         WHERE doc_id = $1 AND last_seq <= $2 ORDER BY first_seq",
    )
    .bind(doc_id)
    .bind(signed(through.0))
    .fetch(connection);
    let mut segments: Vec<Segment> = Vec::new();
    let mut moved = 0;
    let mut last_moved = Seq(0);
    while let Some(row) = rows.try_next().await? {
        let codec::Row {
            first,
            last,
            at,
            is_sound,
            updates,
        } = row_of(doc, &row)?;
        // A damaged row stays where it is, for `verify` to find: moving it would give it a fresh checksum.
        if !is_sound {
            break;
        }
        moved += last.0 - first.0 + 1;
        last_moved = last;
        match segments.last_mut() {
            Some(open) if open.updates.len() + updates.len() <= SEGMENT_BYTES => {
                open.last = last;
                open.at = at;
                open.updates.extend_from_slice(updates);
            }
            Some(_) | None => segments.push(Segment {
                first,
                last,
                at,
                updates: updates.to_vec(),
            }),
        }
    }
    Ok((segments, moved, last_moved))
}

async fn put_segment(
    connection: &mut PgConnection,
    doc_id: i64,
    doc: &DocName,
    segment: &Segment,
) -> Result<(), sqlx::Error> {
    let of_bytes = codec::checksum_of_bytes(doc.as_str(), &segment.updates);
    let checksum = codec::placed(of_bytes, segment.first, segment.last);
    sqlx::query(
        "INSERT INTO history (doc_id, first_seq, last_seq, at_ms, checksum, updates)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(doc_id)
    .bind(signed(segment.first.0))
    .bind(signed(segment.last.0))
    .bind(signed(segment.at.0))
    .bind(i64::from(checksum))
    .bind(&segment.updates)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn put_aside(
    connection: &mut PgConnection,
    doc: &DocName,
    update: &Quarantined,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    create(&mut transaction, doc).await?;
    sqlx::query(
        "INSERT INTO quarantine (doc_id, seq, at_ms, reason, bytes)
         SELECT doc_id, $2, $3, $4, $5 FROM doc WHERE name = $1",
    )
    .bind(doc.as_str())
    .bind(update.seq.map(|seq| signed(seq.0)))
    .bind(signed(update.at.0))
    .bind(&update.reason)
    .bind(&update.update[..])
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

pub(super) async fn note(
    connection: &mut PgConnection,
    doc: &DocName,
    trouble: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE doc SET trouble = $2 WHERE name = $1")
        .bind(doc.as_str())
        .bind(trouble)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn probe(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO probe (probe_id, at_ms) VALUES (1, $1)
         ON CONFLICT (probe_id) DO UPDATE SET at_ms = $1",
    )
    .bind(signed(unix_now().0))
    .execute(connection)
    .await?;
    Ok(())
}

/// One row of the log or the history: columns `first_seq, last_seq, checksum, updates, at_ms`.
pub(super) fn row_of<'row>(
    doc: &DocName,
    row: &'row PgRow,
) -> Result<codec::Row<'row>, sqlx::Error> {
    let first = Seq(unsigned(row.try_get(0)?));
    let last = Seq(unsigned(row.try_get(1)?));
    let checksum: i64 = row.try_get(2)?;
    let updates: &[u8] = row.try_get(3)?;
    let of_bytes = codec::checksum_of_bytes(doc.as_str(), updates);
    Ok(codec::Row {
        first,
        last,
        at: UnixMs(unsigned(row.try_get(4)?)),
        is_sound: i64::from(codec::placed(of_bytes, first, last)) == checksum,
        updates,
    })
}
