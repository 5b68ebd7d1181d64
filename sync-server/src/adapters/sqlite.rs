//! The default store: one SQLite file, one process.
//!
//! One thread writes and groups the batches of all documents into one transaction; a commit is on the disk when
//! it returns. A few connections read. Every row has a checksum that is verified when it is read.

mod checkpoint;
mod fault;
mod jobs;
mod lock;
mod reader;
mod rows;
mod schema;
mod tables;
mod wal;
mod whole;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use rusqlite::Connection;
use sheaf_shared::ids::DocName;
use tokio::sync::oneshot;

pub use fault::OpenError;
pub use lock::DirectoryLock;
pub use whole::{SqliteEntering, SqliteLeaving};
pub use writer::CommitFault;

use super::leases::InProcessLeases;
use crate::metrics::Metrics;
use crate::ports::{
    Appended, DocumentSummary, Entry, Head, Leases, NewSnapshot, PutSnapshot, Quarantined,
    ReadFault, Seq, StorageFault, Store, StoredDocument, Tables, UpdateBytes,
};
use checkpoint::Checkpointer;
use jobs::Jobs;
use reader::Readers;
use wal::{Moving, WriteAheadLog};
use writer::Job;

/// Name of the database inside the data directory.
pub const FILE_NAME: &str = "sheaf.db";

/// How to open a store.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Most pages of 4 KiB the file may have: a full disk to try things with.
    pub pages_max: Option<u32>,
    /// Length of the write-ahead log, in bytes, from which on it is to start anew; usually 4 MiB.
    pub log_bytes_worth: Option<u64>,
    /// While it holds a fault, each commit fails with it.
    pub commit_fault: CommitFault,
}

/// Length of the write-ahead log, in bytes, from which on it is to start anew.
const LOG_BYTES_WORTH: u64 = 4 * 1024 * 1024;

impl Options {
    fn log_bytes_worth(&self) -> u64 {
        self.log_bytes_worth.unwrap_or(LOG_BYTES_WORTH)
    }

    /// Bytes of the write-ahead log's file that are kept to be written again.
    fn log_bytes_kept(&self) -> u64 {
        self.log_bytes_worth() * u64::from(wal::WAIT_FACTOR)
    }
}

/// The store in one data directory. Dropping it waits for what was already handed over.
pub struct SqliteStore {
    jobs: Arc<Jobs>,
    readers: Arc<Readers>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    leases: InProcessLeases,
    _lock: lock::DirectoryLock,
}

impl SqliteStore {
    /// Opens the store in `directory`, made and brought up to date if need be.
    ///
    /// # Errors
    /// [`OpenError`] when the directory is in use, not writable, or holds something else.
    pub fn open(
        directory: &Path,
        options: Options,
        metrics: Arc<Metrics>,
    ) -> Result<Self, OpenError> {
        let lock = lock::take(directory)?;
        let path = directory.join(FILE_NAME);
        let fail = |cause| OpenError::Folder {
            path: directory.to_owned(),
            cause,
        };
        let kept = options.log_bytes_kept();
        let mut connection = schema::open_writer(&path, options.pages_max, kept)?;
        schema::migrate(&mut connection)?;
        sync_folder(directory).map_err(fail)?;
        let jobs = Arc::new(Jobs::default());
        let (wake, wakes) = channel();
        let moving = Arc::new(Moving::default());
        let checkpointer = Checkpointer::open(&path, wakes, Arc::clone(&moving))?;
        let log = WriteAheadLog::new(options.log_bytes_worth(), wake, moving);
        log.watch(&mut connection).map_err(OpenError::Database)?;
        let readers = Arc::new(Readers::open(&path)?);
        let writer =
            writer::Writer::new(path, options, connection, Arc::clone(&jobs), log, metrics);
        let threads = vec![
            writer::start(writer).map_err(fail)?,
            checkpoint::start(checkpointer).map_err(fail)?,
        ];
        Ok(Self {
            jobs,
            readers,
            threads: Mutex::new(threads),
            leases: InProcessLeases::default(),
            _lock: lock,
        })
    }

    async fn ask_writer<T>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, StorageFault>>) -> Job,
    ) -> Result<T, StorageFault> {
        let (answer, answered) = oneshot::channel();
        self.jobs
            .put(job(answer))
            .map_err(|_| StorageFault::Closed)?;
        answered.await.map_err(|_| StorageFault::Closed)?
    }

    async fn ask_reader<T: Send + 'static, E: From<StorageFault> + Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || readers.ask(question))
            .await
            .map_err(|_| StorageFault::Failed("a reading thread died".to_owned()))?
    }

    /// Notes that a document could not be read, or can be again.
    async fn note(&self, doc: &DocName, trouble: Option<String>) {
        let noted = self
            .ask_writer(|answer| Job::Trouble {
                doc: doc.clone(),
                trouble,
                answer,
            })
            .await;
        if let Err(fault) = noted {
            tracing::warn!(%fault, "Could not note a document's trouble");
        }
    }
}

/// Makes the names of new files durable; a file whose name is lost is lost.
fn sync_folder(directory: &Path) -> std::io::Result<()> {
    std::fs::File::open(directory)?.sync_all()?;
    let parent: PathBuf = directory.canonicalize()?;
    match parent.parent() {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        let _ = self.jobs.put(Job::Close);
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn append(
        &self,
        doc: &DocName,
        updates: Vec<UpdateBytes>,
    ) -> Result<Appended, StorageFault> {
        self.ask_writer(|answer| Job::Append {
            doc: doc.clone(),
            updates,
            answer,
        })
        .await
    }

    async fn load(&self, doc: &DocName) -> Result<Option<StoredDocument>, ReadFault> {
        // Whether there is one takes a page or two of an index that is as good as always in memory; handing that to
        // another thread would cost more than asking.
        if self
            .readers
            .ask(|connection| reader::find(connection, doc))?
            .is_none()
        {
            return Ok(None);
        }
        let name = doc.clone();
        let (trouble_before, loaded) = self
            .ask_reader(move |connection| {
                let Some((doc_id, trouble)) = reader::find(connection, &name)? else {
                    return Ok::<_, ReadFault>((None, Ok(None)));
                };
                Ok((trouble, reader::load(connection, &name, doc_id).map(Some)))
            })
            .await?;
        match &loaded {
            Err(ReadFault::Damaged(reason)) if trouble_before.as_ref() != Some(reason) => {
                tracing::error!(doc.name = %doc, reason, "A stored document is damaged and was not opened");
                self.note(doc, Some(reason.clone())).await;
            }
            Ok(_) if trouble_before.is_some() => self.note(doc, None).await,
            Ok(_) | Err(_) => {}
        }
        loaded
    }

    async fn read_since(&self, doc: &DocName, after: Seq) -> Result<Option<Vec<Entry>>, ReadFault> {
        let doc = doc.clone();
        self.ask_reader(move |connection| reader::read_since(connection, &doc, after))
            .await
    }

    async fn heads(&self, docs: &[DocName]) -> Result<Vec<Option<Head>>, StorageFault> {
        let docs = docs.to_vec();
        self.ask_reader(move |connection| reader::heads(connection, &docs))
            .await
    }

    async fn put_snapshot(
        &self,
        doc: &DocName,
        snapshot: NewSnapshot,
    ) -> Result<PutSnapshot, StorageFault> {
        if !self.leases.lets_through(doc, snapshot.fence) {
            return Ok(PutSnapshot::Fenced);
        }
        self.ask_writer(|answer| Job::PutSnapshot {
            doc: doc.clone(),
            snapshot,
            answer,
        })
        .await
    }

    async fn trim(&self, doc: &DocName, through: Seq) -> Result<u64, StorageFault> {
        self.ask_writer(|answer| Job::Trim {
            doc: doc.clone(),
            through,
            answer,
        })
        .await
    }

    async fn history_since(&self, doc: &DocName, after: Seq) -> Result<Vec<Entry>, ReadFault> {
        let doc = doc.clone();
        self.ask_reader(move |connection| reader::history_since(connection, &doc, after))
            .await
    }

    async fn list(
        &self,
        after: Option<&DocName>,
        limit: usize,
    ) -> Result<Vec<DocumentSummary>, StorageFault> {
        let after = after.map_or_else(String::new, |doc| doc.as_str().to_owned());
        self.ask_reader(move |connection| reader::list(connection, &after, limit))
            .await
    }

    async fn quarantine(&self, doc: &DocName, update: Quarantined) -> Result<(), StorageFault> {
        self.ask_writer(|answer| Job::Quarantine {
            doc: doc.clone(),
            update,
            answer,
        })
        .await
    }

    async fn quarantined(&self, doc: &DocName) -> Result<Vec<Quarantined>, StorageFault> {
        let doc = doc.clone();
        self.ask_reader(move |connection| reader::quarantined(connection, &doc))
            .await
    }

    fn tables(&self) -> Option<&dyn Tables> {
        Some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(&self.leases)
    }

    async fn damages_of_whole(&self) -> Result<Vec<String>, StorageFault> {
        self.ask_reader(reader::damages_of_file).await
    }

    async fn probe(&self) -> Result<(), StorageFault> {
        self.ask_writer(|answer| Job::Probe { answer }).await
    }
}
