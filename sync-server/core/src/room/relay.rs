//! What members are told: commits as they come, a catch-up for those who lagged, an answer to each step 1.

use std::sync::Arc;

use bytes::Bytes;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::time::MonotonicMs;

use super::catch_up::{CatchingUp, Parts};
use super::copy::NoCatchUp;
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
        self.visits.remember(self.copy.seq, update, now);
        let author_line = author
            .and_then(|author| self.place_of(author))
            .and_then(|place| self.members[place].line());
        let place = self.copy.is_whole().then_some(self.copy.seq);
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
            let is_own = author == Some(member.id) && member.is_hocuspocus();
            // What another exchange of the same line has brought is no news either.
            let is_own = is_own || (author_line.is_some() && member.line() == author_line);
            if !is_own {
                let frame = frames.for_member(&member.speaks);
                // A frame of this class never overflows.
                let _ = member.send(frame, FrameClass::Droppable, &self.config, now, out);
            }
            if let Some(frame) = place.and_then(|place| member.place_frame(place)) {
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
        if member.catching_up.is_some() {
            self.send_parts(place, now, out);
        } else if member.outgoing_bytes == 0 && member.is_lagging {
            member.is_lagging = false;
            self.send_missed(place, None, now, out);
        }
    }

    /// All that was not told to a member one by one, and who is here now. `version` is what it holds, if that is known.
    fn send_missed(
        &mut self,
        place: usize,
        version: Option<&Bytes>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = &mut self.members[place];
        if member.is_synced && member.delivered < self.copy.told {
            let missed = self
                .copy
                .since(member.delivered, version, self.config.part_bytes());
            self.catch_up(place, missed, now, out);
        }
        if self.members.get(place).is_some_and(|one| !one.is_lagging) {
            self.send_everyones_presence(place, now, out);
        }
    }

    /// Answers a step 1: in Hocuspocus with a step 1 of our own first, which its clients count on.
    pub(super) fn answer_step1(
        &mut self,
        place: usize,
        version: &Bytes,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        if self.visitor_is_answered(place, version, now, out) {
            return;
        }
        if self.members[place].is_hocuspocus() {
            self.send_step1(place, now, out);
        }
        let answer = self.copy.answer(version, self.config.part_bytes());
        self.members[place].is_synced = true;
        let id = self.members[place].id;
        self.catch_up(place, answer, now, out);
        if let Some(place) = self.place_of(id)
            && self.members[place].visit.is_some()
        {
            self.send_everyones_presence(place, now, out);
            self.send_place(place, now, out);
        }
    }

    /// Sends a member all that it lacks: at once if that is one message, and otherwise as its queue empties.
    pub(super) fn catch_up(
        &mut self,
        place: usize,
        lacks: Result<Arc<Parts>, NoCatchUp>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let parts = match lacks {
            Ok(parts) => parts,
            Err(NoCatchUp::BadVersion) => {
                return self.close_member(place, CloseReason::Refused, now, out);
            }
            Err(NoCatchUp::Busy) => return self.close_member(place, CloseReason::Busy, now, out),
            Err(NoCatchUp::Fault) => return self.close_member(place, CloseReason::Fault, now, out),
        };
        // Whatever was dropped or is still queued, this holds it; and what is left of an older catch-up.
        let member = &mut self.members[place];
        member.delivered = self.copy.told;
        self.send_in_parts(place, parts, now, out);
    }

    /// Sends messages that must arrive: at once if it is one, and otherwise as the queue empties.
    pub(super) fn send_in_parts(
        &mut self,
        place: usize,
        parts: Arc<Parts>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = &mut self.members[place];
        let older = member.catching_up.take();
        let held = older.map_or_else(Vec::new, CatchingUp::into_held);
        if parts.count() == 1 {
            let only = parts.frame(0, &member.speaks);
            for frame in only.into_iter().chain(held) {
                self.send_kept(place, frame, now, out);
            }
            return;
        }
        member.is_lagging = true;
        member.catching_up = Some(CatchingUp::new(parts, held));
        self.send_parts(place, now, out);
    }

    /// Answers a message of this member. A stock client takes the answer to what it said first for the sign that it has
    /// everything, so while that comes in parts, answers wait behind the last.
    pub(super) fn send_status(
        &mut self,
        place: usize,
        frame: Bytes,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = &mut self.members[place];
        let waits = !member.is_sheaf();
        match member.catching_up.as_mut().filter(|_| waits) {
            None => self.send_kept(place, frame, now, out),
            Some(catching_up) => {
                if catching_up.hold(frame) == Queued::Overflow {
                    self.overflown.push(member.id);
                }
            }
        }
    }

    /// Queues as many parts as there is room for, and behind the last what came meanwhile.
    fn send_parts(&mut self, place: usize, now: MonotonicMs, out: &mut Vec<Effect>) {
        loop {
            let member = &mut self.members[place];
            if member.outgoing_bytes >= self.config.outgoing_bytes_soft {
                return;
            }
            let Some(catching_up) = &mut member.catching_up else {
                return;
            };
            let next = catching_up.next(&member.speaks);
            let leads_to = catching_up.leads_to();
            if let Some(frame) = next {
                self.send_kept(place, frame, now, out);
            }
            if let Some(version) = leads_to {
                let member = &mut self.members[place];
                let done = member.catching_up.take();
                member.is_lagging = false;
                for frame in done.map_or_else(Vec::new, CatchingUp::into_held) {
                    self.send_kept(place, frame, now, out);
                }
                self.send_missed(place, Some(&version), now, out);
                return self.send_place(place, now, out);
            }
        }
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
