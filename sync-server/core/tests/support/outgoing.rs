//! What leaves the server, and how fast each socket takes it.
//!
//! Asserts I1 at the only place where a client can learn that something is stored: every status and every update
//! that leaves a room.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use sheaf_core::room::{Input, MemberId};
use sheaf_shared::ids::DocName;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::{SyncMessage, hocuspocus, y_websocket};

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
                    assert!(stored, "an honest edit was refused");
                    assert!(
                        self.store.has(doc, &update),
                        "an edit to {doc} was acknowledged before it was stored"
                    );
                    return;
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
                self.store.has(doc, update),
                "members of {doc} were told of something that is not stored"
            );
        }
    }

    pub(crate) fn queue(&mut self, to: MemberId, id: LineId, frame: Bytes, droppable: bool) {
        let docs = self.docs.len();
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        line.queued_bytes += frame.len();
        // I4, with room for one full document each.
        assert!(
            line.queued_bytes < docs * (CONFIG.outgoing_bytes_soft * 17 + 100_000),
            "{} bytes are queued for one socket",
            line.queued_bytes
        );
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
        let before = line.queued_bytes;
        line.queue
            .retain(|queued| queued.member != of || !queued.droppable);
        line.queued_bytes = line.queue.iter().map(|queued| queued.frame.len()).sum();
        let bytes = before - line.queued_bytes;
        self.tell_room(doc, Input::Drained { member: of, bytes });
    }

    /// The socket takes what waits, all of it unless the reader is slow.
    pub(crate) fn pump(&mut self, id: LineId) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        let most = if line.slow { 100 } else { usize::MAX };
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
        line.queued_bytes -= taken;
        let slow = line.slow;
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

    pub(crate) fn wake_room(&mut self, doc: &DocName, life: u64) {
        let is_due = life == self.lives
            && self
                .server
                .as_ref()
                .and_then(|server| server.open.get(doc))
                .is_some_and(|open| open.wakes_at == Some(self.now));
        if is_due {
            self.tell_room(doc, Input::Tick);
        }
    }
}
