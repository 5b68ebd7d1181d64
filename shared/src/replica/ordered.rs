//! A replica that is handed updates only when everything they build on is there.
//!
//! What comes too early waits here, outside of `yrs`: version 0.28.1 does not say reliably that something waits
//! in it, can leave it waiting for ever, and can panic on it. So the replica inside never holds anything pending.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Origin, Replica, ReplicaError};
use crate::bytes::Reader;
use crate::gate::update::{Checked, Lacks};
use crate::ids::{ClientId, ReplicaId, Seq};

/// Bytes of updates that may wait. Beyond, the oldest are let go: whoever sent them holds them still.
const WAITING_BYTES_MAX: usize = 1024 * 1024;
/// Updates that may wait.
const WAITING_MAX: usize = 1_024;

/// A replica that takes updates in any order.
pub struct Ordered {
    replica: Replica,
    early: Early,
}

/// The updates that came too early for a replica which somebody else owns. Give it the same replica each time,
/// and let every update of others reach that replica through it.
#[derive(Debug)]
pub struct Early {
    /// How many clocks of each writer the replica holds, its own left out: it writes between two calls.
    clocks: BTreeMap<ClientId, u32>,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    bound: Bound,
    has_let_go: bool,
    culprit: Option<Seq>,
}

/// An update that came too early.
#[derive(Debug)]
struct Waiting {
    /// Its row in the log; [`NO_ROW`] if it has none.
    row: Seq,
    update: Checked,
}

/// The row of an update that is in no log.
const NO_ROW: Seq = Seq(0);

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    /// [`WAITING_BYTES_MAX`] and [`WAITING_MAX`]: for what others send.
    Fixed,
    /// Everything: for a log, from which nothing may be left out.
    Log,
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
            early: Early::new(),
        }
    }

    /// An empty replica that writes as `id` and lets go of nothing, however much waits: for a log that grows. Whoever
    /// writes to the log bounds what may wait in it.
    #[must_use]
    pub fn keeping_all(id: ReplicaId) -> Self {
        Self {
            replica: Replica::new(id),
            early: Early::of_log(),
        }
    }

    /// A stored document: the snapshot its log starts from, and the rows after it, in any order. However much
    /// waits at the end, all of it is kept: ask [`waiting`](Self::waiting) before the replica counts as the whole.
    ///
    /// # Errors
    /// As [`Replica::apply_stored`], of the first that could not be taken.
    pub fn of_log<'a>(
        id: ReplicaId,
        snapshot: Option<&[u8]>,
        rows: impl IntoIterator<Item = &'a Bytes>,
    ) -> Result<Self, ReplicaError> {
        let mut ordered = Self::keeping_all(id);
        if let Some(snapshot) = snapshot {
            ordered.take_snapshot(snapshot)?;
        }
        for row in rows {
            ordered.take(row, |_| {})?;
        }
        Ok(ordered)
    }

    /// The replica. To change it, go through [`Ordered`].
    #[must_use]
    pub const fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The replica alone. What waits is given up.
    #[must_use]
    pub fn into_replica(self) -> Replica {
        self.replica
    }

    /// How many updates wait for predecessors.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.early.waiting()
    }

    /// Bytes of the updates that wait.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.early.waiting_bytes
    }

    /// Whether something had to be let go of before its predecessors came.
    #[must_use]
    pub const fn has_let_go(&self) -> bool {
        self.early.has_let_go
    }

    /// How many clocks of a writer are there without a gap.
    #[must_use]
    pub fn clock_of(&self, client: ClientId) -> u32 {
        self.early.clock_of(client, &self.replica)
    }

    /// Who has written what is in the replica, apart from the replica itself.
    pub fn writers(&self) -> impl Iterator<Item = ClientId> {
        self.early.clocks.keys().copied()
    }

    /// The row to blame for the failure of the last [`take_row`](Self::take_row): the one given, or one that had
    /// waited for it.
    #[must_use]
    pub const fn culprit(&self) -> Option<Seq> {
        self.early.culprit
    }

    /// The rows that wait, and what each waits for first. Nothing is known to be lacking where blocks wait for each other in
    /// a circle.
    pub fn waiting_rows(&self) -> impl Iterator<Item = (Seq, Option<Lacks>)> {
        let clock_of = |client| self.early.clock_of(client, &self.replica);
        let waiting = self.early.waiting.iter();
        waiting.map(move |waiting| (waiting.row, waiting.update.lacks(clock_of)))
    }

    /// The updates that wait.
    pub fn waiting_updates(&self) -> impl Iterator<Item = &Bytes> {
        self.early.waiting.iter().map(|one| one.update.bytes())
    }

    /// Whether exactly this update waits.
    #[must_use]
    pub fn waits(&self, update: &[u8]) -> bool {
        self.early.holds(update)
    }

    /// Takes a snapshot of our own, of any length, which must build on nothing but itself. What had waited for something in it
    /// is taken too.
    ///
    /// # Errors
    /// As [`Replica::apply_stored`].
    pub fn take_snapshot(&mut self, state: &[u8]) -> Result<(), ReplicaError> {
        self.early.take_snapshot(state, &mut self.replica)
    }

    /// Takes one update. Each that is applied by this, itself or one that had waited, is given to `applied`, in order.
    ///
    /// # Errors
    /// As [`Replica::apply`]. One that had waited and can't be applied is passed over, unless it breaks the replica.
    pub fn take(
        &mut self,
        update: &Bytes,
        applied: impl FnMut(&Bytes),
    ) -> Result<Taken, ReplicaError> {
        self.take_row(NO_ROW, update, applied)
    }

    /// The same for a row of the log, which can be [blamed](Self::culprit) later.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_row(
        &mut self,
        row: Seq,
        update: &Bytes,
        applied: impl FnMut(&Bytes),
    ) -> Result<Taken, ReplicaError> {
        self.early.culprit = Some(row);
        let update = Checked::of(update.clone())?;
        self.take_checked(row, &update, applied)
    }

    /// The same for one that has passed the gate.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_checked(
        &mut self,
        row: Seq,
        update: &Checked,
        applied: impl FnMut(&Bytes),
    ) -> Result<Taken, ReplicaError> {
        let replica = &mut self.replica;
        self.early.take_checked(row, update, replica, applied)
    }
}

impl Default for Early {
    fn default() -> Self {
        Self::new()
    }
}

impl Early {
    /// Beside an empty replica. Of what waits, the oldest is let go when it gets too much.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            clocks: BTreeMap::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            bound: Bound::Fixed,
            has_let_go: false,
            culprit: None,
        }
    }

    /// Beside a replica that a stored log is read into. However much waits, nothing is let go.
    #[must_use]
    pub const fn of_log() -> Self {
        let mut early = Self::new();
        early.bound = Bound::Log;
        early
    }

    /// How many updates wait for predecessors.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether exactly this update waits.
    #[must_use]
    pub fn holds(&self, update: &[u8]) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|waiting| *waiting.update.bytes() == *update)
    }

    /// As [`Ordered::take_snapshot`].
    ///
    /// # Errors
    /// As [`Replica::apply_stored`].
    pub fn take_snapshot(
        &mut self,
        state: &[u8],
        replica: &mut Replica,
    ) -> Result<(), ReplicaError> {
        replica.apply_stored(state)?;
        self.clocks = clocks_of(&replica.version());
        self.take_waiting(replica, &mut |_| {})
    }

    /// As [`Ordered::take`].
    ///
    /// # Errors
    /// As [`Replica::apply`].
    pub fn take(
        &mut self,
        update: &Bytes,
        replica: &mut Replica,
        applied: impl FnMut(&Bytes),
    ) -> Result<Taken, ReplicaError> {
        let update = Checked::of(update.clone())?;
        self.take_checked(NO_ROW, &update, replica, applied)
    }

    fn take_checked(
        &mut self,
        row: Seq,
        update: &Checked,
        replica: &mut Replica,
        mut applied: impl FnMut(&Bytes),
    ) -> Result<Taken, ReplicaError> {
        self.culprit = Some(row);
        if !self.is_ready(update, replica) {
            self.wait(Waiting {
                row,
                update: update.clone(),
            });
            return Ok(Taken::Waits);
        }
        self.apply(update, replica)?;
        applied(update.bytes());
        if !self.waiting.is_empty() {
            self.take_waiting(replica, &mut applied)?;
        }
        Ok(Taken::Applied)
    }

    fn clock_of(&self, client: ClientId, replica: &Replica) -> u32 {
        if client.0 == u64::from(replica.id().0) {
            return replica.clock_of_own_id();
        }
        self.clocks.get(&client).copied().unwrap_or(0)
    }

    fn is_ready(&self, update: &Checked, replica: &Replica) -> bool {
        update.is_ready_for(|client| self.clock_of(client, replica))
    }

    fn apply(&mut self, update: &Checked, replica: &mut Replica) -> Result<(), ReplicaError> {
        match update.strides() {
            Some(strides) => replica.apply_checked(&strides, update.types(), Origin::Remote)?,
            None => replica.apply_checked(&[update.bytes()], update.types(), Origin::Remote)?,
        };
        for run in update.runs() {
            let clock = self.clocks.entry(run.client).or_insert(0);
            *clock = run.until.max(*clock);
        }
        Ok(())
    }

    fn wait(&mut self, waiting: Waiting) {
        if self.holds(waiting.update.bytes()) {
            return;
        }
        self.waiting_bytes += waiting.update.bytes().len();
        self.waiting.push(waiting);
        while self.bound == Bound::Fixed
            && (self.waiting_bytes > WAITING_BYTES_MAX || self.waiting.len() > WAITING_MAX)
        {
            self.waiting_bytes -= self.waiting.remove(0).update.bytes().len();
            self.has_let_go = true;
        }
    }

    /// Applies what is ready now, until nothing more is.
    fn take_waiting(
        &mut self,
        replica: &mut Replica,
        applied: &mut impl FnMut(&Bytes),
    ) -> Result<(), ReplicaError> {
        loop {
            let mut waiting = self.waiting.iter();
            let ready = waiting.position(|waiting| self.is_ready(&waiting.update, replica));
            let Some(place) = ready else {
                return Ok(());
            };
            let Waiting { row, update } = self.waiting.remove(place);
            self.waiting_bytes -= update.bytes().len();
            self.culprit = Some(row);
            match self.apply(&update, replica) {
                Ok(()) => applied(update.bytes()),
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
    let mut clocks = BTreeMap::new();
    for _ in 0..count {
        let (Ok(client), Ok(clock)) = (reader.var_uint(), reader.var_u32()) else {
            break;
        };
        clocks.insert(ClientId(client), clock);
    }
    clocks
}

#[cfg(test)]
mod tests;
