//! Facts about the workspace that others ask for, or tell it.

use leptos::prelude::{GetUntracked as _, RwSignal, Set as _};
use sheaf_shared::sync::client::Way;

use super::Workspace;
use crate::stores::save_state::Storage;

impl Workspace {
    /// How frames travel to the server: a signal.
    #[must_use]
    pub fn way(&self) -> RwSignal<Way> {
        self.inner.way
    }

    /// The page is being left, and everything it had to say was handed over.
    pub(in crate::stores) fn take_leave(&self) {
        if let Some(session) = self.inner.session.get() {
            session.leave();
        }
    }

    /// Notes that the browser was asked; returns whether it had been before.
    pub(in crate::stores) fn note_asked_to_persist(&self) -> bool {
        self.inner.asked_to_persist.replace(true)
    }

    pub(in crate::stores) fn set_storage(&self, storage: Storage) {
        if self.inner.storage.get_untracked() != storage {
            self.inner.storage.set(storage);
        }
    }
}
