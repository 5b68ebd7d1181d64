//! The store of many servers: PostgreSQL, as it already exists where a team outgrows one process.
//!
//! Every server writes for itself. What keeps them apart is the head row of a document: counting it up gives an
//! update its place and holds the row until the commit, so places are given in the order of commits. PostgreSQL
//! groups the flushes of transactions that commit at the same time by itself.

mod connection;
mod fault;
mod gate;
mod leases;
mod members;
mod reader;
mod rows;
mod schema;
mod tables;
mod whole;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sheaf_shared::ids::DocName;

pub use fault::OpenError;
pub use whole::{PostgresEntering, PostgresLeaving};

use crate::metrics::Metrics;
use crate::ports::{
    Appended, DocumentSummary, Entry, Head, Leases, Membership, NewSnapshot, PutSnapshot,
    Quarantined, ReadFault, Seq, SharedSecret, StorageFault, Store, StoredDocument, Tables,
    UpdateBytes,
};
use connection::Connections;

/// Longest wait for anything that writes, a free connection included. The caller tries again.
const WRITE_WITHIN: Duration = Duration::from_secs(5);
/// Longest wait for a snapshot to be stored, or for the rows it holds to be moved: both grow with the document, and
/// nobody waits for them.
const FOLD_WITHIN: Duration = Duration::from_secs(60);
/// Longest wait for anything that reads: a large document on a slow line.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// Wait for an answer after which it is asked whether the database is there at all.
const DOUBT_AFTER: Duration = Duration::from_secs(2);

/// How to use a database.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Most connections of this server. A bulkhead: what waits for one here holds up nobody else's.
    pub connections_max: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: 12,
        }
    }
}

/// The store in one PostgreSQL database, shared with other servers.
#[derive(Debug)]
pub struct PostgresStore {
    connections: Connections,
    secret: SharedSecret,
    metrics: Arc<Metrics>,
}

impl PostgresStore {
    /// Connects to the database at `url` (`postgres://user:password@host/name`), checks that it keeps what it
    /// commits, and brings its tables up to date.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be reached, does not keep what it commits, or holds something else.
    pub async fn open(url: &str, options: Options) -> Result<Self, OpenError> {
        let connections = Connections::open(url, options.connections_max)?;
        let mut first = connections.first().await?;
        schema::check_durability(&mut first).await?;
        schema::migrate(&mut first).await?;
        let secret = schema::shared_secret(&mut first).await?;
        first.keep();
        Ok(Self {
            connections,
            secret,
            metrics: Arc::default(),
        })
    }

    /// From now on, what it stores and what fails is counted there.
    #[must_use]
    pub fn counting_in(mut self, metrics: Arc<Metrics>) -> Self {
        self.connections.gate.count_in(&metrics);
        self.metrics = metrics;
        self
    }

    /// Notes that a document could not be read, or can be again.
    async fn note(&self, doc: &DocName, trouble: Option<&str>) {
        let noted = self.write(async {
            let mut lease = self.connections.take().await?;
            let noted = rows::note(&mut lease, doc, trouble).await;
            lease.settle(noted)
        });
        if let Err(fault) = noted.await {
            tracing::warn!(%fault, "Could not note a document's trouble");
        }
    }

    /// Bounds a piece of work that writes. What is cut off closes its connection; the database may finish it all the same,
    /// so whether it was committed is unknown then, as with any lost answer.
    async fn write<T>(
        &self,
        work: impl Future<Output = Result<T, StorageFault>>,
    ) -> Result<T, StorageFault> {
        self.within(WRITE_WITHIN, work).await
    }

    /// Bounds a piece of compaction.
    async fn fold<T>(
        &self,
        work: impl Future<Output = Result<T, StorageFault>>,
    ) -> Result<T, StorageFault> {
        self.within(FOLD_WITHIN, work).await
    }

    /// Bounds a piece of work that reads.
    async fn read<T, E: From<StorageFault>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.within(READ_WITHIN, work).await
    }

    async fn within<T, E: From<StorageFault>>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::pin!(work);
        if let Ok(answer) = tokio::time::timeout(DOUBT_AFTER, &mut work).await {
            return answer;
        }
        self.connections.gate.doubt();
        match tokio::time::timeout(limit - DOUBT_AFTER, work).await {
            Ok(answer) => answer,
            Err(_) if !self.connections.gate.is_open() => Err(StorageFault::Away.into()),
            Err(_) => Err(fault::too_slow().into()),
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn append(
        &self,
        doc: &DocName,
        updates: Vec<UpdateBytes>,
    ) -> Result<Appended, StorageFault> {
        let started = Instant::now();
        let appended = self
            .write(async {
                // Nothing else of this document is stored before, so there is nothing better to do.
                self.connections.gate.opened().await;
                let mut lease = self.connections.take().await?;
                let appended = rows::append(&mut lease, doc, &updates).await;
                lease.settle(appended)
            })
            .await;
        match &appended {
            Ok(_) => self.metrics.store_commit.observe(started.elapsed()),
            Err(_) => self.metrics.store_faults.add(1),
        }
        appended
    }

    async fn load(&self, doc: &DocName) -> Result<Option<StoredDocument>, ReadFault> {
        let (trouble_before, loaded) = self
            .read(async {
                let mut lease = self.connections.take().await?;
                let loaded = reader::load(&mut lease, doc).await;
                lease.settle_read(loaded)
            })
            .await?;
        match &loaded {
            Err(reason) if trouble_before.as_ref() != Some(reason) => {
                tracing::error!(doc.name = %doc, reason, "A stored document is damaged and was not opened");
                self.note(doc, Some(reason)).await;
            }
            Ok(_) if trouble_before.is_some() => self.note(doc, None).await,
            Ok(_) | Err(_) => {}
        }
        loaded.map_err(ReadFault::Damaged)
    }

    async fn read_since(&self, doc: &DocName, after: Seq) -> Result<Option<Vec<Entry>>, ReadFault> {
        self.read(async {
            let mut lease = self.connections.take().await?;
            let entries = reader::read_since(&mut lease, doc, after).await;
            lease.settle_read(entries)
        })
        .await
    }

    async fn heads(&self, docs: &[DocName]) -> Result<Vec<Option<Head>>, StorageFault> {
        self.read(async {
            let mut lease = self.connections.take().await?;
            let heads = reader::heads(&mut lease, docs).await;
            lease.settle(heads)
        })
        .await
    }

    async fn put_snapshot(
        &self,
        doc: &DocName,
        snapshot: NewSnapshot,
    ) -> Result<PutSnapshot, StorageFault> {
        self.fold(async {
            let mut lease = self.connections.take().await?;
            let put = rows::put_snapshot(&mut lease, doc, &snapshot).await;
            lease.settle(put)
        })
        .await
    }

    async fn trim(&self, doc: &DocName, through: Seq) -> Result<u64, StorageFault> {
        self.fold(async {
            let mut lease = self.connections.take().await?;
            let trimmed = rows::trim(&mut lease, doc, through).await;
            lease.settle(trimmed)
        })
        .await
    }

    async fn history_since(&self, doc: &DocName, after: Seq) -> Result<Vec<Entry>, ReadFault> {
        self.read(async {
            let mut lease = self.connections.take().await?;
            let entries = reader::history_since(&mut lease, doc, after).await;
            lease.settle_read(entries)
        })
        .await
    }

    async fn list(
        &self,
        after: Option<&DocName>,
        limit: usize,
    ) -> Result<Vec<DocumentSummary>, StorageFault> {
        let after = after.map_or("", DocName::as_str);
        self.read(async {
            let mut lease = self.connections.take().await?;
            let found = reader::list(&mut lease, after, limit).await;
            lease.settle(found)
        })
        .await
    }

    async fn quarantine(&self, doc: &DocName, update: Quarantined) -> Result<(), StorageFault> {
        self.write(async {
            let mut lease = self.connections.take().await?;
            let put = rows::put_aside(&mut lease, doc, &update).await;
            lease.settle(put)
        })
        .await
    }

    async fn quarantined(&self, doc: &DocName) -> Result<Vec<Quarantined>, StorageFault> {
        self.read(async {
            let mut lease = self.connections.take().await?;
            let found = reader::quarantined(&mut lease, doc).await;
            lease.settle(found)
        })
        .await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn run(&self) -> Result<Option<String>, StorageFault> {
        self.read(async {
            let mut lease = self.connections.take().await?;
            let run = reader::run(&mut lease).await;
            lease.settle(run)
        })
        .await
        .map(Some)
    }

    fn membership(&self) -> Option<&dyn Membership> {
        Some(self)
    }

    fn tables(&self) -> Option<&dyn Tables> {
        Some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }

    fn shared_secret(&self) -> Option<SharedSecret> {
        Some(self.secret)
    }

    async fn probe(&self) -> Result<(), StorageFault> {
        self.write(async {
            let mut lease = self.connections.take().await?;
            let probed = rows::probe(&mut lease).await;
            lease.settle(probed)
        })
        .await
    }
}
