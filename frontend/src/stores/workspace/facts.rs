//! Facts about the workspace that others ask for, or tell it.

use std::rc::Rc;

use leptos::prelude::{GetUntracked as _, RwSignal, Set as _};
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::client::Way;
use sheaf_shared::sync::close::CloseReason;

use super::{SpaceOf, Workspace};
use crate::stores::save_state::Storage;
use crate::who::{self, Space};

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

    /// The server has closed a document for good: perhaps somebody else sits here now, or it is not theirs any more.
    pub(super) fn was_shut(&self, doc: &DocName, why: CloseReason) {
        if matches!(why, CloseReason::Revoked | CloseReason::Gone)
            && let Some(document) = self.document(doc)
        {
            document.inner.may_edit.set(false);
        }
        who::look();
    }

    /// Asks `space_of` from now on in which space a document lies.
    pub(in crate::stores) fn know_spaces(
        &self,
        space_of: impl Fn(&DocName) -> Option<Space> + 'static,
    ) {
        let space_of: SpaceOf = Rc::new(space_of);
        *self.inner.space_of.borrow_mut() = Some(space_of);
    }

    pub(super) fn space_of(&self, doc: &DocName) -> Option<Space> {
        let space_of = self.inner.space_of.borrow().clone();
        space_of.and_then(|space_of| space_of(doc))
    }

    /// Whether edits of a document are taken until the server has said it: as when it was last asked.
    pub(super) fn may_edit_at_first(&self, doc: &DocName) -> bool {
        match self.space_of(doc) {
            Some(space) => space.may_edit,
            None => doc
                .page()
                .and_then(|_| who::guest())
                .is_none_or(|guest| guest.may_edit),
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
