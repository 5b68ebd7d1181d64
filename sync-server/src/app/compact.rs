//! Replaces a document's log by a snapshot. Reads from the store only, never from a live room; commits by
//! compare and swap; trims only what the committed snapshot was seen to hold.

use std::sync::Arc;

use sheaf_shared::ids::{DocName, ReplicaId, Seq};
use sheaf_shared::replica::{Ordered, ReplicaError};
use tokio::sync::Semaphore;

use crate::ports::{
    NewSnapshot, PutSnapshot, ReadFault, StorageFault, Store, StoredDocument, UpdateBytes,
};
use crate::runtime::aside;

/// Compactions at a time: each holds two copies of its document.
const AT_A_TIME: usize = 1;

/// What a compaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The last update the snapshot holds.
    pub through: Seq,
    /// The snapshot's length.
    pub snapshot_bytes: usize,
}

/// Why there is no new snapshot. The log is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CompactFault {
    /// The document could not be read.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// The snapshot could not be written.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// There is no such document.
    #[error("there is no such document")]
    NoDocument,
    /// Another snapshot was stored meanwhile.
    #[error("another snapshot was stored meanwhile")]
    Outrun,
    /// What is stored does not make a document.
    #[error("the stored updates do not make a document: {0}")]
    Unusable(#[from] ReplicaError),
    /// The snapshot, decoded again, was not the same document.
    #[error("the snapshot does not hold the same document; it was thrown away")]
    NotTheSame,
    /// So many rows build on something that has not come.
    #[error("{0} stored updates wait for others that have not come")]
    Waiting(usize),
    /// The CRDT panicked.
    #[error("the document could not be worked on")]
    Panicked,
}

/// Bounds how much compacting goes on.
#[derive(Clone)]
pub struct Compactor {
    store: Arc<dyn Store>,
    permits: Arc<Semaphore>,
}

impl Compactor {
    /// For documents of this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

/// Folds the document's log, as far as the store has it, into a snapshot, and trims it.
///
/// `through` is what the caller knows to be there; the snapshot may hold more.
///
/// # Errors
/// [`CompactFault`] when nothing was replaced.
pub async fn compact(
    compactor: &Compactor,
    doc: &DocName,
    through: Seq,
) -> Result<Compacted, CompactFault> {
    let _permit = compactor
        .permits
        .acquire()
        .await
        .map_err(|_| StorageFault::Closed)?;
    let store = &compactor.store;
    let stored = store.load(doc).await?.ok_or(CompactFault::NoDocument)?;
    let head = stored.head();
    if stored.log.is_empty() && stored.snapshot.is_some() {
        // Somebody was faster. What is left to do is trimming, which may have been cut short.
        if !store.is_shared() {
            store.trim(doc, stored.snapshot_through.min(head)).await?;
        }
        let snapshot_bytes = stored.snapshot.as_ref().map_or(0, UpdateBytes::len);
        return Ok(Compacted {
            through: head.max(through),
            snapshot_bytes,
        });
    }
    let made_from = stored.generation;
    // Another server may be some rows behind, and reads on from the log: what the last snapshot left there goes now,
    // what this one holds goes with the next.
    let trimmed_through = if store.is_shared() {
        stored.snapshot_through
    } else {
        head
    };
    let bytes = tokio::task::spawn_blocking(move || {
        aside::run(|| snapshot_of(&stored)).unwrap_or(Err(CompactFault::Panicked))
    })
    .await
    .map_err(|_| CompactFault::Panicked)??;
    let snapshot_bytes = bytes.len();
    let put = store
        .put_snapshot(
            doc,
            NewSnapshot {
                made_from,
                through: head,
                bytes,
            },
        )
        .await?;
    match put {
        PutSnapshot::Stored(_) => {}
        PutSnapshot::Outrun(_) => return Err(CompactFault::Outrun),
    }
    store.trim(doc, trimmed_through).await?;
    Ok(Compacted {
        through: head,
        snapshot_bytes,
    })
}

/// The stored document as one update, checked: decoded again it is the same document, and waits for nothing.
fn snapshot_of(stored: &StoredDocument) -> Result<UpdateBytes, CompactFault> {
    let document = replay(stored)?;
    // A row that waits is in no encoded state: folding and trimming it would lose it.
    if document.waiting() > 0 {
        return Err(CompactFault::Waiting(document.waiting()));
    }
    let replica = document.replica();
    let bytes = replica.encode();
    let again = Ordered::of_log(fresh_id(), Some(&bytes), [])?;
    if again.replica().canonical() != replica.canonical() {
        return Err(CompactFault::NotTheSame);
    }
    Ok(bytes.into())
}

/// A stored document, opened: rows that were stored before what they build on are taken when that has come.
///
/// # Errors
/// [`ReplicaError`] of the first that does not apply.
pub fn replay(stored: &StoredDocument) -> Result<Ordered, ReplicaError> {
    let mut document = Ordered::of_log(fresh_id(), stored.snapshot.as_deref(), [])?;
    for entry in &stored.log {
        document.take_row(entry.seq, &entry.update, |_| {})?;
    }
    Ok(document)
}

/// A name to open a document under.
pub(super) fn fresh_id() -> ReplicaId {
    ReplicaId(fastrand::u32(1..))
}
