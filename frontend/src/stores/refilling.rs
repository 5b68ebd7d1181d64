//! When the browser clears its storage under the open page: the database is opened anew, and filled from the replicas
//! of the open documents. Until then nothing is called kept.

use leptos::prelude::Set as _;
use wasm_bindgen_futures::spawn_local;

use super::document::DocumentHandle;
use super::eviction::Evicted;
use super::save_state::Storage;
use super::workspace::Workspace;
use crate::local::db::{NewRow, StorageFault};
use crate::platform;
use crate::who;

/// Milliseconds before each further attempt: a browser that is still clearing opens nothing. Behind the last one the person is
/// told that nothing is kept, and has to load the page again.
const AGAIN_AFTER_MS: [u64; 5] = [300, 1_000, 3_000, 10_000, 30_000];

impl Workspace {
    /// The database was taken away. What it held of the open documents is in their replicas.
    pub(super) fn storage_was_cleared(&self) {
        // Whoever signs out wants nothing to stay.
        if who::is_over() {
            return;
        }
        for document in self.documents() {
            document.inner.outbox.borrow_mut().log_was_cleared();
        }
        self.set_storage(Storage::Opening);
        self.open_database();
        self.recount();
        if !self.note_refilling(true) {
            spawn_local(self.clone().refill());
        }
    }

    async fn refill(self) {
        let mut outcome = self.write_all_anew().await;
        for pause in AGAIN_AFTER_MS {
            if outcome.is_ok() {
                break;
            }
            platform::sleep_ms(pause).await;
            self.open_database();
            outcome = self.write_all_anew().await;
        }
        self.note_refilling(false);
        match outcome {
            Ok(()) => {
                self.set_storage(Storage::Keeping { persistent: None });
                self.ask_persisted();
                self.evicted().set(Some(Evicted::WhileOpen));
            }
            Err(fault) => self.set_storage(Storage::Failed(fault)),
        }
    }

    async fn write_all_anew(&self) -> Result<(), StorageFault> {
        self.database().await?;
        for document in self.documents() {
            self.write_anew(&document).await?;
        }
        Ok(())
    }

    /// Writes all that a document holds as one row.
    async fn write_anew(&self, document: &DocumentHandle) -> Result<(), StorageFault> {
        let whole = {
            let replica = document.replica();
            let replica = replica.borrow();
            if replica.is_empty() || replica.is_broken() {
                return Ok(());
            }
            replica.encode()
        };
        let row = NewRow {
            doc: document.name().clone(),
            update: whole,
            waiting: document.inner.outbox.borrow().waiting() > 0,
        };
        document.inner.log_rows.set(1);
        document.inner.log_bytes.set(row.update.len());
        for key in self.append(vec![row]).await? {
            let overtaken = document.inner.outbox.borrow_mut().kept_again(key);
            self.wait_no_longer(document, overtaken.into_iter().collect());
        }
        self.recount();
        Ok(())
    }
}
