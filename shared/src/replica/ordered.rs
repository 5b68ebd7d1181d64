//! A replica that is handed updates only when everything they build on is there.
//!
//! What comes too early waits here, outside of `yrs`: version 0.28.1 does not say reliably that something waits
//! in it, can leave it waiting for ever, and can panic on it. So the replica inside never holds anything pending.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Origin, Replica, ReplicaError};
use crate::bytes::Reader;
use crate::gate::update::{self, Inspected};
use crate::ids::{ClientId, ReplicaId};

/// Bytes of updates that may wait. Beyond, the oldest are let go: whoever sent them holds them still.
const WAITING_BYTES_MAX: usize = 1024 * 1024;
/// Updates that may wait.
const WAITING_MAX: usize = 1_024;

/// A replica that takes updates in any order.
pub struct Ordered {
    replica: Replica,
    /// How many clocks of each writer the replica holds.
    clocks: BTreeMap<ClientId, u32>,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    has_let_go: bool,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is in the replica, and maybe others that had waited for it.
    Applied,
    /// It waits for its predecessors.
    Waits,
}

impl Ordered {
    /// An empty replica that writes as `id`.
    #[must_use]
    pub fn new(id: ReplicaId) -> Self {
        Self {
            replica: Replica::new(id),
            clocks: BTreeMap::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            has_let_go: false,
        }
    }

    /// The replica. To change it, go through [`Ordered`].
    #[must_use]
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// How many updates wait for predecessors.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes of the updates that wait.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether something had to be let go of before its predecessors came.
    #[must_use]
    pub const fn has_let_go(&self) -> bool {
        self.has_let_go
    }

    /// How many clocks of a writer are there without a gap.
    #[must_use]
    pub fn clock_of(&self, client: ClientId) -> u32 {
        self.clocks.get(&client).copied().unwrap_or(0)
    }

    /// Takes a snapshot of our own, which must build on nothing but itself.
    ///
    /// # Errors
    /// As [`Replica::apply_stored`].
    pub fn take_snapshot(&mut self, state: &[u8]) -> Result<(), ReplicaError> {
        self.replica.apply_stored(state)?;
        self.clocks = clocks_of(&self.replica.version());
        Ok(())
    }

    /// Takes one update. Each that is applied by this, itself or one that had waited, is given to `applied`, in order.
    ///
    /// # Errors
    /// As [`Replica::apply`]. One that had waited and can't be applied is passed over, unless it breaks the replica.
    pub fn take(
        &mut self,
        update: &Bytes,
        mut applied: impl FnMut(&Bytes),
    ) -> Result<Taken, ReplicaError> {
        let inspected = update::inspect(update)?;
        if !self.is_ready(&inspected) {
            self.wait(update.clone());
            return Ok(Taken::Waits);
        }
        self.apply(&inspected)?;
        applied(update);
        if !self.waiting.is_empty() {
            self.take_waiting(&mut applied)?;
        }
        Ok(Taken::Applied)
    }

    fn is_ready(&self, inspected: &Inspected<'_>) -> bool {
        inspected.is_ready_for(|client| self.clock_of(client))
    }

    fn apply(&mut self, inspected: &Inspected<'_>) -> Result<(), ReplicaError> {
        self.replica
            .apply_checked(inspected.bytes(), inspected.types(), Origin::Remote)?;
        for run in inspected.runs() {
            let clock = self.clocks.entry(run.client).or_insert(0);
            *clock = run.until.max(*clock);
        }
        Ok(())
    }

    fn wait(&mut self, update: Bytes) {
        if self.waiting.contains(&update) {
            return;
        }
        self.waiting_bytes += update.len();
        self.waiting.push(update);
        while self.waiting_bytes > WAITING_BYTES_MAX || self.waiting.len() > WAITING_MAX {
            self.waiting_bytes -= self.waiting.remove(0).len();
            self.has_let_go = true;
        }
    }

    /// Applies what is ready now, until nothing more is.
    fn take_waiting(&mut self, applied: &mut impl FnMut(&Bytes)) -> Result<(), ReplicaError> {
        loop {
            let ready = self.waiting.iter().position(|update| {
                update::inspect(update).map_or(true, |inspected| self.is_ready(&inspected))
            });
            let Some(place) = ready else {
                return Ok(());
            };
            let update = self.waiting.remove(place);
            self.waiting_bytes -= update.len();
            let Ok(inspected) = update::inspect(&update) else {
                continue;
            };
            match self.apply(&inspected) {
                Ok(()) => applied(&update),
                Err(ReplicaError::Broken) => return Err(ReplicaError::Broken),
                Err(ReplicaError::Refused(_) | ReplicaError::Undecodable) => {}
            }
        }
    }
}

/// The clocks in an encoded state vector of our own making.
fn clocks_of(version: &[u8]) -> BTreeMap<ClientId, u32> {
    let mut reader = Reader::new(version);
    let count = reader.var_uint().unwrap_or(0);
    (0..count)
        .map_while(|_| {
            let client = ClientId(reader.var_uint().ok()?);
            Some((client, reader.var_u32().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use yrs::{Text, WriteTxn};

    use super::*;
    use crate::testing::Chance;

    fn typed(replica: &mut Replica, at: u32, words: &str) -> Bytes {
        replica
            .transact(Origin::Local, |txn| {
                let text = txn.get_or_insert_text("content");
                text.insert(txn, at, words);
            })
            .unwrap()
            .into()
    }

    #[test]
    fn updates_in_any_order_give_the_same_document_and_nothing_is_left_waiting() {
        for seed in 0..200 {
            let mut chance = Chance::new(seed);
            let mut writers = [Replica::new(ReplicaId(1)), Replica::new(ReplicaId(2))];
            let mut updates = Vec::new();
            for _ in 0..30 {
                let writer = chance.index_below(2);
                let length = crate::flow::length(&writers[writer]);
                let at = chance.below(u64::from(length) + 1) as u32;
                let update = typed(&mut writers[writer], at, "ab");
                if chance.chance(0.5) {
                    // The other one hears of all of it now and then.
                    let all = writers[writer].missing_for(&[0]).unwrap();
                    writers[1 - writer].apply(&all, Origin::Remote).unwrap();
                }
                updates.push(update);
            }
            let all = writers[0].missing_for(&[0]).unwrap();
            writers[1].apply(&all, Origin::Remote).unwrap();
            chance.shuffle(&mut updates);
            let mut ordered = Ordered::new(ReplicaId(9));
            let mut applied = 0;
            for update in &updates {
                ordered.take(update, |_| applied += 1).unwrap();
                assert!(!ordered.replica().has_missing());
            }
            assert_eq!((ordered.waiting(), applied), (0, updates.len()));
            assert_eq!(
                ordered.replica().version(),
                {
                    let other = writers[1].missing_for(&[0]).unwrap();
                    writers[0].apply(&other, Origin::Remote).unwrap();
                    writers[0].version()
                },
                "seed {seed}"
            );
            assert_eq!(ordered.replica().canonical(), writers[0].canonical());
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut ann = Replica::new(ReplicaId(1));
        let _lost = typed(&mut ann, 0, "a");
        let mut ordered = Ordered::new(ReplicaId(9));
        for n in 0..2_000 {
            let late = typed(&mut ann, n, "b");
            ordered.take(&late, |_| {}).unwrap();
        }
        assert!(ordered.waiting() <= WAITING_MAX);
        assert!(ordered.has_let_go());
    }
}
