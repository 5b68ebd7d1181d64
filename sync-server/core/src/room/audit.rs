//! Whether this copy is what the log makes and what others have, and what follows if it is not.
//!
//! A copy that differs from the log is given up, never mended: everyone comes back to one that is read afresh. Before that, what
//! the log lacks and the copy has is written into the log again. A copy holds committed rows only, so what a log lacks of it
//! was lost by the store, and people were told that it is saved.

use sheaf_shared::ids::Seq;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::time::MonotonicMs;

use super::input::{Auditing, Verdict};
use super::{Effect, Phase, Room};
use crate::audit::StateDigest;

/// Pause, in milliseconds, without a new row, after which a copy is looked at.
pub const LOOK_AFTER_MS: u64 = 10_000;
/// Shortest pause, in milliseconds, between two comparisons with the store that nothing gives cause to.
pub const COMPARE_EVERY_MS: u64 = 10 * 60_000;
/// Pause, in milliseconds, before a comparison that could not be made is tried again.
const COMPARE_AGAIN_MS: u64 = 60_000;
/// Pause, in milliseconds, before the log is written to again that could not be.
const MEND_AGAIN_MS: u64 = 2_000;
/// Digests of other servers kept until this copy is as far, or is looked at.
const HEARD_MAX: usize = 4;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Audit {
    /// How far the copy was when it was last seen to change, and when that was.
    changed: (Seq, MonotonicMs),
    look_at: Option<MonotonicMs>,
    /// No comparison with the store before, without a cause.
    compare_at: MonotonicMs,
    has_cause: bool,
    own: Option<(Seq, StateDigest)>,
    heard: Vec<(Seq, StateDigest)>,
    /// The store made the same there. Whoever has another digest is wrong.
    agreed: Option<Seq>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Idle,
    /// The store is being asked whether it makes the copy as it was there.
    Comparing(Seq),
    /// What the log lacks is being written into it.
    Mending,
    MendAgainAt(MonotonicMs),
}

impl Audit {
    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        let again = match self.stage {
            Stage::MendAgainAt(at) => Some(at),
            Stage::Idle | Stage::Comparing(_) | Stage::Mending => None,
        };
        super::sooner(self.look_at, again)
    }

    /// The copy is about to be given up, and the log to get what it lacks: nothing is stored or taken until then.
    pub(super) const fn is_mending(&self) -> bool {
        matches!(self.stage, Stage::Mending | Stage::MendAgainAt(_))
    }

    /// The room must not end now.
    pub(super) const fn is_busy(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }
}

impl Room {
    pub(super) fn audit(&mut self, input: Auditing, now: MonotonicMs, out: &mut Vec<Effect>) {
        match input {
            Auditing::TakeStock => self.take_stock(now, out),
            Auditing::Doubt => self.doubt(now),
            Auditing::Compared(verdict) => self.compared(verdict, now, out),
            Auditing::Mended => self.mended(out),
            Auditing::MendFailed => self.mend_failed(now),
        }
    }

    /// After each input: the copy may have changed.
    pub(super) fn notice_change(&mut self, now: MonotonicMs) {
        if matches!(self.phase, Phase::Open) && self.audit.changed.0 != self.copy.seq {
            if self.audit.changed.1 == MonotonicMs::default() {
                // It was just read.
                self.audit.compare_at = now.plus_ms(COMPARE_EVERY_MS);
            }
            self.audit.changed = (self.copy.seq, now);
            self.audit.look_at = Some(now.plus_ms(LOOK_AFTER_MS));
        }
    }

    pub(super) fn audit_on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.audit.look_at.take_if(|at| now >= *at).is_some() {
            let is_due = self.audit.has_cause || now >= self.audit.compare_at;
            if self.is_reaching() || is_due {
                out.push(Effect::TakeStock);
            } else {
                self.audit.look_at = Some(self.audit.compare_at);
            }
        }
        if matches!(self.audit.stage, Stage::MendAgainAt(at) if now >= at) {
            self.mend(out);
        }
    }

    /// Makes the digest of the copy: others are told, and it is compared with theirs, and with the store if it is time.
    fn take_stock(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Open) || self.audit.is_mending() {
            return;
        }
        let seq = self.copy.seq;
        let digest = self.copy.digest();
        self.audit.own = Some((seq, digest));
        if self.is_reaching() {
            out.push(Effect::TellState { seq, digest });
        }
        let heard = self.audit.heard.iter();
        let others = heard.filter(|(at, theirs)| *at == seq && digest.contradicts(theirs));
        if let Some((_, theirs)) = others.copied().next() {
            self.disagree(theirs, out);
        }
        if self.audit.has_cause || now >= self.audit.compare_at {
            self.compare(out);
        }
    }

    /// Another server says what it has.
    pub(super) fn hear_state(&mut self, seq: Seq, theirs: StateDigest, out: &mut Vec<Effect>) {
        let heard = &mut self.audit.heard;
        heard.retain(|known| *known != (seq, theirs) && known.0 >= self.copy.seq);
        if heard.len() >= HEARD_MAX {
            heard.remove(0);
        }
        heard.push((seq, theirs));
        let own = self.audit.own.filter(|_| self.copy.seq == seq);
        if matches!(own, Some((at, own)) if at == seq && own.contradicts(&theirs)) {
            self.disagree(theirs, out);
            if self.audit.has_cause {
                self.compare(out);
            }
        }
    }

    /// Another server has something else at the same place. The store knows who is right.
    fn disagree(&mut self, theirs: StateDigest, out: &mut Vec<Effect>) {
        let Some((seq, own)) = self.audit.own else {
            return;
        };
        if self.audit.agreed != Some(seq) && !self.audit.is_busy() {
            out.push(Effect::Disagree { seq, own, theirs });
            self.audit.has_cause = true;
        }
    }

    /// The store may have lost something: the copy is compared with it at once.
    fn doubt(&mut self, now: MonotonicMs) {
        self.audit.has_cause = true;
        self.audit.look_at = Some(now);
    }

    /// The store was asked at `asked_at` how far the log reaches. It can't be less far than it was before.
    pub(super) fn head_read(&mut self, head: Seq, asked_at: MonotonicMs, now: MonotonicMs) {
        self.reaches_only(head);
        let is_open = matches!(self.phase, Phase::Open);
        let (seq, changed_at) = self.audit.changed;
        if is_open && seq == self.copy.seq && head < seq && changed_at < asked_at {
            self.doubt(now);
        }
    }

    fn compare(&mut self, out: &mut Vec<Effect>) {
        if self.audit.is_busy() {
            return;
        }
        if let Some((seq, digest)) = self.audit.own {
            self.audit.has_cause = false;
            self.audit.stage = Stage::Comparing(seq);
            out.push(Effect::Compare { seq, digest });
        }
    }

    /// The store's answer.
    fn compared(&mut self, verdict: Verdict, now: MonotonicMs, out: &mut Vec<Effect>) {
        let Stage::Comparing(seq) = self.audit.stage else {
            return;
        };
        self.audit.stage = Stage::Idle;
        match verdict {
            Verdict::Same => {
                self.audit.agreed = Some(seq);
                self.audit.compare_at = now.plus_ms(COMPARE_EVERY_MS);
                if self.audit.has_cause {
                    // Something came up meanwhile.
                    self.audit.look_at = Some(now);
                }
            }
            Verdict::Unknown => {
                let again = now.plus_ms(COMPARE_AGAIN_MS);
                self.audit.compare_at = again;
                self.audit.has_cause = true;
                self.audit.look_at = Some(again);
            }
            Verdict::Differs => self.begin_mending(now, out),
        }
    }

    /// The copy is not what the log makes.
    pub(super) fn begin_mending(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Open) || self.audit.is_mending() {
            return;
        }
        self.tell_all(ServerFact::StoreStalled, now, out);
        self.mend(out);
    }

    fn mend(&mut self, out: &mut Vec<Effect>) {
        self.audit.stage = Stage::Mending;
        out.push(Effect::Mend {
            through: self.copy.seq,
            whole: self.copy.whole(),
        });
    }

    /// The log has everything that the copy has. Everyone comes back to what it makes.
    fn mended(&mut self, out: &mut Vec<Effect>) {
        if self.audit.stage == Stage::Mending {
            self.close_all(CloseReason::Fault, out);
            self.end(out);
        }
    }

    fn mend_failed(&mut self, now: MonotonicMs) {
        if self.audit.stage == Stage::Mending {
            self.audit.stage = Stage::MendAgainAt(now.plus_ms(MEND_AGAIN_MS));
        }
    }
}
