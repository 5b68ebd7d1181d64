//! Carries everything from one store to an empty one, and reads it back to compare.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};
use sheaf_shared::ids::DocName;

use crate::ports::{Batch, Entering, Leaving, Piece, Quarantined, Soundness, StorageFault, Value};

/// Why everything could not be carried. The source is as it was, and the target holds nothing.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// What was to be copied could not be read.
    #[error("it could not be read")]
    Reading(#[source] StorageFault),
    /// The copy could not be written.
    #[error("the copy could not be written")]
    Writing(#[source] StorageFault),
    /// What was written does not read back as what was read.
    #[error("the copy is not what it was made from, first in {0}")]
    Differs(Part),
}

/// What is compared as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A small table.
    Table(&'static str),
    /// A document.
    Document(DocName),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(name) => write!(f, "the table {name}"),
            Self::Document(doc) => write!(f, "document {doc}"),
        }
    }
}

/// How much was carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Documents.
    pub documents: u64,
    /// Rows, those of documents not counted.
    pub rows: u64,
    /// Bytes of updates and snapshots.
    pub bytes: u64,
    /// Documents with a row that was damaged before. It was carried as it was.
    pub damaged: Vec<DocName>,
}

/// Carries everything, reads it back, compares, and makes it last. `progress` is told now and then how far it is.
///
/// # Errors
/// [`CopyError`]
pub async fn copy(
    from: &mut dyn Leaving,
    mut to: Box<dyn Entering>,
    progress: &mut (dyn FnMut(&Copied) + Send),
) -> Result<Copied, CopyError> {
    let mut read = Digests::default();
    while let Some(piece) = from.next().await.map_err(CopyError::Reading)? {
        let is_new_document = matches!(piece, Piece::Document { .. });
        read.take(&piece);
        if is_new_document {
            progress(&read.copied);
        }
        to.put(piece).await.map_err(CopyError::Writing)?;
    }
    let (expected, copied) = read.done();
    to.turn_round().await.map_err(CopyError::Writing)?;
    let mut written = Digests::default();
    while let Some(piece) = to.next().await.map_err(CopyError::Writing)? {
        written.take(&piece);
    }
    let (found, _) = written.done();
    if let Some(part) = first_difference(&expected, &found) {
        return Err(CopyError::Differs(part));
    }
    to.keep().await.map_err(CopyError::Writing)?;
    Ok(copied)
}

type OfEach = BTreeMap<Part, [u8; 32]>;

fn first_difference(expected: &OfEach, found: &OfEach) -> Option<Part> {
    let parts = expected.keys().chain(found.keys());
    parts
        .filter(|part| expected.get(*part) != found.get(*part))
        .min()
        .cloned()
}

/// A hash of each part's pieces, and a count of them all.
#[derive(Default)]
struct Digests {
    copied: Copied,
    done: OfEach,
    tables: BTreeMap<&'static str, Sha256>,
    open: Option<(DocName, Sha256)>,
}

impl Digests {
    fn take(&mut self, piece: &Piece) {
        match piece {
            Piece::TableRow { table, values } => {
                self.copied.rows += 1;
                let hash = self.tables.entry(table).or_default();
                numbers(hash, &[values.len() as u64]);
                for value in values {
                    hash_value(hash, value);
                }
            }
            Piece::Document {
                doc,
                created_at,
                head,
                trouble,
            } => {
                self.close();
                self.copied.documents += 1;
                let mut hash = Sha256::new();
                numbers(&mut hash, &[created_at.0, head.0]);
                text(&mut hash, trouble.as_deref().unwrap_or_default().as_bytes());
                self.open = Some((doc.clone(), hash));
            }
            Piece::Snapshot {
                generation,
                through,
                at,
                soundness,
                bytes,
            } => self.row(1, &[generation.0, through.0, at.0], *soundness, &[bytes]),
            Piece::History(batch) => self.batch(2, batch),
            Piece::Log(batch) => self.batch(3, batch),
            Piece::Aside(Quarantined {
                seq,
                reason,
                update,
                at,
            }) => self.row(
                4,
                &[seq.map_or(0, |seq| seq.0), at.0],
                Soundness::Sound,
                &[reason.as_bytes(), update],
            ),
        }
    }

    fn batch(&mut self, kind: u64, batch: &Batch) {
        let Batch {
            first,
            last,
            at,
            soundness,
            updates,
        } = batch;
        self.row(kind, &[first.0, last.0, at.0], *soundness, &[updates]);
    }

    fn row(&mut self, kind: u64, facts: &[u64], soundness: Soundness, texts: &[&[u8]]) {
        self.copied.rows += 1;
        self.copied.bytes += texts.iter().map(|text| text.len() as u64).sum::<u64>();
        let Some((doc, hash)) = &mut self.open else {
            return;
        };
        numbers(hash, &[kind, u64::from(soundness == Soundness::Damaged)]);
        numbers(hash, facts);
        for bytes in texts {
            text(hash, bytes);
        }
        let is_new = self.copied.damaged.last() != Some(&*doc);
        if soundness == Soundness::Damaged && is_new {
            self.copied.damaged.push(doc.clone());
        }
    }

    fn close(&mut self) {
        if let Some((doc, hash)) = self.open.take() {
            self.done
                .insert(Part::Document(doc), hash.finalize().into());
        }
    }

    fn done(mut self) -> (OfEach, Copied) {
        self.close();
        for (table, hash) in self.tables {
            self.done.insert(Part::Table(table), hash.finalize().into());
        }
        (self.done, self.copied)
    }
}

/// Nothing is another value than nothing of another kind, and than zero.
fn hash_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Int(None) => numbers(hash, &[0]),
        Value::Int(Some(number)) => numbers(hash, &[1, number.cast_unsigned()]),
        Value::Text(None) => numbers(hash, &[2]),
        Value::Text(Some(it)) => {
            numbers(hash, &[3]);
            text(hash, it.as_bytes());
        }
        Value::Bytes(None) => numbers(hash, &[4]),
        Value::Bytes(Some(bytes)) => {
            numbers(hash, &[5]);
            text(hash, bytes);
        }
    }
}

fn numbers(hash: &mut Sha256, numbers: &[u64]) {
    for number in numbers {
        hash.update(number.to_le_bytes());
    }
}

/// With its length before it, so that no two rows make the same bytes.
fn text(hash: &mut Sha256, bytes: &[u8]) {
    numbers(hash, &[bytes.len() as u64]);
    hash.update(bytes);
}
