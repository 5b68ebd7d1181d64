//! The one thread that writes. It takes every waiting job of every document into one transaction; while that is
//! being committed, the next group gathers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use sheaf_shared::ids::DocName;
use tokio::sync::oneshot;

use super::fault::storage_fault;
use super::rows::{Done, Known, perform};
use super::schema;
use crate::metrics::Metrics;
use crate::ports::{
    Appended, NewSnapshot, PutSnapshot, Quarantined, Seq, StorageFault, UpdateBytes,
};

/// Most jobs in one transaction.
const GROUP_JOBS_MAX: usize = 4_096;
/// Bytes of updates after which a group takes no further job.
const GROUP_BYTES: usize = 8 * 1024 * 1024;
/// Most documents whose row number and head are kept in memory.
const KNOWN_DOCS_MAX: usize = 100_000;
/// Pause, in milliseconds, between attempts to open a database that failed.
const REOPEN_EVERY_MS: u64 = 500;
/// Commits between two looks at the length of the write-ahead log.
const COMMITS_PER_CHECKPOINT_LOOK: u32 = 256;

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
    Probe {
        answer: Answer<()>,
    },
    Close,
}

/// A test's way to make the next commits fail.
pub type CommitFault = Arc<Mutex<Option<StorageFault>>>;

pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) pages_max: Option<u32>,
    pub(super) connection: Option<Connection>,
    pub(super) jobs: Receiver<Job>,
    pub(super) checkpoints: Sender<()>,
    pub(super) commit_fault: CommitFault,
    pub(super) metrics: Arc<Metrics>,
    known: HashMap<DocName, Known>,
    reopen_at: Instant,
    commits: u32,
}

impl Writer {
    pub(super) fn new(
        path: PathBuf,
        pages_max: Option<u32>,
        connection: Connection,
        jobs: Receiver<Job>,
        checkpoints: Sender<()>,
        commit_fault: CommitFault,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            path,
            pages_max,
            connection: Some(connection),
            jobs,
            checkpoints,
            commit_fault,
            metrics,
            known: HashMap::new(),
            reopen_at: Instant::now(),
            commits: 0,
        }
    }

    /// Works until told to close, or until nobody can ask any more.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.jobs.recv() {
            let (group, close) = self.gather(first);
            if !group.is_empty() {
                self.write(group);
            }
            if close {
                break;
            }
        }
    }

    fn gather(&mut self, first: Job) -> (Vec<Job>, bool) {
        let mut group = Vec::new();
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Close => return (group, true),
                Job::Append { ref updates, .. } => {
                    bytes += updates.iter().map(|update| update.len()).sum::<usize>();
                }
                Job::PutSnapshot { ref snapshot, .. } => bytes += snapshot.bytes.len(),
                Job::Trim { .. }
                | Job::Quarantine { .. }
                | Job::Trouble { .. }
                | Job::Probe { .. } => {}
            }
            group.push(job);
            if group.len() >= GROUP_JOBS_MAX || bytes >= GROUP_BYTES {
                break;
            }
            next = self.jobs.try_recv().ok();
        }
        (group, false)
    }

    fn write(&mut self, group: Vec<Job>) {
        let started = Instant::now();
        let Some(mut connection) = self.take_connection() else {
            return refuse(
                group,
                &StorageFault::Failed("it is being reopened".to_owned()),
            );
        };
        let alone = group.len() == 1;
        match self.commit(&mut connection, &group) {
            Ok(outcomes) => {
                self.connection = Some(connection);
                self.metrics.store_commit.observe(started.elapsed());
                for (job, outcome) in group.into_iter().zip(outcomes) {
                    answer(job, outcome);
                }
                self.look_at_wal();
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
        let connection = schema::open_writer(&self.path, self.pages_max).ok()?;
        let (busy, _, _): (i64, i64, i64) = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .ok()?;
        if busy != 0 {
            return None;
        }
        tracing::info!("The database is open again");
        Some(connection)
    }

    fn commit(
        &mut self,
        connection: &mut Connection,
        group: &[Job],
    ) -> Result<Vec<Done>, StorageFault> {
        if self.known.len() > KNOWN_DOCS_MAX {
            self.known.clear();
        }
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| storage_fault(&error))?;
        let mut outcomes = Vec::with_capacity(group.len());
        for job in group {
            let done = perform(&transaction, &mut self.known, job)
                .map_err(|error| storage_fault(&error))?;
            outcomes.push(done);
        }
        let injected = self
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

    fn look_at_wal(&mut self) {
        self.commits += 1;
        if self.commits >= COMMITS_PER_CHECKPOINT_LOOK {
            self.commits = 0;
            // The other end is gone only while closing.
            let _ = self.checkpoints.send(());
        }
    }
}

/// Tells whoever asked. They may have gone away meanwhile; the write stands.
fn answer(job: Job, done: Done) {
    match (job, done) {
        (Job::Append { answer, .. }, Done::Appended(appended)) => drop(answer.send(Ok(appended))),
        (Job::PutSnapshot { answer, .. }, Done::PutSnapshot(put)) => drop(answer.send(Ok(put))),
        (Job::Trim { answer, .. }, Done::Trimmed(count)) => drop(answer.send(Ok(count))),
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
