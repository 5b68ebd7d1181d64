//! Carries everything from one store to an empty one, and reads it back to compare.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use sheaf_shared::ids::DocName;

use crate::ports::{Batch, Entering, Leaving, Piece, Quarantined, Soundness, StorageFault};

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
    #[error("the copy is not what it was made from, first in document {0}")]
    Differs(DocName),
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
    if let Some(doc) = first_difference(&expected, &found) {
        return Err(CopyError::Differs(doc));
    }
    to.keep().await.map_err(CopyError::Writing)?;
    Ok(copied)
}

type OfEach = BTreeMap<DocName, [u8; 32]>;

fn first_difference(expected: &OfEach, found: &OfEach) -> Option<DocName> {
    let names = expected.keys().chain(found.keys());
    names
        .filter(|doc| expected.get(*doc) != found.get(*doc))
        .min()
        .cloned()
}

/// A hash of each document's pieces, and a count of them all.
#[derive(Default)]
struct Digests {
    copied: Copied,
    done: OfEach,
    open: Option<(DocName, Sha256)>,
}

impl Digests {
    fn take(&mut self, piece: &Piece) {
        match piece {
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
            self.done.insert(doc, hash.finalize().into());
        }
    }

    fn done(mut self) -> (OfEach, Copied) {
        self.close();
        (self.done, self.copied)
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
