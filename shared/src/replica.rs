//! One CRDT document behind few verbs.
//!
//! `yrs` is named here, in `flow` and in `space`, and nowhere else in the pure crates. Nothing reaches it
//! without passing the gate, and a transaction of it is never dropped while unwinding: its destructor commits,
//! and a second panic in there would end the process.

mod canonical;
mod depth;
mod fold;
mod guard;
mod ordered;

pub use fold::merge;
pub use ordered::{Early, Ordered, Taken};

use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, PoisonError};

use yrs::updates::decoder::Decode;
use yrs::{
    ClientID, Doc, OffsetKind, Options, ReadTxn, StateVector, Transact, Transaction,
    TransactionMut, Update,
};

use crate::gate::update::PartBytes;
use crate::gate::{self, Refusal};
use crate::ids::ReplicaId;
use crate::limits::TREE_DEPTH_MAX;

/// Deepest nesting of shared types in a replica.
const DEPTH_MAX: u32 = TREE_DEPTH_MAX as u32;

/// An update that changes nothing.
pub const EMPTY_UPDATE: &[u8] = &[0, 0];

/// One copy of a document. Offsets count UTF-16 units.
///
/// Verbs that read panic on a replica that is [broken](Self::is_broken): what is left in it must not be taken for the document.
pub struct Replica {
    doc: Doc,
    id: ReplicaId,
    /// First clock this replica has not written itself; content of its id from there on is somebody else's.
    own_clock: u32,
    /// Somebody else wrote under this id: from then on no clock of it can be trusted.
    clashed: bool,
    /// Shared types are nested at most this deep: what was measured last, and every type that came since.
    depth_bound: u32,
    /// Whether any text in it may hold characters of two UTF-16 units. Once true, stays true.
    may_hold_pairs: bool,
    /// A panic went through a transaction, which was leaked with the document's lock in it.
    broken: bool,
}

/// Why a replica did not take bytes. Unless said otherwise the replica is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// The byte gate refused them.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// They passed the gate and did not decode.
    #[error("the bytes do not decode")]
    Undecodable,
    /// They decoded and could not be applied; the replica must be reloaded.
    #[error("the update could not be applied")]
    Broken,
}

/// Who changed a replica; undo and the binding tell changes apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The person at this screen.
    Local,
    /// Anyone else: the server, another tab, the local log.
    Remote,
}

impl From<Origin> for yrs::Origin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Local => "local".into(),
            Origin::Remote => "remote".into(),
        }
    }
}

/// What applying an update left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Some of it waits for updates that have not come: ask for them (sync step 1).
    pub has_missing: bool,
    /// Another replica writes under this one's id. Go on with a replica of a fresh id before the next local edit,
    /// or the two will hide each other's edits for good.
    pub another_writes_as_me: bool,
}

impl Replica {
    /// An empty replica that writes as `id`.
    #[must_use]
    pub fn new(id: ReplicaId) -> Self {
        let doc = Doc::with_options(Options {
            client_id: ClientID::new(u64::from(id.0)),
            // The name of the copy is ours to choose; yrs would draw one from a random source.
            guid: "".into(),
            collection_id: None,
            offset_kind: OffsetKind::Utf16,
            skip_gc: false,
            auto_load: false,
            should_load: true,
            // yrs would delete format marks it deems redundant while applying others' updates. Those deletions
            // belong to no update that anybody sends, so replicas would hold different states.
            cleanup_formatting: false,
        });
        Self {
            doc,
            id,
            own_clock: 0,
            clashed: false,
            depth_bound: 0,
            may_hold_pairs: false,
            broken: false,
        }
    }

    /// The name it writes under.
    #[must_use]
    pub const fn id(&self) -> ReplicaId {
        self.id
    }

    /// Whether an earlier update or edit left it unusable. Drop it and load the document anew.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Applies one update (V1). Applying it again, or late, or before its predecessors does no harm.
    ///
    /// # Errors
    /// [`ReplicaError`] when the bytes were not taken. After [`ReplicaError::Broken`] drop the replica.
    pub fn apply(&mut self, update: &[u8], origin: Origin) -> Result<Applied, ReplicaError> {
        let inspected = gate::update::inspect(update)?;
        let types = inspected.types();
        match inspected.strides() {
            Some(strides) => self.apply_checked(&strides, types, origin),
            None => self.apply_checked(&[update], types, origin),
        }
    }

    /// Applies a state out of our own store, which may have grown beyond what one update may be.
    ///
    /// # Errors
    /// [`ReplicaError`] when the bytes were not taken. After [`ReplicaError::Broken`] drop the replica.
    pub fn apply_stored(&mut self, state: &[u8]) -> Result<Applied, ReplicaError> {
        let types = gate::update::inspect_stored(state)?.types();
        // What we encoded has no blocks to join.
        self.apply_checked(&[state], types, Origin::Remote)
    }

    /// Applies an update that the gate let through, or the strides it was cut into; `types` is its count of shared types.
    fn apply_checked<B: AsRef<[u8]>>(
        &mut self,
        strides: &[B],
        types: u32,
        origin: Origin,
    ) -> Result<Applied, ReplicaError> {
        if self.broken {
            return Err(ReplicaError::Broken);
        }
        for (place, stride) in strides.iter().enumerate() {
            match self.apply_stride(stride.as_ref(), origin) {
                // Half of an update is in the document.
                Err(ReplicaError::Undecodable) if place > 0 => {
                    self.broken = true;
                    return Err(ReplicaError::Broken);
                }
                taken => taken?,
            }
        }
        if types > 0 {
            self.depth_bound = self.depth_bound.saturating_add(types);
            if self.depth_bound > DEPTH_MAX {
                self.depth_bound = depth::measure(&self.doc.transact(), DEPTH_MAX + 1);
            }
        }
        if self.depth_bound > DEPTH_MAX {
            self.broken = true;
            return Err(ReplicaError::Broken);
        }
        self.clashed |= self.clock_of_own_id() > self.own_clock;
        Ok(Applied {
            has_missing: self.has_missing(),
            another_writes_as_me: self.clashed,
        })
    }

    /// One transaction.
    fn apply_stride(&mut self, update: &[u8], origin: Origin) -> Result<(), ReplicaError> {
        let decoded = guard::catch(|| Update::decode_v1(update))
            .and_then(Result::ok)
            .ok_or(ReplicaError::Undecodable)?;
        self.may_hold_pairs |= holds_pairs(update);
        let mut txn = ManuallyDrop::new(self.doc.transact_mut_with(origin));
        // Until it is through, whatever stops this function leaves a lock that nobody will open again.
        self.broken = true;
        let applied = guard::catch(|| txn.apply_update(decoded).map(|()| txn.commit()));
        if !matches!(applied, Some(Ok(()))) {
            return Err(ReplicaError::Broken);
        }
        drop(ManuallyDrop::into_inner(txn));
        self.broken = false;
        Ok(())
    }

    /// Makes one edit, in one transaction. Returns it as an update for others, or `None` when nothing changed.
    ///
    /// A panic in `edit` breaks the replica and goes on.
    pub fn transact(
        &mut self,
        origin: Origin,
        edit: impl FnOnce(&mut TransactionMut<'_>),
    ) -> Option<Vec<u8>> {
        self.transact_with(origin, edit).1
    }

    /// Like [`transact`](Self::transact), and hands on what `edit` returned.
    pub fn transact_with<T>(
        &mut self,
        origin: Origin,
        edit: impl FnOnce(&mut TransactionMut<'_>) -> T,
    ) -> (T, Option<Vec<u8>>) {
        self.assert_whole();
        let mut txn = ManuallyDrop::new(self.doc.transact_mut_with(origin));
        self.broken = true;
        let value = edit(&mut txn);
        txn.commit();
        let update = txn.has_changes().then(|| txn.encode_update_v1());
        self.own_clock = txn.store().get_local_state();
        drop(ManuallyDrop::into_inner(txn));
        self.broken = false;
        self.may_hold_pairs |= update.as_deref().is_some_and(holds_pairs);
        (value, update)
    }

    /// Lets something that opens transactions by itself (an undo manager) change the document.
    /// Returns the updates it made, in order.
    pub fn capture<T>(&mut self, change: impl FnOnce(&Doc) -> T) -> (T, Vec<Vec<u8>>) {
        const KEY: &str = "replica-capture";
        self.assert_whole();
        let updates = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&updates);
        let watching = self.doc.observe_update_v1(KEY, move |_, event| {
            sink.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(event.update.clone());
        });
        debug_assert!(
            watching.is_ok(),
            "no transaction is open: we hold the only handle"
        );
        self.broken = true;
        let value = change(&self.doc);
        let _ = self.doc.unobserve_update_v1(KEY);
        self.broken = false;
        let clock = self.read().store().get_local_state();
        self.own_clock = clock;
        let updates = std::mem::take(&mut *updates.lock().unwrap_or_else(PoisonError::into_inner));
        self.may_hold_pairs |= updates.iter().any(|update: &Vec<u8>| holds_pairs(update));
        (value, updates)
    }

    /// What this replica holds, as an encoded state vector. The same state gives the same bytes.
    #[must_use]
    pub fn version(&self) -> Vec<u8> {
        canonical::encode_version(&self.read().state_vector())
    }

    /// Whether another replica writes under this one's id, see [`Applied`].
    #[must_use]
    pub const fn another_writes_as_me(&self) -> bool {
        self.clashed
    }

    /// How many clocks its own edits have taken.
    #[must_use]
    pub const fn own_clock(&self) -> u32 {
        self.own_clock
    }

    /// How many clocks it holds of the id it writes under.
    fn clock_of_own_id(&self) -> u32 {
        self.read().store().get_local_state()
    }

    /// Whether nothing was ever written to it, and nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let txn = self.read();
        txn.state_vector().is_empty() && !txn.has_missing_updates()
    }

    /// Whether it holds updates that wait for predecessors.
    #[must_use]
    pub fn has_missing(&self) -> bool {
        self.read().has_missing_updates()
    }

    /// Whether a peer at `their_version` has all that was ever written here. Deletions have no version, so nothing is said of them.
    ///
    /// # Errors
    /// [`ReplicaError`] if `their_version` does not decode.
    pub fn is_all_known_at(&self, their_version: &[u8]) -> Result<bool, ReplicaError> {
        gate::state_vector::check(their_version)?;
        let theirs =
            StateVector::decode_v1(their_version).map_err(|_| ReplicaError::Undecodable)?;
        let ours = self.read().state_vector();
        let mut clocks = ours.iter();
        Ok(clocks.all(|(client, clock)| *clock <= theirs.get(client)))
    }

    /// What a peer at `their_version` lacks, as one update. Leaves out what still waits for its predecessors.
    ///
    /// A peer that is up to date gets all deletions once more, as they have no version.
    ///
    /// # Errors
    /// [`ReplicaError`] if `their_version` does not decode.
    pub fn missing_for(&self, their_version: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        gate::state_vector::check(their_version)?;
        let theirs =
            StateVector::decode_v1(their_version).map_err(|_| ReplicaError::Undecodable)?;
        Ok(self.read().encode_diff_v1(&theirs))
    }

    /// [`missing_for`](Self::missing_for) in parts that are to be taken in this order: see
    /// [`in_parts`](gate::update::in_parts). There is always one.
    ///
    /// # Errors
    /// [`ReplicaError`] if `their_version` does not decode.
    pub fn missing_in_parts(
        &self,
        their_version: &[u8],
        bytes: PartBytes,
    ) -> Result<Vec<Vec<u8>>, ReplicaError> {
        let missing = self.missing_for(their_version)?;
        Ok(gate::update::in_parts(missing, bytes)?)
    }

    /// All of it as one update, what still waits included: for snapshots.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.read()
            .encode_state_as_update_v1(&StateVector::default())
    }

    /// The whole state as text that is equal for two replicas exactly when they hold the same edits:
    /// version, deletions, and the content of every root. For tests and audits; takes time with the document's size.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical::describe(&self.read())
    }

    /// The document itself, for `flow`, `space` and the binding. To change it, use [`transact`](Self::transact).
    #[must_use]
    pub const fn doc(&self) -> &Doc {
        &self.doc
    }

    /// Whether a text in it may hold characters of two UTF-16 units, which an edit must not cut.
    pub(crate) const fn may_hold_pairs(&self) -> bool {
        self.may_hold_pairs
    }

    /// A view of the document. Hold it shortly: no edit can start meanwhile.
    ///
    /// # Panics
    /// If the replica is [broken](Self::is_broken).
    #[must_use]
    pub fn read(&self) -> Transaction<'_> {
        self.assert_whole();
        self.doc.transact()
    }

    fn assert_whole(&self) {
        assert!(
            !self.broken,
            "a broken replica was used; it had to be dropped and loaded anew"
        );
    }
}

/// Whether an update may hold a character that takes two UTF-16 units: four bytes of UTF-8, and an update
/// holds its texts as they are. Other bytes can look like that; then a little time is lost, and nothing else.
fn holds_pairs(update: &[u8]) -> bool {
    let follows = |byte: &u8| (0x80..0xC0).contains(byte);
    update
        .windows(4)
        .any(|bytes| matches!(bytes, [0xF0..=0xF4, rest @ ..] if rest.iter().all(follows)))
}

#[cfg(feature = "threads")]
const _: () = {
    const fn may_move_between_threads<T: Send>() {}
    may_move_between_threads::<Replica>();
};

#[cfg(test)]
mod tests;
