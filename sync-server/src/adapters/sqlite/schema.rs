//! The tables: which migrations there are, and how a connection is set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::fault::{OpenError, open_error};
use crate::adapters::codec::signed;

/// Every migration, in order. A migration that has been released never changes.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (
        1,
        "documents",
        include_str!("../../../migrations/sqlite/0001_documents.sql"),
    ),
    (
        2,
        "people",
        include_str!("../../../migrations/sqlite/0002_people.sql"),
    ),
    (
        3,
        "confirmed addresses",
        include_str!("../../../migrations/sqlite/0003_confirmed_address.sql"),
    ),
];

/// Marks the file as ours (`SHEF`), so that a wrong path is not filled with our tables.
const APPLICATION_ID: i32 = 0x5348_4546;

/// Longest wait, in milliseconds, for a lock that a backup tool holds.
pub(super) const BUSY_MS: u64 = 2_000;

/// Bytes of a page in the write-ahead log, its head included.
pub(super) const LOG_PAGE_BYTES: u64 = 4_096 + 24;

/// More statements than the writer needs again and again: its own, and those that begin sessions and claim pages.
const STATEMENTS_MAX: usize = 64;

/// Opens the connection that writes.
///
/// A write-ahead log that grew beyond `log_bytes_kept`, with one large document say, is cut to that when it starts anew.
pub(super) fn open_writer(
    path: &Path,
    pages_max: Option<u32>,
    log_bytes_kept: u64,
) -> Result<Connection, OpenError> {
    let connection = Connection::open(path).map_err(open_error)?;
    connection
        .busy_timeout(Duration::from_millis(BUSY_MS))
        .map_err(open_error)?;
    // FULL: a commit is on the disk when it returns. NORMAL may lose the last ones when the power goes.
    // fullfsync: on a Mac, fsync leaves bytes in the drive's own memory; elsewhere it changes nothing.
    // Checkpoints run aside (`checkpoint.rs`), never inside a commit that someone waits for.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA fullfsync = ON;
             PRAGMA checkpoint_fullfsync = ON;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -4096;",
        )
        .map_err(open_error)?;
    // What is needed often stays compiled.
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection
        .pragma_update(None, "journal_size_limit", signed(log_bytes_kept))
        .map_err(open_error)?;
    if let Some(pages) = pages_max {
        connection
            .pragma_update(None, "max_page_count", pages)
            .map_err(open_error)?;
    }
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path).map_err(open_error)?;
    connection
        .busy_timeout(Duration::from_millis(BUSY_MS))
        .map_err(open_error)?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -1024;")
        .map_err(open_error)?;
    Ok(connection)
}

/// Brings the tables up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    check_owner(connection)?;
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS migration (
                 version INTEGER PRIMARY KEY,
                 name TEXT NOT NULL
             ) STRICT;",
        )
        .map_err(open_error)?;
    let newest: u32 = connection
        .query_row(
            "SELECT COALESCE(MAX(version), 0) FROM migration",
            [],
            |row| row.get(0),
        )
        .map_err(open_error)?;
    let known = MIGRATIONS.last().map_or(0, |(version, _, _)| *version);
    if newest > known {
        return Err(OpenError::TooNew {
            found: newest,
            known,
        });
    }
    for (version, name, sql) in MIGRATIONS
        .iter()
        .filter(|(version, _, _)| *version > newest)
    {
        let transaction = connection.transaction().map_err(open_error)?;
        transaction.execute_batch(sql).map_err(open_error)?;
        transaction
            .execute(
                "INSERT INTO migration (version, name) VALUES (?1, ?2)",
                (version, name),
            )
            .map_err(open_error)?;
        transaction.commit().map_err(open_error)?;
    }
    Ok(())
}

/// Refuses tables that this release would have to change first.
pub(super) fn check_current(connection: &Connection) -> Result<(), OpenError> {
    let owner: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(open_error)?;
    if owner != APPLICATION_ID {
        return Err(OpenError::NotOurs);
    }
    let found: u32 = connection
        .query_row("SELECT MAX(version) FROM migration", [], |row| row.get(0))
        .map_err(open_error)?;
    let known = MIGRATIONS.last().map_or(0, |(version, _, _)| *version);
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(OpenError::TooOld { found, known }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(OpenError::TooNew { found, known }),
    }
}

fn check_owner(connection: &Connection) -> Result<(), OpenError> {
    let owner: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(open_error)?;
    let tables: u32 = connection
        .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(open_error)?;
    match (owner, tables) {
        (APPLICATION_ID, _) => Ok(()),
        (_, 0) => connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(open_error),
        _ => Err(OpenError::NotOurs),
    }
}

/// Where the write-ahead log of the database at `path` lies.
pub(super) fn wal_path(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
