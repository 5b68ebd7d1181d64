//! What a room asks of the store, and what it tells other servers. Each errand runs beside the room; the store's answer comes
//! back as an input.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sheaf_core::audit::{StateDigest, Whole};
use sheaf_core::room::{Auditing, Input, Rows, StoreFault, Stored, Ticket};
use sheaf_core::servers::message::{HeardPresence, HeardRows, Said};
use sheaf_shared::ids::{DocName, Seq};

use super::RoomTask;
use crate::app::compact::{self, Compaction};
use crate::app::repair;
use crate::ports::{ReadFault, StorageFault};
use crate::runtime::hub::Hub;
use crate::runtime::inbox::Inbox;

impl RoomTask {
    pub(super) fn append(&mut self, ticket: Ticket, rows: Vec<Bytes>) {
        std::mem::swap(&mut self.written, &mut self.writing);
        self.writing.clear();
        self.appending_bytes = rows.iter().map(Bytes::len).sum();
        let (hub, doc) = (Arc::clone(&self.hub), self.doc.clone());
        let count = rows.len() as u64;
        self.appending = Some(Box::pin(async move {
            match hub.store.append(&doc, rows).await {
                Ok(appended) => {
                    hub.metrics.updates_stored.add(count);
                    Input::Appended {
                        ticket,
                        last: appended.last,
                    }
                }
                Err(fault) => {
                    tracing::warn!(doc.name = %doc, %fault, "Could not store edits; nothing was acknowledged");
                    let fault = match fault {
                        StorageFault::Full
                        | StorageFault::Busy
                        | StorageFault::Away
                        | StorageFault::Failed(_)
                        | StorageFault::Closed => StoreFault::Unavailable,
                    };
                    Input::AppendFailed { ticket, fault }
                }
            }
        }));
    }

    pub(super) fn load(&self) {
        let (hub, doc, inbox) = self.shared();
        tokio::spawn(async move {
            let started = Instant::now();
            let input = match hub.store.load(&doc).await {
                Ok(Some(stored)) => Input::Loaded(Stored {
                    snapshot_through: stored.snapshot_through,
                    rows: stored.log.into_iter().map(|entry| entry.update).collect(),
                    snapshot: stored.snapshot,
                }),
                Ok(None) => Input::NeverExisted,
                Err(fault) => {
                    hub.metrics.load_faults.add(1);
                    tracing::error!(doc.name = %doc, %fault, "Could not load a document");
                    Input::LoadFailed
                }
            };
            hub.metrics.load.observe(started.elapsed());
            inbox.tell(input);
        });
    }

    pub(super) fn read_since(&self, after: Seq) {
        let (hub, doc, inbox) = self.shared();
        hub.metrics.rows_read_late.add(1);
        tokio::spawn(async move {
            let input = match read_all_since(&hub, &doc, after).await {
                Ok(Some(rows)) => Input::Read(rows),
                Ok(None) => {
                    tracing::warn!(doc.name = %doc, "Rows were folded before this server had read them; the document is loaded afresh");
                    Input::ReadFolded
                }
                Err(fault) => {
                    tracing::warn!(doc.name = %doc, %fault, "Could not read what others stored");
                    Input::ReadFailed
                }
            };
            inbox.tell(input);
        });
    }

    pub(super) fn tell_rows(&self, rows: HeardRows) {
        let doc = self.doc.clone();
        self.tell_servers(Said::Rows { doc, rows });
    }

    pub(super) fn tell_presence(&self, presence: HeardPresence) {
        let doc = self.doc.clone();
        self.tell_servers(Said::Presence { doc, presence });
    }

    fn tell_servers(&self, said: Said) {
        self.hub.courier.tell(&self.hub.metrics, &self.doc, said);
    }

    pub(super) fn compact(&self, known: Seq) {
        let (hub, doc, inbox) = self.shared();
        let folding = hub.folding();
        tokio::spawn(async move {
            let input = match compact::compact(&hub.compactor, &doc, known).await {
                Ok(Compaction::Done(done)) => {
                    hub.metrics.compactions.add(1);
                    Input::Compacted {
                        through: done.through,
                        snapshot_bytes: done.snapshot_bytes,
                    }
                }
                Ok(Compaction::DoneElsewhere(through)) => Input::CompactedElsewhere { through },
                Ok(Compaction::UnderWayElsewhere) => Input::CompactionPutOff,
                Err(fault) => {
                    hub.metrics.compaction_faults.add(1);
                    tracing::warn!(doc.name = %doc, %fault, "A document's log was not compacted; it is as it was");
                    Input::CompactionFailed
                }
            };
            drop(folding);
            inbox.tell(input);
        });
    }

    pub(super) fn tell_state(&self, seq: Seq, digest: StateDigest) {
        let doc = self.doc.clone();
        self.tell_servers(Said::State { doc, seq, digest });
    }

    pub(super) fn report_disagreement(&self, seq: Seq, own: StateDigest, theirs: StateDigest) {
        self.hub.metrics.audit_disagreements.add(1);
        tracing::warn!(doc.name = %self.doc, seq = seq.0, digest = %own, other_digest = %theirs, "Another server has a different copy of a document; the stored one decides");
    }

    pub(super) fn report_log_went_back(&self, known: Seq, given: Seq) {
        self.hub.metrics.audit_mismatches.add(1);
        tracing::error!(doc.name = %self.doc, seq = known.0, stored_seq = given.0, "The store has lost edits that were committed");
    }

    pub(super) fn compare(&self, seq: Seq, digest: StateDigest) {
        let (hub, doc, inbox) = self.shared();
        tokio::spawn(async move {
            let verdict = hub.auditor.compare(&doc, seq, digest).await;
            inbox.tell(Input::Audit(Auditing::Compared(verdict)));
        });
    }

    pub(super) fn mend(&self, through: Seq, whole: Whole) {
        let (hub, doc, inbox) = self.shared();
        let mending = hub.folding();
        tokio::spawn(async move {
            let input = match hub.auditor.mend(&doc, whole).await {
                Ok(rows) => {
                    tracing::warn!(doc.name = %doc, seq = through.0, rows, "What the store had lost of a document is stored again; it is loaded afresh");
                    Auditing::Mended
                }
                Err(fault) => {
                    tracing::warn!(doc.name = %doc, seq = through.0, %fault, "What the store has lost of a document could not be stored again yet");
                    Auditing::MendFailed
                }
            };
            drop(mending);
            inbox.tell(Input::Audit(input));
        });
    }

    pub(super) fn put_aside(&self, at: Seq) {
        let (hub, doc, _) = self.shared();
        tokio::spawn(async move { repair::put_row_aside(&hub, &doc, at).await });
    }

    fn shared(&self) -> (Arc<Hub>, DocName, Arc<Inbox>) {
        (
            Arc::clone(&self.hub),
            self.doc.clone(),
            Arc::clone(&self.inbox),
        )
    }
}

/// `None` when some of the rows are folded into a snapshot already.
async fn read_all_since(hub: &Hub, doc: &DocName, after: Seq) -> Result<Option<Rows>, ReadFault> {
    let mut rows = Rows {
        after,
        rows: Vec::new(),
    };
    let mut last = after;
    loop {
        let Some(entries) = hub.store.read_since(doc, last).await? else {
            return Ok(None);
        };
        let Some(newest) = entries.last() else {
            return Ok(Some(rows));
        };
        last = newest.seq;
        rows.rows
            .extend(entries.into_iter().map(|entry| entry.update));
    }
}
