//! Rows that did not come through this room: another server's, or our own whose answer was lost. They are taken in the
//! order of their places, as another server tells of them or from the store, and never guessed at.

use sheaf_shared::gate::update::Checked;
use sheaf_shared::ids::Seq;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

use super::{Commit, Log, Stage, pause_ms};
use crate::room::input::{HeardRows, Rows};
use crate::room::{Effect, Phase, Room};
use crate::servers::message::{ROWS_BYTES_MAX, ROWS_MAX};

/// Time, in milliseconds, that other servers have to tell of their rows by themselves, before the store is asked for
/// them. It is usual that an append shows that another server's came before it and was not heard of yet.
const PATIENCE_MS: u64 = 20;

/// Whether the store is being asked for rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reading {
    #[default]
    Not,
    /// It is not: the rows should come by themselves.
    Expecting {
        /// By then.
        until: MonotonicMs,
        /// How far the copy was when this began.
        from: Seq,
    },
    UnderWay,
    AgainAt(MonotonicMs),
}

impl Reading {
    pub(super) const fn deadline(self) -> Option<MonotonicMs> {
        match self {
            Self::AgainAt(at) | Self::Expecting { until: at, .. } => Some(at),
            Self::Not | Self::UnderWay => None,
        }
    }

    fn is_due(self, now: MonotonicMs) -> bool {
        self.deadline().is_some_and(|at| now >= at)
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

    /// The store itself says how far the log reaches. What was heard of, was read for in vain, and is further than that, is
    /// not there.
    pub(in crate::room) fn reaches_only(&mut self, head: Seq) {
        if matches!(self.log.reading, Reading::AgainAt(_)) {
            self.log.reaches = head;
            self.log.reading = Reading::Not;
        }
        self.heard_of(head);
    }

    /// Asks for what is known to be there and is not here, after each input: whatever came in between, what was heard
    /// once is not forgotten.
    pub(in crate::room) fn follow_log(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let takes_rows = matches!(self.phase, Phase::Open) && !self.audit.is_mending();
        let wants_look = self.wants_look();
        let lacks_rows = takes_rows && (self.log.reaches > self.copy.seq || wants_look);
        let reading = self.log.reading;
        // While an append of ours is under way it may be what was seen; its answer tells about any others.
        if !lacks_rows || self.log.is_appending() {
            if matches!(reading, Reading::Expecting { .. }) || reading.is_due(now) {
                self.log.reading = Reading::Not;
            }
            return;
        }
        match reading {
            Reading::UnderWay => {}
            Reading::Not if self.is_reaching() && !wants_look => self.expect_rows(now),
            Reading::AgainAt(_) if !reading.is_due(now) => {}
            Reading::Expecting { .. } if !wants_look && !reading.is_due(now) => {}
            Reading::Expecting { from, .. } if !wants_look && self.copy.seq > from => {
                self.expect_rows(now);
            }
            Reading::Not | Reading::Expecting { .. } | Reading::AgainAt(_) => {
                self.log.reading = Reading::UnderWay;
                self.look_begins();
                out.push(Effect::ReadSince {
                    after: self.copy.seq,
                });
            }
        }
    }

    fn expect_rows(&mut self, now: MonotonicMs) {
        self.log.reading = Reading::Expecting {
            until: now.plus_ms(PATIENCE_MS),
            from: self.copy.seq,
        };
    }

    /// Tells other servers of what was just committed.
    pub(super) fn tell_rows(&self, commit: &Commit, last: Seq, out: &mut Vec<Effect>) {
        if !self.is_reaching() {
            return;
        }
        let bytes: usize = commit.rows.iter().map(|row| row.update.bytes().len()).sum();
        let is_small = bytes <= ROWS_BYTES_MAX && commit.rows.len() <= ROWS_MAX;
        let rows = commit.rows.iter().filter(|_| is_small);
        out.push(Effect::TellRows(HeardRows {
            after: Seq(last.0.saturating_sub(commit.rows.len() as u64)),
            through: last,
            rows: rows.map(|row| row.update.bytes().clone()).collect(),
        }));
    }

    /// Takes rows that another server told of, as far as they come next; what comes later waits a little.
    pub(in crate::room) fn hear_rows(
        &mut self,
        heard: HeardRows,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        self.heard_of(heard.through);
        self.log.ahead.keep(heard);
        if matches!(self.phase, Phase::Open) {
            self.go_on(now, out);
        }
    }

    /// Answers for what is here, and takes what was heard of and comes next, as long as there is any.
    pub(in crate::room) fn go_on(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        while !self.audit.is_mending() {
            self.settle(now, out);
            let rows = self.log.ahead.take_behind(self.copy.seq);
            if rows.is_empty() || matches!(self.phase, Phase::Ended) {
                return;
            }
            let rows = rows.into_iter().map(|update| (Checked::of(update), None));
            if self.take_rows(rows, now, out).is_err() {
                return self.break_down(now, out);
            }
        }
    }

    /// The rows asked for, as far as there are any.
    pub(in crate::room) fn read(&mut self, read: Rows, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.log.reading != Reading::UnderWay || self.audit.is_mending() {
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
        self.go_on(now, out);
        self.look_is_done();
        // What is still to come was stored after the question. A store that goes on without it gets time.
        if brought_something || self.log.reaches <= self.copy.seq {
            self.log.readings_failed = 0;
        } else {
            self.read_again_later(now);
        }
    }

    /// Answers for a commit of ours once every row before it is here.
    fn settle(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
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
        self.committed(commit.ticket, commit.waiting, now, out);
    }

    /// The rows asked for are folded into a snapshot already. A snapshot is no row to be told on, so this copy is
    /// given up: everyone comes back, sends again what was not acknowledged, and a new room reads the store.
    pub(in crate::room) fn read_folded(&mut self, out: &mut Vec<Effect>) {
        if self.log.reading == Reading::UnderWay && !self.audit.is_mending() {
            self.close_all(CloseReason::Fault, out);
            self.end(out);
        }
    }

    pub(in crate::room) fn read_failed(&mut self, now: MonotonicMs) {
        if self.log.reading == Reading::UnderWay {
            self.look_failed();
            self.read_again_later(now);
        }
    }

    fn read_again_later(&mut self, now: MonotonicMs) {
        self.log.readings_failed += 1;
        self.log.reading = Reading::AgainAt(now.plus_ms(pause_ms(self.log.readings_failed)));
    }
}
