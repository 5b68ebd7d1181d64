//! What the program needs of the world outside it, as traits. Adapters implement them; `contract` says what
//! each must honour. Whatever leaves the process can fail, and failure is never absence.

mod blobs;
mod bus;
mod holdings;
mod leases;
mod mail;
mod membership;
mod tables;

use async_trait::async_trait;
use bytes::Bytes;
use sheaf_shared::ids::DocName;
pub use sheaf_shared::ids::Seq;
use sheaf_shared::time::UnixMs;

pub use holdings::{Batch, Entering, Leaving, Piece, Soundness};
pub use leases::{Acquired, Fence, LEASE_MS, LEASE_RENEW_EVERY_MS, Lease, Leases, Renewed};
pub use mail::{Letter, Mail, MailFault};
pub use membership::{
    Beat, MEMBER_BEAT_EVERY_MS, MEMBER_FORGOTTEN_MS, MEMBER_SILENT_MS, Member, MemberState,
    Membership,
};

pub use blobs::{AtOnce, BLOB_BYTES_MAX, BlobFault, BlobId, Blobs, Chunks, Incoming, Verified};
pub use bus::{Arrival, Bus, BusFault, Channel, GROUPS, Line, Speaker};
pub use tables::{Row, Statement, Tables, Touches, Value, Written, is_in_order};

/// What servers with the same store know and nobody else does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SharedSecret(pub [u8; 32]);

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Which snapshot of a document this is; 0 before the first. A writer who holds an old one has lost the race.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

/// One encoded update (V1), as it was received.
pub type UpdateBytes = Bytes;

/// One stored update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// When it was stored. What became history is known by its segment alone: when the newest in it was stored.
    pub at: UnixMs,
    /// The update.
    pub update: UpdateBytes,
}

/// The places a batch was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Of the first update. If it is not the caller's head + 1, others wrote in between: read them.
    pub first: Seq,
    /// Of the last update.
    pub last: Seq,
}

/// How far a document has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its newest update.
    pub seq: Seq,
    /// Its newest snapshot.
    pub generation: Generation,
    /// The last update that one holds.
    pub snapshot_through: Seq,
}

/// A document as the store holds it: a snapshot, and what came after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredDocument {
    /// Which snapshot this is.
    pub generation: Generation,
    /// Everything up to and with `snapshot_through`, as one update; `None` before the first snapshot.
    pub snapshot: Option<UpdateBytes>,
    /// The last update the snapshot holds.
    pub snapshot_through: Seq,
    /// Every update after the snapshot, in order, without gaps.
    pub log: Vec<Entry>,
}

impl StoredDocument {
    /// The newest update's place.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.log
            .last()
            .map_or(self.snapshot_through, |entry| entry.seq)
    }

    /// The snapshot, then each update: what to apply, in order.
    pub fn updates(&self) -> impl Iterator<Item = &UpdateBytes> {
        self.snapshot
            .iter()
            .chain(self.log.iter().map(|entry| &entry.update))
    }

    /// Bytes of the log after the snapshot.
    #[must_use]
    pub fn log_bytes(&self) -> usize {
        self.log.iter().map(|entry| entry.update.len()).sum()
    }
}

/// A new snapshot, and the one it was made from.
#[derive(Clone, Debug)]
pub struct NewSnapshot {
    /// The generation that was read to make it.
    pub made_from: Generation,
    /// The number of the lease it was made under; 0 without one.
    pub fence: Fence,
    /// The last update it holds.
    pub through: Seq,
    /// The whole document as one update.
    pub bytes: UpdateBytes,
}

/// What became of a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutSnapshot {
    /// It is the newest now.
    Stored(Generation),
    /// Another was stored since `made_from` was read; nothing changed.
    Outrun(Generation),
    /// A newer lease of the document was given since; nothing changed.
    Fenced,
}

/// One line of the list of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSummary {
    /// Its name.
    pub doc: DocName,
    /// How far it has come.
    pub head: Head,
    /// Why it could not be read, if that happened and nobody repaired it.
    pub trouble: Option<String>,
}

/// An update that was put aside because it could not be applied. Kept for a person to look at; never deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its place, if it was stored before it turned out bad.
    pub seq: Option<Seq>,
    /// Why.
    pub reason: String,
    /// The update.
    pub update: UpdateBytes,
    /// When it was put aside.
    pub at: UnixMs,
}

/// Why the store did not do what it was asked. Nothing may be acknowledged; the caller's data is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageFault {
    /// There is no room left. Goes away by itself once there is.
    #[error("the disk is full")]
    Full,
    /// Somebody else holds it for now.
    #[error("the storage is busy")]
    Busy,
    /// It is not there, and was not asked.
    #[error("the storage is away")]
    Away,
    /// It answers with errors. Whether the write happened is unknown until it has recovered.
    #[error("the storage failed: {0}")]
    Failed(String),
    /// The program is going down.
    #[error("the storage is closed")]
    Closed,
}

/// Why a document could not be read. It may well exist: this is never an empty document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// The store could not be asked.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// What is stored is damaged. Nothing was skipped or repaired.
    #[error("the stored document is damaged: {0}")]
    Damaged(String),
}

/// Most bytes of updates a [`Store::read_since`] answer holds, beyond its first entry.
pub const READ_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The durable log of every document. The truth of the whole program lies here.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Writes `updates` at the end of the document's log, all or none, and answers when they are on the disk.
    ///
    /// Creates the document if it was not there. `updates` is not empty.
    ///
    /// # Errors
    /// [`StorageFault`]: do not acknowledge. After [`StorageFault::Failed`] the updates may be there all the same;
    /// writing them again is safe, because updates may be applied twice.
    async fn append(
        &self,
        doc: &DocName,
        updates: Vec<UpdateBytes>,
    ) -> Result<Appended, StorageFault>;

    /// The document in one consistent view. `None`: asked, and there is none.
    ///
    /// # Errors
    /// [`ReadFault`] when it could not be read, which is not absence.
    async fn load(&self, doc: &DocName) -> Result<Option<StoredDocument>, ReadFault>;

    /// The updates after `after`, in order and without gaps; at least one if there is any, and about
    /// [`READ_BYTES_MAX`] bytes at most. `None` if a snapshot has replaced some of them: load instead.
    ///
    /// # Errors
    /// [`ReadFault`] when they could not be read.
    async fn read_since(&self, doc: &DocName, after: Seq) -> Result<Option<Vec<Entry>>, ReadFault>;

    /// How far each of `docs` has come, in the same order; `None` for one that does not exist.
    ///
    /// # Errors
    /// [`StorageFault`] when the store could not be asked.
    async fn heads(&self, docs: &[DocName]) -> Result<Vec<Option<Head>>, StorageFault>;

    /// Makes `snapshot` the newest if `made_from` still is (compare and swap), and no newer lease than that of its `fence`
    /// was given.
    ///
    /// The log stays as it is until [`Store::trim`].
    ///
    /// # Errors
    /// [`StorageFault`] when nothing changed.
    async fn put_snapshot(
        &self,
        doc: &DocName,
        snapshot: NewSnapshot,
    ) -> Result<PutSnapshot, StorageFault>;

    /// Moves updates up to `through` from the log to the history, and answers how many. Never goes past what the
    /// stored snapshot holds, whatever is asked.
    ///
    /// # Errors
    /// [`StorageFault`] when nothing changed.
    async fn trim(&self, doc: &DocName, through: Seq) -> Result<u64, StorageFault>;

    /// Updates that were moved to the history, after `after`, in order.
    ///
    /// # Errors
    /// [`ReadFault`] when they could not be read.
    async fn history_since(&self, doc: &DocName, after: Seq) -> Result<Vec<Entry>, ReadFault>;

    /// At most `limit` documents whose names come after `after`, by name.
    ///
    /// # Errors
    /// [`StorageFault`] when the store could not be asked.
    async fn list(
        &self,
        after: Option<&DocName>,
        limit: usize,
    ) -> Result<Vec<DocumentSummary>, StorageFault>;

    /// Puts an update aside. If it has a `seq`, [`Store::load`] and [`Store::read_since`] answer an empty update
    /// in its place from now on.
    ///
    /// # Errors
    /// [`StorageFault`] when nothing changed.
    async fn quarantine(&self, doc: &DocName, update: Quarantined) -> Result<(), StorageFault>;

    /// What was put aside of a document, oldest first.
    ///
    /// # Errors
    /// [`StorageFault`] when the store could not be asked.
    async fn quarantined(&self, doc: &DocName) -> Result<Vec<Quarantined>, StorageFault>;

    /// Whether other servers use the same store at the same time.
    fn is_shared(&self) -> bool {
        false
    }

    /// Names what answers now: after a restart or a failover it is another name. None if there is nothing that could
    /// change while this process runs.
    ///
    /// # Errors
    /// [`StorageFault`] when the store could not be asked.
    async fn run(&self) -> Result<Option<String>, StorageFault> {
        Ok(None)
    }

    /// The list of servers that share it; none if it is not shared.
    fn membership(&self) -> Option<&dyn Membership> {
        None
    }

    /// The leases of its documents; none where nobody could want one.
    fn leases(&self) -> Option<&dyn Leases> {
        None
    }

    /// The small tables beside the documents; none in a store that forgets.
    fn tables(&self) -> Option<&dyn Tables> {
        None
    }

    /// What the servers that share this store know, and nobody else; none if it is not shared.
    fn shared_secret(&self) -> Option<SharedSecret> {
        None
    }

    /// What is wrong with the file or the like that everything lies in, whatever it holds; nothing if it is sound.
    /// Reads all of it. A database that checks itself has nothing to add.
    ///
    /// # Errors
    /// [`StorageFault`] when it could not be read.
    async fn damages_of_whole(&self) -> Result<Vec<String>, StorageFault> {
        Ok(Vec::new())
    }

    /// Whether an append would be taken now: writes something small and durable.
    ///
    /// # Errors
    /// [`StorageFault`] when it would not.
    async fn probe(&self) -> Result<(), StorageFault>;
}
