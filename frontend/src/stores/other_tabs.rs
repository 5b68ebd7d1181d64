//! What other tabs say, what this one says when it leaves, and what becomes of the edits of a tab that died.

use leptos::prelude::Set as _;
use sheaf_shared::sync::client::Input;
use wasm_bindgen_futures::spawn_local;

use super::document::Phase;
use super::workspace::Workspace;
use crate::local::tabs::TabMessage;
use crate::platform;

/// Pause, in milliseconds, between looks at what other tabs left behind.
const ADOPT_EVERY_MS: u64 = 1_000;
/// Milliseconds after a tab's goodbye when its last writes are in the log, or nowhere.
const LEFT_AFTER_MS: u64 = 500;
/// Pause, in milliseconds, between looks for what a tab left that died without a goodbye.
const STRAYS_EVERY_MS: u64 = 30_000;

impl Workspace {
    pub(super) fn hear(&self, message: TabMessage) {
        match message {
            TabMessage::Edit { doc, row, update } => {
                let Some(document) = self.document(&doc) else {
                    return;
                };
                if !document.take(&update) {
                    return;
                }
                if let Some(row) = row {
                    let now = platform::now();
                    document
                        .inner
                        .outbox
                        .borrow_mut()
                        .foreign_edit(row, update, now);
                    self.recount();
                } else {
                    self.log_later(&document, update);
                }
                let is_whole = !document.inner.replica.borrow().is_empty()
                    && document.inner.early.borrow().waiting() == 0;
                if is_whole && document.phase_now() == Phase::Unknown {
                    document.inner.phase.set(Phase::Ready);
                }
            }
            TabMessage::Acknowledged { doc, rows } => {
                if let Some(document) = self.document(&doc) {
                    document
                        .inner
                        .outbox
                        .borrow_mut()
                        .foreign_acknowledged(&rows);
                    self.recount();
                }
            }
            TabMessage::Opened { doc, version } => {
                let Some(document) = self.document(&doc) else {
                    return;
                };
                let replica = document.inner.replica.borrow();
                let missing = if replica.is_broken() || replica.is_empty() {
                    None
                } else {
                    replica.missing_for(&version).ok()
                };
                drop(replica);
                if let Some(update) = missing {
                    self.tell_tabs(&TabMessage::Edit {
                        doc,
                        row: None,
                        update,
                    });
                }
            }
            TabMessage::Presence {
                doc,
                replica,
                state,
            } => {
                if let Some(document) = self.document(&doc) {
                    let shown = (!state.is_empty()).then_some(state.as_str());
                    document.take_presence(u64::from(replica), None, shown);
                }
            }
            TabMessage::Leaving => self.look_for_strays_soon(),
        }
    }

    /// Watches for the moments after which this page may not be asked anything any more: a phone ends hidden pages
    /// without a word.
    pub(super) fn watch_leaving(&self) {
        let workspace = self.clone();
        platform::listen(&platform::document(), "visibilitychange", move |_| {
            if !platform::is_visible() {
                workspace.write_all_before_leaving();
            }
        });
        let workspace = self.clone();
        platform::listen(&platform::window(), "pagehide", move |_| {
            workspace.write_all_before_leaving();
            workspace.tell_tabs(&TabMessage::Leaving);
            for document in workspace.documents() {
                workspace.tell_tabs(&TabMessage::Presence {
                    doc: document.name().clone(),
                    replica: document.inner.who.0,
                    state: String::new(),
                });
            }
            // Last: what was written above has been handed to it by now.
            workspace.take_leave();
        });
    }

    fn write_all_before_leaving(&self) {
        for document in self.documents() {
            document.release();
            self.write_before_leaving(&document);
        }
        self.mark_what_is_kept();
    }

    /// Finds edits that wait in the log and that no tab told this one of: of one that was closed, or died, in the
    /// moment it wrote them. Until they are on the server, nothing here may be called saved.
    pub(super) async fn look_for_strays(self) {
        let Ok(database) = self.database().await else {
            return;
        };
        let Ok(waiting) = database.waiting().await else {
            return;
        };
        for (doc, row) in waiting {
            let Some(document) = self.document(&doc) else {
                drop(self.open(&doc));
                continue;
            };
            // A log that is being read is read with these rows.
            if document.phase_now() == Phase::Loading || !document.take(&row.update) {
                continue;
            }
            let mut outbox = document.inner.outbox.borrow_mut();
            outbox.foreign_edit(row.key, row.update, platform::now());
        }
        self.recount();
    }

    fn look_for_strays_soon(&self) {
        let workspace = self.clone();
        platform::after_ms(LEFT_AFTER_MS, move || {
            spawn_local(workspace.look_for_strays());
        });
    }

    pub(super) fn look_for_strays_from_time_to_time(&self) {
        let workspace = self.clone();
        platform::after_ms(STRAYS_EVERY_MS, move || {
            spawn_local(workspace.clone().look_for_strays());
            workspace.look_for_strays_from_time_to_time();
        });
    }

    pub(super) fn adopt_from_time_to_time(&self) {
        let workspace = self.clone();
        platform::after_ms(ADOPT_EVERY_MS, move || {
            for document in workspace.documents() {
                let updates = document.inner.outbox.borrow_mut().adopt(platform::now());
                for update in updates {
                    workspace.input(Input::Edited {
                        doc: document.name(),
                        update: &update,
                    });
                }
            }
            workspace.mark_what_is_kept();
            workspace.adopt_from_time_to_time();
        });
    }
}
