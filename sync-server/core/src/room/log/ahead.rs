//! Rows that other servers told of before the ones that come before them: what two servers commit within a moment can
//! arrive the other way round.

use std::collections::BTreeMap;

use bytes::Bytes;
use sheaf_shared::ids::Seq;

use crate::room::input::HeardRows;

/// Most rows kept. What is not kept is in the store.
const ROWS_MAX: usize = 1_024;
/// Bytes of them.
const BYTES_MAX: usize = 256 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// By place.
    rows: BTreeMap<Seq, Bytes>,
    bytes: usize,
}

impl Ahead {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps rows for later, if there is room.
    pub(super) fn keep(&mut self, heard: HeardRows) {
        for (nth, row) in heard.rows.into_iter().enumerate() {
            let place = heard.after.plus(nth as u64 + 1);
            let fits = self.rows.len() < ROWS_MAX && self.bytes + row.len() <= BYTES_MAX;
            if fits && !self.rows.contains_key(&place) {
                self.bytes += row.len();
                self.rows.insert(place, row);
            }
        }
    }

    /// The rows right behind `seq`, in order; those before are forgotten.
    pub(super) fn take_behind(&mut self, seq: Seq) -> Vec<Bytes> {
        let mut next = seq;
        let mut behind = Vec::new();
        while let Some(first) = self.rows.first_entry() {
            let place = *first.key();
            if place > next.plus(1) {
                break;
            }
            let row = first.remove();
            self.bytes -= row.len();
            if place == next.plus(1) {
                next = place;
                behind.push(row);
            }
        }
        behind
    }
}
