//! Which messages go to the store together, and as how many rows.

use std::collections::BTreeMap;

use bytes::Bytes;
use sheaf_shared::gate::update::Checked;
use sheaf_shared::ids::ClientId;
use sheaf_shared::replica;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

use super::{Log, Row, WAITING_OVERHEAD_BYTES, Waiting, What};
use crate::room::{Effect, Room};

/// Updates in one append.
const BATCH_UPDATES_MAX: usize = 1_024;
/// Bytes in one append. One update may be longer.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// So many updates that wait together become one: stored, applied and told once. Fewer go as they came, since
/// merging costs more than it saves then.
const MERGE_FROM: usize = 4;
/// Longest row, in bytes, that is made of several updates. What many typed at once is applied block by block by
/// everyone who hears of it, in one go: a short row lets them draw in between, and merging more saves nothing.
const MERGED_BYTES_MAX: usize = 16 * 1024;
/// Updates that may wait in a document for what they build on, and bytes of them. They cost memory as long as the
/// document is open, and time each time it is opened.
const EARLY_MAX: usize = 1_024;
const EARLY_BYTES_MAX: usize = 1024 * 1024;

impl Log {
    /// Takes the first messages that have waited, as many as fit one append.
    pub(super) fn take_batch(&mut self) -> Vec<Waiting> {
        let mut bytes = 0;
        let mut count = 0;
        for waiting in &self.gathering {
            let length = match &waiting.what {
                What::Store(update) => update.bytes().len(),
                What::Answer(_) => 0,
            };
            if count > 0 && (count >= BATCH_UPDATES_MAX || bytes + length > BATCH_BYTES_MAX) {
                break;
            }
            bytes += length;
            count += 1;
        }
        self.gathering_bytes -= bytes + count * WAITING_OVERHEAD_BYTES;
        if count == self.gathering.len() {
            return std::mem::take(&mut self.gathering);
        }
        self.gathering.drain(..count).collect()
    }
}

impl Room {
    /// The rows to store for these messages. Many make one row, but for those that build on what has not come:
    /// they wait alone, and hold up nobody else.
    pub(super) fn rows_of(&self, waiting: &[Waiting]) -> Vec<Row> {
        let rows: Vec<Row> = waiting
            .iter()
            .filter_map(|waiting| match &waiting.what {
                What::Store(update) => Some(Row {
                    update: update.clone(),
                    author: Some(waiting.member),
                }),
                What::Answer(_) => None,
            })
            .collect();
        if rows.len() < MERGE_FROM {
            return rows;
        }
        let readiness = self.readiness(rows.iter().map(|row| &row.update));
        let (ready, early): (Vec<_>, Vec<_>) = rows
            .iter()
            .zip(readiness)
            .partition(|(_, is_ready)| *is_ready);
        let ready: Vec<&Row> = ready.into_iter().map(|(row, _)| row).collect();
        if ready.len() < MERGE_FROM {
            return rows;
        }
        let merged: Option<Vec<Row>> = groups(&ready).map(merged).collect();
        let Some(mut merged) = merged else {
            // One of them is odd: let each stand alone, so that it takes no other with it.
            return rows;
        };
        merged.extend(early.into_iter().map(|(row, _)| row.clone()));
        merged
    }

    /// Takes out of a batch what would have to wait in a document where too much waits already, and puts out who sent
    /// it. It is not stored, so it is not acknowledged: who made it holds it, together with what it builds on.
    pub(super) fn turn_early_ones_away(
        &mut self,
        waiting: &mut Vec<Waiting>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let mut count_left = EARLY_MAX.saturating_sub(self.copy.waiting());
        let mut bytes_left = EARLY_BYTES_MAX.saturating_sub(self.copy.waiting_bytes());
        let bytes: usize = updates_of(waiting).map(|update| update.bytes().len()).sum();
        if waiting.len() <= count_left && bytes <= bytes_left {
            return;
        }
        let mut readiness = self.readiness(updates_of(waiting)).into_iter();
        let mut senders = Vec::new();
        waiting.retain(|waiting| {
            let What::Store(update) = &waiting.what else {
                return true;
            };
            if readiness.next() == Some(true) {
                return true;
            }
            let fits = count_left > 0 && update.bytes().len() <= bytes_left;
            if fits {
                count_left -= 1;
                bytes_left -= update.bytes().len();
            } else {
                senders.push(waiting.member);
            }
            fits
        });
        for sender in senders {
            if let Some(place) = self.place_of(sender) {
                self.close_member(place, CloseReason::TooMuch, now, out);
            }
        }
    }

    /// Of updates in the order they came, which fit, each after the ones before it.
    fn readiness<'a>(&self, updates: impl Iterator<Item = &'a Checked>) -> Vec<bool> {
        let mut clocks: BTreeMap<ClientId, u32> = BTreeMap::new();
        let mut is_next_ready = |update: &Checked| {
            let is_ready = update.is_ready_for(|client| {
                let known = || self.copy.clock_of(client);
                clocks.get(&client).copied().unwrap_or_else(known)
            });
            if is_ready {
                for run in update.runs() {
                    let clock = clocks
                        .entry(run.client)
                        .or_insert_with(|| self.copy.clock_of(run.client));
                    *clock = run.until.max(*clock);
                }
            }
            is_ready
        };
        updates.map(&mut is_next_ready).collect()
    }
}

/// Neighbours that make one row of at most [`MERGED_BYTES_MAX`] together, or one alone that is longer.
fn groups<'a>(rows: &'a [&'a Row]) -> impl Iterator<Item = &'a [&'a Row]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&&Row| {
            bytes += row.update.bytes().len();
            bytes <= MERGED_BYTES_MAX
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (group, others) = rest.split_at_checked(count)?;
        rest = others;
        Some(group)
    })
}

/// One row of several. None if they can't be merged, or make more than one update may hold.
fn merged(rows: &[&Row]) -> Option<Row> {
    let [first, others @ ..] = rows else {
        return None;
    };
    if others.is_empty() {
        return Some((*first).clone());
    }
    let updates: Vec<&Bytes> = rows.iter().map(|row| row.update.bytes()).collect();
    let update = Checked::of(replica::merge(&updates).ok()?.into()).ok()?;
    let is_one = others.iter().all(|row| row.author == first.author);
    Some(Row {
        update,
        author: first.author.filter(|_| is_one),
    })
}

fn updates_of(waiting: &[Waiting]) -> impl Iterator<Item = &Checked> {
    waiting.iter().filter_map(|waiting| match &waiting.what {
        What::Store(update) => Some(update),
        What::Answer(_) => None,
    })
}
