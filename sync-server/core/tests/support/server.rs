//! The server's runtime, as small as it can be: sockets, rooms, and the store's model behind them.
//!
//! What leaves it is `outgoing`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sheaf_core::room::{
    Effect, FrameClass, Input, Joining, MemberId, Room, RoomConfig, Said, Speaks,
};
use sheaf_core::rooms::{Admission, Order, Rooms, RoomsConfig};
use sheaf_shared::access::Role;
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::peer::{self, OpeningId, Peer, Verdict};
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::{SyncMessage, y_websocket};

use crate::store::What;
use crate::world::{Event, Line, LineId, World};

/// Small bounds, so that runs of a few hundred edits reach them.
pub(crate) const CONFIG: RoomConfig = RoomConfig {
    outgoing_bytes_soft: 600,
    waiting_bytes_soft: 4_000,
    messages_per_s: 200,
    bytes_per_s: 100_000,
    work_ms_per_s: 250,
    compact_rows: 25,
    compact_bytes: 4_000,
};

pub(crate) struct Server {
    rooms: Rooms,
    pub(crate) open: BTreeMap<DocName, OpenRoom>,
    sockets: BTreeMap<LineId, Socket>,
    /// Joins for rooms that are just ending.
    waiting: BTreeMap<DocName, Vec<(Joining, LineId)>>,
    pub(crate) members: BTreeMap<MemberId, MemberSlot>,
    next_member: u64,
}

pub(crate) struct OpenRoom {
    room: Room,
    pub(crate) wakes_at: Option<MonotonicMs>,
}

pub(crate) struct MemberSlot {
    pub(crate) doc: DocName,
    line: LineId,
    pub(crate) opening: Option<OpeningId>,
    /// Updates it sent that have no status yet.
    pub(crate) told: VecDeque<Bytes>,
    early: Vec<Said>,
    is_in: bool,
}

enum Socket {
    Hocuspocus {
        peer: Box<Peer>,
        members: BTreeMap<OpeningId, MemberId>,
    },
    YWebsocket(MemberId),
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
        });
        let life = self.lives;
        self.after(200, Event::Housekeeping { life });
    }

    /// The process is killed: its memory is gone, every socket breaks.
    fn crash(&mut self) {
        self.server = None;
        self.dies_after = None;
        self.seen.crashes += 1;
        self.lives += 1;
        let lines: Vec<LineId> = self.lines.keys().copied().collect();
        for line in lines {
            let wait = self.chance.below(30);
            self.after(wait, Event::PersonCut { line, code: 1006 });
        }
        let down = self.chance.within(50..3_000);
        self.after(down, Event::Restart);
    }

    /// Counts the server down to its death. Returns whether it lives.
    fn one_more_thing(&mut self) -> bool {
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

    pub(crate) fn open_line(&mut self, person: usize, dial: u64) -> LineId {
        let id = LineId(self.next_line);
        self.next_line += 1;
        self.lines.insert(
            id,
            Line {
                person,
                dial,
                queue: VecDeque::new(),
                queued_bytes: 0,
                pumping: false,
                slow: false,
                last_up: self.now.0,
                last_down: self.now.0,
                unread: None,
                closing: None,
            },
        );
        let is_stock = person >= self.plan.people;
        if is_stock {
            let doc = self.docs[0].clone();
            let member = self.new_member(&doc, id, None);
            let server = self.server.as_mut().unwrap();
            server.sockets.insert(id, Socket::YWebsocket(member));
            let joining = Joining {
                member,
                speaks: Speaks::YWebsocket,
                role: Role::Editor,
            };
            self.join(joining, id);
        } else {
            let peer = Box::new(Peer::new(self.now));
            let members = BTreeMap::new();
            let server = self.server.as_mut().unwrap();
            server
                .sockets
                .insert(id, Socket::Hocuspocus { peer, members });
        }
        id
    }

    fn new_member(&mut self, doc: &DocName, line: LineId, opening: Option<OpeningId>) -> MemberId {
        let server = self.server.as_mut().unwrap();
        server.next_member += 1;
        let member = MemberId(server.next_member);
        server.members.insert(
            member,
            MemberSlot {
                doc: doc.clone(),
                line,
                opening,
                told: VecDeque::new(),
                early: Vec::new(),
                is_in: false,
            },
        );
        member
    }

    fn join(&mut self, joining: Joining, line: LineId) {
        let member = joining.member;
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let doc = server.members[&member].doc.clone();
        match server.rooms.join(&doc) {
            Admission::Open => {
                let room = OpenRoom {
                    room: Room::new(CONFIG),
                    wakes_at: None,
                };
                server.open.insert(doc.clone(), room);
            }
            Admission::Enter => {}
            Admission::AfterEnd => {
                server.waiting.entry(doc).or_default().push((joining, line));
                return;
            }
            Admission::Full | Admission::Draining => panic!("this server is never full"),
        }
        let slot = server.members.get_mut(&member).unwrap();
        slot.is_in = true;
        let early = std::mem::take(&mut slot.early);
        self.tell_room(&doc, Input::Join(joining));
        for said in early {
            self.deliver(member, said);
        }
    }

    pub(crate) fn at_server(&mut self, id: LineId, frame: Bytes) {
        let (Some(line), Some(server)) = (self.lines.get_mut(&id), self.server.as_mut()) else {
            return;
        };
        if let Some(unread) = &mut line.unread {
            unread.push_back(frame);
            return;
        }
        self.trace.note(&frame);
        match server.sockets.get_mut(&id) {
            Some(Socket::Hocuspocus { peer, .. }) => {
                let mut out = Vec::new();
                peer.handle(peer::Input::Received(frame), self.now, &mut out);
                self.carry_out_peer(id, out);
            }
            Some(Socket::YWebsocket(member)) => {
                let member = *member;
                let said = match y_websocket::Message::decode(&frame).unwrap() {
                    y_websocket::Message::Sync(SyncMessage::Step1(version)) => {
                        Said::Step1(frame.slice_ref(version))
                    }
                    y_websocket::Message::Sync(SyncMessage::Step2(update)) => {
                        Said::Step2(frame.slice_ref(update))
                    }
                    y_websocket::Message::Sync(SyncMessage::Update(update)) => {
                        Said::Update(frame.slice_ref(update))
                    }
                    y_websocket::Message::Awareness(payload) => {
                        Said::Awareness(frame.slice_ref(payload))
                    }
                    other => panic!("no client says {other:?}"),
                };
                self.deliver(member, said);
            }
            None => {}
        }
    }

    fn carry_out_peer(&mut self, id: LineId, effects: Vec<peer::Effect>) {
        for effect in effects {
            if !self.one_more_thing() {
                return;
            }
            match effect {
                peer::Effect::Judge { opening, .. } => {
                    let judged = peer::Input::Judged {
                        opening,
                        verdict: Verdict::Granted(Role::Editor),
                    };
                    self.tell_peer(id, judged);
                }
                peer::Effect::Join {
                    opening,
                    doc,
                    address,
                    role,
                    kind,
                } => {
                    let member = self.new_member(&doc, id, Some(opening));
                    let server = self.server.as_mut().unwrap();
                    if let Some(Socket::Hocuspocus { members, .. }) = server.sockets.get_mut(&id) {
                        members.insert(opening, member);
                    }
                    let speaks = Speaks::Hocuspocus { address, kind };
                    let joining = Joining {
                        member,
                        speaks,
                        role,
                    };
                    self.join(joining, id);
                }
                peer::Effect::Deliver { opening, said } => {
                    if let Some(member) = self.member_of(id, opening) {
                        self.deliver(member, said);
                    }
                }
                peer::Effect::Leave { opening } => {
                    if let Some(member) = self.member_of(id, opening) {
                        self.member_left(member);
                    }
                }
                peer::Effect::Send(frame) => self.queue(MemberId(0), id, frame, false),
                peer::Effect::HangUp(reason) => {
                    let code = reason.code();
                    self.after(1, Event::PersonCut { line: id, code });
                }
                peer::Effect::Role { .. } | peer::Effect::WakeAt(_) => {}
            }
        }
    }

    fn tell_peer(&mut self, id: LineId, input: peer::Input) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        if let Some(Socket::Hocuspocus { peer, .. }) = server.sockets.get_mut(&id) {
            let mut out = Vec::new();
            peer.handle(input, self.now, &mut out);
            self.carry_out_peer(id, out);
        }
    }

    fn member_of(&self, id: LineId, opening: OpeningId) -> Option<MemberId> {
        match self.server.as_ref()?.sockets.get(&id)? {
            Socket::Hocuspocus { members, .. } => members.get(&opening).copied(),
            Socket::YWebsocket(member) => Some(*member),
        }
    }

    fn deliver(&mut self, member: MemberId, said: Said) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(slot) = server.members.get_mut(&member) else {
            return;
        };
        if !slot.is_in {
            slot.early.push(said);
            return;
        }
        if let Said::Step2(update) | Said::Update(update) = &said {
            slot.told.push_back(update.clone());
        }
        let doc = slot.doc.clone();
        self.tell_room(&doc, Input::Said { member, said });
    }

    fn member_left(&mut self, member: MemberId) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(slot) = server.members.remove(&member) else {
            return;
        };
        if let Some(waiting) = server.waiting.get_mut(&slot.doc) {
            waiting.retain(|(joining, _)| joining.member != member);
        }
        if slot.is_in {
            server.rooms.left(&slot.doc, self.now);
            self.tell_room(&slot.doc, Input::Leave(member));
        }
    }

    pub(crate) fn server_cut(&mut self, id: LineId) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        match server.sockets.remove(&id) {
            Some(Socket::Hocuspocus { members, .. }) => {
                for member in members.into_values() {
                    self.member_left(member);
                }
            }
            Some(Socket::YWebsocket(member)) => self.member_left(member),
            None => {}
        }
    }

    pub(crate) fn tell_room(&mut self, doc: &DocName, input: Input) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(open) = server.open.get_mut(doc) else {
            return;
        };
        let mut out = Vec::new();
        open.room.handle(input, self.now, &mut out);
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
                let Some(line) = self.line_of(to) else {
                    return;
                };
                self.queue(to, line, frame, class == FrameClass::Droppable);
            }
            Effect::DropQueued { of } => self.drop_queued(doc, of),
            Effect::Close { member, reason } => self.close(doc, member, reason.code()),
            Effect::StopReading { of } => {
                self.seen.stops += 1;
                if let Some(line) = self.line_of(of).and_then(|id| self.lines.get_mut(&id)) {
                    line.unread.get_or_insert_default();
                }
            }
            Effect::ResumeReading { of } => {
                let Some(id) = self.line_of(of) else {
                    return;
                };
                let unread = self.lines.get_mut(&id).and_then(|line| line.unread.take());
                for frame in unread.into_iter().flatten() {
                    self.at_server(id, frame);
                }
            }
            Effect::Load => self.ask_store(doc, What::Load),
            Effect::Append { ticket, rows } => self.ask_store(doc, What::Append { ticket, rows }),
            Effect::ReadSince { after } => {
                self.seen.gaps += 1;
                self.ask_store(doc, What::ReadSince(after));
            }
            Effect::Compact { through } => self.ask_store(doc, What::Compact(through)),
            Effect::BadRow { at } => panic!("row {at:?} of {doc} could not be applied"),
            Effect::WakeAt(at) => {
                let life = self.lives;
                if let Some(open) = self.server.as_mut().and_then(|s| s.open.get_mut(doc)) {
                    open.wakes_at = Some(at);
                }
                self.at(
                    at,
                    Event::WakeRoom {
                        doc: doc.clone(),
                        life,
                    },
                );
            }
            Effect::Ended => self.room_ended(doc),
        }
    }

    fn room_ended(&mut self, doc: &DocName) {
        self.seen.retired += 1;
        let Some(server) = self.server.as_mut() else {
            return;
        };
        server.open.remove(doc);
        server.rooms.ended(doc);
        for (joining, line) in server.waiting.remove(doc).unwrap_or_default() {
            self.join(joining, line);
        }
    }

    pub(crate) fn line_of(&self, member: MemberId) -> Option<LineId> {
        Some(self.server.as_ref()?.members.get(&member)?.line)
    }

    fn close(&mut self, _doc: &DocName, member: MemberId, code: u16) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(slot) = server.members.remove(&member) else {
            return;
        };
        if slot.is_in {
            server.rooms.left(&slot.doc, self.now);
        }
        match slot.opening {
            Some(opening) => {
                if let Some(Socket::Hocuspocus { members, .. }) = server.sockets.get_mut(&slot.line)
                {
                    members.remove(&opening);
                }
                self.tell_peer(slot.line, peer::Input::Ended { opening });
            }
            None => {
                server.sockets.remove(&slot.line);
                if let Some(line) = self.lines.get_mut(&slot.line) {
                    line.closing = Some(code);
                }
                self.after(1, Event::Pump { line: slot.line });
            }
        }
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
        for order in orders {
            let (doc, input) = match order {
                Order::Retire(doc) => (doc, Input::Retire),
                Order::Drain { doc, within_ms } => (doc, Input::Drain { within_ms }),
            };
            self.tell_room(&doc, input);
        }
        self.after(200, Event::Housekeeping { life });
    }
}
