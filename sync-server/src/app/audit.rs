//! Compares what a room serves with what the store makes, aside and a document at a time; and writes into the log what it
//! lacks of a room's copy.

use std::sync::Arc;

use sheaf_core::audit::{StateDigest, Whole, lacking};
use sheaf_core::room::Verdict;
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::replica::{Ordered, ReplicaError};
use tokio::sync::Semaphore;

use super::compact::fresh_id;
use crate::metrics::Metrics;
use crate::ports::{Entry, ReadFault, StorageFault, Store, StoredDocument, UpdateBytes};
use crate::runtime::aside;

/// Documents compared at a time. There is no hurry.
const COMPARED_AT_A_TIME: usize = 1;
/// Documents whose logs are completed at a time: people wait for that.
const MENDED_AT_A_TIME: usize = 2;
/// Most bytes of one append, beyond its first row.
const APPEND_BYTES: usize = 4 * 1024 * 1024;

/// Bounds how much of this goes on.
pub(crate) struct Auditor {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    comparing: Semaphore,
    mending: Semaphore,
}

/// Why a log could not be completed. What it lacks is still in the copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MendFault {
    #[error(transparent)]
    Read(#[from] ReadFault),
    #[error(transparent)]
    Storage(#[from] StorageFault),
    #[error("the copy in memory does not make a document: {0}")]
    Unusable(#[from] ReplicaError),
    #[error("the document could not be worked on")]
    Panicked,
}

impl Auditor {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            metrics,
            comparing: Semaphore::new(COMPARED_AT_A_TIME),
            mending: Semaphore::new(MENDED_AT_A_TIME),
        }
    }

    /// Whether the store makes what a room has at `seq`.
    pub(crate) async fn compare(&self, doc: &DocName, seq: Seq, own: StateDigest) -> Verdict {
        let Ok(_permit) = self.comparing.acquire().await else {
            return Verdict::Unknown;
        };
        self.metrics.audits.add(1);
        let stored = match self.store.load(doc).await {
            Ok(stored) => stored.unwrap_or_default(),
            Err(fault) => {
                self.metrics.audit_faults.add(1);
                tracing::warn!(doc.name = %doc, %fault, "A document could not be compared with what is stored");
                return Verdict::Unknown;
            }
        };
        let head = stored.head();
        if head < seq {
            self.metrics.audit_mismatches.add(1);
            tracing::error!(doc.name = %doc, seq = seq.0, stored_seq = head.0, digest = %own, "The store has lost edits that were committed");
            return Verdict::Differs;
        }
        if stored.snapshot_through > seq {
            // Others wrote and folded on meanwhile: what was there then can't be told from it.
            return Verdict::Unknown;
        }
        let made = in_background(doc, move || {
            Ok(StateDigest::of(&replay_through(&stored, seq)?))
        });
        match made.await {
            Ok(made) if made == own => Verdict::Same,
            Ok(made) => {
                self.metrics.audit_mismatches.add(1);
                tracing::error!(doc.name = %doc, seq = seq.0, digest = %own, stored_digest = %made, "A document in memory is not what is stored; it is loaded afresh");
                Verdict::Differs
            }
            Err(fault) => {
                self.metrics.audit_faults.add(1);
                tracing::warn!(doc.name = %doc, %fault, "A document could not be compared with what is stored");
                Verdict::Unknown
            }
        }
    }

    /// Writes into the document's log what it lacks of a copy. Answers how many rows that took.
    ///
    /// Servers that do this at the same time write the same, which is as good as once.
    ///
    /// # Errors
    /// [`MendFault`]: not all of it is written.
    pub(crate) async fn mend(&self, doc: &DocName, whole: Whole) -> Result<usize, MendFault> {
        let _permit = self
            .mending
            .acquire()
            .await
            .map_err(|_| StorageFault::Closed)?;
        let stored = self.store.load(doc).await?.unwrap_or_default();
        let head = stored.head();
        let lacks = in_background(doc, move || {
            Ok(lacking(&whole, &replay_through(&stored, head)?)?)
        });
        let lacks = lacks.await?;
        let count = lacks.len();
        for some in batches(lacks) {
            let rows = some.len() as u64;
            self.store.append(doc, some).await?;
            self.metrics.rows_put_back.add(rows);
        }
        Ok(count)
    }
}

async fn in_background<T: Send + 'static>(
    doc: &DocName,
    work: impl FnOnce() -> Result<T, MendFault> + Send + 'static,
) -> Result<T, MendFault> {
    let place = aside::enter(doc).await;
    let working = move || aside::run(&place, work).unwrap_or(Err(MendFault::Panicked));
    tokio::task::spawn_blocking(working)
        .await
        .map_err(|_| MendFault::Panicked)?
}

/// The document as rooms have it when the log reaches there: rows that do not apply are passed over.
fn replay_through(stored: &StoredDocument, seq: Seq) -> Result<Ordered, ReplicaError> {
    let mut document = Ordered::of_log(fresh_id(), stored.snapshot.as_deref(), [])?;
    let rows = stored.log.iter().take_while(|entry| entry.seq <= seq);
    for Entry { seq, update, .. } in rows {
        match document.take_row(*seq, update, |_| {}) {
            Err(ReplicaError::Broken) => return Err(ReplicaError::Broken),
            Ok(_) | Err(ReplicaError::Refused(_) | ReplicaError::Undecodable) => {}
        }
    }
    Ok(document)
}

/// The rows, in order, as many together as one append should have.
fn batches(rows: Vec<UpdateBytes>) -> Vec<Vec<UpdateBytes>> {
    let mut batches: Vec<Vec<UpdateBytes>> = Vec::new();
    let mut bytes = usize::MAX;
    for row in rows {
        bytes = bytes.saturating_add(row.len());
        match batches.last_mut() {
            Some(open) if bytes <= APPEND_BYTES => open.push(row),
            Some(_) | None => {
                bytes = row.len();
                batches.push(vec![row]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests;
