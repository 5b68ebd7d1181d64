//! The one thread that writes. It takes every waiting job of every document into one transaction; while that is
//! being committed, the next group gathers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sheaf_shared::ids::DocName;
use tokio::sync::oneshot;

use super::Options;
use super::fault::storage_fault;
use super::jobs::{Group, Jobs, Taking};
use super::rows::{Done, Known, perform};
use super::schema;
use super::wal::WriteAheadLog;
use crate::metrics::Metrics;
use crate::ports::{
    Appended, NewSnapshot, PutSnapshot, Quarantined, Seq, Statement, StorageFault, UpdateBytes,
    Written,
};

/// Most documents whose row number and head are kept in memory.
const KNOWN_DOCS_MAX: usize = 100_000;
/// Pause, in milliseconds, between attempts to open a database that failed.
const REOPEN_EVERY_MS: u64 = 500;

/// Where the answer to a job goes.
type Answer<T> = oneshot::Sender<Result<T, StorageFault>>;

/// What the thread can be asked to do.
pub(super) enum Job {
    Append {
        doc: DocName,
        updates: Vec<UpdateBytes>,
        answer: Answer<Appended>,
    },
    PutSnapshot {
        doc: DocName,
        snapshot: NewSnapshot,
        answer: Answer<PutSnapshot>,
    },
    Trim {
        doc: DocName,
        through: Seq,
        answer: Answer<u64>,
    },
    Quarantine {
        doc: DocName,
        update: Quarantined,
        answer: Answer<()>,
    },
    Trouble {
        doc: DocName,
        trouble: Option<String>,
        answer: Answer<()>,
    },
    Tables {
        statements: Vec<Statement>,
        answer: Answer<Written>,
    },
    Probe {
        answer: Answer<()>,
    },
    Close,
}

impl Job {
    /// Bytes it writes, as far as they matter.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { updates, .. } => updates.iter().map(UpdateBytes::len).sum(),
            Self::PutSnapshot { snapshot, .. } => snapshot.bytes.len(),
            Self::Trim { .. }
            | Self::Quarantine { .. }
            | Self::Trouble { .. }
            | Self::Tables { .. }
            | Self::Probe { .. }
            | Self::Close => 0,
        }
    }
}

/// A test's way to make the next commits fail.
pub type CommitFault = Arc<Mutex<Option<StorageFault>>>;

pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) options: Options,
    pub(super) connection: Option<Connection>,
    pub(super) jobs: Arc<Jobs>,
    pub(super) log: WriteAheadLog,
    pub(super) metrics: Arc<Metrics>,
    known: HashMap<DocName, Known>,
    reopen_at: Instant,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        options: Options,
        connection: Connection,
        jobs: Arc<Jobs>,
        log: WriteAheadLog,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            path,
            options,
            connection: Some(connection),
            jobs,
            log,
            metrics,
            known: HashMap::new(),
            reopen_at: Instant::now(),
        }
    }

    /// Works until told to close.
    pub(super) fn run(mut self) {
        let taking = Taking::here(Arc::clone(&self.jobs));
        loop {
            let Group { jobs, is_last } = taking.next();
            if !jobs.is_empty() {
                self.write(jobs);
            }
            if is_last {
                break;
            }
        }
    }

    fn write(&mut self, group: Vec<Job>) {
        let started = Instant::now();
        let Some(connection) = self.take_connection() else {
            return refuse(
                group,
                &StorageFault::Failed("it is being reopened".to_owned()),
            );
        };
        let alone = group.len() == 1;
        match self.commit(&connection, &group) {
            Ok(outcomes) => {
                self.metrics.store_commit.observe(started.elapsed());
                for (job, outcome) in group.into_iter().zip(outcomes) {
                    answer(job, outcome);
                }
                self.log.look(&connection);
                self.connection = Some(connection);
            }
            Err(fault) => {
                self.known.clear();
                self.metrics.store_faults.add(1);
                if let StorageFault::Failed(reason) = &fault {
                    tracing::error!(
                        reason,
                        "The database failed; reopening it before anything is acknowledged"
                    );
                    self.reopen_at = Instant::now();
                    return refuse(group, &fault);
                }
                self.connection = Some(connection);
                if alone {
                    tracing::warn!(%fault, "The database took nothing");
                    return refuse(group, &fault);
                }
                // One job may be too large for what room is left while the others fit.
                for job in group {
                    self.write(vec![job]);
                }
            }
        }
    }

    /// The connection, reopened if it was given up and the pause is over.
    ///
    /// After a failed sync the system may believe pages written that are not. So everything the log holds is
    /// moved to the database file and synced before a further commit counts.
    fn take_connection(&mut self) -> Option<Connection> {
        if let Some(connection) = self.connection.take() {
            return Some(connection);
        }
        if Instant::now() < self.reopen_at {
            return None;
        }
        self.reopen_at = Instant::now() + Duration::from_millis(REOPEN_EVERY_MS);
        let kept = self.options.log_bytes_kept();
        let mut connection = schema::open_writer(&self.path, self.options.pages_max, kept).ok()?;
        let (busy, _, _): (i64, i64, i64) = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .ok()?;
        if busy != 0 {
            return None;
        }
        self.log.watch(&mut connection).ok()?;
        tracing::info!("The database is open again");
        Some(connection)
    }

    fn commit(
        &mut self,
        connection: &Connection,
        group: &[Job],
    ) -> Result<Vec<Done>, StorageFault> {
        if self.known.len() > KNOWN_DOCS_MAX {
            self.known.clear();
        }
        let transaction = Transaction::begin(connection).map_err(|error| storage_fault(&error))?;
        let mut outcomes = Vec::with_capacity(group.len());
        for job in group {
            let done = perform(transaction.connection, &mut self.known, job)
                .map_err(|error| storage_fault(&error))?;
            outcomes.push(done);
        }
        let injected = self
            .options
            .commit_fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(fault) = injected {
            return Err(fault);
        }
        transaction
            .commit()
            .map_err(|error| storage_fault(&error))?;
        Ok(outcomes)
    }
}

/// One transaction, from statements that are compiled once. Rolled back unless it was committed.
struct Transaction<'a> {
    connection: &'a Connection,
}

impl<'a> Transaction<'a> {
    /// Takes the right to write at once, so that nothing that was read can change before the writing.
    fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { connection })
    }

    fn commit(self) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("COMMIT")?
            .execute([])
            .map(|_| ())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // A commit that failed may have left it open.
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "A transaction could not be rolled back");
        }
    }
}

/// Tells whoever asked. They may have gone away meanwhile; the write stands.
fn answer(job: Job, done: Done) {
    match (job, done) {
        (Job::Append { answer, .. }, Done::Appended(appended)) => drop(answer.send(Ok(appended))),
        (Job::PutSnapshot { answer, .. }, Done::PutSnapshot(put)) => drop(answer.send(Ok(put))),
        (Job::Trim { answer, .. }, Done::Trimmed(count)) => drop(answer.send(Ok(count))),
        (Job::Tables { answer, .. }, Done::Tables(written)) => drop(answer.send(Ok(written))),
        (
            Job::Quarantine { answer, .. } | Job::Trouble { answer, .. } | Job::Probe { answer },
            Done::Nothing,
        ) => drop(answer.send(Ok(()))),
        // `perform` answers each job with its own kind; a dropped answer reads as a closed store.
        (_, _) => {}
    }
}

fn refuse(group: Vec<Job>, fault: &StorageFault) {
    for job in group {
        match job {
            Job::Append { answer, .. } => drop(answer.send(Err(fault.clone()))),
            Job::PutSnapshot { answer, .. } => drop(answer.send(Err(fault.clone()))),
            Job::Trim { answer, .. } => drop(answer.send(Err(fault.clone()))),
            Job::Tables { answer, .. } => drop(answer.send(Err(fault.clone()))),
            Job::Quarantine { answer, .. }
            | Job::Trouble { answer, .. }
            | Job::Probe { answer } => drop(answer.send(Err(fault.clone()))),
            Job::Close => {}
        }
    }
}

/// Starts the thread.
pub(super) fn start(writer: Writer) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name("sqlite-writer".to_owned())
        .spawn(move || writer.run())
}
