//! The server's sockets: what comes in over them, and who is a member of what through them.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sheaf_core::room::{ClientKind, Input, Joining, MemberId, Said, Speaks};
use sheaf_shared::access::Role;
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::peer::{self, OpeningId, Peer, Verdict};
use sheaf_shared::wire::{SyncMessage, hocuspocus, y_websocket};

use crate::person::Dials;
use crate::world::{Event, Line, LineId, World};

pub(crate) struct MemberSlot {
    pub(crate) doc: DocName,
    pub(crate) line: LineId,
    /// `None` for y-websocket.
    pub(crate) opening: Option<OpeningId>,
    /// Updates it sent that have no status yet. Stays empty for y-websocket, where there is none.
    pub(crate) told: VecDeque<Bytes>,
    /// Some of what it sends may be refused.
    pub(crate) may_be_refused: bool,
    pub(crate) early: Vec<Said>,
    pub(crate) is_in: bool,
}

pub(crate) enum Socket {
    Hocuspocus {
        peer: Box<Peer>,
        members: BTreeMap<OpeningId, MemberId>,
    },
    YWebsocket(MemberId),
}

impl World {
    pub(crate) fn open_line(&mut self, person: usize, dial: u64) -> LineId {
        let id = LineId(self.next_line);
        self.next_line += 1;
        let line = Line {
            person,
            dial,
            queue: VecDeque::new(),
            longest_frame: 0,
            pumping: false,
            slow: false,
            last_up: self.now.0,
            last_down: self.now.0,
            unread: None,
            closing: None,
        };
        self.lines.insert(id, line);
        match self.people[person].dials() {
            Dials::YWebsocket(doc) => {
                let member = self.new_member(&doc, id, None);
                let server = self.server.as_mut().unwrap();
                server.sockets.insert(id, Socket::YWebsocket(member));
                self.join(Joining {
                    member,
                    speaks: Speaks::YWebsocket,
                    role: Role::Editor,
                    whose: self.people[person].whose(),
                    visit: None,
                });
            }
            Dials::Hocuspocus => {
                let peer = Box::new(Peer::new(self.now));
                let members = BTreeMap::new();
                let server = self.server.as_mut().unwrap();
                server
                    .sockets
                    .insert(id, Socket::Hocuspocus { peer, members });
            }
        }
        id
    }

    fn new_member(&mut self, doc: &DocName, line: LineId, opening: Option<OpeningId>) -> MemberId {
        self.store.know(doc);
        let may_be_refused = self.people[self.lines[&line].person].may_be_refused();
        let server = self.server.as_mut().unwrap();
        server.next_member += 1;
        let member = MemberId(server.next_member);
        let slot = MemberSlot {
            doc: doc.clone(),
            line,
            opening,
            told: VecDeque::new(),
            may_be_refused,
            early: Vec::new(),
            is_in: false,
        };
        server.members.insert(member, slot);
        member
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
            Some(Socket::Hocuspocus { .. }) => self.tell_peer(id, peer::Input::Received(frame)),
            Some(Socket::YWebsocket(member)) => {
                let member = *member;
                self.y_websocket_says(id, member, &frame);
            }
            None => {}
        }
    }

    fn y_websocket_says(&mut self, id: LineId, member: MemberId, frame: &Bytes) {
        use y_websocket::Message;
        for message in y_websocket::messages(frame) {
            let said = match message {
                Ok(Message::Sync(SyncMessage::Step1(bytes))) => Said::Step1(frame.slice_ref(bytes)),
                Ok(Message::Sync(SyncMessage::Step2(bytes))) => Said::Step2(frame.slice_ref(bytes)),
                Ok(Message::Sync(SyncMessage::Update(bytes))) => {
                    Said::Update(frame.slice_ref(bytes))
                }
                Ok(Message::Awareness(bytes)) => Said::Awareness(frame.slice_ref(bytes)),
                Ok(Message::QueryAwareness) => Said::QueryAwareness,
                Ok(Message::PermissionDenied(_)) | Err(_) => {
                    let code = CloseReason::Malformed.code();
                    self.server_cut(id);
                    return self.after(1, Event::PersonCut { line: id, code });
                }
            };
            self.deliver(member, said);
        }
    }

    fn carry_out_peer(&mut self, id: LineId, effects: Vec<peer::Effect>) {
        for effect in effects {
            if !self.one_more_thing() {
                return;
            }
            match effect {
                peer::Effect::Judge { opening, .. } => {
                    let role = self.people[self.lines[&id].person].role();
                    let verdict = Verdict::Granted(role);
                    self.tell_peer(id, peer::Input::Judged { opening, verdict });
                }
                peer::Effect::Join {
                    opening,
                    doc,
                    address,
                    role,
                    kind,
                } => {
                    let speaks = Speaks::Hocuspocus { address, kind };
                    self.seat(id, opening, &doc, speaks, role);
                }
                peer::Effect::Deliver { opening, said } => {
                    if let Some(member) = self.member_of(id, opening) {
                        self.deliver(member, said);
                    }
                }
                peer::Effect::Leave { opening } => {
                    if let Some(member) = self.member_of(id, opening) {
                        self.forget_opening(id, opening);
                        self.member_left(member);
                    }
                }
                peer::Effect::Send(frame) => self.queue(MemberId(0), id, frame, false),
                peer::Effect::HangUp(reason) => {
                    let code = reason.code();
                    self.server_cut(id);
                    self.after(1, Event::PersonCut { line: id, code });
                }
                peer::Effect::Role { opening, role } => {
                    if let Some(member) = self.member_of(id, opening) {
                        self.set_role(member, role);
                    }
                }
                peer::Effect::WakeAt(_) => {}
            }
        }
    }

    fn seat(&mut self, id: LineId, opening: OpeningId, doc: &DocName, speaks: Speaks, role: Role) {
        let member = self.new_member(doc, id, Some(opening));
        let whose = self.people[self.lines[&id].person].whose();
        let server = self.server.as_mut().unwrap();
        if let Some(Socket::Hocuspocus { members, .. }) = server.sockets.get_mut(&id) {
            members.insert(opening, member);
        }
        self.join(Joining {
            member,
            speaks,
            role,
            whose,
            visit: None,
        });
    }

    /// It was let into no room.
    pub(crate) fn turn_away(&mut self, joining: &Joining, reason: CloseReason) {
        let member = joining.member;
        if let Speaks::Hocuspocus { address, kind } = &joining.speaks
            && kind.understands_close()
        {
            let close = hocuspocus::Message::Close(Some(reason.text()));
            let frame = close.to(hocuspocus::Address(address)).to_vec();
            if let Some(line) = self.line_of(member) {
                self.queue(MemberId(0), line, frame.into(), false);
            }
        }
        self.let_go(member, reason);
    }

    pub(crate) fn tell_peer(&mut self, id: LineId, input: peer::Input) {
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

    fn forget_opening(&mut self, id: LineId, opening: OpeningId) {
        let socket = self.server.as_mut().and_then(|s| s.sockets.get_mut(&id));
        if let Some(Socket::Hocuspocus { members, .. }) = socket {
            members.remove(&opening);
        }
    }

    pub(crate) fn deliver(&mut self, member: MemberId, said: Said) {
        let Some(slot) = self
            .server
            .as_mut()
            .and_then(|server| server.members.get_mut(&member))
        else {
            return;
        };
        if !slot.is_in {
            slot.early.push(said);
            return;
        }
        if let Said::Step2(update) | Said::Update(update) = &said
            && slot.opening.is_some()
        {
            slot.told.push_back(update.clone());
        }
        let doc = slot.doc.clone();
        self.tell_room(&doc, Input::Said { member, said });
    }

    /// From now on this member may do something else.
    fn set_role(&mut self, member: MemberId, role: Role) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(slot) = server.members.get_mut(&member) else {
            return;
        };
        slot.may_be_refused = true;
        let doc = slot.doc.clone();
        for joining in server.waiting.get_mut(&doc).into_iter().flatten() {
            if joining.member == member {
                joining.role = role;
            }
        }
        self.tell_room(&doc, Input::RoleChanged { member, role });
    }

    /// From now on this person may do something else, in every document.
    pub(crate) fn set_roles(&mut self, person: usize, role: Role) {
        let Some(server) = self.server.as_ref() else {
            return;
        };
        let is_theirs = |slot: &MemberSlot| {
            self.lines
                .get(&slot.line)
                .is_some_and(|line| line.person == person)
        };
        let members: Vec<MemberId> = server
            .members
            .iter()
            .filter(|(_, slot)| is_theirs(slot))
            .map(|(member, _)| *member)
            .collect();
        for member in members {
            self.set_role(member, role);
        }
    }

    fn member_left(&mut self, member: MemberId) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(slot) = server.members.remove(&member) else {
            return;
        };
        if let Some(waiting) = server.waiting.get_mut(&slot.doc) {
            waiting.retain(|joining| joining.member != member);
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

    pub(crate) fn line_of(&self, member: MemberId) -> Option<LineId> {
        Some(self.server.as_ref()?.members.get(&member)?.line)
    }

    /// Its room put it out.
    pub(crate) fn close(&mut self, doc: &DocName, member: MemberId, reason: CloseReason) {
        if let Some(slot) = self.server.as_ref().and_then(|s| s.members.get(&member)) {
            self.check_sent_off(doc, slot, reason);
            let person = &self.people[self.lines_person(slot.line)];
            // Whose it was is not known any more if the line is cut at the other end.
            let is_forgotten = !self.lines.contains_key(&slot.line) && slot.may_be_refused;
            assert!(
                is_forgotten || person.may_be_put_out(reason),
                "{} was put out: {reason:?}",
                person.describe()
            );
            self.seen.put_out += 1;
        }
        self.let_go(member, reason);
    }

    fn lines_person(&self, line: LineId) -> usize {
        // A line that is cut at the person's end is forgotten, and its member may still be there.
        self.lines
            .get(&line)
            .map_or(self.people.len() - 1, |line| line.person)
    }

    fn let_go(&mut self, member: MemberId, reason: CloseReason) {
        let Some(server) = self.server.as_mut() else {
            return;
        };
        let Some(slot) = server.members.remove(&member) else {
            return;
        };
        if slot.is_in {
            server.rooms.left(&slot.doc, self.now);
        }
        let knows_close = match (slot.opening, server.sockets.get(&slot.line)) {
            (Some(opening), Some(Socket::Hocuspocus { peer, .. })) => peer
                .kind_of(opening)
                .is_none_or(ClientKind::understands_close),
            _ => false,
        };
        if let Some(opening) = slot.opening {
            self.forget_opening(slot.line, opening);
            self.tell_peer(slot.line, peer::Input::Ended { opening });
        }
        if !knows_close {
            self.server_cut(slot.line);
            if let Some(line) = self.lines.get_mut(&slot.line) {
                line.closing = Some(reason.code());
            }
            self.after(1, Event::Pump { line: slot.line });
        }
    }

    pub(crate) fn stop_reading(&mut self, of: MemberId) {
        self.seen.stops += 1;
        if let Some(line) = self.line_of(of).and_then(|id| self.lines.get_mut(&id)) {
            line.unread.get_or_insert_default();
        }
    }

    pub(crate) fn resume_reading(&mut self, of: MemberId) {
        let Some(id) = self.line_of(of) else {
            return;
        };
        let unread = self.lines.get_mut(&id).and_then(|line| line.unread.take());
        for frame in unread.into_iter().flatten() {
            self.at_server(id, frame);
        }
    }
}
