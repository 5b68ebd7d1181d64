//! Replaces a document's log by a snapshot. Reads from the store only, never from a live room; commits by
//! compare and swap; trims only what the committed snapshot was seen to hold. A lease keeps servers from doing the same
//! work at the same time, and nothing else depends on it.

use std::sync::Arc;
use std::time::Duration;

use sheaf_shared::ids::{DocName, ReplicaId, Seq};
use sheaf_shared::replica::{Ordered, ReplicaError};
use tokio::sync::Semaphore;

use crate::metrics::Metrics;
use crate::ports::{
    Acquired, Fence, LEASE_MS, LEASE_RENEW_EVERY_MS, Lease, Leases, NewSnapshot, PutSnapshot,
    ReadFault, Renewed, StorageFault, Store, StoredDocument, UpdateBytes,
};
use crate::runtime::aside;

/// Compactions at a time: each holds two copies of its document.
const AT_A_TIME: usize = 1;

/// What asking for a compaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compaction {
    /// It is done.
    Done(Compacted),
    /// Another server did it before, up to this place.
    DoneElsewhere(Seq),
    /// Another server is at it.
    UnderWayElsewhere,
}

/// A new snapshot.
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
    /// The lease was given to another server meanwhile: this one stood still for too long.
    #[error("another server has taken the document's lease over")]
    Fenced,
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
    /// The server it works for, as the list of servers names it.
    holder: String,
    metrics: Arc<Metrics>,
    permits: Arc<Semaphore>,
}

impl Compactor {
    /// For documents of this store, as a server of its own.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        let holder = format!("{:016x}", fastrand::u64(..));
        Self::of_server(holder, store, Arc::default())
    }

    /// For documents of this store, as the server of this name.
    #[must_use]
    pub fn of_server(holder: String, store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            holder,
            metrics,
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }
}

/// Folds the document's log, as far as the store has it, into a snapshot, and trims it: unless another server is at it,
/// or there is a snapshot already that holds more than `known`, the last row of the newest that the caller knows of.
///
/// # Errors
/// [`CompactFault`] when nothing was replaced.
pub async fn compact(
    compactor: &Compactor,
    doc: &DocName,
    known: Seq,
) -> Result<Compaction, CompactFault> {
    let _permit = compactor
        .permits
        .acquire()
        .await
        .map_err(|_| StorageFault::Closed)?;
    let Some(leases) = compactor.store.leases() else {
        return fold(&*compactor.store, doc, known, Fence::default()).await;
    };
    let metrics = &compactor.metrics;
    let lease = match leases.acquire(doc, &compactor.holder, LEASE_MS).await? {
        Acquired::Lease(lease) => lease,
        Acquired::HeldElsewhere => {
            metrics.leases_elsewhere.add(1);
            return Ok(Compaction::UnderWayElsewhere);
        }
    };
    metrics.leases_taken.add(1);
    let folding = fold(&*compactor.store, doc, known, lease.fence);
    let folded = while_held(leases, &lease, metrics, folding).await;
    if matches!(folded, Err(CompactFault::Fenced)) {
        metrics.snapshots_fenced.add(1);
    }
    if let Err(fault) = leases.release(&lease).await {
        tracing::debug!(doc.name = %doc, %fault, "A lease was not given back; it ends by itself");
    }
    folded
}

/// Does `work`, and renews the lease it is done under again and again.
async fn while_held<T>(
    leases: &dyn Leases,
    lease: &Lease,
    metrics: &Metrics,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        let renewing = async {
            tokio::time::sleep(Duration::from_millis(LEASE_RENEW_EVERY_MS)).await;
            leases.renew(lease, LEASE_MS).await
        };
        tokio::select! {
            done = &mut work => return done,
            renewed = renewing => match renewed {
                Ok(Renewed::Held) => {}
                Ok(Renewed::Lost) => {
                    metrics.leases_lost.add(1);
                    tracing::warn!(doc.name = %lease.doc, "Another server took a document's lease over; what is made here will be refused");
                    return work.await;
                }
                // It lasts for a while yet.
                Err(fault) => tracing::debug!(doc.name = %lease.doc, %fault, "A lease was not renewed"),
            },
        }
    }
}

async fn fold(
    store: &dyn Store,
    doc: &DocName,
    known: Seq,
    fence: Fence,
) -> Result<Compaction, CompactFault> {
    let heads = store.heads(std::slice::from_ref(doc)).await?;
    let folded = heads.first().copied().flatten();
    let folded = folded.ok_or(CompactFault::NoDocument)?.snapshot_through;
    if folded > known {
        return Ok(Compaction::DoneElsewhere(folded));
    }
    let stored = store.load(doc).await?.ok_or(CompactFault::NoDocument)?;
    let head = stored.head();
    if stored.log.is_empty() && stored.snapshot.is_some() {
        // What is left to do is trimming, which may have been cut short.
        if !store.is_shared() {
            store.trim(doc, stored.snapshot_through.min(head)).await?;
        }
        let snapshot_bytes = stored.snapshot.as_ref().map_or(0, UpdateBytes::len);
        return Ok(Compaction::Done(Compacted {
            through: head,
            snapshot_bytes,
        }));
    }
    let made_from = stored.generation;
    // Another server may be some rows behind, and reads on from the log: what the last snapshot left there goes now,
    // what this one holds goes with the next.
    let trimmed_through = if store.is_shared() {
        stored.snapshot_through
    } else {
        head
    };
    let place = aside::enter(doc).await;
    let bytes = tokio::task::spawn_blocking(move || {
        aside::run(&place, || snapshot_of(&stored)).unwrap_or(Err(CompactFault::Panicked))
    })
    .await
    .map_err(|_| CompactFault::Panicked)??;
    let snapshot_bytes = bytes.len();
    let snapshot = NewSnapshot {
        made_from,
        fence,
        through: head,
        bytes,
    };
    match store.put_snapshot(doc, snapshot).await? {
        PutSnapshot::Stored(_) => {}
        PutSnapshot::Outrun(_) => return Err(CompactFault::Outrun),
        PutSnapshot::Fenced => return Err(CompactFault::Fenced),
    }
    store.trim(doc, trimmed_through).await?;
    Ok(Compaction::Done(Compacted {
        through: head,
        snapshot_bytes,
    }))
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

#[cfg(test)]
mod tests;
