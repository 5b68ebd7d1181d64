//! When a room wants to be woken, and what it does then.

use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::y_websocket::QUIET_MS_MAX;

use super::{Effect, NO_PROGRESS_MS, Phase, Room};

/// Shortest pause, in milliseconds, between two looks at every member.
const CHECK_PAUSE_MS: u64 = 100;

impl Room {
    pub(super) fn on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        self.log_on_time(now, out);
        self.presence_on_time(now, out);
        self.visits_on_time(now, out);
        self.audit_on_time(now, out);
        self.departure_on_time(now, out);
        if self.check_at.is_some_and(|at| now >= at) {
            self.check_members(now, out);
        }
    }

    /// Cuts off who stands still, and speaks to who hears nothing.
    pub(super) fn check_members(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let mut next = None;
        for place in (0..self.members.len()).rev() {
            let member = &mut self.members[place];
            member.on_time(now, out);
            if member.outgoing_bytes > 0 && now.ms_since(member.progress_at) >= NO_PROGRESS_MS {
                self.close_member(place, CloseReason::TooSlow, now, out);
                continue;
            }
            let contest = member.contest.as_ref();
            if contest.is_some_and(|contest| now >= contest.gives_up_at()) {
                self.close_member(place, CloseReason::Busy, now, out);
                continue;
            }
            // Sheaf's client asks for signs of life by itself.
            let is_told = !member.is_sheaf() && matches!(self.phase, Phase::Open);
            if is_told && now.ms_since(member.spoken_at) >= QUIET_MS_MAX {
                self.send_sign_of_life(place, now, out);
            }
            next = sooner(next, self.members[place].next_check(is_told));
        }
        self.check_at = next.map(|at| at.max(now.plus_ms(CHECK_PAUSE_MS)));
    }

    /// Something about a member is due at `at`.
    pub(super) fn check_by(&mut self, at: MonotonicMs) {
        self.check_at = sooner(self.check_at, Some(at));
    }

    pub(super) fn check_resumption(&mut self, place: usize) {
        if let Some(at) = self.members[place].resumes_at() {
            self.check_by(at);
        }
    }

    /// Says when to come again. An earlier time that was said before is left to pass: a needless tick costs less
    /// than moving a timer with each input.
    pub(super) fn wake(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Ended) {
            return;
        }
        let due = [
            self.check_at,
            self.log.deadline(),
            self.log.quiet_at(),
            self.log.stuck_at(),
            self.presence.deadline(),
            self.visits.deadline(),
            self.departure.deadline(),
            self.audit.deadline(),
        ];
        let Some(next) = due.into_iter().fold(None, sooner) else {
            return;
        };
        let is_told = self.wakes_at.is_some_and(|told| told > now && told <= next);
        if !is_told {
            self.wakes_at = Some(next);
            out.push(Effect::WakeAt(next));
        }
    }
}

/// The earlier of two times.
pub(super) fn sooner(one: Option<MonotonicMs>, other: Option<MonotonicMs>) -> Option<MonotonicMs> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
