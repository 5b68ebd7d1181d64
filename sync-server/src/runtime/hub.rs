//! Which document is open where: every join passes here, so that a document has one room at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sheaf_core::room::{Auditing, Input, Joining, MemberId, Neighbour, RoomConfig, Speaks, Visit};
use sheaf_core::rooms::{Admission, Order, Rooms, RoomsConfig};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, Holder, Seq};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;
use tokio::sync::Notify;

use super::aside;
use super::courier::Courier;
use super::holders::Holders;
use super::inbox::{Inbox, Letter};
use super::outbox::Outbox;
use super::rights::Held;
use super::room_task::{RoomTask, turn_away};
use crate::adapters::system::monotonic_now;
use crate::app::audit::Auditor;
use crate::app::compact::Compactor;
use crate::app::gate::Gate;
use crate::metrics::Metrics;
use crate::ports::Store;

/// The way to one room.
pub(crate) type RoomHandle = Arc<Inbox>;

/// Whether a room shall panic before this input.
#[cfg(test)]
pub(super) type Strike = fn(&Input) -> bool;

#[derive(Default)]
struct Open {
    rooms: Rooms,
    inboxes: HashMap<DocName, RoomHandle>,
    /// Inboxes of rooms that open when the one before them has ended, and how many wait in each.
    next: HashMap<DocName, (RoomHandle, usize)>,
    /// Rooms can tell other servers things.
    is_reaching: bool,
}

/// All rooms of this process.
pub struct Hub {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) compactor: Compactor,
    pub(crate) auditor: Auditor,
    pub(crate) courier: Arc<Courier>,
    /// Who may come in.
    pub(crate) gate: Arc<Gate>,
    /// Who is in, and by what.
    pub(crate) held: Held,
    /// What each account has open.
    pub(crate) holders: Arc<Holders>,
    room_config: RoomConfig,
    open: Mutex<Open>,
    members: AtomicU64,
    /// Logs that are being folded, or wait for it.
    folding: AtomicUsize,
    /// Rung whenever a room has ended, or the last log is folded.
    ended: Notify,
    /// Says before which inputs a room shall panic.
    #[cfg(test)]
    pub(super) strike: Mutex<Option<Strike>>,
}

/// A log is being folded until this is dropped.
pub(super) struct Folding(Arc<Hub>);

impl Drop for Folding {
    fn drop(&mut self) {
        if self.0.folding.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}

impl Hub {
    /// No room is open.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
        room_config: RoomConfig,
        rooms_config: RoomsConfig,
    ) -> Arc<Self> {
        let courier = Courier::default();
        let compactor =
            Compactor::of_server(courier.name(), Arc::clone(&store), Arc::clone(&metrics));
        let auditor = Auditor::new(Arc::clone(&store), Arc::clone(&metrics));
        let open = Open {
            rooms: Rooms::new(rooms_config),
            ..Open::default()
        };
        Arc::new(Self {
            gate: Arc::new(Gate::new(Arc::clone(&store))),
            held: Held::default(),
            holders: Arc::default(),
            store,
            metrics,
            compactor,
            auditor,
            courier: Arc::new(courier),
            room_config,
            open: Mutex::new(open),
            members: AtomicU64::new(1),
            folding: AtomicUsize::new(0),
            ended: Notify::new(),
            #[cfg(test)]
            strike: Mutex::default(),
        })
    }

    pub(super) fn room_config(&self) -> RoomConfig {
        self.room_config
    }

    /// The place where tests make a room panic.
    #[cfg(test)]
    pub(super) fn strike_at(&self, input: &Input) {
        let strike = *self.strike.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(
            !strike.is_some_and(|strike| strike(input)),
            "struck by a test"
        );
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings someone into a document's room for a moment, who is not judged again while there.
    ///
    /// # Errors
    /// The reason to turn them away with.
    pub(crate) fn join(
        self: &Arc<Self>,
        doc: &DocName,
        speaks: Speaks,
        role: Role,
        outbox: &Arc<Outbox>,
    ) -> Result<(MemberId, RoomHandle), CloseReason> {
        self.join_for(doc, speaks, (role, Holder::ANYONE), outbox, None)
    }

    /// Brings someone into a document's room, opening it if need be; for one exchange if `visit` says so.
    ///
    /// # Errors
    /// The reason to turn them away with.
    pub(crate) fn join_for(
        self: &Arc<Self>,
        doc: &DocName,
        speaks: Speaks,
        (role, whose): (Role, Holder),
        outbox: &Arc<Outbox>,
        visit: Option<Box<Visit>>,
    ) -> Result<(MemberId, RoomHandle), CloseReason> {
        let member = MemberId(self.members.fetch_add(1, Ordering::Relaxed));
        let joining = Joining {
            member,
            speaks,
            role,
            whose,
            visit,
        };
        let mut guard = self.open();
        let open = &mut *guard;
        let inbox = match open.rooms.join(doc) {
            Admission::Open => {
                let inbox = RoomHandle::default();
                open.inboxes.insert(doc.clone(), Arc::clone(&inbox));
                self.start(doc, &inbox, open.is_reaching);
                inbox
            }
            Admission::Enter => match open.inboxes.get(doc) {
                Some(inbox) => Arc::clone(inbox),
                // Rooms and inboxes come and go under one lock; a room without one is a fault of ours.
                None => return Err(CloseReason::Fault),
            },
            Admission::AfterEnd => {
                let (inbox, waiting) = open.next.entry(doc.clone()).or_default();
                *waiting += 1;
                Arc::clone(inbox)
            }
            Admission::Full => return Err(CloseReason::Busy),
            Admission::Draining => return Err(CloseReason::Moving),
        };
        match inbox.put(Letter::Join(joining, Arc::clone(outbox))) {
            Ok(()) => Ok((member, inbox)),
            // The room failed a moment ago and is about to be opened afresh.
            Err(_) => {
                open.rooms.left(doc, monotonic_now());
                Err(CloseReason::Fault)
            }
        }
    }

    fn start(self: &Arc<Self>, doc: &DocName, inbox: &RoomHandle, is_reaching: bool) {
        self.courier.opened(doc);
        if is_reaching {
            inbox.tell(Input::Neighbour(Neighbour::Reachable));
        }
        let task = RoomTask::new(Arc::clone(self), doc.clone(), Arc::clone(inbox));
        tokio::spawn(task.run());
    }

    pub(super) fn left(&self, doc: &DocName) {
        self.open().rooms.left(doc, monotonic_now());
    }

    pub(super) fn measured(&self, doc: &DocName, bytes: usize) {
        self.open().rooms.measured(doc, bytes);
    }

    /// A room's task is over; whoever waited for that comes in now.
    pub(super) fn ended(self: &Arc<Self>, doc: &DocName) {
        let mut guard = self.open();
        let open = &mut *guard;
        open.inboxes.remove(doc);
        open.rooms.ended(doc);
        self.courier.closed(doc);
        if let Some((inbox, waiting)) = open.next.remove(doc) {
            self.open_next(open, doc, inbox, waiting);
        }
        drop(guard);
        self.ended.notify_waiters();
    }

    fn open_next(
        self: &Arc<Self>,
        open: &mut Open,
        doc: &DocName,
        inbox: RoomHandle,
        waiting: usize,
    ) {
        let mut refused = None;
        for _ in 0..waiting {
            match open.rooms.join(doc) {
                Admission::Open => {
                    open.inboxes.insert(doc.clone(), Arc::clone(&inbox));
                    self.start(doc, &inbox, open.is_reaching);
                }
                Admission::Enter => {}
                Admission::AfterEnd | Admission::Full => refused = Some(CloseReason::Busy),
                Admission::Draining => refused = Some(CloseReason::Moving),
            }
        }
        let Some(reason) = refused else { return };
        for letter in inbox.close() {
            if let Letter::Join(joining, outbox) = letter {
                turn_away(&outbox, joining.member, &joining.speaks, reason);
            }
        }
    }

    /// Ends rooms that have been empty for a while. Call about once a second.
    pub(crate) fn tick(&self) {
        self.metrics.rooms_waiting.set(aside::waiting());
        let mut orders = Vec::new();
        let mut open = self.open();
        open.rooms.tick(monotonic_now(), &mut orders);
        self.metrics.rooms_bytes.set(open.rooms.bytes());
        carry_out(&open, orders);
    }

    /// Lets nobody in any more and sends everyone off within this time.
    pub(crate) fn drain(&self, within_ms: u64) {
        let mut orders = Vec::new();
        let mut open = self.open();
        open.rooms.drain(within_ms, &mut orders);
        carry_out(&open, orders);
    }

    /// Notes that a document's log is being folded.
    pub(super) fn folding(self: &Arc<Self>) -> Folding {
        self.folding.fetch_add(1, Ordering::AcqRel);
        Folding(Arc::clone(self))
    }

    /// Waits until no room is open, and what rooms wanted folded at their end is: the next start would have to
    /// replay it.
    pub(crate) async fn all_ended(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.open().inboxes.is_empty() && self.folding.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Names of the documents in memory.
    pub(crate) fn open_documents(&self) -> Vec<DocName> {
        self.open().inboxes.keys().cloned().collect()
    }

    /// Tells a document's room, if there is one, how far the store has come.
    pub(crate) fn reaches(&self, doc: &DocName, head: Seq) {
        if let Some(room) = self.room(doc) {
            room.tell(Input::Head(head));
        }
    }

    /// The same, from the store itself, which was asked at `asked_at` or later.
    pub(crate) fn head_read(&self, doc: &DocName, head: Seq, asked_at: MonotonicMs) {
        if let Some(room) = self.room(doc) {
            room.tell(Input::HeadRead { head, asked_at });
        }
    }

    /// Has a document's room, if there is one, compare its copy with the store.
    pub(crate) fn doubts(&self, doc: &DocName) {
        if let Some(room) = self.room(doc) {
            room.tell(Input::Audit(Auditing::Doubt));
        }
    }

    /// Tells a document's room something it can do without, if there is one and not much waits for it.
    pub(super) fn tell_if_it_keeps_up(&self, doc: &DocName, input: Input) {
        let Some(room) = self.room(doc) else { return };
        if room.is_full() {
            self.metrics.bus_lost.add(1);
        } else {
            room.tell(input);
        }
    }

    fn room(&self, doc: &DocName) -> Option<RoomHandle> {
        self.open().inboxes.get(doc).map(Arc::clone)
    }

    /// Tells every room the same.
    pub(super) fn tell_all(&self, input: impl Fn() -> Input) {
        for inbox in self.open().inboxes.values() {
            inbox.tell(input());
        }
    }

    /// Other servers are in reach from now on, or not: rooms that are open hear of it, and rooms to come.
    pub(super) fn set_reach(&self, is_reaching: bool) {
        let mut open = self.open();
        open.is_reaching = is_reaching;
        for inbox in open.inboxes.values() {
            inbox.tell(Input::Neighbour(if is_reaching {
                Neighbour::Reachable
            } else {
                Neighbour::Unreachable
            }));
        }
    }

    /// Whether newcomers had better go to another server.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.open().rooms.is_nearly_full()
    }

    /// Documents in memory.
    pub(crate) fn rooms_open(&self) -> usize {
        self.open().inboxes.len()
    }
}

fn carry_out(open: &Open, orders: Vec<Order>) {
    for order in orders {
        let (doc, input) = match order {
            Order::Retire(doc) => (doc, Input::Retire),
            Order::Drain { doc, within_ms } => (doc, Input::Drain { within_ms }),
        };
        if let Some(inbox) = open.inboxes.get(&doc) {
            inbox.tell(input);
        }
    }
}
