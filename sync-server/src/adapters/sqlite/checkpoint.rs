//! Moves the write-ahead log into the database file, beside the writer, so that nobody's commit waits for it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::fault::OpenError;
use super::schema;

/// Length of the write-ahead log, in bytes, from which on it is worth moving.
const WAL_BYTES_WORTH: u64 = 4 * 1024 * 1024;
/// Pause, in seconds, after which the log is moved even if it is short.
const EVERY_S: u64 = 60;

pub(super) struct Checkpointer {
    path: PathBuf,
    connection: Connection,
    wakes: Receiver<()>,
}

impl Checkpointer {
    pub(super) fn open(path: &Path, wakes: Receiver<()>) -> Result<Self, OpenError> {
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
        })
    }

    /// Works until the writer is gone.
    pub(super) fn run(self) {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        loop {
            let worth = match self.wakes.recv_timeout(Duration::from_secs(EVERY_S)) {
                Ok(()) => self.wal_bytes() >= WAL_BYTES_WORTH,
                Err(Timeout) => self.wal_bytes() > 0,
                Err(Disconnected) => return,
            };
            if worth {
                self.checkpoint();
            }
        }
    }

    fn checkpoint(&self) {
        // PASSIVE waits for nobody: what readers still need stays for the next time.
        let moved = self
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                row.get::<_, i64>(2)
            });
        if let Err(error) = moved {
            tracing::warn!(%error, "The write-ahead log could not be moved into the database; trying again later");
        }
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
