//! Which messages go to the store together, and as how many rows.

use std::collections::BTreeMap;

use bytes::Bytes;
use sheaf_shared::gate;
use sheaf_shared::ids::ClientId;
use sheaf_shared::replica;

use super::{Log, Row, WAITING_OVERHEAD_BYTES, Waiting, What};
use crate::room::Room;

/// Updates in one append.
const BATCH_UPDATES_MAX: usize = 1_024;
/// Bytes in one append. One update may be longer.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// So many updates that wait together become one: stored, applied and told once. Fewer go as they came, since
/// merging costs more than it saves then.
const MERGE_FROM: usize = 4;

impl Log {
    /// Takes the first messages that have waited, as many as fit one append.
    pub(super) fn take_batch(&mut self) -> Vec<Waiting> {
        let mut bytes = 0;
        let mut count = 0;
        for waiting in &self.gathering {
            let length = match &waiting.what {
                What::Store(update) => update.len(),
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
        let (ready, early) = self.part_by_readiness(rows.clone());
        if ready.len() < MERGE_FROM {
            return rows;
        }
        let updates: Vec<&Bytes> = ready.iter().map(|row| &row.update).collect();
        let Ok(merged) = replica::merge(&updates) else {
            // One of them is odd: let each stand alone, so that it takes no other with it.
            return rows;
        };
        let first = ready[0].author;
        let is_one = ready.iter().all(|row| row.author == first);
        let merged = Row {
            update: merged.into(),
            author: first.filter(|_| is_one),
        };
        std::iter::once(merged).chain(early).collect()
    }

    /// Those that fit, each after the ones before it, and the others.
    fn part_by_readiness(&self, rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
        let mut clocks: BTreeMap<ClientId, u32> = BTreeMap::new();
        rows.into_iter().partition(|row| {
            let Ok(inspected) = gate::update::inspect(&row.update) else {
                return false;
            };
            let is_ready = inspected.is_ready_for(|client| {
                let known = || self.copy.clock_of(client);
                clocks.get(&client).copied().unwrap_or_else(known)
            });
            if is_ready {
                for run in inspected.runs() {
                    let clock = clocks
                        .entry(run.client)
                        .or_insert_with(|| self.copy.clock_of(run.client));
                    *clock = run.until.max(*clock);
                }
            }
            is_ready
        })
    }
}
