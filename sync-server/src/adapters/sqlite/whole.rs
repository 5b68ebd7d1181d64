//! Everything in one database file, on its way out, or in. What blocks here blocks its thread: these are for commands
//! that do nothing else meanwhile.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row};
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::time::UnixMs;

use super::fault::{OpenError, open_error, storage_fault};
use super::rows::{head_of, signed, unsigned};
use super::schema;
use crate::adapters::codec;
use crate::ports::{
    Batch, Entering, Generation, Leaving, Piece, Quarantined, Soundness, StorageFault,
};

/// Bytes of rows after which no further one is read at once.
const AT_ONCE_BYTES: usize = 8 * 1024 * 1024;

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
        self.walk.next(&self.connection)
    }
}

/// A file that is being filled. It lies in a folder of its own until it is kept, and that folder is removed with it.
pub struct SqliteEntering {
    connection: Connection,
    folder: PathBuf,
    /// Where it shall lie in the end.
    destination: PathBuf,
    current: Option<(i64, DocName)>,
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
            current: None,
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

    fn insert(&mut self, piece: Piece) -> rusqlite::Result<()> {
        if let Piece::Document {
            doc,
            created_at,
            trouble,
            ..
        } = piece
        {
            let sql = "INSERT INTO doc (name, created_at_ms, trouble) VALUES (?1, ?2, ?3)";
            self.connection.prepare_cached(sql)?.execute((
                doc.as_str(),
                signed(created_at.0),
                trouble,
            ))?;
            self.current = Some((self.connection.last_insert_rowid(), doc));
            return Ok(());
        }
        let Some((doc_id, doc)) = &self.current else {
            return Ok(());
        };
        match piece {
            Piece::Document { .. } => Ok(()),
            Piece::Snapshot {
                generation,
                through,
                at,
                soundness,
                bytes,
            } => {
                let right = codec::checksum(doc.as_str(), generation.0, through.0, &bytes);
                self.connection
                    .prepare_cached(
                        "INSERT INTO snapshot (doc_id, generation, through_seq, at_ms, checksum, bytes)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute((
                        doc_id,
                        signed(generation.0),
                        signed(through.0),
                        signed(at.0),
                        soundness.checksum(right),
                        &bytes[..],
                    ))
                    .map(drop)
            }
            Piece::History(batch) => insert_batch(
                &self.connection,
                "INSERT INTO history (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (*doc_id, doc),
                &batch,
            ),
            Piece::Log(batch) => insert_batch(
                &self.connection,
                "INSERT INTO log (doc_id, first_seq, last_seq, at_ms, checksum, updates)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (*doc_id, doc),
                &batch,
            ),
            Piece::Aside(aside) => insert_aside(&self.connection, *doc_id, aside),
        }
    }

    fn finish(&self) -> rusqlite::Result<()> {
        // One plain file, which can be copied by any tool.
        self.connection
            .execute_batch("COMMIT; PRAGMA journal_mode = DELETE;")
    }
}

fn insert_batch(
    connection: &Connection,
    sql: &str,
    (doc_id, doc): (i64, &DocName),
    batch: &Batch,
) -> rusqlite::Result<()> {
    let right = codec::checksum(doc.as_str(), batch.first.0, batch.last.0, &batch.updates);
    connection
        .prepare_cached(sql)?
        .execute((
            doc_id,
            signed(batch.first.0),
            signed(batch.last.0),
            signed(batch.at.0),
            batch.soundness.checksum(right),
            &batch.updates[..],
        ))
        .map(drop)
}

fn insert_aside(connection: &Connection, doc_id: i64, aside: Quarantined) -> rusqlite::Result<()> {
    let Quarantined {
        seq,
        reason,
        update,
        at,
    } = aside;
    connection
        .prepare_cached(
            "INSERT INTO quarantine (doc_id, seq, at_ms, reason, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            doc_id,
            seq.map(|seq| signed(seq.0)),
            signed(at.0),
            reason,
            &update[..],
        ))
        .map(drop)
}

#[async_trait]
impl Leaving for SqliteEntering {
    async fn next(&mut self) -> Result<Option<Piece>, StorageFault> {
        self.walk.next(&self.connection)
    }
}

#[async_trait]
impl Entering for SqliteEntering {
    async fn put(&mut self, piece: Piece) -> Result<(), StorageFault> {
        self.insert(piece).map_err(|error| storage_fault(&error))
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

/// How far a file has been read.
#[derive(Default)]
struct Walk {
    waiting: VecDeque<Piece>,
    current: Option<(i64, DocName)>,
    stage: Stage,
}

/// Which rows of a document come next.
#[derive(Clone, Copy, Default)]
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

impl Walk {
    fn next(&mut self, connection: &Connection) -> Result<Option<Piece>, StorageFault> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Ok(Some(piece));
            }
            let is_over = self
                .go_on(connection)
                .map_err(|error| storage_fault(&error))?;
            if is_over {
                return Ok(None);
            }
        }
    }

    /// Reads some more; answers whether there was nothing more to read.
    fn go_on(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let Some((doc_id, doc)) = self
            .current
            .clone()
            .filter(|_| !matches!(self.stage, Stage::Over))
        else {
            return self.next_document(connection);
        };
        match self.stage {
            Stage::Over => {}
            Stage::History(after) => {
                let sql = "SELECT first_seq, last_seq, at_ms, checksum, updates FROM history
                           WHERE doc_id = ?1 AND first_seq > ?2 ORDER BY first_seq";
                let last = self.batches(connection, sql, (doc_id, &doc), after, Piece::History)?;
                self.stage = last.map_or(Stage::Log(Seq(0)), Stage::History);
            }
            Stage::Log(after) => {
                let sql = "SELECT first_seq, last_seq, at_ms, checksum, updates FROM log
                           WHERE doc_id = ?1 AND first_seq > ?2 ORDER BY first_seq";
                let last = self.batches(connection, sql, (doc_id, &doc), after, Piece::Log)?;
                self.stage = last.map_or(Stage::Aside, Stage::Log);
            }
            Stage::Aside => {
                let mut select = connection.prepare_cached(
                    "SELECT seq, reason, bytes, at_ms FROM quarantine WHERE doc_id = ?1 ORDER BY quarantine_id",
                )?;
                let mut rows = select.query([doc_id])?;
                while let Some(row) = rows.next()? {
                    self.waiting.push_back(Piece::Aside(Quarantined {
                        seq: row.get::<_, Option<i64>>(0)?.map(|seq| Seq(unsigned(seq))),
                        reason: row.get(1)?,
                        update: blob(row, 2)?,
                        at: UnixMs(unsigned(row.get(3)?)),
                    }));
                }
                self.stage = Stage::Over;
            }
        }
        Ok(false)
    }

    fn next_document(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let after = self.current.as_ref().map_or("", |(_, doc)| doc.as_str());
        let found = connection
            .prepare_cached(
                "SELECT doc_id, name, created_at_ms, trouble FROM doc WHERE name > ?1 ORDER BY name LIMIT 1",
            )?
            .query_row([after], |row| {
                let doc = name(&row.get::<_, String>(1)?)?;
                let created_at = UnixMs(unsigned(row.get(2)?));
                Ok((row.get::<_, i64>(0)?, doc, created_at, row.get(3)?))
            })
            .optional()?;
        let Some((doc_id, doc, created_at, trouble)) = found else {
            return Ok(true);
        };
        self.waiting.push_back(Piece::Document {
            doc: doc.clone(),
            created_at,
            head: Seq(unsigned(head_of(connection, doc_id)?)),
            trouble,
        });
        let snapshot = connection
            .prepare_cached(
                "SELECT generation, through_seq, at_ms, checksum, bytes FROM snapshot WHERE doc_id = ?1",
            )?
            .query_row([doc_id], |row| {
                let (generation, through) = (unsigned(row.get(0)?), unsigned(row.get(1)?));
                let bytes = blob(row, 4)?;
                let right = codec::checksum(doc.as_str(), generation, through, &bytes);
                Ok(Piece::Snapshot {
                    generation: Generation(generation),
                    through: Seq(through),
                    at: UnixMs(unsigned(row.get(2)?)),
                    soundness: Soundness::of(row.get::<_, i64>(3)? == i64::from(right)),
                    bytes,
                })
            })
            .optional()?;
        self.waiting.extend(snapshot);
        self.current = Some((doc_id, doc));
        self.stage = Stage::History(Seq(0));
        Ok(false)
    }

    /// Some rows after `after`; answers the last one's first place, or `None` if there was none.
    fn batches(
        &mut self,
        connection: &Connection,
        sql: &str,
        (doc_id, doc): (i64, &DocName),
        after: Seq,
        piece: fn(Batch) -> Piece,
    ) -> rusqlite::Result<Option<Seq>> {
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query((doc_id, signed(after.0)))?;
        let mut last = None;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let (first, last_of_row) = (unsigned(row.get(0)?), unsigned(row.get(1)?));
            let updates = blob(row, 4)?;
            let right = codec::checksum(doc.as_str(), first, last_of_row, &updates);
            bytes += updates.len();
            last = Some(Seq(first));
            self.waiting.push_back(piece(Batch {
                first: Seq(first),
                last: Seq(last_of_row),
                at: UnixMs(unsigned(row.get(2)?)),
                soundness: Soundness::of(row.get::<_, i64>(3)? == i64::from(right)),
                updates,
            }));
            if bytes >= AT_ONCE_BYTES {
                break;
            }
        }
        Ok(last)
    }
}

fn blob(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    row.get::<_, Vec<u8>>(column).map(Bytes::from)
}

/// Only parsed names are ever written; one that does not parse is damage.
fn name(raw: &str) -> rusqlite::Result<DocName> {
    DocName::parse(raw).map_err(|_| rusqlite::Error::InvalidQuery)
}
