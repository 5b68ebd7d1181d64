//! What the log of this device lacks of a document although the server has it: edits made while the device was full,
//! and others' updates left to a tab that is gone. It is written as soon as the log takes something again; until then
//! the device is not said to keep.

use std::rc::Rc;

use leptos::prelude::GetUntracked as _;
use sheaf_shared::gate::update::PartBytes;
use sheaf_shared::replica::EMPTY_UPDATE;
use wasm_bindgen_futures::spawn_local;

use super::document::DocumentHandle;
use super::keeping::opened;
use super::outbox::Lacking;
use super::save_state::Storage;
use super::workspace::Workspace;
use crate::local::db::{NewRow, StorageFault};
use crate::platform;

/// Milliseconds after which a log that lacks something is tried again, if nothing is written meanwhile: somebody may
/// have made room on the device.
const AGAIN_AFTER_MS: u64 = 10_000;

/// How far the log of one document is behind what the server has, beyond what is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lag {
    /// Not at all.
    #[default]
    None,
    /// It lacks something.
    Behind,
    /// What it lacked is being written.
    CatchingUp,
}

impl Workspace {
    /// The log of `document` was left without something.
    pub(super) fn note_lacking(&self, document: &DocumentHandle, lacking: Lacking) {
        if lacking == Lacking::Nothing || document.inner.lag.replace(Lag::Behind) == Lag::Behind {
            return;
        }
        let (workspace, document) = (self.clone(), Rc::downgrade(&document.inner));
        platform::after_ms(AGAIN_AFTER_MS, move || {
            if let Some(document) = DocumentHandle::of(&document) {
                workspace.catch_up_log(&document);
            }
        });
    }

    /// Something was kept: storage works (again), and takes what was left out while it did not. It is called kept once
    /// no log of this tab lacks anything.
    pub(super) fn works_again(&self, document: &DocumentHandle) {
        let Storage::Failed(_) = self.storage().get_untracked() else {
            return self.catch_up_log(document);
        };
        let documents = self.documents();
        for document in &documents {
            self.catch_up_log(document);
        }
        let lags = |document: &DocumentHandle| {
            document.inner.keeps_log.get() && document.inner.lag.get() != Lag::None
        };
        if !documents.iter().any(lags) {
            self.set_storage(Storage::Keeping { persistent: None });
            self.ask_persisted();
        }
    }

    /// Writes what the log of `document` lacks, if this tab keeps that log.
    pub(super) fn catch_up_log(&self, document: &DocumentHandle) {
        if !document.inner.keeps_log.get() || document.inner.lag.get() != Lag::Behind {
            return;
        }
        document.inner.lag.set(Lag::CatchingUp);
        let (workspace, document) = (self.clone(), document.clone());
        spawn_local(async move {
            match workspace.write_what_lacks(&document).await {
                // More may have been left out meanwhile.
                Ok(()) if document.inner.lag.get() == Lag::CatchingUp => {
                    document.inner.lag.set(Lag::None);
                    workspace.works_again(&document);
                }
                Ok(()) => {}
                Err(fault) => {
                    workspace.set_storage(Storage::Failed(fault));
                    workspace.note_lacking(&document, Lacking::Something);
                }
            }
        });
    }

    async fn write_what_lacks(&self, document: &DocumentHandle) -> Result<(), StorageFault> {
        let database = self.database().await?;
        let stored = database.load(document.name()).await?;
        let kept = opened(&stored).ok_or(StorageFault::Broken)?;
        let missing = {
            let replica = document.replica();
            let replica = replica.borrow();
            replica.missing_in_parts(&kept.replica().version(), PartBytes::USUAL)
        };
        let parts = missing.map_err(|_| StorageFault::Broken)?;
        let parts = parts.into_iter().filter(|part| *part != EMPTY_UPDATE);
        let rows: Vec<NewRow> = parts
            .map(|update| NewRow {
                doc: document.name().clone(),
                update,
                waiting: false,
            })
            .collect();
        if !rows.is_empty() {
            let bytes = rows.iter().map(|row| row.update.len()).sum();
            let count = rows.len();
            self.append(rows).await?;
            self.grown(document, count, bytes);
        }
        Ok(())
    }
}
