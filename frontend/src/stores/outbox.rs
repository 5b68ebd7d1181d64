//! Which edits of one document are only on this device, in the order they were made. Bookkeeping only: no
//! storage, no network.
//!
//! An edit is handed to the client and written to the log at the same time: neither waits for the other, so it may
//! be acknowledged before this device has kept it. Edits made before the log was read wait for both. An edit that
//! this device could not keep is tried again until it is kept, or the server has it. A word that is being composed is
//! written to the log like anything else, and held back from everybody else until it is whole. Edits of
//! other tabs are counted too until those tabs say they are acknowledged; if they say nothing for long, their tab
//! may be gone and the edits are adopted.

use std::collections::VecDeque;

use litemap::LiteMap;
use sheaf_shared::time::MonotonicMs;

use crate::local::db::RowKey;

/// Milliseconds another tab has to get its own edit acknowledged before this tab sends it too.
pub const ADOPT_AFTER_MS: u64 = 5_000;
/// Writes to the log under way at once. A key is written when it is pressed and not when the one before it is on the
/// disk; on a disk slower than the keys, further edits gather and are written together.
pub const WRITES_MAX: usize = 4;
/// Milliseconds after a write that failed before the next one is tried: a full disk is not asked for every key.
pub const RETRY_AFTER_MS: u64 = 2_000;

/// Tells the edits of one outbox apart, in the order they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EditNumber(u64);

/// An edit on its way to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToWrite {
    /// Which.
    pub number: EditNumber,
    /// One update (V1).
    pub update: Vec<u8>,
    /// Whether an earlier write of it failed.
    pub was_tried: bool,
}

/// The edits of one document that the server has not acknowledged.
#[derive(Debug, Default)]
pub struct Outbox {
    edits_made: u64,
    /// Made, and handed to nobody yet.
    fresh: Vec<Vec<u8>>,
    unwritten: Vec<ToWrite>,
    writes_under_way: usize,
    /// When the last write failed, if no later one was kept.
    failed_at: Option<MonotonicMs>,
    /// Handed to the client, oldest first.
    on_the_way: VecDeque<OnTheWay>,
    /// Written, and to be handed to the client later, oldest first.
    held: VecDeque<Held>,
    foreign: LiteMap<RowKey, Foreign>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnTheWay {
    /// The log does not have it yet.
    Unwritten(EditNumber),
    /// The log has it.
    Kept(RowKey),
    /// The log has it in the row of a later one.
    KeptWithLater,
    /// The log had it and was cleared.
    Lost,
}

#[derive(Debug)]
struct Held {
    log: OnTheWay,
    update: Vec<u8>,
}

/// An edit that was held back and may go now.
#[derive(Debug, PartialEq, Eq)]
pub struct Released {
    /// One update (V1).
    pub update: Vec<u8>,
    /// Its row, if the log has it already.
    pub row: Option<RowKey>,
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
            let unwritten = self.queue_write(update);
            self.on_the_way.push_back(unwritten);
        }
        fresh
    }

    /// A part of a word was made here that nobody else should see before it is whole.
    pub fn hold(&mut self, update: Vec<u8>) {
        let log = self.queue_write(&update);
        self.held.push_back(Held { log, update });
    }

    /// Takes what was held back: it counts as handed to the client from now on, so hand it over, in this order.
    pub fn release(&mut self) -> Vec<Released> {
        let held = std::mem::take(&mut self.held);
        let released = held.into_iter().map(|Held { log, update }| {
            self.on_the_way.push_back(log);
            let row = log.row();
            Released { update, row }
        });
        released.collect()
    }

    /// Whether nobody but the log has this edit yet.
    #[must_use]
    pub fn is_held(&self, row: RowKey) -> bool {
        let kept = OnTheWay::Kept(row);
        self.held.iter().any(|held| held.log == kept)
    }

    fn queue_write(&mut self, update: &[u8]) -> OnTheWay {
        let number = EditNumber(self.edits_made);
        self.edits_made += 1;
        self.unwritten.push(ToWrite {
            number,
            update: update.to_vec(),
            was_tried: false,
        });
        OnTheWay::Unwritten(number)
    }

    /// Takes everything unwritten, unless enough writes are under way or one has just failed.
    pub fn take_to_write(&mut self, now: MonotonicMs) -> Option<Vec<ToWrite>> {
        let is_too_soon = self
            .failed_at
            .is_some_and(|failed| now.ms_since(failed) < RETRY_AFTER_MS);
        if self.writes_under_way >= WRITES_MAX || is_too_soon {
            return None;
        }
        self.take_all_to_write()
    }

    /// Takes everything unwritten, whatever is under way: this page may be gone in a moment.
    pub fn take_all_to_write(&mut self) -> Option<Vec<ToWrite>> {
        if self.unwritten.is_empty() {
            return None;
        }
        self.writes_under_way += 1;
        Some(std::mem::take(&mut self.unwritten))
    }

    /// A write ended well: the row of each edit. Gives the rows that need wait no longer, because the server was
    /// faster.
    pub fn written(&mut self, rows: impl IntoIterator<Item = (EditNumber, RowKey)>) -> Vec<RowKey> {
        self.writes_under_way -= 1;
        self.failed_at = None;
        let mut overtaken = Vec::new();
        for (number, row) in rows {
            self.foreign.remove(&row);
            let mut edits = self.own_mut();
            match edits.find(|edit| **edit == OnTheWay::Unwritten(number)) {
                Some(edit) => *edit = OnTheWay::Kept(row),
                None => overtaken.push(row),
            }
        }
        overtaken
    }

    /// A write failed: nothing of it was kept. What the server does not have either is written again with the next
    /// edits. Returns whether the log now lacks something that nobody will write.
    pub fn not_written(&mut self, batch: Vec<ToWrite>, now: MonotonicMs) -> Lacking {
        self.writes_under_way -= 1;
        self.failed_at = Some(now);
        let made = batch.len();
        let again: Vec<ToWrite> = batch
            .into_iter()
            .filter(|edit| self.waits_unwritten(edit.number))
            .map(|edit| ToWrite {
                was_tried: true,
                ..edit
            })
            .collect();
        let lacking = Lacking::if_fewer(again.len(), made);
        // In the order they were made, whichever write they were in.
        for edit in again {
            let place = self
                .unwritten
                .partition_point(|later| later.number < edit.number);
            self.unwritten.insert(place, edit);
        }
        lacking
    }

    fn waits_unwritten(&self, number: EditNumber) -> bool {
        self.own().any(|edit| edit == OnTheWay::Unwritten(number))
    }

    /// Own edits that the server is not known to have, oldest first: those on the way, then those held back.
    fn own(&self) -> impl Iterator<Item = OnTheWay> {
        let held = self.held.iter().map(|held| held.log);
        self.on_the_way.iter().copied().chain(held)
    }

    fn own_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut OnTheWay> {
        let held = self.held.iter_mut().map(|held| &mut held.log);
        self.on_the_way.iter_mut().chain(held)
    }

    /// The browser cleared the log: what was kept there is not kept any more.
    pub fn log_was_cleared(&mut self) {
        for edit in self.own_mut() {
            if let OnTheWay::Kept(_) | OnTheWay::KeptWithLater = edit {
                *edit = OnTheWay::Lost;
            }
        }
        // Other tabs write theirs anew themselves, and tell of it.
        self.foreign.clear();
    }

    /// All that was lost is kept again, in one `row`. Gives it back if it need not wait: the server was faster.
    pub fn kept_again(&mut self, row: RowKey) -> Option<RowKey> {
        let mut in_row = Some(row);
        // The last one stands for all: they are acknowledged in order.
        for edit in self.own_mut().rev() {
            if *edit == OnTheWay::Lost {
                *edit = in_row
                    .take()
                    .map_or(OnTheWay::KeptWithLater, OnTheWay::Kept);
            }
        }
        in_row
    }

    /// The server has the oldest `edits` of those on the way; gives the rows that need wait no longer.
    pub fn acknowledged(&mut self, edits: usize) -> Vec<RowKey> {
        let count = edits.min(self.on_the_way.len());
        let acknowledged = self.on_the_way.drain(..count);
        acknowledged.filter_map(OnTheWay::row).collect()
    }

    /// Forgets what the server has and this device could not keep: a browser that refuses storage must not pile it
    /// up. Returns whether there was any: the log then lacks it.
    pub fn forget_acknowledged(&mut self) -> Lacking {
        if self.failed_at.is_none() {
            return Lacking::Nothing;
        }
        let unwritten = std::mem::take(&mut self.unwritten);
        let made = unwritten.len();
        self.unwritten = unwritten
            .into_iter()
            .filter(|edit| self.waits_unwritten(edit.number))
            .collect();
        Lacking::if_fewer(self.unwritten.len(), made)
    }

    /// Another tab wrote an edit. Returns whether it was news.
    pub fn foreign_edit(&mut self, row: RowKey, update: Vec<u8>, now: MonotonicMs) -> bool {
        let is_own = self.own().any(|edit| edit == OnTheWay::Kept(row));
        if is_own || self.foreign.contains_key(&row) {
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
        self.fresh.len() + self.on_the_way.len() + self.held.len() + self.foreign.len()
    }

    /// Those of them that not even this device has kept yet.
    #[must_use]
    pub fn unkept(&self) -> usize {
        self.fresh.len() + self.own().filter(|edit| !edit.is_kept()).count()
    }

    /// Whether the log still lacks edits that were made here, acknowledged or not.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        self.writes_under_way > 0 || !self.unwritten.is_empty() || !self.fresh.is_empty()
    }

    /// Whether edits of other tabs wait.
    #[must_use]
    pub fn has_foreign(&self) -> bool {
        !self.foreign.is_empty()
    }
}

/// Whether the log lacks edits that the server has and nobody here will write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what the log lacks must be written once it takes something again"]
pub enum Lacking {
    /// It lacks none.
    Nothing,
    /// It lacks some.
    Something,
}

impl Lacking {
    const fn if_fewer(left: usize, made: usize) -> Self {
        if left < made {
            Self::Something
        } else {
            Self::Nothing
        }
    }
}

impl OnTheWay {
    const fn row(self) -> Option<RowKey> {
        match self {
            Self::Kept(row) => Some(row),
            Self::Unwritten(_) | Self::KeptWithLater | Self::Lost => None,
        }
    }

    const fn is_kept(self) -> bool {
        match self {
            Self::Kept(_) | Self::KeptWithLater => true,
            Self::Unwritten(_) | Self::Lost => false,
        }
    }
}

#[cfg(test)]
mod tests;
