//! Checks everything that is stored. Changes nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sheaf_shared::gate::update::Lacks;
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::replica::Ordered;

use super::compact::{fresh_id, replay};
use crate::ports::{ReadFault, StorageFault, Store, UpdateBytes};

/// Documents asked for at a time.
const PAGE: usize = 500;

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Documents looked at.
    pub documents: u64,
    /// Updates read, those in the history among them.
    pub updates: u64,
    /// Updates that were put aside earlier.
    pub quarantined: u64,
    /// What is wrong: the document and what about it.
    pub damages: Vec<(DocName, String)>,
    /// Updates that are stored and not in their document, as what they build on has not come.
    pub waiting: Vec<(DocName, Waiting)>,
}

/// An update that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place.
    pub seq: Seq,
    /// What it waits for, if that can be told.
    pub lacks: Option<Lacks>,
}

/// What is in order about a document.
struct Sound {
    updates: u64,
    waiting: Vec<Waiting>,
}

/// Reads every row of every document and opens every document.
///
/// Where the history reaches back to the first update, the document is also built from history and log alone and
/// compared with what snapshot and log make.
///
/// # Errors
/// [`StorageFault`] when the store could not be asked.
pub async fn verify(store: &dyn Store) -> Result<Report, StorageFault> {
    let mut report = Report::default();
    let mut after: Option<DocName> = None;
    loop {
        let page = store.list(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(report);
        };
        after = Some(last.doc.clone());
        for line in page {
            report.documents += 1;
            report.quarantined += store.quarantined(&line.doc).await?.len() as u64;
            match verify_one(store, &line.doc).await {
                Ok(Sound { updates, waiting }) => {
                    report.updates += updates;
                    let of_this = waiting.into_iter().map(|one| (line.doc.clone(), one));
                    report.waiting.extend(of_this);
                }
                Err(Wrong::Damaged(what)) => report.damages.push((line.doc, what)),
                Err(Wrong::Storage(fault)) => return Err(fault),
            }
        }
    }
}

enum Wrong {
    Damaged(String),
    Storage(StorageFault),
}

impl From<ReadFault> for Wrong {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Damaged(what) => Self::Damaged(what),
            ReadFault::Storage(fault) => Self::Storage(fault),
        }
    }
}

async fn verify_one(store: &dyn Store, doc: &DocName) -> Result<Sound, Wrong> {
    let stored = store
        .load(doc)
        .await?
        .ok_or_else(|| Wrong::Damaged("it is listed and cannot be found".to_owned()))?;
    let mut past: Vec<UpdateBytes> = Vec::new();
    let mut last = Seq(0);
    loop {
        let entries = store.history_since(doc, last).await?;
        let Some(newest) = entries.last() else { break };
        if entries
            .first()
            .is_some_and(|entry| entry.seq != last.plus(1))
        {
            return Err(Wrong::Damaged(format!(
                "update {} of the history is missing",
                last.0 + 1
            )));
        }
        last = newest.seq;
        past.extend(entries.into_iter().map(|entry| entry.update));
    }
    // A snapshot that was stored but not trimmed yet has its rows still in the log.
    let mut between = last;
    while between < stored.snapshot_through {
        let entries = store.read_since(doc, between).await?.unwrap_or_default();
        let Some(newest) = entries.last() else {
            return Err(Wrong::Damaged(format!(
                "update {} is neither in the history nor in the log",
                between.0 + 1
            )));
        };
        between = newest.seq;
        let through = stored.snapshot_through;
        past.extend(
            entries
                .into_iter()
                .filter(|entry| entry.seq <= through)
                .map(|entry| entry.update),
        );
    }
    let updates = past.len() as u64 + stored.log.len() as u64;
    let opened = tokio::task::spawn_blocking(move || {
        catch_unwind(AssertUnwindSafe(|| compare(&stored, &past)))
            .unwrap_or_else(|_| Err("opening it panicked".to_owned()))
    });
    match opened.await {
        Ok(Ok(waiting)) => Ok(Sound { updates, waiting }),
        Ok(Err(what)) => Err(Wrong::Damaged(what)),
        Err(_) => Err(Wrong::Damaged("opening it failed".to_owned())),
    }
}

/// Opens the document both ways and compares. Gives what waits.
fn compare(
    stored: &crate::ports::StoredDocument,
    past: &[UpdateBytes],
) -> Result<Vec<Waiting>, String> {
    let served = replay(stored).map_err(|error| format!("it does not open: {error}"))?;
    let log = stored.log.iter().map(|entry| &entry.update);
    let replayed = Ordered::of_log(fresh_id(), None, past.iter().chain(log))
        .map_err(|error| format!("its history does not open: {error}"))?;
    let is_same = served.waiting() == replayed.waiting()
        && served.replica().canonical() == replayed.replica().canonical();
    if is_same {
        let waiting = served.waiting_rows();
        Ok(waiting.map(|(seq, lacks)| Waiting { seq, lacks }).collect())
    } else {
        Err("its snapshot is not what its history makes".to_owned())
    }
}
