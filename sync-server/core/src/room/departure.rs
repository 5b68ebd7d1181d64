//! How a room ends: when nobody needs it, or when the server goes away.

use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::time::MonotonicMs;

use super::effect::Effect;
use super::{Phase, Room};

/// Whether the room is about to end.
#[derive(Debug)]
pub(super) enum Departure {
    /// It stays.
    Stay,
    /// It ends as soon as nothing is under way.
    Retiring,
    /// The server goes away: members are sent off one after the other.
    Draining {
        /// When the next one is.
        next_at: MonotonicMs,
        /// Milliseconds between two.
        step_ms: u64,
        /// By then all of them.
        until: MonotonicMs,
    },
}

impl Departure {
    pub(super) const fn lets_in(&self) -> bool {
        matches!(self, Self::Stay)
    }

    pub(super) const fn deadline(&self) -> Option<MonotonicMs> {
        match self {
            Self::Draining { next_at, .. } => Some(*next_at),
            Self::Stay | Self::Retiring => None,
        }
    }
}

impl Room {
    pub(super) fn retire(&mut self) {
        // Somebody is here after all: whoever asked for it did not know yet.
        if self.members.is_empty() && self.departure.lets_in() {
            self.departure = Departure::Retiring;
        }
    }

    pub(super) fn drain(&mut self, within_ms: u64, now: MonotonicMs, out: &mut Vec<Effect>) {
        if let Departure::Draining { .. } = self.departure {
            return;
        }
        self.tell_all(ServerFact::Draining { within_ms }, now, out);
        // Stock clients come back without spreading out, so they are sent off spread out.
        let stock = self
            .members
            .iter()
            .filter(|member| !member.is_sheaf())
            .count();
        let step_ms = within_ms / (stock as u64 + 1);
        let until = now.plus_ms(within_ms);
        self.departure = Departure::Draining {
            next_at: now.plus_ms(step_ms).min(until),
            step_ms,
            until,
        };
    }

    pub(super) fn departure_on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let Departure::Draining {
            next_at,
            step_ms,
            until,
        } = self.departure
        else {
            return;
        };
        if now >= until && self.log.is_idle() && !self.audit.is_mending() {
            self.close_all(CloseReason::Moving, out);
            // The document may still be on its way from the store; there is nothing to look at until it is here.
            self.departure = Departure::Retiring;
            return;
        }
        if now < next_at {
            return;
        }
        // Those with edits under way go last: their acknowledgement is still to come.
        let leaves = |member: &super::Member| !member.is_sheaf() && member.unanswered == 0;
        if let Some(place) = self.members.iter().position(leaves) {
            self.close_member(place, CloseReason::Moving, now, out);
        }
        self.departure = Departure::Draining {
            next_at: now.plus_ms(step_ms.max(1)),
            step_ms,
            until,
        };
    }

    pub(super) fn end_if_done(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let is_quiet = match self.phase {
            Phase::New | Phase::Open => self.members.is_empty() && self.log.is_idle(),
            Phase::Loading(_) | Phase::Ended => false,
        };
        if is_quiet && !self.departure.lets_in() && !self.audit.is_busy() {
            self.wish_last_compaction(now, out);
            self.tell_if_left_waiting(out);
            self.end(out);
        }
    }
}
