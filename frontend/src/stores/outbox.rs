//! Which edits of one document are only on this device, in the order they were made. Bookkeeping only: no
//! storage, no network.
//!
//! An edit goes: *unwritten* → written to the log (or known to be unwritable) and handed to the client →
//! acknowledged. Edits of other tabs are counted too until those tabs say they are acknowledged; if they say
//! nothing for long, their tab may be gone and the edits are adopted.

use std::collections::{BTreeMap, VecDeque};

use sheaf_shared::time::MonotonicMs;

use crate::local::db::RowKey;

/// Milliseconds another tab has to get its own edit acknowledged before this tab sends it too.
pub const ADOPT_AFTER_MS: u64 = 5_000;

/// The edits of one document that the server has not acknowledged.
#[derive(Debug, Default)]
pub struct Outbox {
    unwritten: Vec<Vec<u8>>,
    /// Taken by a write that is under way.
    being_written: usize,
    /// Handed to the client, oldest first; `None` for an edit that this device could not keep.
    on_the_way: VecDeque<Option<RowKey>>,
    foreign: BTreeMap<RowKey, Foreign>,
}

#[derive(Debug)]
struct Foreign {
    update: Vec<u8>,
    since: MonotonicMs,
}

impl Outbox {
    /// Takes over the waiting rows found in the log, oldest first; the client is told their number.
    pub fn found(&mut self, rows: impl IntoIterator<Item = RowKey>) {
        for row in rows {
            self.foreign.remove(&row);
            self.on_the_way.push_back(Some(row));
        }
    }

    /// An edit was made here.
    pub fn edited(&mut self, update: Vec<u8>) {
        self.unwritten.push(update);
    }

    /// Takes everything unwritten, unless a write is under way already.
    pub fn take_to_write(&mut self) -> Option<Vec<Vec<u8>>> {
        if self.being_written > 0 || self.unwritten.is_empty() {
            return None;
        }
        self.being_written = self.unwritten.len();
        Some(std::mem::take(&mut self.unwritten))
    }

    /// The write ended: the row of each edit, or `None` for what could not be kept. They are with the client now.
    pub fn written(&mut self, rows: impl IntoIterator<Item = Option<RowKey>>) {
        self.being_written = 0;
        for row in rows {
            if let Some(row) = row {
                self.foreign.remove(&row);
            }
            self.on_the_way.push_back(row);
        }
    }

    /// The server has the oldest `edits` of those on the way; gives the rows that need wait no longer.
    pub fn acknowledged(&mut self, edits: usize) -> Vec<RowKey> {
        let count = edits.min(self.on_the_way.len());
        self.on_the_way.drain(..count).flatten().collect()
    }

    /// Another tab wrote an edit. Returns whether it was news.
    pub fn foreign_edit(&mut self, row: RowKey, update: Vec<u8>, now: MonotonicMs) -> bool {
        if self.on_the_way.contains(&Some(row)) || self.foreign.contains_key(&row) {
            return false;
        }
        self.foreign.insert(row, Foreign { update, since: now });
        true
    }

    /// Another tab's edits were acknowledged.
    pub fn foreign_acknowledged(&mut self, rows: &[RowKey]) {
        for row in rows {
            self.foreign.remove(row);
        }
    }

    /// Edits of tabs that have been silent about them for too long: they count as handed to the client from
    /// now on, so hand them over, in this order.
    pub fn adopt(&mut self, now: MonotonicMs) -> Vec<Vec<u8>> {
        let is_due = |foreign: &Foreign| now.ms_since(foreign.since) >= ADOPT_AFTER_MS;
        let due: Vec<RowKey> = self
            .foreign
            .iter()
            .filter(|(_, foreign)| is_due(foreign))
            .map(|(row, _)| *row)
            .collect();
        let mut updates = Vec::with_capacity(due.len());
        for row in due {
            if let Some(foreign) = self.foreign.remove(&row) {
                self.on_the_way.push_back(Some(row));
                updates.push(foreign.update);
            }
        }
        updates
    }

    /// Edits the client was given and has not seen acknowledged.
    #[must_use]
    pub fn on_the_way(&self) -> usize {
        self.on_the_way.len()
    }

    /// Edits that exist on this device only, as far as this tab knows.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.unwritten.len() + self.being_written + self.on_the_way.len() + self.foreign.len()
    }

    /// Edits that not even this device has kept yet.
    #[must_use]
    pub fn unkept(&self) -> usize {
        let unkeepable = self.on_the_way.iter().filter(|row| row.is_none()).count();
        self.unwritten.len() + self.being_written + unkeepable
    }

    /// Whether edits of other tabs wait.
    #[must_use]
    pub fn has_foreign(&self) -> bool {
        !self.foreign.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: MonotonicMs = MonotonicMs(1_000);

    #[test]
    fn an_edit_counts_as_waiting_from_the_key_press_to_the_acknowledgement() {
        let mut outbox = Outbox::default();
        outbox.edited(vec![1]);
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
        let batch = outbox.take_to_write().unwrap();
        assert_eq!(batch, [vec![1]]);
        assert_eq!(
            (outbox.waiting(), outbox.unkept()),
            (1, 1),
            "being written is not written"
        );
        outbox.written([Some(RowKey(7))]);
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 0));
        assert_eq!(outbox.acknowledged(1), [RowKey(7)]);
        assert_eq!(outbox.waiting(), 0);
    }

    #[test]
    fn only_one_write_is_under_way_so_edits_keep_their_order() {
        let mut outbox = Outbox::default();
        outbox.edited(vec![1]);
        assert!(outbox.take_to_write().is_some());
        outbox.edited(vec![2]);
        assert!(outbox.take_to_write().is_none());
        outbox.written([Some(RowKey(1))]);
        assert_eq!(outbox.take_to_write(), Some(vec![vec![2]]));
    }

    #[test]
    fn an_edit_that_could_not_be_kept_is_never_called_kept() {
        let mut outbox = Outbox::default();
        outbox.edited(vec![1]);
        let _ = outbox.take_to_write();
        outbox.written([None]);
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
        assert_eq!(outbox.acknowledged(1), []);
        assert_eq!((outbox.waiting(), outbox.unkept()), (0, 0));
    }

    #[test]
    fn acknowledgements_free_the_oldest_rows_first() {
        let mut outbox = Outbox::default();
        outbox.found([RowKey(3), RowKey(4)]);
        outbox.edited(vec![1]);
        let _ = outbox.take_to_write();
        outbox.written([Some(RowKey(9))]);
        assert_eq!(outbox.acknowledged(2), [RowKey(3), RowKey(4)]);
        assert_eq!(
            outbox.acknowledged(5),
            [RowKey(9)],
            "more than there are is no harm"
        );
    }

    #[test]
    fn an_edit_of_a_tab_that_died_is_adopted_and_one_of_a_living_tab_is_not() {
        let mut outbox = Outbox::default();
        assert!(outbox.foreign_edit(RowKey(1), vec![1], NOW));
        assert!(outbox.foreign_edit(RowKey(2), vec![2], NOW));
        assert_eq!(outbox.waiting(), 2);
        outbox.foreign_acknowledged(&[RowKey(1)]);
        assert!(outbox.adopt(NOW.plus_ms(ADOPT_AFTER_MS - 1)).is_empty());
        assert_eq!(outbox.adopt(NOW.plus_ms(ADOPT_AFTER_MS)), [vec![2]]);
        assert_eq!(outbox.waiting(), 1, "adopted, and still not acknowledged");
        assert_eq!(outbox.acknowledged(1), [RowKey(2)]);
    }

    #[test]
    fn a_row_that_was_loaded_is_not_counted_twice_when_its_tab_tells_of_it() {
        let mut outbox = Outbox::default();
        outbox.found([RowKey(5)]);
        assert!(!outbox.foreign_edit(RowKey(5), vec![1], NOW));
        assert_eq!(outbox.waiting(), 1);
    }
}
