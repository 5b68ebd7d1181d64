//! Everything a store holds, row by row: how it leaves one store and enters another, with the times and the damage it
//! has. What is looked at here is rows, never documents; what they mean is `app::verify`'s to check.

use async_trait::async_trait;
use bytes::Bytes;
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::time::UnixMs;

use super::{Generation, Quarantined, StorageFault, Value};

/// Whether a row had the checksum it should have. A damaged row is carried as it is, and is damaged where it arrives:
/// with a fresh checksum nobody would ever find it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Soundness {
    /// It had.
    Sound,
    /// It had not.
    Damaged,
}

impl Soundness {
    /// By whether the checksum matched.
    #[must_use]
    pub fn of(matches: bool) -> Self {
        if matches { Self::Sound } else { Self::Damaged }
    }

    /// The checksum to write: `right`, or one that shows the damage.
    #[must_use]
    pub fn checksum(self, right: u32) -> i64 {
        match self {
            Self::Sound => right.into(),
            Self::Damaged => (!right).into(),
        }
    }
}

/// One row of the log or of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Place of its first update.
    pub first: Seq,
    /// Place of its last update.
    pub last: Seq,
    /// When the newest of them was stored.
    pub at: UnixMs,
    /// Whether it is as it was written.
    pub soundness: Soundness,
    /// The updates, joined as they lie there.
    pub updates: Bytes,
}

/// One thing that a store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A row of one of the small tables, which have the same columns in every store.
    TableRow {
        /// Which.
        table: &'static str,
        /// What its columns hold, in the order in which the adapters name them.
        values: Vec<Value>,
    },
    /// A document; what follows is of it, until the next one.
    Document {
        /// Its name.
        doc: DocName,
        /// When it was first written to.
        created_at: UnixMs,
        /// The newest update's place.
        head: Seq,
        /// Why it could not be read when that was seen last.
        trouble: Option<String>,
    },
    /// Its snapshot.
    Snapshot {
        /// Which one it is.
        generation: Generation,
        /// The last update it holds.
        through: Seq,
        /// When it was stored.
        at: UnixMs,
        /// Whether it is as it was written.
        soundness: Soundness,
        /// The document as one update.
        bytes: Bytes,
    },
    /// A row of its history.
    History(Batch),
    /// A row of its log.
    Log(Batch),
    /// An update of it that was put aside.
    Aside(Quarantined),
}

/// All a store held at one moment, on its way out: the rows of the small tables, those first that others lean on; then
/// documents by name; of each its snapshot, its history and its log by
/// place, and what was put aside by age.
#[async_trait]
pub trait Leaving: Send {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// [`StorageFault`]: what came before is no whole.
    async fn next(&mut self) -> Result<Option<Piece>, StorageFault>;
}

/// A store that holds nothing yet and is being filled. Unless it is [kept](Entering::keep), it holds nothing afterwards
/// either, however the program ended.
#[async_trait]
pub trait Entering: Leaving {
    /// Takes the next piece, in the order of [`Leaving`].
    ///
    /// # Errors
    /// [`StorageFault`]: give it up.
    async fn put(&mut self, piece: Piece) -> Result<(), StorageFault>;

    /// From now on, [`Leaving::next`] answers what was put, read from where it lies.
    ///
    /// # Errors
    /// [`StorageFault`]: give it up.
    async fn turn_round(&mut self) -> Result<(), StorageFault>;

    /// Makes it last: when this returns, it is on the disk.
    ///
    /// # Errors
    /// [`StorageFault`]: it holds nothing, or, if the answer was lost, all.
    async fn keep(self: Box<Self>) -> Result<(), StorageFault>;
}
