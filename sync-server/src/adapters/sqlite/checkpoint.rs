//! Moves the write-ahead log into the database file, beside the writer, so that nobody's commit waits for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::fault::OpenError;
use super::schema;
use super::wal::Moving;

/// Pages that may be left for the writer to move: it takes a moment, in which nothing is committed.
const REST_PAGES: i64 = 64;
/// Most rounds until no more are left than that. In each, what came during the one before is moved.
const ROUNDS_MAX: usize = 4;
/// Pause, in seconds, after which the log is moved even if it is short.
const EVERY_S: u64 = 60;

pub(super) struct Checkpointer {
    path: PathBuf,
    connection: Connection,
    wakes: Receiver<()>,
    moving: Arc<Moving>,
}

impl Checkpointer {
    pub(super) fn open(
        path: &Path,
        wakes: Receiver<()>,
        moving: Arc<Moving>,
    ) -> Result<Self, OpenError> {
        let connection = Connection::open(path).map_err(OpenError::Database)?;
        connection
            .busy_timeout(Duration::from_millis(0))
            .map_err(OpenError::Database)?;
        connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA checkpoint_fullfsync = ON; PRAGMA wal_autocheckpoint = 0;")
            .map_err(OpenError::Database)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            wakes,
            moving,
        })
    }

    /// Works until the writer is gone.
    pub(super) fn run(self) {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        loop {
            match self.wakes.recv_timeout(Duration::from_secs(EVERY_S)) {
                Ok(()) => {
                    self.move_log();
                    self.moving.is_done();
                }
                Err(Timeout) if self.wal_bytes() > 0 => self.move_log(),
                Err(Timeout) => {}
                Err(Disconnected) => return,
            }
        }
    }

    fn move_log(&self) {
        for _ in 0..ROUNDS_MAX {
            match self.moving.alone(|| self.checkpoint()) {
                Ok(left) if left > REST_PAGES => {}
                Ok(_) => return,
                Err(error) => {
                    return tracing::warn!(%error, "The write-ahead log could not be moved into the database; trying again later");
                }
            }
        }
    }

    /// Moves what can be moved; gives how many pages are left.
    fn checkpoint(&self) -> rusqlite::Result<i64> {
        // PASSIVE waits for nobody: what readers still need stays for the next time.
        self.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
            })
    }

    fn wal_bytes(&self) -> u64 {
        let file = schema::wal_path(&self.path);
        std::fs::metadata(file).map_or(0, |found| found.len())
    }
}

pub(super) fn start(checkpointer: Checkpointer) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name("sqlite-checkpoint".to_owned())
        .spawn(move || checkpointer.run())
}
