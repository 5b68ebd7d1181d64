//! The server's process, as small as it can be: its life, its rooms, and the store's model behind them.
//!
//! What comes in passes `sockets`, what leaves it `outgoing`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::BTreeMap;

use sheaf_core::room::{Auditing, Effect, FrameClass, Input, Joining, MemberId, Room, RoomConfig};
use sheaf_core::rooms::{Admission, Order, Rooms, RoomsConfig};
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

use crate::sockets::{MemberSlot, Socket};
use crate::store::What;
use crate::world::{Event, LineId, World};

/// Looks after the house between two at which all rooms are compared with the store.
const DOUBT_EVERY: u64 = 150;
/// Small bounds, so that runs of a few hundred edits reach them.
pub(crate) const CONFIG: RoomConfig = RoomConfig {
    outgoing_bytes_soft: 600,
    waiting_bytes_soft: 4_000,
    messages_per_s: 200,
    bytes_per_s: 100_000,
    work_ms_per_s: 250,
    compact_rows: 10,
    compact_bytes: 4_000,
};
/// Milliseconds a server that was asked to go gets beyond the drain.
const GRACE_MS: u64 = 5_000;
/// I4: bytes of a room beside its document: what waits for the store, for predecessors, or in catch-ups.
const ROOM_BYTES_MAX: usize = CONFIG.waiting_bytes_soft * 17 + 3 * 1024 * 1024;

pub(crate) struct Server {
    pub(crate) rooms: Rooms,
    pub(crate) open: BTreeMap<DocName, OpenRoom>,
    pub(crate) sockets: BTreeMap<LineId, Socket>,
    /// Joins for rooms that are just ending.
    pub(crate) waiting: BTreeMap<DocName, Vec<Joining>>,
    pub(crate) members: BTreeMap<MemberId, MemberSlot>,
    pub(crate) next_member: u64,
    is_draining: bool,
}

pub(crate) struct OpenRoom {
    room: Room,
    /// The store has answered: from then on what members say is answered before they are sent off.
    is_loaded: bool,
    pub(crate) wakes_at: Option<MonotonicMs>,
}

impl World {
    pub(crate) fn restart(&mut self) {
        self.lives += 1;
        self.server = Some(Server {
            rooms: Rooms::new(RoomsConfig {
                idle_ms: 500,
                ..RoomsConfig::default()
            }),
            open: BTreeMap::new(),
            sockets: BTreeMap::new(),
            waiting: BTreeMap::new(),
            members: BTreeMap::new(),
            next_member: self.lives * 1_000_000,
            is_draining: false,
        });
        let life = self.lives;
        self.after(200, Event::Housekeeping { life });
    }

    /// Whether someone who dials gets through.
    pub(crate) fn lets_in(&self) -> bool {
        self.server
            .as_ref()
            .is_some_and(|server| !server.is_draining)
    }

    /// The process is killed: its memory is gone, every socket breaks.
    fn crash(&mut self) {
        self.seen.crashes += 1;
        self.process_is_gone(1006);
    }

    fn process_is_gone(&mut self, code: u16) {
        self.server = None;
        self.dies_after = None;
        self.lives += 1;
        let lines: Vec<LineId> = self.lines.keys().copied().collect();
        for line in lines {
            let wait = self.chance.below(30);
            self.after(wait, Event::PersonCut { line, code });
        }
        let down = self.chance.within(50..3_000);
        self.after(down, Event::Restart);
    }

    /// Somebody asks the server to go. Another takes over on the same store when it has.
    pub(crate) fn drain(&mut self, within_ms: u64) {
        let life = self.lives;
        let Some(server) = self.server.as_mut().filter(|server| !server.is_draining) else {
            return;
        };
        self.seen.drains += 1;
        server.is_draining = true;
        let mut orders = Vec::new();
        server.rooms.drain(within_ms, &mut orders);
        self.after(within_ms + GRACE_MS, Event::DrainIsOver { life });
        self.carry_out_orders(orders);
        self.end_if_drained();
    }

    /// Ends the process once no room is open.
    fn end_if_drained(&mut self) {
        let is_done = self
            .server
            .as_ref()
            .is_some_and(|server| server.is_draining && server.open.is_empty());
        if is_done {
            assert!(
                !self.store.is_appending(self.lives),
                "the server went while an edit was being stored"
            );
            self.process_is_gone(CloseReason::Moving.code());
        }
    }

    /// Rooms that wait for a stalled store are not waited for.
    pub(crate) fn drain_is_over(&mut self, life: u64) {
        if life == self.lives && self.server.is_some() {
            self.process_is_gone(CloseReason::Moving.code());
        }
    }

    /// Counts the server down to its death. Returns whether it lives.
    pub(crate) fn one_more_thing(&mut self) -> bool {
        match &mut self.dies_after {
            Some(0) => {
                self.crash();
                false
            }
            Some(left) => {
                *left -= 1;
                true
            }
            None => self.server.is_some(),
        }
    }

    pub(crate) fn join(&mut self, joining: Joining) {
        let member = joining.member;
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let doc = server.members[&member].doc.clone();
        match server.rooms.join(&doc) {
            Admission::Open => {
                let room = OpenRoom {
                    room: Room::new(CONFIG),
                    is_loaded: false,
                    wakes_at: None,
                };
                server.open.insert(doc.clone(), room);
            }
            Admission::Enter => {}
            Admission::AfterEnd => {
                server.waiting.entry(doc).or_default().push(joining);
                return;
            }
            Admission::Draining => return self.turn_away(&joining, CloseReason::Moving),
            Admission::Full => panic!("this server is never full"),
        }
        let slot = server.members.get_mut(&member).unwrap();
        slot.is_in = true;
        let early = std::mem::take(&mut slot.early);
        self.tell_room(&doc, Input::Join(joining));
        for said in early {
            self.deliver(member, said);
        }
    }

    pub(crate) fn tell_room(&mut self, doc: &DocName, input: Input) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(open) = server.open.get_mut(doc) else {
            return;
        };
        open.is_loaded |= matches!(input, Input::Loaded(_) | Input::NeverExisted);
        let mut out = Vec::new();
        open.room.handle(input, self.now, &mut out);
        let log = self.store.log(doc);
        let bound = ROOM_BYTES_MAX + 32 * log.bytes_ever();
        assert!(
            open.room.bytes() < bound,
            "{doc} takes {} bytes",
            open.room.bytes()
        );
        for effect in out {
            if !self.one_more_thing() {
                return;
            }
            self.carry_out(doc, effect);
        }
    }

    fn carry_out(&mut self, doc: &DocName, effect: Effect) {
        match effect {
            Effect::Send { to, frame, class } => {
                self.check_frame(doc, to, &frame);
                if let Some(line) = self.line_of(to) {
                    self.queue(to, line, frame, class == FrameClass::Droppable);
                }
            }
            Effect::DropQueued { of } => self.drop_queued(doc, of),
            Effect::Close { member, reason } => self.close(doc, member, reason),
            Effect::StopReading { of } => self.stop_reading(of),
            Effect::ResumeReading { of } => self.resume_reading(of),
            Effect::Load => self.ask_store(doc, What::Load),
            Effect::Append { ticket, rows } => self.ask_store(doc, What::Append { ticket, rows }),
            Effect::ReadSince { after } => {
                self.seen.gaps += 1;
                self.ask_store(doc, What::ReadSince(after));
            }
            Effect::Compact { .. } => self.ask_store(doc, What::Compact),
            Effect::BadRow { at } => self.ask_store(doc, What::PutAside(at)),
            Effect::TakeStock => self.tell_room(doc, Input::Audit(Auditing::TakeStock)),
            Effect::Compare { seq, digest } => self.ask_store(doc, What::Compare(seq, digest)),
            Effect::Mend { .. } | Effect::LogWentBack { .. } => {
                panic!("nothing was lost: {effect:?}")
            }
            // This server is alone.
            Effect::RowsWait { .. }
            | Effect::TellRows(_)
            | Effect::TellPresence(_)
            | Effect::TellState { .. }
            | Effect::Disagree { .. } => {}
            Effect::WakeAt(at) => self.set_alarm(doc, at),
            Effect::Ended => self.room_ended(doc),
        }
    }

    fn set_alarm(&mut self, doc: &DocName, at: MonotonicMs) {
        let life = self.lives;
        if let Some(open) = self.server.as_mut().and_then(|s| s.open.get_mut(doc)) {
            open.wakes_at = Some(at);
        }
        let doc = doc.clone();
        self.at(at, Event::WakeRoom { doc, life });
    }

    pub(crate) fn wake_room(&mut self, doc: &DocName, life: u64) {
        let server = self.server.as_mut().filter(|_| life == self.lives);
        let open = server.and_then(|server| server.open.get_mut(doc));
        if let Some(open) = open
            && open.wakes_at.is_some_and(|at| at <= self.now)
        {
            open.wakes_at = None;
            self.tell_room(doc, Input::Tick);
        }
    }

    fn room_ended(&mut self, doc: &DocName) {
        self.seen.retired += 1;
        let Some(server) = self.server.as_mut() else {
            return;
        };
        server.open.remove(doc);
        server.rooms.ended(doc);
        for joining in server.waiting.remove(doc).unwrap_or_default() {
            self.join(joining);
        }
        self.end_if_drained();
    }

    /// A member who is sent off has been told what became of everything it said.
    pub(crate) fn check_sent_off(&self, doc: &DocName, slot: &MemberSlot, reason: CloseReason) {
        let is_loaded = self
            .server
            .as_ref()
            .and_then(|server| server.open.get(doc))
            .is_some_and(|open| open.is_loaded);
        assert!(
            reason != CloseReason::Moving || slot.told.is_empty() || !is_loaded,
            "a member of {doc} was sent off before it heard what became of {} edits",
            slot.told.len()
        );
    }

    pub(crate) fn housekeeping(&mut self, life: u64) {
        if life != self.lives {
            return;
        }
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let mut orders = Vec::new();
        for (doc, open) in &server.open {
            server.rooms.measured(doc, open.room.bytes());
        }
        server.rooms.tick(self.now, &mut orders);
        self.carry_out_orders(orders);
        if (self.now.0 / 200).is_multiple_of(DOUBT_EVERY) {
            // Whatever else goes on, every room has what is stored.
            let open = self.server.iter().flat_map(|server| server.open.keys());
            for doc in open.cloned().collect::<Vec<_>>() {
                self.tell_room(&doc, Input::Audit(Auditing::Doubt));
            }
        }
        self.after(200, Event::Housekeeping { life });
    }

    fn carry_out_orders(&mut self, orders: Vec<Order>) {
        for order in orders {
            let (doc, input) = match order {
                Order::Retire(doc) => (doc, Input::Retire),
                Order::Drain { doc, within_ms } => (doc, Input::Drain { within_ms }),
            };
            self.tell_room(&doc, input);
        }
    }
}
