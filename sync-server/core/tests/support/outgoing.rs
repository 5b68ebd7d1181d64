//! What leaves the server, and how fast each socket takes it.
//!
//! Asserts I1 at the only place where a client can learn that something is stored: every status and every update
//! that leaves a room. And I4 where a frame is queued for a socket.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use sheaf_core::room::{Input, MemberId};
use sheaf_shared::gate;
use sheaf_shared::ids::DocName;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::{SyncMessage, hocuspocus, y_websocket};

use crate::plan::Fault;
use crate::server::CONFIG;
use crate::world::{Event, LineId, Queued, World};

impl World {
    /// I1: whatever tells a client that something is stored, is sent when it is.
    pub(crate) fn check_frame(&mut self, doc: &DocName, to: MemberId, frame: &Bytes) {
        self.seen.frames += 1;
        self.trace.note(frame);
        let Some(slot) = self.server.as_mut().and_then(|s| s.members.get_mut(&to)) else {
            return;
        };
        let sync = if slot.opening.is_some() {
            let hocuspocus::Frame::Document { message, .. } =
                hocuspocus::Frame::decode(frame, hocuspocus::From::Server).unwrap()
            else {
                return;
            };
            match message {
                hocuspocus::Message::SyncStatus(stored) => {
                    let update = slot.told.pop_front().expect("a status without a message");
                    let may_be_refused = slot.may_be_refused;
                    return self.check_status(doc, stored, &update, may_be_refused);
                }
                hocuspocus::Message::Sync(sync) => sync,
                _ => return,
            }
        } else {
            match y_websocket::Message::decode(frame).unwrap() {
                y_websocket::Message::Sync(sync) => sync,
                _ => return,
            }
        };
        if let SyncMessage::Step2(update) | SyncMessage::Update(update) = sync {
            assert!(
                self.store.log(doc).has(update),
                "members of {doc} were told of something that is not stored"
            );
        }
    }

    fn check_status(&mut self, doc: &DocName, stored: bool, update: &Bytes, may_be_refused: bool) {
        if stored {
            assert!(
                gate::update::inspect(update).is_ok() && self.store.log(doc).has(update),
                "an edit to {doc} was acknowledged before it was stored"
            );
        } else {
            self.seen.refusals += 1;
            assert!(may_be_refused, "an honest edit to {doc} was refused");
        }
    }

    pub(crate) fn queue(&mut self, to: MemberId, id: LineId, frame: Bytes, droppable: bool) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        let waiting: usize = line
            .queue
            .iter()
            .filter(|queued| queued.member == to)
            .map(|queued| queued.frame.len())
            .sum();
        // I4: what is queued for one member stays within its budget, but for one frame that may be long.
        assert!(
            waiting <= CONFIG.outgoing_bytes_soft * 17 + line.longest_frame,
            "{waiting} bytes are queued for one member"
        );
        line.longest_frame = line.longest_frame.max(frame.len());
        line.queue.push_back(Queued {
            member: to,
            frame,
            droppable,
        });
        if !line.pumping {
            line.pumping = true;
            self.after(1, Event::Pump { line: id });
        }
    }

    pub(crate) fn drop_queued(&mut self, doc: &DocName, of: MemberId) {
        self.seen.lags += 1;
        let Some(line) = self.line_of(of).and_then(|id| self.lines.get_mut(&id)) else {
            return;
        };
        let mut bytes = 0;
        line.queue.retain(|queued| {
            let is_dropped = queued.member == of && queued.droppable;
            bytes += if is_dropped { queued.frame.len() } else { 0 };
            !is_dropped
        });
        self.tell_room(doc, Input::Drained { member: of, bytes });
    }

    /// The socket takes what waits, all of it unless the reader is slow.
    pub(crate) fn pump(&mut self, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        let slow = line.slow && self.faults.has(Fault::SlowReaders);
        let most = if slow { 100 } else { usize::MAX };
        let mut taken = 0;
        let mut drained: BTreeMap<MemberId, usize> = BTreeMap::new();
        let mut arrivals = Vec::new();
        while taken < most
            && let Some(queued) = line.queue.pop_front()
        {
            taken += queued.frame.len();
            *drained.entry(queued.member).or_default() += queued.frame.len();
            arrivals.push(queued.frame);
        }
        let delay = self.chance.within(1..25);
        let pause = match slow {
            true if self.chance.chance(0.02) => 45_000,
            true => self.chance.within(100..2_000),
            false => self.chance.within(1..4),
        };
        let line = self.lines.get_mut(&id).unwrap();
        line.last_down = line.last_down.max(self.now.0 + delay);
        let at = MonotonicMs(line.last_down);
        line.pumping = !line.queue.is_empty() || !drained.is_empty();
        let (again, closing) = (line.pumping, line.closing);
        for frame in arrivals {
            self.at(at, Event::AtPerson { line: id, frame });
        }
        if again {
            self.after(pause, Event::Pump { line: id });
        } else if let Some(code) = closing {
            self.at(at, Event::PersonCut { line: id, code });
        }
        for (member, bytes) in drained {
            let doc = self
                .server
                .as_ref()
                .and_then(|server| Some(server.members.get(&member)?.doc.clone()));
            if let Some(doc) = doc {
                self.tell_room(&doc, Input::Drained { member, bytes });
            }
        }
    }

    pub(crate) fn make_slow(&mut self, person: usize, slow: bool) {
        for line in self.lines.values_mut() {
            if line.person == person {
                line.slow = slow;
            }
        }
    }
}
