//! Rows that did not come through this room: another server's, or our own whose answer was lost. They are read from
//! the store, in their order, and never guessed at.

use sheaf_shared::gate::update::Checked;
use sheaf_shared::ids::Seq;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

use super::{Log, Stage, pause_ms};
use crate::room::input::Rows;
use crate::room::{Effect, Phase, Room};

/// Whether the store is being asked for rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    #[default]
    Not,
    UnderWay,
    AgainAt(MonotonicMs),
}

impl Reading {
    pub(super) const fn deadline(self) -> Option<MonotonicMs> {
        match self {
            Self::AgainAt(at) => Some(at),
            Self::Not | Self::UnderWay => None,
        }
    }
}

impl Log {
    fn is_appending(&self) -> bool {
        self.under_way
            .as_ref()
            .is_some_and(|commit| commit.stage == Stage::Appending)
    }
}

impl Room {
    /// Somebody knows that the log reaches to `head`.
    pub(in crate::room) fn heard_of(&mut self, head: Seq) {
        self.log.reaches = self.log.reaches.max(head);
    }

    /// Asks for what is known to be there and is not here, after each input: whatever came in between, what was heard
    /// once is not forgotten.
    pub(in crate::room) fn follow_log(&mut self, out: &mut Vec<Effect>) {
        let is_open = matches!(self.phase, Phase::Open);
        // While an append of ours is under way it may be what was seen; its answer tells about any others.
        if is_open && self.log.reaches > self.copy.seq && !self.log.is_appending() {
            self.read_on(out);
        }
    }

    /// Asks for the rows after the last one here.
    fn read_on(&mut self, out: &mut Vec<Effect>) {
        if self.log.reading == Reading::Not {
            self.log.reading = Reading::UnderWay;
            out.push(Effect::ReadSince {
                after: self.copy.seq,
            });
        }
    }

    /// The rows asked for, as far as there are any.
    pub(in crate::room) fn read(&mut self, read: Rows, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.log.reading != Reading::UnderWay {
            return;
        }
        self.log.reading = Reading::Not;
        let known = self.copy.seq.0.saturating_sub(read.after.0) as usize;
        let brought_something = read.rows.len() > known;
        let rows = read.rows.into_iter().skip(known);
        let rows = rows.map(|update| (Checked::of(update), None));
        if self.take_rows(rows, now, out).is_err() {
            return self.break_down(now, out);
        }
        self.settle(now, out);
        // What is still to come was stored after the question. A store that goes on without it gets time.
        if brought_something || self.log.reaches <= self.copy.seq {
            self.log.readings_failed = 0;
        } else {
            self.read_again_later(now);
        }
    }

    /// Answers for a commit of ours once every row before it is here.
    pub(super) fn settle(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let Some(mut commit) = self.log.under_way.take_if(|commit| match commit.stage {
            Stage::Behind(last) => last.0 <= self.copy.seq.0 + commit.rows.len() as u64,
            Stage::Appending | Stage::RetryAt(_) => false,
        }) else {
            return;
        };
        let Stage::Behind(last) = commit.stage else {
            return;
        };
        let rows = std::mem::take(&mut commit.rows);
        // Some or all of ours may have come with what was read.
        let to_come = last.0.saturating_sub(self.copy.seq.0) as usize;
        let known = rows.len().saturating_sub(to_come);
        let rows = rows.into_iter().skip(known);
        let rows = rows.map(|row| (Ok(row.update), row.author));
        if self.take_rows(rows, now, out).is_err() {
            return self.break_down(now, out);
        }
        self.committed(commit.waiting, now, out);
    }

    /// The rows asked for are folded into a snapshot already. A snapshot is no row to be told on, so this copy is
    /// given up: everyone comes back, sends again what was not acknowledged, and a new room reads the store.
    pub(in crate::room) fn read_folded(&mut self, out: &mut Vec<Effect>) {
        if self.log.reading == Reading::UnderWay {
            self.close_all(CloseReason::Fault, out);
            self.end(out);
        }
    }

    pub(in crate::room) fn read_failed(&mut self, now: MonotonicMs) {
        if self.log.reading == Reading::UnderWay {
            self.read_again_later(now);
        }
    }

    fn read_again_later(&mut self, now: MonotonicMs) {
        self.log.readings_failed += 1;
        self.log.reading = Reading::AgainAt(now.plus_ms(pause_ms(self.log.readings_failed)));
    }

    pub(super) fn reading_on_time(&mut self, now: MonotonicMs) {
        if self.log.reading.deadline().is_some_and(|at| now >= at) {
            self.log.reading = Reading::Not;
        }
    }
}
