//! Rows that wait for what they build on. That comes within moments as a rule: their writer is asked for it. If it never
//! comes, the rows stay in the log, which can't be folded any more, and somebody should know.

use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

use super::Log;
use crate::room::{Effect, MemberId, Room};

/// Milliseconds that rows may wait before that is worth a word: longer than a connection takes to come back.
const STUCK_AFTER_MS: u64 = 60_000;

/// Updates in a row that leave something missing, before their sender has to start afresh.
const REPAIRS_MAX: u32 = 32;

/// Whether rows wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Stuck {
    /// None does.
    #[default]
    No,
    /// Some do; say so at that time.
    TellAt(MonotonicMs),
    /// Some do, and it was said.
    Told,
}

impl Log {
    pub(in crate::room) const fn stuck_at(&self) -> Option<MonotonicMs> {
        match self.stuck {
            Stuck::TellAt(at) => Some(at),
            Stuck::No | Stuck::Told => None,
        }
    }
}

impl Room {
    /// What `author` sent builds on something that has not come: ask for it, as it has it.
    pub(super) fn repair(
        &mut self,
        author: MemberId,
        is_needed: bool,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let Some(place) = self.place_of(author) else {
            return;
        };
        let member = &mut self.members[place];
        if !is_needed {
            member.repairs = 0;
            return;
        }
        member.repairs += 1;
        if member.repairs > REPAIRS_MAX {
            self.close_member(place, CloseReason::TooMuch, now, out);
        } else {
            self.send_step1(place, now, out);
        }
    }

    /// Rows were taken: does any of them wait?
    pub(in crate::room) fn watch_waiting_rows(&mut self, now: MonotonicMs) {
        self.log.stuck = match self.log.stuck {
            _ if self.copy.is_whole() => Stuck::No,
            Stuck::No => Stuck::TellAt(now.plus_ms(STUCK_AFTER_MS)),
            known => known,
        };
    }

    pub(in crate::room) fn tell_if_stuck(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.log.stuck_at().is_some_and(|at| now >= at) {
            self.tell_stuck(out);
        }
    }

    /// The room ends, and rows wait.
    pub(in crate::room) fn tell_if_left_waiting(&mut self, out: &mut Vec<Effect>) {
        if self.log.stuck_at().is_some() {
            self.tell_stuck(out);
        }
    }

    fn tell_stuck(&mut self, out: &mut Vec<Effect>) {
        self.log.stuck = Stuck::Told;
        if let Some(first) = self.copy.first_waiting() {
            out.push(Effect::RowsWait {
                first,
                rows: self.copy.waiting(),
            });
        }
    }
}
