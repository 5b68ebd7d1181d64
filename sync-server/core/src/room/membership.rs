//! Who comes in, who leaves, and who is put out.

use std::sync::Arc;

use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::y_websocket::QUIET_MS_MAX;

use super::member::Member;
use super::{Early, Effect, FrameClass, Joining, MemberId, Phase, Room, Speaks};

impl Room {
    pub(super) fn join(&mut self, joining: Joining, now: MonotonicMs, out: &mut Vec<Effect>) {
        if !self.departure.lets_in() {
            return turn_away(joining, now, out);
        }
        let Joining {
            member: id,
            speaks,
            role,
            whose,
            visit,
        } = joining;
        let Err(place) = self.members.binary_search_by_key(&id, |member| member.id) else {
            return;
        };
        let speaks = self.share_address(speaks);
        self.members.reserve_exact(1);
        let mut member = Member::new(id, speaks, role, whose, now);
        member.visit = visit;
        self.members.insert(place, member);
        self.receive_visit(place, now);
        self.check_by(now.plus_ms(QUIET_MS_MAX));
        match self.phase {
            Phase::New => {
                self.phase = Phase::Loading(Early::default());
                out.push(Effect::Load);
                self.ask_neighbours(out);
            }
            Phase::Open => self.welcome(place, now, out),
            Phase::Loading(_) | Phase::Ended => {}
        }
    }

    /// Members at the same address share one text, so that frames made for one are made for all.
    fn share_address(&self, speaks: Speaks) -> Speaks {
        let Speaks::Hocuspocus { address, kind } = speaks else {
            return speaks;
        };
        let known = self.members.iter().find_map(|member| match &member.speaks {
            Speaks::Hocuspocus { address: known, .. } if *known == address => Some(known),
            _ => None,
        });
        Speaks::Hocuspocus {
            address: known.map_or(address, Arc::clone),
            kind,
        }
    }

    /// What a member hears unasked when the document is there.
    pub(super) fn welcome(&mut self, place: usize, now: MonotonicMs, out: &mut Vec<Effect>) {
        // A visit knows most of it, and asks for the rest.
        if self.members[place].visit.is_some() {
            return;
        }
        // A Hocuspocus client gets ours with the answer to its own.
        if !self.members[place].is_hocuspocus() {
            self.send_step1(place, now, out);
        }
        self.send_everyones_presence(place, now, out);
    }

    pub(super) fn leave(&mut self, id: MemberId, now: MonotonicMs, out: &mut Vec<Effect>) {
        if let Some(place) = self.place_of(id) {
            let member = self.members.remove(place);
            self.shrink();
            match member.line() {
                Some(line) => self.visit_was_cut(line, now),
                None => self.take_away_presence(id, now, out),
            }
        }
    }

    /// A visit is over.
    pub(super) fn part(&mut self, id: MemberId, now: MonotonicMs) {
        if let Some(place) = self.place_of(id) {
            let member = self.members.remove(place);
            self.shrink();
            self.visits.note_share(&member, now);
        }
    }

    fn shrink(&mut self) {
        if self.members.is_empty() {
            self.members = Vec::new();
            self.copy.forget_recent();
            self.check_at = None;
        }
    }

    /// Closes a member from this side, and says why.
    pub(super) fn close_member(
        &mut self,
        place: usize,
        reason: CloseReason,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = self.members.remove(place);
        self.shrink();
        say_closed(&member, reason, out);
        self.take_away_presence(member.id, now, out);
    }

    /// A member may not be here any more. What the store has of it, or is just taking, stays; nothing further is taken.
    pub(super) fn put_out(
        &mut self,
        id: MemberId,
        reason: CloseReason,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        let line = self.members[place].line();
        self.close_member(place, reason, now, out);
        if let Some(line) = line {
            self.take_away_visitor(line, now, out);
        }
    }

    pub(super) fn close_all(&mut self, reason: CloseReason, out: &mut Vec<Effect>) {
        for member in std::mem::take(&mut self.members) {
            say_closed(&member, reason, out);
        }
        self.shrink();
    }

    pub(super) fn close_overflown(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        for id in std::mem::take(&mut self.overflown) {
            if let Some(place) = self.place_of(id) {
                self.close_member(place, CloseReason::TooSlow, now, out);
            }
        }
    }
}

/// Tells a member that it is out. Its queue is not asked: this is the last thing it hears.
fn say_closed(member: &Member, reason: CloseReason, out: &mut Vec<Effect>) {
    if let Some(frame) = member.close_frame(reason) {
        out.push(Effect::Send {
            to: member.id,
            frame,
            class: FrameClass::Kept,
        });
    }
    out.push(Effect::Close {
        member: member.id,
        reason,
    });
}

/// Nobody is let in any more.
pub(super) fn turn_away(joining: Joining, now: MonotonicMs, out: &mut Vec<Effect>) {
    let Joining {
        member,
        speaks,
        role,
        whose,
        ..
    } = joining;
    let member = Member::new(member, speaks, role, whose, now);
    say_closed(&member, CloseReason::Moving, out);
}
