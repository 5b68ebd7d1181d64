//! What other tabs say, what this one says when it leaves, and what becomes of the edits of a tab that died.

use leptos::prelude::Set as _;
use sheaf_shared::sync::client::Input;

use super::document::Phase;
use super::workspace::Workspace;
use crate::local::tabs::TabMessage;
use crate::platform;

/// Pause, in milliseconds, between looks at what other tabs left behind.
const ADOPT_EVERY_MS: u64 = 1_000;

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
            TabMessage::Preferences => self.preferences_changed().tell(),
        }
    }

    pub(super) fn watch_leaving(&self) {
        let workspace = self.clone();
        platform::listen(&platform::window(), "pagehide", move |_| {
            workspace.mark_what_is_kept();
            for document in workspace.documents() {
                workspace.log_now(&document);
                workspace.tell_tabs(&TabMessage::Presence {
                    doc: document.name().clone(),
                    replica: document.inner.who.0,
                    state: String::new(),
                });
            }
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
