//! Writing what happens to the log of this device: own edits before they are sent, others' edits soon after.

use bytes::Bytes;
use leptos::prelude::GetUntracked as _;
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::replica::{EMPTY_UPDATE, Ordered};
use sheaf_shared::sync::client::Input;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::document::{DocumentHandle, Phase};
use super::lagging::Lag;
use super::outbox::{Lacking, RETRY_AFTER_MS, ToWrite};
use super::save_state::Storage;
use super::workspace::Workspace;
use crate::local::db::{Db, NewRow, RowKey, StorageFault, Stored};
use crate::local::tabs::TabMessage;
use crate::platform;

/// Milliseconds that updates of others are gathered before they are written.
const LOG_AFTER_MS: u64 = 400;
/// Milliseconds without a key after which a long log is folded: not while the page is being opened, or written on.
const FOLD_AFTER_MS: u64 = 3_000;
/// Milliseconds after which it is folded although somebody writes without a pause.
const FOLD_AFTER_AT_MOST_MS: u64 = 120_000;
/// Longest wait, in milliseconds, for a moment in which the browser has nothing else to do.
const IDLE_WITHIN_MS: u32 = 2_000;
/// A log with more rows than this is folded into the snapshot.
const LOG_ROWS_MAX: usize = 500;
/// A log with more bytes than this is folded into the snapshot.
const LOG_BYTES_MAX: usize = 256 * 1024;

impl Workspace {
    /// Sends the edits made in `document`, keeps them on this device, and tells other tabs. Sending and keeping
    /// run side by side: "saved" waits for the server's disk, and "kept on this device" for this device's.
    pub(super) fn pass_on(&self, document: &DocumentHandle) {
        // Until the log was read, nobody knows how many edits were waiting before these.
        if document.phase_now() == Phase::Loading {
            return self.recount();
        }
        let fresh = document.inner.outbox.borrow_mut().hand_over();
        for update in &fresh {
            self.input(Input::Edited {
                doc: document.name(),
                update,
            });
        }
        self.keep(document);
    }

    /// Hands what was held back to the client, and tells other tabs of what the log has; they hear of the rest when
    /// it is written.
    pub(super) fn release(&self, document: &DocumentHandle) {
        let released = document.inner.outbox.borrow_mut().release();
        for edit in released {
            self.input(Input::Edited {
                doc: document.name(),
                update: &edit.update,
            });
            if edit.row.is_some() {
                self.tell_tabs(&TabMessage::Edit {
                    doc: document.name().clone(),
                    row: edit.row,
                    update: edit.update,
                });
            }
        }
    }

    /// Keeps on this device what it has not kept yet.
    pub(super) fn keep(&self, document: &DocumentHandle) {
        self.recount();
        let batch = document
            .inner
            .outbox
            .borrow_mut()
            .take_to_write(platform::now());
        if let Some(batch) = batch {
            self.write(document, batch);
        }
    }

    /// Hands everything that is not on its way to this device's disk to the browser, now: this page may be gone in a
    /// moment, and no later moment is promised.
    pub(super) fn write_before_leaving(&self, document: &DocumentHandle) {
        let batch = document.inner.outbox.borrow_mut().take_all_to_write();
        if let Some(batch) = batch {
            self.write(document, batch);
        }
        self.log_now(document);
    }

    /// Writes own edits to the log. They are handed to the browser before this returns, if the database is open.
    fn write(&self, document: &DocumentHandle, batch: Vec<ToWrite>) {
        let rows = batch.iter().map(|edit| NewRow {
            doc: document.name().clone(),
            update: edit.update.clone(),
            waiting: true,
        });
        let kept = self.append(rows.collect());
        let (workspace, document) = (self.clone(), document.clone());
        spawn_local(async move {
            match kept.await {
                Ok(keys) => workspace.written(&document, batch, keys),
                Err(fault) => workspace.not_written(&document, batch, fault),
            }
            // What gathered meanwhile.
            workspace.pass_on(&document);
            workspace.fold_if_long(&document);
        });
    }

    /// Hands rows to the browser before this returns, if the database is open, and else as soon as it is.
    pub(super) fn append(
        &self,
        rows: Vec<NewRow>,
    ) -> impl Future<Output = Result<Vec<RowKey>, StorageFault>> + use<> {
        let begun = self.database_now().map(|database| database.append(&rows));
        let workspace = self.clone();
        async move {
            let begun = match begun {
                Some(begun) => begun,
                None => workspace.database().await?.append(&rows),
            };
            begun?.kept().await
        }
    }

    fn written(&self, document: &DocumentHandle, batch: Vec<ToWrite>, keys: Vec<RowKey>) {
        self.works_again(document);
        self.ask_to_persist_once();
        let bytes = batch.iter().map(|edit| edit.update.len()).sum();
        self.grown(document, batch.len(), bytes);
        let numbers = batch.iter().map(|edit| edit.number);
        let overtaken = document
            .inner
            .outbox
            .borrow_mut()
            .written(numbers.zip(keys.iter().copied()));
        for (edit, row) in batch.into_iter().zip(keys) {
            if document.inner.outbox.borrow().is_held(row) {
                continue;
            }
            self.tell_tabs(&TabMessage::Edit {
                doc: document.name().clone(),
                row: Some(row),
                update: edit.update,
            });
        }
        self.wait_no_longer(document, overtaken);
    }

    fn not_written(&self, document: &DocumentHandle, batch: Vec<ToWrite>, fault: StorageFault) {
        self.set_storage(Storage::Failed(fault));
        for edit in batch.iter().filter(|edit| !edit.was_tried) {
            self.tell_tabs(&TabMessage::Edit {
                doc: document.name().clone(),
                row: None,
                update: edit.update.clone(),
            });
        }
        let lacking = document
            .inner
            .outbox
            .borrow_mut()
            .not_written(batch, platform::now());
        self.note_lacking(document, lacking);
        let workspace = self.clone();
        let document = document.clone();
        // A little later than the outbox asks for: timers and the clock round differently.
        platform::after_ms(RETRY_AFTER_MS + 50, move || workspace.pass_on(&document));
    }

    /// The browser is asked once not to clear what it keeps.
    fn ask_to_persist_once(&self) {
        if !self.note_asked_to_persist() && platform::is_secure() {
            self.ask_to_persist();
        }
    }

    pub(super) fn grown(&self, document: &DocumentHandle, rows: usize, bytes: usize) {
        document
            .inner
            .log_rows
            .set(document.inner.log_rows.get() + rows);
        document
            .inner
            .log_bytes
            .set(document.inner.log_bytes.get() + bytes);
    }

    /// The server has the oldest `edits` of `document` on its disk.
    pub(super) fn acknowledged(&self, document: &DocumentHandle, edits: usize) {
        let (rows, lacking) = {
            let mut outbox = document.inner.outbox.borrow_mut();
            (outbox.acknowledged(edits), outbox.forget_acknowledged())
        };
        self.note_lacking(document, lacking);
        self.recount();
        self.wait_no_longer(document, rows);
    }

    /// Writes down, and tells other tabs, that the server has these rows.
    pub(super) fn wait_no_longer(&self, document: &DocumentHandle, rows: Vec<RowKey>) {
        if rows.is_empty() {
            return;
        }
        self.tell_tabs(&TabMessage::Acknowledged {
            doc: document.name().clone(),
            rows: rows.clone(),
        });
        let workspace = self.clone();
        spawn_local(async move {
            if let Ok(database) = workspace.database().await {
                // Not kept: the rows count as waiting at the next start, and are sent once more. No harm.
                let _ = database.acknowledge(&rows).await;
            }
        });
    }

    /// Keeps an update of somebody else, together with others that come soon.
    pub(super) fn log_later(&self, document: &DocumentHandle, update: Vec<u8>) {
        if update == EMPTY_UPDATE {
            return;
        }
        if !document.inner.keeps_log.get() {
            document.inner.lag.set(Lag::Behind);
            return;
        }
        let mut unlogged = document.inner.unlogged.borrow_mut();
        unlogged.push(update);
        if unlogged.len() == 1 {
            let workspace = self.clone();
            let document = document.clone();
            platform::after_ms(LOG_AFTER_MS, move || workspace.log_now(&document));
        }
    }

    /// Writes what [`Self::log_later`] gathered.
    pub(super) fn log_now(&self, document: &DocumentHandle) {
        let updates = std::mem::take(&mut *document.inner.unlogged.borrow_mut());
        if updates.is_empty() {
            return;
        }
        // A row that waits for another would make those it is merged with wait too; one too long would not be read.
        let may_merge = document.inner.early.borrow().waiting() == 0
            && updates.iter().map(Vec::len).sum::<usize>() <= UPDATE_BYTES_MAX;
        let merged = may_merge.then(|| yrs::merge_updates_v1(&updates).ok());
        let updates = merged.flatten().map_or(updates, |merged| vec![merged]);
        let rows: Vec<NewRow> = updates
            .into_iter()
            .map(|update| NewRow {
                doc: document.name().clone(),
                update,
                waiting: false,
            })
            .collect();
        let (count, bytes) = (rows.len(), rows.iter().map(|row| row.update.len()).sum());
        let kept = self.append(rows);
        let (workspace, document) = (self.clone(), document.clone());
        spawn_local(async move {
            match kept.await {
                Ok(_) => {
                    workspace.grown(&document, count, bytes);
                    workspace.works_again(&document);
                }
                Err(fault) => {
                    workspace.set_storage(Storage::Failed(fault));
                    workspace.note_lacking(&document, Lacking::Something);
                }
            }
            workspace.fold_if_long(&document);
        });
    }

    /// Folds a log that has grown long into its snapshot, after a while.
    pub(super) fn fold_if_long(&self, document: &DocumentHandle) {
        let is_long = document.inner.log_rows.get() > LOG_ROWS_MAX
            || document.inner.log_bytes.get() > LOG_BYTES_MAX;
        if !is_long || !document.inner.keeps_log.get() || document.inner.folding.replace(true) {
            return;
        }
        let workspace = self.clone();
        let document = document.clone();
        spawn_local(async move {
            writing_pauses(&document).await;
            if let Ok(database) = workspace.database().await {
                let left = fold(&database, &document).await;
                if let Ok(left) = left {
                    document.inner.log_rows.set(left.rows);
                    document.inner.log_bytes.set(left.bytes);
                }
            }
            document.inner.folding.set(false);
        });
    }

    /// Asks whether the browser may clear its copy by itself.
    pub(super) fn ask_persisted(&self) {
        // Plain HTTP beyond this machine has no such question.
        if !platform::is_secure() {
            return;
        }
        let workspace = self.clone();
        spawn_local(async move {
            let asked = platform::window().navigator().storage().persisted();
            workspace.note_persistence(asked).await;
        });
    }

    fn ask_to_persist(&self) {
        let workspace = self.clone();
        spawn_local(async move {
            let asked = platform::window().navigator().storage().persist();
            workspace.note_persistence(asked).await;
        });
    }

    async fn note_persistence(&self, asked: Result<js_sys::Promise, wasm_bindgen::JsValue>) {
        let Ok(promise) = asked else { return };
        let Ok(answer) = JsFuture::from(promise).await else {
            return;
        };
        if let Storage::Keeping { .. } = self.storage().get_untracked() {
            self.set_storage(Storage::Keeping {
                persistent: answer.as_bool(),
            });
        }
    }
}

/// Waits for a moment in which nobody notices that a document is read, decoded and written as a whole.
async fn writing_pauses(document: &DocumentHandle) {
    let begun = platform::now();
    let mut pause = FOLD_AFTER_MS;
    while pause > 0 && platform::now().ms_since(begun) < FOLD_AFTER_AT_MOST_MS {
        platform::sleep_ms(pause).await;
        let unused = platform::now().ms_since(document.inner.last_used.get());
        pause = FOLD_AFTER_MS.saturating_sub(unused);
    }
    platform::idle_moment(IDLE_WITHIN_MS).await;
}

/// What is left of a log after folding.
struct Left {
    rows: usize,
    bytes: usize,
}

async fn fold(database: &Db, document: &DocumentHandle) -> Result<Left, StorageFault> {
    let stored = database.load(document.name()).await?;
    // A log that does not read completely is left alone: somebody may still mend it.
    let Some(kept) = opened(&stored) else {
        return Err(StorageFault::Broken);
    };
    // Folding would lose a row that waits for another. That one may still come: try again when there are more rows.
    if kept.waiting() > 0 {
        return Ok(Left { rows: 0, bytes: 0 });
    }
    let snapshot = kept.replica().encode();
    database.fold(document.name(), &stored, &snapshot).await?;
    let waiting = stored.rows.iter().filter(|row| row.waiting);
    let (rows, bytes) = waiting.fold((0, 0), |(rows, bytes), row| {
        (rows + 1, bytes + row.update.len())
    });
    Ok(Left { rows, bytes })
}

/// What is stored, opened; `None` if some of it does not apply.
pub(super) fn opened(stored: &Stored) -> Option<Ordered> {
    let rows: Vec<Bytes> = stored
        .rows
        .iter()
        .map(|row| Bytes::copy_from_slice(&row.update))
        .collect();
    Ordered::of_log(
        platform::new_replica_id(),
        stored.snapshot.as_deref(),
        &rows,
    )
    .ok()
}
