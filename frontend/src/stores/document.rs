//! One open document: its replica, its edits on the way, and who must hear of each change to it.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use bytes::Bytes;
use futures_util::future::{LocalBoxFuture, Shared};
use leptos::prelude::{ArcRwSignal, GetUntracked as _, RwSignal, Set as _};
use litemap::LiteMap;
use sheaf_shared::ids::{DocName, ReplicaId};
use sheaf_shared::replica::{Early, Replica, ReplicaError};
use sheaf_shared::time::MonotonicMs;

use super::lagging::Lag;
use super::listeners::Listeners;
pub use super::listeners::Subscription;
use super::outbox::Outbox;
use super::workspace::Workspace;
use crate::local::db::StorageFault;
use crate::local::locks::Held;
use crate::platform;

/// How far a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// What this device keeps of it is being read.
    Loading,
    /// This device has nothing of it, and the server has not answered yet.
    Unknown,
    /// It can be read and written.
    Ready,
    /// What this device keeps could not be read, and the server has not answered yet.
    Unreadable(StorageFault),
    /// This copy can't be trusted any more; the page must be reloaded. What was written is in the log.
    Broken,
}

/// One open document. Cheap to clone; clones are the same document.
#[derive(Clone)]
pub struct DocumentHandle {
    pub(super) inner: Rc<Inner>,
}

pub(super) struct Inner {
    pub(super) name: DocName,
    pub(super) replica: Rc<RefCell<Replica>>,
    /// Updates of other tabs and of the log that build on what has not come yet.
    pub(super) early: RefCell<Early>,
    pub(super) who: ReplicaId,
    pub(super) workspace: Workspace,
    /// Counted, not owned by the screen that opened the document first.
    pub(super) phase: ArcRwSignal<Phase>,
    pub(super) may_edit: ArcRwSignal<bool>,
    pub(super) outbox: RefCell<Outbox>,
    /// Updates of others which the log does not have yet.
    pub(super) unlogged: RefCell<Vec<Vec<u8>>>,
    /// Whether this tab writes updates of others to the log.
    pub(super) keeps_log: Cell<bool>,
    pub(super) lock: RefCell<Option<Held>>,
    /// What the log lacks although the server has it.
    pub(super) lag: Cell<Lag>,
    /// The log is being folded.
    pub(super) folding: Cell<bool>,
    /// Bytes and rows of the log, as far as this tab knows.
    pub(super) log_bytes: Cell<usize>,
    pub(super) log_rows: Cell<usize>,
    remote: Listeners,
    remote_due: Cell<bool>,
    people: RefCell<LiteMap<u64, Present>>,
    people_changed: Listeners,
    people_due: Cell<bool>,
    own_presence: RefCell<Option<String>>,
    presence_due: Cell<bool>,
    pub(super) last_used: Cell<MonotonicMs>,
    pub(super) loading: RefCell<Option<Loading>>,
}

pub(super) type Loading = Shared<LocalBoxFuture<'static, ()>>;

/// Someone else in the document.
struct Present {
    clock: Option<u32>,
    state: String,
}

/// Pause, in milliseconds, between two sendings of one's own presence.
const PRESENCE_EVERY_MS: u64 = 100;

impl DocumentHandle {
    pub(super) fn new(name: DocName, workspace: Workspace) -> Self {
        let who = platform::new_replica_id();
        Self {
            inner: Rc::new(Inner {
                name,
                replica: Rc::new(RefCell::new(Replica::new(who))),
                early: RefCell::new(Early::of_log()),
                who,
                workspace,
                phase: ArcRwSignal::new(Phase::Loading),
                may_edit: ArcRwSignal::new(true),
                outbox: RefCell::default(),
                unlogged: RefCell::default(),
                keeps_log: Cell::new(false),
                lock: RefCell::default(),
                lag: Cell::default(),
                folding: Cell::new(false),
                log_bytes: Cell::new(0),
                log_rows: Cell::new(0),
                remote: Listeners::default(),
                remote_due: Cell::new(false),
                people: RefCell::default(),
                people_changed: Listeners::default(),
                people_due: Cell::new(false),
                own_presence: RefCell::default(),
                presence_due: Cell::new(false),
                last_used: Cell::new(platform::now()),
                loading: RefCell::default(),
            }),
        }
    }

    /// Which document this is.
    #[must_use]
    pub fn name(&self) -> &DocName {
        &self.inner.name
    }

    /// How far it is: a signal for the screen that asks.
    #[must_use]
    pub fn phase(&self) -> RwSignal<Phase> {
        self.inner.phase.clone().into()
    }

    /// How far it is now.
    #[must_use]
    pub fn phase_now(&self) -> Phase {
        self.inner.phase.get_untracked()
    }

    /// Waits until what this device keeps of it was read, or could not be.
    pub async fn loaded(&self) {
        let loading = self.inner.loading.borrow().clone();
        if let Some(loading) = loading {
            loading.await;
        }
    }

    /// The copy this tab reads and writes. Never call JavaScript while a transaction on it is open.
    #[must_use]
    pub fn replica(&self) -> Rc<RefCell<Replica>> {
        Rc::clone(&self.inner.replica)
    }

    /// To be called after the replica was changed here, with the update that did it: the update is sent and
    /// kept on this device, and other tabs are told.
    pub fn local_edit(&self, update: Vec<u8>) {
        // What was held is older.
        self.release();
        self.inner.outbox.borrow_mut().edited(update);
        self.used();
        self.inner.workspace.pass_on(self);
    }

    /// Like [`Self::local_edit`], for a part of a word that is being composed: it is kept on this device at once, and
    /// goes to the server and to others with [`Self::release`] or with the next edit.
    pub fn hold_edit(&self, update: Vec<u8>) {
        if self.phase_now() == Phase::Loading {
            return self.local_edit(update);
        }
        self.inner.outbox.borrow_mut().hold(update);
        self.used();
        self.inner.workspace.keep(self);
    }

    /// What was held back goes to everybody.
    pub fn release(&self) {
        self.inner.workspace.release(self);
    }

    fn used(&self) {
        self.inner.last_used.set(platform::now());
        if self.inner.phase.get_untracked() == Phase::Unknown {
            // Whoever writes the first words of a document knows it.
            self.inner.phase.set(Phase::Ready);
        }
    }

    /// Applies an update that was made once for all, and passes it on like an edit made here.
    pub fn local_edit_made(&self, update: &'static [u8]) {
        if self.take(update) {
            self.local_edit(update.to_vec());
        }
    }

    /// Calls `f` when changes of others were applied to the replica since the last call; at most once per
    /// animation frame, never while the replica is borrowed.
    pub fn on_remote(&self, f: impl Fn() + 'static) -> Subscription {
        self.inner.remote.add(f)
    }

    /// Says where this person is: their awareness state as JSON; empty to leave. Sent at a bounded pace.
    pub fn set_presence(&self, state_json: String) {
        let said = self.inner.own_presence.replace(Some(state_json));
        if said == *self.inner.own_presence.borrow() {
            return;
        }
        if self.inner.presence_due.replace(true) {
            return;
        }
        let weak = Rc::downgrade(&self.inner);
        platform::after_ms(PRESENCE_EVERY_MS, move || {
            let Some(document) = Self::of(&weak) else {
                return;
            };
            document.inner.presence_due.set(false);
            let state = document
                .inner
                .own_presence
                .borrow()
                .clone()
                .unwrap_or_default();
            document.inner.workspace.announce(&document, &state);
        });
    }

    /// Everyone else here: replica id and awareness state as JSON.
    #[must_use]
    pub fn presence(&self) -> Vec<(u64, String)> {
        let people = self.inner.people.borrow();
        people
            .iter()
            .map(|(who, present)| (*who, present.state.clone()))
            .collect()
    }

    /// Calls `f` when [`Self::presence`] would answer differently; at most once per animation frame.
    pub fn on_presence(&self, f: impl Fn() + 'static) -> Subscription {
        self.inner.people_changed.add(f)
    }

    /// Whether edits of this person are taken, now.
    #[must_use]
    pub fn may_edit(&self) -> bool {
        self.inner.may_edit.get_untracked()
    }

    /// Like [`Self::may_edit`], as a signal for the screen that asks.
    #[must_use]
    pub fn may_edit_signal(&self) -> RwSignal<bool> {
        self.inner.may_edit.clone().into()
    }

    pub(super) fn of(weak: &Weak<Inner>) -> Option<Self> {
        weak.upgrade().map(|inner| Self { inner })
    }

    /// What this person said of their whereabouts, if anything.
    pub(super) fn said_presence(&self) -> Option<String> {
        self.inner.own_presence.borrow().clone()
    }

    /// Takes an update of somebody else, at once or when what it builds on has come. Returns whether it was taken;
    /// what was not must not be kept.
    pub(super) fn take(&self, update: &[u8]) -> bool {
        let update = Bytes::copy_from_slice(update);
        self.change(|replica, early| early.take(&update, replica, |_| {}).map(drop))
    }

    /// Takes what a log of this device was folded into. Returns whether it was taken.
    pub(super) fn take_snapshot(&self, snapshot: &[u8]) -> bool {
        self.change(|replica, early| early.take_snapshot(snapshot, replica))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Replica, &mut Early) -> Result<(), ReplicaError>,
    ) -> bool {
        let mut replica = self.inner.replica.borrow_mut();
        let changed = if replica.is_broken() {
            Err(ReplicaError::Broken)
        } else {
            change(&mut replica, &mut self.inner.early.borrow_mut())
        };
        let is_lost = replica.is_broken() || replica.another_writes_as_me();
        drop(replica);
        if is_lost {
            self.inner.phase.set(Phase::Broken);
        }
        match changed {
            Ok(()) => {
                self.tell_remote();
                true
            }
            Err(fault) => {
                leptos::logging::error!(
                    "An update to {} was not applied: {fault}",
                    self.inner.name
                );
                false
            }
        }
    }

    /// Tells the listeners of [`Self::on_remote`]: the replica was changed by others, or by something else than the editor.
    pub fn tell_remote(&self) {
        if self.inner.remote_due.replace(true) {
            return;
        }
        let weak = Rc::downgrade(&self.inner);
        platform::next_frame(move || {
            let Some(document) = Self::of(&weak) else {
                return;
            };
            document.inner.remote_due.set(false);
            if document.inner.phase.get_untracked() != Phase::Broken {
                document.inner.remote.tell();
            }
        });
    }

    /// Takes what was said of somebody's whereabouts; `clock` is known for what came over the wire.
    pub(super) fn take_presence(&self, who: u64, clock: Option<u32>, state: Option<&str>) {
        if who == u64::from(self.inner.who.0) {
            return;
        }
        let mut people = self.inner.people.borrow_mut();
        let known = people.get(&who).and_then(|present| present.clock);
        if matches!((known, clock), (Some(known), Some(clock)) if clock < known) {
            return;
        }
        match state {
            Some(state) => {
                people.insert(
                    who,
                    Present {
                        clock: clock.or(known),
                        state: state.to_owned(),
                    },
                );
            }
            None => drop(people.remove(&who)),
        }
        drop(people);
        self.tell_people();
    }

    /// Nobody is known to be here any more.
    pub(super) fn forget_people(&self) {
        self.inner.people.borrow_mut().clear();
        self.tell_people();
    }

    fn tell_people(&self) {
        if self.inner.people_due.replace(true) {
            return;
        }
        let weak = Rc::downgrade(&self.inner);
        platform::next_frame(move || {
            let Some(document) = Self::of(&weak) else {
                return;
            };
            document.inner.people_due.set(false);
            document.inner.people_changed.tell();
        });
    }
}
