//! When a log is worth folding into a snapshot: while it grows, for the sake of space; when nobody has written for a
//! moment and when the room ends, for the sake of whoever opens the document next and would wait for its replay.

use sheaf_shared::ids::Seq;
use sheaf_shared::time::MonotonicMs;

use super::Log;
use crate::room::{Effect, Room};

/// Rows that are worth a snapshot when nothing else is going on.
const QUIET_ROWS: u64 = 50;
/// Bytes of rows that are: replaying them takes some milliseconds.
const QUIET_BYTES: usize = 32 * 1024;
/// How often the log may fit into the snapshot it follows, to be worth folding into it at each pause in the writing.
const QUIET_SHARE: usize = 16;
/// Pause, in milliseconds, in the writing.
const QUIET_MS: u64 = 2_000;
/// Pause, in milliseconds, after a compaction that did not come about.
const COMPACT_PAUSE_MS: u64 = 60_000;

/// Pause, in milliseconds, before another server that folds the log is taken to be done.
const PUT_OFF_MS: u64 = 5_000;

/// How long the log is, as far as the room knows.
#[derive(Debug, Default)]
pub(super) struct LogSize {
    snapshot_through: Seq,
    snapshot_bytes: usize,
    pub(super) bytes: usize,
    /// A compaction was asked for when the log had so many bytes.
    asked_at_bytes: Option<usize>,
    rests_until: MonotonicMs,
    /// Nobody has written for a moment then.
    quiet_at: Option<MonotonicMs>,
}

impl Log {
    /// When a pause in the writing is long enough to fold the log, if nobody writes until then.
    pub(in crate::room) const fn quiet_at(&self) -> Option<MonotonicMs> {
        self.size.quiet_at
    }

    pub(in crate::room) fn start(
        &mut self,
        snapshot_through: Seq,
        snapshot_bytes: usize,
        bytes: usize,
    ) {
        self.size = LogSize {
            snapshot_through,
            snapshot_bytes,
            bytes,
            ..LogSize::default()
        };
    }
}

impl Room {
    /// Rows were written: asks for a snapshot if the log has outgrown the last one, or looks again later.
    pub(in crate::room) fn wish_compaction(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let rows = self.rows_after_snapshot();
        let size = &mut self.log.size;
        if size.asked_at_bytes.is_some() {
            return;
        }
        if size.bytes >= self.config.compact_bytes.max(size.snapshot_bytes)
            || rows >= self.config.compact_rows
        {
            self.ask_for_compaction(now, out);
        } else if rows > 0 {
            size.quiet_at = Some(now.plus_ms(QUIET_MS));
        }
    }

    /// Nobody has written for a moment.
    pub(super) fn compact_on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let size = &mut self.log.size;
        if size.quiet_at.take_if(|at| now >= *at).is_none() {
            return;
        }
        let is_much = size.bytes >= size.snapshot_bytes / QUIET_SHARE;
        if is_much && self.log_is_long() {
            self.ask_for_compaction(now, out);
        }
    }

    /// The room ends.
    pub(in crate::room) fn wish_last_compaction(
        &mut self,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        // One that is under way reads what was there when it began; this one comes after it.
        self.log.size.asked_at_bytes = None;
        if self.log_is_long() {
            self.ask_for_compaction(now, out);
        }
    }

    fn rows_after_snapshot(&self) -> u64 {
        self.copy.seq.0 - self.log.size.snapshot_through.0
    }

    /// Whether the next one to open the document would wait for it.
    fn log_is_long(&self) -> bool {
        self.rows_after_snapshot() >= QUIET_ROWS || self.log.size.bytes >= QUIET_BYTES
    }

    fn ask_for_compaction(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let size = &mut self.log.size;
        // Rows that wait for others must stay rows: a snapshot holds only what is in the document.
        if size.asked_at_bytes.is_some() || now < size.rests_until || !self.copy.is_whole() {
            return;
        }
        size.asked_at_bytes = Some(size.bytes);
        size.quiet_at = None;
        out.push(Effect::Compact {
            through: self.copy.seq,
            known: size.snapshot_through,
        });
    }

    /// The snapshot is there. What was written meanwhile may be worth another.
    pub(in crate::room) fn compacted(
        &mut self,
        through: Seq,
        snapshot_bytes: usize,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let size = &mut self.log.size;
        let folded = size.asked_at_bytes.take().unwrap_or(0);
        size.snapshot_through = through.min(self.copy.seq).max(size.snapshot_through);
        size.snapshot_bytes = snapshot_bytes;
        size.bytes = size.bytes.saturating_sub(folded);
        self.wish_compaction(now, out);
    }

    /// Another server's snapshot is there. How long the rest of the log is can only be guessed.
    pub(in crate::room) fn compacted_elsewhere(
        &mut self,
        through: Seq,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let rows_before = self.rows_after_snapshot();
        let size = &mut self.log.size;
        size.asked_at_bytes = None;
        size.snapshot_through = through.min(self.copy.seq).max(size.snapshot_through);
        let rows = self.rows_after_snapshot();
        let size = &mut self.log.size;
        let left = size.bytes as u128 * u128::from(rows) / u128::from(rows_before.max(1));
        let left = usize::try_from(left).unwrap_or(size.bytes);
        size.snapshot_bytes += size.bytes - left;
        size.bytes = left;
        self.wish_compaction(now, out);
    }

    /// Another server is folding the log. Whether it came about is found out later.
    pub(in crate::room) fn put_compaction_off(&mut self, now: MonotonicMs) {
        let size = &mut self.log.size;
        size.asked_at_bytes = None;
        size.rests_until = now.plus_ms(PUT_OFF_MS);
        size.quiet_at = Some(size.rests_until.plus_ms(QUIET_MS));
    }

    pub(in crate::room) fn compaction_failed(&mut self, now: MonotonicMs) {
        self.log.size.asked_at_bytes = None;
        self.log.size.rests_until = now.plus_ms(COMPACT_PAUSE_MS);
    }
}
