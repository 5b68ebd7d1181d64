//! Everything in one database file, on its way out, or in. What blocks here blocks its thread: these are for commands
//! that do nothing else meanwhile.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, Row, params_from_iter};
use sheaf_shared::ids::{DocName, Seq};

use super::fault::{OpenError, open_error, storage_fault};
use super::rows::head_of;
use super::schema;
use super::tables;
use crate::adapters::codec;
use crate::adapters::whole::{
    AT_ONCE_BYTES, AsideRow, BatchRow, DocumentRow, Filling, Rows, RowsIn, SnapshotRow, Updates,
    Walk,
};
use crate::ports::{Entering, Leaving, Piece, Row as SmallRow, StorageFault, Value};

/// Everything in a file, as it stood when this was opened. Whoever writes to it meanwhile is not held up.
pub struct SqliteLeaving {
    connection: Connection,
    walk: Walk,
}

impl SqliteLeaving {
    /// Opens the database at `path` to read.
    ///
    /// # Errors
    /// [`OpenError`] when there is none, it is not ours, or its tables are not those of this release.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.is_file() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        let connection = open_to_read(path)?;
        schema::check_current(&connection)?;
        // The first question fixes the moment.
        connection
            .execute_batch("BEGIN; SELECT COUNT(*) FROM sqlite_schema;")
            .map_err(open_error)?;
        Ok(Self {
            connection,
            walk: Walk::default(),
        })
    }
}

fn open_to_read(path: &Path) -> Result<Connection, OpenError> {
    let wal = schema::wal_path(path);
    let is_in_use = fs::metadata(wal).is_ok_and(|found| found.len() > 0);
    if is_in_use {
        // A writer's log lies beside it: both are read, for which a file of shared memory is needed.
        return schema::open_reader(path);
    }
    // A file by itself, perhaps where nothing may be written.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
        .and_then(|connection| {
            connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        })
        .map_err(open_error)
}

#[async_trait]
impl Leaving for SqliteLeaving {
    async fn next(&mut self) -> Result<Option<Piece>, StorageFault> {
        self.walk.next(&mut self.connection).await
    }
}

/// A file that is being filled. It lies in a folder of its own until it is kept, and that folder is removed with it.
pub struct SqliteEntering {
    connection: Connection,
    folder: PathBuf,
    /// Where it shall lie in the end.
    destination: PathBuf,
    filling: Filling,
    walk: Walk,
}

impl SqliteEntering {
    /// Begins a file that shall become `destination`. What an interrupted run left behind there is removed.
    ///
    /// # Errors
    /// [`OpenError`] when the folder cannot be written, or there is something at `destination`.
    pub fn begin(destination: &Path) -> Result<Self, OpenError> {
        if destination.symlink_metadata().is_ok() {
            return Err(OpenError::NotEmpty(destination.to_owned()));
        }
        let mut folder = destination.as_os_str().to_owned();
        folder.push(".incoming");
        let folder = PathBuf::from(folder);
        let fail = |cause| OpenError::Folder {
            path: folder.clone(),
            cause,
        };
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(fail)?;
        }
        fs::create_dir(&folder).map_err(fail)?;
        let mut connection = Connection::open(folder.join(super::FILE_NAME)).map_err(open_error)?;
        schema::migrate(&mut connection)?;
        // Until it is whole it is worth nothing, so it is synced once, at the end.
        connection
            .execute_batch(
                "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN IMMEDIATE;",
            )
            .map_err(open_error)?;
        Ok(Self {
            connection,
            folder,
            destination: destination.to_owned(),
            filling: Filling::default(),
            walk: Walk::default(),
        })
    }

    /// Makes one plain file of the database at `path`, whoever opened it meanwhile: any tool can copy it then.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be written.
    pub fn make_plain(path: &Path) -> Result<(), OpenError> {
        let connection = Connection::open(path).map_err(open_error)?;
        connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE;")
            .map_err(open_error)
    }

    fn finish(&self) -> rusqlite::Result<()> {
        // One plain file, which can be copied by any tool.
        self.connection
            .execute_batch("COMMIT; PRAGMA journal_mode = DELETE;")
    }
}

#[async_trait]
impl Leaving for SqliteEntering {
    async fn next(&mut self) -> Result<Option<Piece>, StorageFault> {
        self.walk.next(&mut self.connection).await
    }
}

#[async_trait]
impl Entering for SqliteEntering {
    async fn put(&mut self, piece: Piece) -> Result<(), StorageFault> {
        self.filling.put(&mut self.connection, piece).await
    }

    async fn turn_round(&mut self) -> Result<(), StorageFault> {
        self.walk = Walk::default();
        Ok(())
    }

    async fn keep(self: Box<Self>) -> Result<(), StorageFault> {
        self.finish().map_err(|error| storage_fault(&error))?;
        let file = self.folder.join(super::FILE_NAME);
        let kept = || -> std::io::Result<()> {
            // It holds every word; nobody else's tools are to read it.
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            fs::File::open(&file)?.sync_all()?;
            fs::rename(&file, &self.destination)?;
            let folder = self.destination.parent().filter(|it| *it != Path::new(""));
            fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        kept().map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => StorageFault::Full,
            kind => StorageFault::Failed(format!("{}: {kind}", self.destination.display())),
        })
    }
}

impl Drop for SqliteEntering {
    fn drop(&mut self) {
        // What was kept has left it.
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "A folder could not be removed");
        }
    }
}

#[async_trait]
impl Rows for Connection {
    fn checksum(doc: &DocName, first: Seq, last: Seq, updates: &[u8]) -> u32 {
        codec::checksum(doc.as_str(), first.0, last.0, updates)
    }

    async fn document_after(
        &mut self,
        name: &str,
    ) -> Result<Option<(i64, DocumentRow)>, StorageFault> {
        let found = document_after(self, name);
        found.map_err(|error| storage_fault(&error))
    }

    async fn snapshot_of(&mut self, doc_id: i64) -> Result<Option<SnapshotRow>, StorageFault> {
        let found = snapshot_of(self, doc_id);
        found.map_err(|error| storage_fault(&error))
    }

    async fn some_of(
        &mut self,
        updates: Updates,
        doc_id: i64,
        after: i64,
    ) -> Result<Vec<BatchRow>, StorageFault> {
        let found = some_of(self, updates, doc_id, after);
        found.map_err(|error| storage_fault(&error))
    }

    async fn aside_of(&mut self, doc_id: i64) -> Result<Vec<AsideRow>, StorageFault> {
        let found = aside_of(self, doc_id);
        found.map_err(|error| storage_fault(&error))
    }

    async fn has_table(&mut self, name: &'static str) -> Result<bool, StorageFault> {
        let found = self.table_exists(None, name);
        found.map_err(|error| storage_fault(&error))
    }

    async fn rows_of_table(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<SmallRow>, StorageFault> {
        let found = tables::rows(self, sql, &values);
        found.map_err(|error| storage_fault(&error))
    }
}

fn document_after(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<(i64, DocumentRow)>> {
    connection
        .prepare_cached(
            "SELECT doc_id, name, created_at_ms, trouble FROM doc WHERE name > ?1 ORDER BY name LIMIT 1",
        )?
        .query_row([name], |row| {
            let doc_id = row.get(0)?;
            let document = DocumentRow {
                name: row.get(1)?,
                created_at_ms: row.get(2)?,
                head_seq: head_of(connection, doc_id)?,
                trouble: row.get(3)?,
            };
            Ok((doc_id, document))
        })
        .optional()
}

fn snapshot_of(connection: &Connection, doc_id: i64) -> rusqlite::Result<Option<SnapshotRow>> {
    connection
        .prepare_cached(
            "SELECT generation, through_seq, at_ms, checksum, bytes FROM snapshot WHERE doc_id = ?1",
        )?
        .query_row([doc_id], |row| {
            Ok(SnapshotRow {
                generation: row.get(0)?,
                through_seq: row.get(1)?,
                at_ms: row.get(2)?,
                checksum: row.get(3)?,
                bytes: blob(row, 4)?,
            })
        })
        .optional()
}

fn some_of(
    connection: &Connection,
    updates: Updates,
    doc_id: i64,
    after: i64,
) -> rusqlite::Result<Vec<BatchRow>> {
    let mut select = connection.prepare_cached(match updates {
        Updates::History => {
            "SELECT first_seq, last_seq, at_ms, checksum, updates FROM history
             WHERE doc_id = ?1 AND first_seq > ?2 ORDER BY first_seq"
        }
        Updates::Log => {
            "SELECT first_seq, last_seq, at_ms, checksum, updates FROM log
             WHERE doc_id = ?1 AND first_seq > ?2 ORDER BY first_seq"
        }
    })?;
    let mut rows = select.query((doc_id, after))?;
    let mut found = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let updates = blob(row, 4)?;
        bytes += updates.len();
        found.push(BatchRow {
            first_seq: row.get(0)?,
            last_seq: row.get(1)?,
            at_ms: row.get(2)?,
            checksum: row.get(3)?,
            updates,
        });
        if bytes >= AT_ONCE_BYTES {
            break;
        }
    }
    Ok(found)
}

fn aside_of(connection: &Connection, doc_id: i64) -> rusqlite::Result<Vec<AsideRow>> {
    let mut select = connection.prepare_cached(
        "SELECT seq, at_ms, reason, bytes FROM quarantine WHERE doc_id = ?1 ORDER BY quarantine_id",
    )?;
    let rows = select.query_map([doc_id], |row| {
        Ok(AsideRow {
            seq: row.get(0)?,
            at_ms: row.get(1)?,
            reason: row.get(2)?,
            bytes: blob(row, 3)?,
        })
    })?;
    rows.collect()
}

#[async_trait]
impl RowsIn for Connection {
    async fn insert_document(&mut self, row: DocumentRow) -> Result<i64, StorageFault> {
        // The newest update's place is that of the rows that follow.
        insert(
            self,
            "INSERT INTO doc (name, created_at_ms, trouble) VALUES (?1, ?2, ?3)",
            (row.name, row.created_at_ms, row.trouble),
        )?;
        Ok(self.last_insert_rowid())
    }

    async fn insert_snapshot(&mut self, doc_id: i64, row: SnapshotRow) -> Result<(), StorageFault> {
        insert(
            self,
            "INSERT INTO snapshot (doc_id, generation, through_seq, at_ms, checksum, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                doc_id,
                row.generation,
                row.through_seq,
                row.at_ms,
                row.checksum,
                &row.bytes[..],
            ),
        )
    }

    async fn insert_updates(
        &mut self,
        updates: Updates,
        doc_id: i64,
        row: BatchRow,
    ) -> Result<(), StorageFault> {
        let sql = match updates {
            Updates::History => {
                "INSERT INTO history (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            }
            Updates::Log => {
                "INSERT INTO log (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            }
        };
        let row = (
            doc_id,
            row.first_seq,
            row.last_seq,
            row.at_ms,
            row.checksum,
            &row.updates[..],
        );
        insert(self, sql, row)
    }

    async fn insert_aside(&mut self, doc_id: i64, row: AsideRow) -> Result<(), StorageFault> {
        insert(
            self,
            "INSERT INTO quarantine (doc_id, seq, at_ms, reason, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
            (doc_id, row.seq, row.at_ms, row.reason, &row.bytes[..]),
        )
    }

    async fn insert_row(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), StorageFault> {
        insert(self, sql, params_from_iter(values))
    }
}

fn insert(connection: &Connection, sql: &str, row: impl Params) -> Result<(), StorageFault> {
    let inserted = connection
        .prepare_cached(sql)
        .and_then(|mut insert| insert.execute(row));
    inserted.map(drop).map_err(|error| storage_fault(&error))
}

fn blob(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    row.get::<_, Vec<u8>>(column).map(Bytes::from)
}
