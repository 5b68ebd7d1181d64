//! How long the write-ahead log is, and when it starts anew.
//!
//! SQLite goes on at the log's end as long as a page in it is not in the database file yet, and while commits keep coming
//! there always is one. So the log is moved aside (`checkpoint.rs`) while commits go on, and then the thread that
//! commits moves the little that came meanwhile, between two commits: the next one begins at the front again. A
//! reader that is still at an older state puts that off, until the log is so long that commits wait for it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::schema::{BUSY_MS, LOG_PAGE_BYTES};

/// How often the length from which on the log is to start anew fits into the one from which on commits wait for it.
pub(super) const WAIT_FACTOR: u32 = 4;
/// Longest wait, in milliseconds, of the commits for those who still read an older state.
const WAIT_MS: u64 = 100;

/// What the thread that commits and the one that moves the log know together.
#[derive(Default)]
pub(super) struct Moving {
    /// The log was moved but for its very end.
    is_done: AtomicBool,
    /// Held by whoever moves. SQLite lets one of them, and turns the other away.
    turn: Mutex<()>,
}

impl Moving {
    /// Runs `work` while nobody else moves the log.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> T) -> T {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    pub(super) fn is_done(&self) {
        self.is_done.store(true, Ordering::Release);
    }
}

/// The log, as the thread that commits sees it.
pub(super) struct WriteAheadLog {
    /// How many pages are in it since the last commit.
    pages: Arc<AtomicU32>,
    /// Pages from which on it is to start anew.
    pages_worth: u32,
    /// Pages at which something is to be done about it next.
    next_at: u32,
    has_asked: bool,
    wake: Sender<()>,
    moving: Arc<Moving>,
}

impl WriteAheadLog {
    /// `wake` reaches the thread that moves the log.
    pub(super) fn new(bytes_worth: u64, wake: Sender<()>, moving: Arc<Moving>) -> Self {
        let pages_worth = u32::try_from(bytes_worth / LOG_PAGE_BYTES).unwrap_or(u32::MAX);
        Self {
            pages: Arc::default(),
            pages_worth,
            next_at: pages_worth,
            has_asked: false,
            wake,
            moving,
        }
    }

    /// Counts what this connection commits from now on.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let pages = Arc::clone(&self.pages);
        connection.wal_hook(Some(move |_: &mut Wal, in_log: std::ffi::c_int| {
            pages.store(u32::try_from(in_log).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }

    /// To be called after each commit, before the next one begins.
    pub(super) fn look(&mut self, connection: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.next_at {
            return;
        }
        if pages >= self.pages_worth.saturating_mul(WAIT_FACTOR) {
            self.start_anew(connection, pages, WAIT_MS);
        } else if self.moving.is_done.load(Ordering::Acquire) {
            self.start_anew(connection, pages, 0);
        } else if !self.has_asked {
            self.has_asked = true;
            // The other end is gone only while closing.
            let _ = self.wake.send(());
        }
    }

    fn start_anew(&mut self, connection: &Connection, pages: u32, wait_ms: u64) {
        self.has_asked = false;
        self.moving.is_done.store(false, Ordering::Relaxed);
        let restart = || -> rusqlite::Result<bool> {
            connection.busy_timeout(Duration::from_millis(wait_ms))?;
            let is_busy = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| {
                row.get::<_, bool>(0)
            });
            connection.busy_timeout(Duration::from_millis(BUSY_MS))?;
            is_busy
        };
        let is_busy = self.moving.alone(restart).unwrap_or_else(|error| {
            tracing::warn!(%error, "The write-ahead log could not start anew; trying again later");
            true
        });
        self.next_at = if is_busy {
            pages.saturating_add(self.pages_worth / 4)
        } else {
            self.pages_worth
        };
    }
}

#[cfg(test)]
mod tests {
    use sheaf_shared::ids::DocName;

    use super::super::{FILE_NAME, Options, SqliteStore};
    use super::*;
    use crate::ports::{Store as _, UpdateBytes};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_write_ahead_log_stays_short_however_long_writing_goes_on() {
        const WORTH: u64 = 64 * 1024;
        /// Commits wait from four times its worth on, and a reader who takes longer than they wait puts it off by a
        /// quarter each time. Far less than is written.
        const BYTES_MAX: u64 = 16 * WORTH;
        let (page, end) = (DocName::parse("a").unwrap(), DocName::parse("end").unwrap());
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            log_bytes_worth: Some(WORTH),
            ..Options::default()
        };
        let store = Arc::new(SqliteStore::open(folder.path(), options, Arc::default()).unwrap());
        let reading = tokio::spawn({
            let (store, page, end) = (Arc::clone(&store), page.clone(), end.clone());
            async move {
                let mut read = 0_u64;
                loop {
                    store.load(&page).await.unwrap();
                    read += 1;
                    if store.heads(std::slice::from_ref(&end)).await.unwrap()[0].is_some() {
                        return read;
                    }
                }
            }
        });
        let log = folder.path().join(format!("{FILE_NAME}-wal"));
        let mut written = 0;
        for count in 0..600 {
            let bytes = UpdateBytes::from(vec![7_u8; 6_000]);
            written += bytes.len() as u64;
            store.append(&page, vec![bytes]).await.unwrap();
            let length = std::fs::metadata(&log).unwrap().len();
            assert!(length <= BYTES_MAX, "{length} bytes after {count} commits");
        }
        assert!(written > 3 * BYTES_MAX);
        store
            .append(&end, vec![UpdateBytes::from_static(b"x")])
            .await
            .unwrap();
        assert!(reading.await.unwrap() > 0);
        assert_eq!(store.load(&page).await.unwrap().unwrap().log.len(), 600);
    }
}
