//! When a log is worth folding into a snapshot.

use sheaf_shared::ids::Seq;
use sheaf_shared::time::MonotonicMs;

use super::Log;
use crate::room::{Effect, Room};

/// Rows worth a snapshot when the room ends.
const COMPACT_ROWS_AT_END: u64 = 50;
/// Pause, in milliseconds, after a compaction that did not come about.
const COMPACT_PAUSE_MS: u64 = 60_000;

/// How long the log is, as far as the room knows.
#[derive(Debug, Default)]
pub(super) struct LogSize {
    snapshot_through: Seq,
    snapshot_bytes: usize,
    pub(super) bytes: usize,
    /// A compaction was asked for when the log had so many bytes.
    asked_at_bytes: Option<usize>,
    rests_until: MonotonicMs,
}

impl Log {
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
    /// Asks for a snapshot when the log has outgrown the last one.
    pub(in crate::room) fn wish_compaction(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let size = &mut self.log.size;
        let rows = self.copy.seq.0 - size.snapshot_through.0;
        let is_worth_it = size.bytes >= self.config.compact_bytes.max(size.snapshot_bytes)
            || rows >= self.config.compact_rows;
        // Rows that wait for others must stay rows: a snapshot holds only what is in the document.
        let is_possible = self.copy.is_whole();
        if is_worth_it && is_possible && size.asked_at_bytes.is_none() && now >= size.rests_until {
            size.asked_at_bytes = Some(size.bytes);
            out.push(Effect::Compact {
                through: self.copy.seq,
            });
        }
    }

    /// The room ends: the next one should not have to replay much.
    pub(in crate::room) fn wish_last_compaction(&self, out: &mut Vec<Effect>) {
        let size = &self.log.size;
        let rows = self.copy.seq.0 - size.snapshot_through.0;
        if size.asked_at_bytes.is_none() && rows >= COMPACT_ROWS_AT_END && self.copy.is_whole() {
            out.push(Effect::Compact {
                through: self.copy.seq,
            });
        }
    }

    pub(in crate::room) fn compacted(&mut self, through: Seq, snapshot_bytes: usize) {
        let size = &mut self.log.size;
        let folded = size.asked_at_bytes.take().unwrap_or(0);
        size.snapshot_through = through.min(self.copy.seq).max(size.snapshot_through);
        size.snapshot_bytes = snapshot_bytes;
        size.bytes = size.bytes.saturating_sub(folded);
    }

    pub(in crate::room) fn compaction_failed(&mut self, now: MonotonicMs) {
        self.log.size.asked_at_bytes = None;
        self.log.size.rests_until = now.plus_ms(COMPACT_PAUSE_MS);
    }
}
