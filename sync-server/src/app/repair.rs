//! A document whose log cannot be applied: finds the updates to blame and puts them aside. One whose rows wait: says so.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::replica::Ordered;

use super::compact::fresh_id;
use crate::adapters::system::unix_now;
use crate::ports::{Entry, Quarantined, StoredDocument};
use crate::runtime::aside;
use crate::runtime::hub::Hub;

/// Most updates that are put aside in one go. More than that is not poison but a fault of the program.
const POISON_MAX: usize = 16;

/// Puts one row aside that could not be applied.
pub(crate) async fn put_row_aside(hub: &Hub, doc: &DocName, at: Seq) {
    let before = Seq(at.0.saturating_sub(1));
    let entry = match hub.store.read_since(doc, before).await {
        Ok(Some(entries)) => entries.into_iter().find(|entry| entry.seq == at),
        Ok(None) => None,
        Err(fault) => {
            tracing::error!(doc.name = %doc, seq = at.0, %fault, "Could not read the row to put aside");
            return;
        }
    };
    match entry {
        Some(entry) => put_aside(hub, doc, entry, "it could not be applied".to_owned()).await,
        // A snapshot was decoded and compared before it was stored: it is not put aside without a person.
        None => {
            tracing::error!(doc.name = %doc, seq = at.0, "A snapshot could not be applied; see `sheaf verify`");
        }
    }
}

/// Says that stored rows have waited too long for what they build on: nothing here can mend that.
pub(crate) fn report_waiting(hub: &Hub, doc: &DocName, first: Seq, rows: usize) {
    hub.metrics.rows_waiting.add(1);
    tracing::warn!(doc.name = %doc, seq = first.0, rows, "Stored edits wait for one that never came; see `sheaf verify`");
}

async fn put_aside(hub: &Hub, doc: &DocName, entry: Entry, reason: String) {
    let seq = entry.seq;
    let aside = Quarantined {
        seq: Some(seq),
        reason,
        update: entry.update,
        at: unix_now(),
    };
    match hub.store.quarantine(doc, aside).await {
        Ok(()) => {
            hub.metrics.quarantined.add(1);
            tracing::error!(doc.name = %doc, seq = seq.0, "Put an update aside that cannot be applied");
        }
        Err(fault) => {
            tracing::error!(doc.name = %doc, seq = seq.0, %fault, "Could not put an update aside");
        }
    }
}

/// Loads the document update by update and puts aside each that does not apply. Everything is kept: with its
/// reason, for a person to look at.
pub(crate) async fn put_poison_aside(hub: &Hub, doc: &DocName) {
    let stored = match hub.store.load(doc).await {
        Ok(Some(stored)) => stored,
        Ok(None) => return,
        Err(fault) => {
            tracing::error!(doc.name = %doc, %fault, "Could not look for the update to blame");
            return;
        }
    };
    let place = aside::enter(doc).await;
    let searching = move || aside::run(&place, || find_poison(&stored));
    let Ok(Ok(poison)) = tokio::task::spawn_blocking(searching).await else {
        return;
    };
    for (entry, reason) in poison {
        put_aside(hub, doc, entry, reason).await;
    }
}

/// The updates of the log that do not apply, each in its turn: once what it builds on is there.
fn find_poison(stored: &StoredDocument) -> Vec<(Entry, String)> {
    let mut poison: Vec<(Entry, String)> = Vec::new();
    'again: while poison.len() < POISON_MAX {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            Ordered::of_log(fresh_id(), stored.snapshot.as_deref(), [])
        }));
        let Ok(Ok(mut document)) = opened else {
            return Vec::new();
        };
        for entry in &stored.log {
            if poison.iter().any(|(known, _)| known.seq == entry.seq) {
                continue;
            }
            let taken = catch_unwind(AssertUnwindSafe(|| {
                document
                    .take_row(entry.seq, &entry.update, |_| {})
                    .map(drop)
            }));
            let reason = match taken {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "applying it panicked".to_owned(),
            };
            // Not the row that completed it, if it had waited for that one.
            let culprit = document.culprit();
            let culprit = stored.log.iter().find(|entry| Some(entry.seq) == culprit);
            poison.push((culprit.unwrap_or(entry).clone(), reason));
            // What the panic left behind must not be touched again, not even to drop it.
            std::mem::forget(document);
            continue 'again;
        }
        return poison;
    }
    Vec::new()
}
