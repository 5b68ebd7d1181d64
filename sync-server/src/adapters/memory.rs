//! A store that forgets: for tests and for trying things out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sheaf_shared::ids::DocName;
use sheaf_shared::replica::EMPTY_UPDATE;
use tokio::sync::Semaphore;

use super::leases::InProcessLeases;
use crate::adapters::system::unix_now;
use crate::ports::{
    Appended, DocumentSummary, Entry, Generation, Head, Leases, NewSnapshot, PutSnapshot,
    Quarantined, ReadFault, Seq, StorageFault, Store, StoredDocument, UpdateBytes,
};

#[derive(Default)]
struct Kept {
    stored: StoredDocument,
    /// Entries the snapshot holds and `trim` has not taken yet.
    covered: Vec<Entry>,
    history: Vec<Entry>,
    quarantined: Vec<Quarantined>,
}

impl Kept {
    fn with_put_aside(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        for entry in &mut entries {
            if self
                .quarantined
                .iter()
                .any(|update| update.seq == Some(entry.seq))
            {
                entry.update = UpdateBytes::from_static(EMPTY_UPDATE);
            }
        }
        entries
    }
}

/// Documents in memory.
#[derive(Default)]
pub struct MemoryStore {
    docs: Mutex<BTreeMap<DocName, Kept>>,
    fault: Mutex<Option<StorageFault>>,
    leases: InProcessLeases,
    loads: AtomicU64,
    held: Mutex<Option<Arc<Semaphore>>>,
}

impl MemoryStore {
    /// Makes every write fail with `fault`, or none any more.
    pub fn set_fault(&self, fault: Option<StorageFault>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Lets so many milliseconds pass for those who hold leases.
    pub fn pass_ms(&self, ms: u64) {
        self.leases.pass_ms(ms);
    }

    /// How often a document was read.
    pub fn loads(&self) -> u64 {
        self.loads.load(Ordering::Relaxed)
    }

    /// Keeps the next snapshot that is put waiting, until the answer gets a permit.
    pub fn hold_next_snapshot(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&gate));
        gate
    }

    /// Whether a snapshot waits for that permit, or has got it.
    pub fn holds_snapshot(&self) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.is_none()
    }

    fn docs(&self) -> MutexGuard<'_, BTreeMap<DocName, Kept>> {
        self.docs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writable(&self) -> Result<(), StorageFault> {
        let fault = self
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        fault.map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn append(
        &self,
        doc: &DocName,
        updates: Vec<UpdateBytes>,
    ) -> Result<Appended, StorageFault> {
        self.writable()?;
        let mut docs = self.docs();
        let kept = docs.entry(doc.clone()).or_default();
        let first = kept.stored.head().plus(1);
        let at = unix_now();
        for update in updates {
            let seq = kept.stored.head().plus(1);
            kept.stored.log.push(Entry { seq, at, update });
        }
        Ok(Appended {
            first,
            last: kept.stored.head(),
        })
    }

    async fn load(&self, doc: &DocName) -> Result<Option<StoredDocument>, ReadFault> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(self.docs().get(doc).map(|kept| {
            let mut stored = kept.stored.clone();
            stored.log = kept.with_put_aside(stored.log);
            stored
        }))
    }

    async fn read_since(&self, doc: &DocName, after: Seq) -> Result<Option<Vec<Entry>>, ReadFault> {
        let docs = self.docs();
        let Some(kept) = docs.get(doc) else {
            return Ok(Some(Vec::new()));
        };
        let entries: Vec<Entry> = kept
            .covered
            .iter()
            .chain(&kept.stored.log)
            .filter(|entry| entry.seq > after)
            .cloned()
            .collect();
        let starts_at = entries
            .first()
            .map_or(kept.stored.head().plus(1), |entry| entry.seq);
        Ok((starts_at <= after.plus(1)).then(|| kept.with_put_aside(entries)))
    }

    async fn heads(&self, wanted: &[DocName]) -> Result<Vec<Option<Head>>, StorageFault> {
        let docs = self.docs();
        let head = |kept: &Kept| Head {
            seq: kept.stored.head(),
            generation: kept.stored.generation,
            snapshot_through: kept.stored.snapshot_through,
        };
        Ok(wanted.iter().map(|doc| docs.get(doc).map(head)).collect())
    }

    async fn put_snapshot(
        &self,
        doc: &DocName,
        snapshot: NewSnapshot,
    ) -> Result<PutSnapshot, StorageFault> {
        self.writable()?;
        let held = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(gate) = held {
            // A gate is never closed.
            drop(gate.acquire().await);
        }
        if !self.leases.lets_through(doc, snapshot.fence) {
            return Ok(PutSnapshot::Fenced);
        }
        let mut docs = self.docs();
        let kept = docs.entry(doc.clone()).or_default();
        let stored = &mut kept.stored;
        let fits = stored.snapshot_through <= snapshot.through && snapshot.through <= stored.head();
        if stored.generation != snapshot.made_from || !fits {
            return Ok(PutSnapshot::Outrun(stored.generation));
        }
        let after = stored
            .log
            .partition_point(|entry| entry.seq <= snapshot.through);
        kept.covered.extend(stored.log.drain(..after));
        stored.generation = Generation(stored.generation.0 + 1);
        stored.snapshot = Some(snapshot.bytes);
        stored.snapshot_through = snapshot.through;
        Ok(PutSnapshot::Stored(stored.generation))
    }

    async fn trim(&self, doc: &DocName, through: Seq) -> Result<u64, StorageFault> {
        self.writable()?;
        let mut docs = self.docs();
        let Some(kept) = docs.get_mut(doc) else {
            return Ok(0);
        };
        let count = kept.covered.partition_point(|entry| entry.seq <= through);
        kept.history.extend(kept.covered.drain(..count));
        Ok(count as u64)
    }

    async fn history_since(&self, doc: &DocName, after: Seq) -> Result<Vec<Entry>, ReadFault> {
        let docs = self.docs();
        let Some(kept) = docs.get(doc) else {
            return Ok(Vec::new());
        };
        let entries = kept
            .history
            .iter()
            .filter(|entry| entry.seq > after)
            .cloned()
            .collect();
        Ok(kept.with_put_aside(entries))
    }

    async fn list(
        &self,
        after: Option<&DocName>,
        limit: usize,
    ) -> Result<Vec<DocumentSummary>, StorageFault> {
        let docs = self.docs();
        let later = docs
            .iter()
            .filter(|(doc, _)| after.is_none_or(|after| *doc > after));
        Ok(later
            .take(limit)
            .map(|(doc, kept)| DocumentSummary {
                doc: doc.clone(),
                head: Head {
                    seq: kept.stored.head(),
                    generation: kept.stored.generation,
                    snapshot_through: kept.stored.snapshot_through,
                },
                trouble: None,
            })
            .collect())
    }

    async fn quarantine(&self, doc: &DocName, update: Quarantined) -> Result<(), StorageFault> {
        self.writable()?;
        self.docs()
            .entry(doc.clone())
            .or_default()
            .quarantined
            .push(update);
        Ok(())
    }

    async fn quarantined(&self, doc: &DocName) -> Result<Vec<Quarantined>, StorageFault> {
        Ok(self
            .docs()
            .get(doc)
            .map(|kept| kept.quarantined.clone())
            .unwrap_or_default())
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(&self.leases)
    }

    async fn probe(&self) -> Result<(), StorageFault> {
        self.writable()
    }
}
