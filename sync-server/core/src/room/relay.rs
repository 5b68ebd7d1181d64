//! What members are told: commits as they come, a catch-up for those who lagged, an answer to each step 1.

use bytes::Bytes;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::time::MonotonicMs;

use super::effect::{Effect, FrameClass};
use super::frames::{Body, Frames};
use super::member::Queued;
use super::{MemberId, Room};

impl Room {
    /// Tells everyone of an update that was just applied.
    ///
    /// A Hocuspocus client learns of its own edits by their status; a y-websocket client only by this echo.
    pub(super) fn fan_out(
        &mut self,
        update: &Bytes,
        author: Option<MemberId>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        self.copy.told += 1;
        let before = self.copy.told - 1;
        let mut frames = Frames::new(Body::Update(update.clone()));
        let mut any_behind = false;
        out.reserve(self.members.len());
        for member in &mut self.members {
            if !member.is_synced {
                continue;
            }
            if member.outgoing_bytes == 0 && !member.is_lagging {
                member.delivered = before;
            }
            if author != Some(member.id) || !member.is_hocuspocus() {
                let frame = frames.for_member(&member.speaks);
                // A frame of this class never overflows.
                let _ = member.send(frame, FrameClass::Droppable, &self.config, now, out);
            }
            any_behind |= member.outgoing_bytes > 0 || member.is_lagging;
        }
        if any_behind {
            self.copy.remember(update.clone());
        } else {
            self.copy.forget_recent();
        }
        self.check_by(now.plus_ms(super::NO_PROGRESS_MS));
    }

    /// A member's socket took something.
    pub(super) fn drained(
        &mut self,
        place: usize,
        bytes: usize,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = &mut self.members[place];
        member.drained(bytes, now);
        if member.outgoing_bytes == 0 && member.is_lagging {
            self.catch_up(place, now, out);
        }
    }

    /// One update with all that was dropped, and who is here now.
    fn catch_up(&mut self, place: usize, now: MonotonicMs, out: &mut Vec<Effect>) {
        let member = &mut self.members[place];
        member.is_lagging = false;
        if member.is_synced && member.delivered < self.copy.told {
            let Ok(missed) = self.copy.since(member.delivered) else {
                return self.close_member(place, CloseReason::Fault, now, out);
            };
            let frame = Frames::new(Body::Update(missed)).for_member(&member.speaks);
            member.delivered = self.copy.told;
            self.send_kept(place, frame, now, out);
        }
        self.send_everyones_presence(place, now, out);
    }

    /// Answers a step 1: in Hocuspocus with a step 1 of our own first, which its clients count on.
    pub(super) fn answer_step1(
        &mut self,
        place: usize,
        version: &Bytes,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        if self.members[place].is_hocuspocus() {
            self.send_step1(place, now, out);
        }
        let Some(member) = self.members.get_mut(place) else {
            return;
        };
        let Ok(frames) = self.copy.answer(version) else {
            return self.close_member(place, CloseReason::Refused, now, out);
        };
        let frame = frames.for_member(&member.speaks);
        member.is_synced = true;
        // Whatever was dropped or is still queued, this holds it.
        member.delivered = self.copy.told;
        self.send_kept(place, frame, now, out);
    }

    /// Asks a member for what this room lacks.
    pub(super) fn send_step1(&mut self, place: usize, now: MonotonicMs, out: &mut Vec<Effect>) {
        let version = self.copy.version().into();
        let frame = Frames::new(Body::Step1(version)).for_member(&self.members[place].speaks);
        self.send_kept(place, frame, now, out);
    }

    /// Queues a frame that must arrive.
    pub(super) fn send_kept(
        &mut self,
        place: usize,
        frame: Bytes,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = &mut self.members[place];
        let queued = member.send(frame, FrameClass::Kept, &self.config, now, out);
        self.check_by(now.plus_ms(super::NO_PROGRESS_MS));
        if queued == Queued::Overflow {
            // Closing sends a frame too; from here on nothing is sent to it.
            self.overflown.push(self.members[place].id);
        }
    }

    /// Tells every Sheaf client something.
    pub(super) fn tell_all(&mut self, fact: ServerFact, now: MonotonicMs, out: &mut Vec<Effect>) {
        for place in 0..self.members.len() {
            if let Some(frame) = self.members[place].fact_frame(fact) {
                self.send_kept(place, frame, now, out);
            }
        }
    }
}
