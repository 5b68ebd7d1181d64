//! Which edits of one document are only on this device, in the order they were made. Bookkeeping only: no
//! storage, no network.
//!
//! An edit is handed to the client and written to the log at the same time: neither waits for the other, so it may
//! be acknowledged before this device has kept it. Edits made before the log was read wait for both. Edits of
//! other tabs are counted too until those tabs say they are acknowledged; if they say nothing for long, their tab
//! may be gone and the edits are adopted.

use std::collections::{BTreeMap, VecDeque};

use sheaf_shared::time::MonotonicMs;

use crate::local::db::RowKey;

/// Milliseconds another tab has to get its own edit acknowledged before this tab sends it too.
pub const ADOPT_AFTER_MS: u64 = 5_000;

/// Tells the edits of one outbox apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditNumber(u64);

/// An edit on its way to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToWrite {
    /// Which.
    pub number: EditNumber,
    /// One update (V1).
    pub update: Vec<u8>,
}

/// The edits of one document that the server has not acknowledged.
#[derive(Debug, Default)]
pub struct Outbox {
    edits_made: u64,
    /// Made, and handed to nobody yet.
    fresh: Vec<Vec<u8>>,
    unwritten: Vec<ToWrite>,
    is_writing: bool,
    /// Handed to the client, oldest first.
    on_the_way: VecDeque<OnTheWay>,
    foreign: BTreeMap<RowKey, Foreign>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnTheWay {
    /// The log does not have it yet.
    Unwritten(EditNumber),
    /// This device could not keep it.
    Unkeepable,
    /// The log has it.
    Kept(RowKey),
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
            self.on_the_way.push_back(OnTheWay::Kept(row));
        }
    }

    /// An edit was made here.
    pub fn edited(&mut self, update: Vec<u8>) {
        self.fresh.push(update);
    }

    /// Takes what was made since the last time: it counts as handed to the client from now on, so hand it over,
    /// in this order.
    pub fn hand_over(&mut self) -> Vec<Vec<u8>> {
        let fresh = std::mem::take(&mut self.fresh);
        for update in &fresh {
            let number = EditNumber(self.edits_made);
            self.edits_made += 1;
            self.on_the_way.push_back(OnTheWay::Unwritten(number));
            self.unwritten.push(ToWrite {
                number,
                update: update.clone(),
            });
        }
        fresh
    }

    /// Takes everything unwritten, unless a write is under way already.
    pub fn take_to_write(&mut self) -> Option<Vec<ToWrite>> {
        if self.is_writing || self.unwritten.is_empty() {
            return None;
        }
        self.is_writing = true;
        Some(std::mem::take(&mut self.unwritten))
    }

    /// The write ended: the row of each edit, or `None` for what could not be kept. Gives the rows that need wait
    /// no longer, because the server was faster.
    pub fn written(
        &mut self,
        rows: impl IntoIterator<Item = (EditNumber, Option<RowKey>)>,
    ) -> Vec<RowKey> {
        self.is_writing = false;
        let mut overtaken = Vec::new();
        for (number, row) in rows {
            if let Some(row) = row {
                self.foreign.remove(&row);
            }
            let mut on_the_way = self.on_the_way.iter_mut();
            match on_the_way.find(|edit| **edit == OnTheWay::Unwritten(number)) {
                Some(edit) => *edit = row.map_or(OnTheWay::Unkeepable, OnTheWay::Kept),
                None => overtaken.extend(row),
            }
        }
        overtaken
    }

    /// The server has the oldest `edits` of those on the way; gives the rows that need wait no longer.
    pub fn acknowledged(&mut self, edits: usize) -> Vec<RowKey> {
        let count = edits.min(self.on_the_way.len());
        let acknowledged = self.on_the_way.drain(..count);
        acknowledged.filter_map(OnTheWay::row).collect()
    }

    /// Another tab wrote an edit. Returns whether it was news.
    pub fn foreign_edit(&mut self, row: RowKey, update: Vec<u8>, now: MonotonicMs) -> bool {
        if self.on_the_way.contains(&OnTheWay::Kept(row)) || self.foreign.contains_key(&row) {
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
                self.on_the_way.push_back(OnTheWay::Kept(row));
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

    /// Edits the server is not known to have, as far as this tab knows.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.fresh.len() + self.on_the_way.len() + self.foreign.len()
    }

    /// Those of them that not even this device has kept yet.
    #[must_use]
    pub fn unkept(&self) -> usize {
        let on_the_way = self.on_the_way.iter();
        self.fresh.len() + on_the_way.filter(|edit| edit.row().is_none()).count()
    }

    /// Whether the log still lacks edits that were made here, acknowledged or not.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.is_writing || !self.unwritten.is_empty() || !self.fresh.is_empty()
    }

    /// Whether edits of other tabs wait.
    #[must_use]
    pub fn has_foreign(&self) -> bool {
        !self.foreign.is_empty()
    }
}

impl OnTheWay {
    const fn row(self) -> Option<RowKey> {
        match self {
            Self::Kept(row) => Some(row),
            Self::Unwritten(_) | Self::Unkeepable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: MonotonicMs = MonotonicMs(1_000);

    /// Hands everything over and takes it to be written.
    fn begin_write(outbox: &mut Outbox) -> Vec<EditNumber> {
        outbox.hand_over();
        let batch = outbox.take_to_write().unwrap();
        batch.into_iter().map(|edit| edit.number).collect()
    }

    fn end_write(
        outbox: &mut Outbox,
        numbers: &[EditNumber],
        rows: &[Option<RowKey>],
    ) -> Vec<RowKey> {
        outbox.written(numbers.iter().copied().zip(rows.iter().copied()))
    }

    #[test]
    fn an_edit_counts_as_waiting_from_the_key_press_to_the_acknowledgement() {
        let mut outbox = Outbox::default();
        outbox.edited(vec![1]);
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
        assert_eq!(outbox.hand_over(), [vec![1]]);
        assert!(outbox.hand_over().is_empty(), "handed over once");
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
        let numbers = begin_write(&mut outbox);
        assert_eq!(
            (outbox.waiting(), outbox.unkept()),
            (1, 1),
            "being written is not written"
        );
        assert!(end_write(&mut outbox, &numbers, &[Some(RowKey(7))]).is_empty());
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 0));
        assert_eq!(outbox.acknowledged(1), [RowKey(7)]);
        assert_eq!(outbox.waiting(), 0);
    }

    #[test]
    fn an_edit_that_the_server_has_before_this_device_waits_for_nobody_once_it_is_written() {
        let mut outbox = Outbox::default();
        outbox.edited(vec![1]);
        outbox.edited(vec![2]);
        let numbers = begin_write(&mut outbox);
        assert_eq!(outbox.acknowledged(1), []);
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
        assert!(outbox.is_writing());
        let overtaken = end_write(&mut outbox, &numbers, &[Some(RowKey(1)), Some(RowKey(2))]);
        assert_eq!(overtaken, [RowKey(1)]);
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 0));
        assert_eq!(outbox.acknowledged(1), [RowKey(2)]);
        assert!(!outbox.is_writing());
    }

    #[test]
    fn only_one_write_is_under_way_so_edits_keep_their_order() {
        let mut outbox = Outbox::default();
        outbox.edited(vec![1]);
        let numbers = begin_write(&mut outbox);
        outbox.edited(vec![2]);
        outbox.hand_over();
        assert!(outbox.take_to_write().is_none());
        end_write(&mut outbox, &numbers, &[Some(RowKey(1))]);
        assert_eq!(outbox.take_to_write().unwrap()[0].update, [2]);
    }

    #[test]
    fn an_edit_that_could_not_be_kept_is_never_called_kept() {
        let mut outbox = Outbox::default();
        outbox.edited(vec![1]);
        let numbers = begin_write(&mut outbox);
        end_write(&mut outbox, &numbers, &[None]);
        assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
        assert_eq!(outbox.acknowledged(1), []);
        assert_eq!((outbox.waiting(), outbox.unkept()), (0, 0));
    }

    #[test]
    fn acknowledgements_free_the_oldest_rows_first() {
        let mut outbox = Outbox::default();
        outbox.found([RowKey(3), RowKey(4)]);
        outbox.edited(vec![1]);
        let numbers = begin_write(&mut outbox);
        end_write(&mut outbox, &numbers, &[Some(RowKey(9))]);
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
