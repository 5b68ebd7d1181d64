//! One CRDT document behind few verbs.
//!
//! `yrs` is named here, in `flow` and in `space`, and nowhere else in the pure crates. Nothing reaches it
//! without passing the gate.

use yrs::Doc;

use crate::gate::Refusal;
use crate::ids::ReplicaId;

/// One copy of a document. Offsets count UTF-16 units.
pub struct Replica {
    doc: Doc,
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

/// What applying an update left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Some of it waits for updates that have not come: ask for them (sync step 1).
    pub has_missing: bool,
}

impl Replica {
    /// An empty replica that writes as `id`.
    #[must_use]
    pub fn new(_id: ReplicaId) -> Self {
        todo!()
    }

    /// Applies one update (V1).
    ///
    /// # Errors
    /// [`ReplicaError`] when the bytes were not taken.
    pub fn apply(&mut self, _update: &[u8], _origin: Origin) -> Result<Applied, ReplicaError> {
        todo!()
    }

    /// What this replica holds, as an encoded state vector.
    #[must_use]
    pub fn version(&self) -> Vec<u8> {
        todo!()
    }

    /// What a peer at `their_version` lacks, as one update. Leaves out what still waits for its predecessors.
    ///
    /// # Errors
    /// [`ReplicaError`] if `their_version` does not decode.
    pub fn missing_for(&self, _their_version: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        todo!()
    }

    /// All of it as one update, what still waits included: for snapshots.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }

    /// The document itself, for `flow`, `space` and the binding.
    #[must_use]
    pub const fn doc(&self) -> &Doc {
        &self.doc
    }
}
