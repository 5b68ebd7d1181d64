//! Bytes that are no text of a document, as pictures and files will be: each is named by the hash of what it holds, so
//! it never changes, putting it twice is putting it once, and whoever reads it can tell whether it is right.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Most bytes of one blob.
pub const BLOB_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Names a blob: the SHA-256 of its bytes. Text form: 64 hexadecimal digits, small letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId([u8; 32]);

impl BlobId {
    /// The name of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_hash(Sha256::new_with_prefix(bytes))
    }

    fn of_hash(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }

    /// Reads the text form, and nothing that only resembles it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a blob was not stored, or not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobFault {
    /// It has more than [`BLOB_BYTES_MAX`] bytes.
    #[error("it has more than {} MiB", BLOB_BYTES_MAX / 1024 / 1024)]
    TooLarge,
    /// There is no room left.
    #[error("there is no room for it")]
    Full,
    /// No answer came in time. Trying again later may help.
    #[error("no answer came in time")]
    Busy,
    /// The answer was an error.
    #[error("{0}")]
    Failed(String),
    /// What lies there is not what was put there.
    #[error("what lies under the name {0} is not what was stored")]
    Damaged(BlobId),
}

/// Bytes that come a piece at a time.
#[async_trait]
pub trait Chunks: Send {
    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// [`BlobFault`]: what came before is no whole, and nothing follows.
    async fn next(&mut self) -> Result<Option<Bytes>, BlobFault>;
}

/// Where blobs are kept.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Stores all that comes, and answers its name when it would survive a power cut. What is there already stays, or is
    /// written anew if it was damaged.
    ///
    /// # Errors
    /// [`BlobFault`], that of `bytes` among them: nothing can be read under its name that could not be before.
    async fn put(&self, bytes: &mut dyn Chunks) -> Result<BlobId, BlobFault>;

    /// The bytes of a blob. `None`: asked, and there is none. The last piece comes only after all of them turned out to
    /// be what the name says.
    ///
    /// # Errors
    /// [`BlobFault`] when it could not be asked for, which is not absence.
    async fn get(&self, id: BlobId) -> Result<Option<Box<dyn Chunks>>, BlobFault>;

    /// Whether something lies under the name. Does not read it.
    ///
    /// # Errors
    /// [`BlobFault`] when that could not be asked.
    async fn exists(&self, id: BlobId) -> Result<bool, BlobFault>;

    /// Removes a blob. One that is not there is removed already.
    ///
    /// # Errors
    /// [`BlobFault`] when it may still be there.
    async fn delete(&self, id: BlobId) -> Result<(), BlobFault>;

    /// At most `limit` names that come after `after`, in order.
    ///
    /// # Errors
    /// [`BlobFault`] when that could not be asked.
    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobFault>;
}

/// Counts and hashes what is put. For adapters.
#[derive(Debug, Default)]
pub struct Incoming {
    bytes: u64,
    hash: Sha256,
}

impl Incoming {
    /// Takes note of the next piece.
    ///
    /// # Errors
    /// [`BlobFault::TooLarge`] when it is too much.
    pub fn take(&mut self, chunk: &[u8]) -> Result<(), BlobFault> {
        self.bytes += chunk.len() as u64;
        if self.bytes > BLOB_BYTES_MAX {
            return Err(BlobFault::TooLarge);
        }
        self.hash.update(chunk);
        Ok(())
    }

    /// The name of all that was taken.
    #[must_use]
    pub fn done(self) -> BlobId {
        BlobId::of_hash(self.hash)
    }
}

/// Reads what lies under a name and keeps its last piece back until all of it is known to be right. For adapters.
pub struct Verified<C> {
    chunks: C,
    id: BlobId,
    /// Nothing once it is over, either way.
    read: Option<Incoming>,
    held: Option<Bytes>,
}

impl<C: Chunks> Verified<C> {
    /// Reads `chunks`, which lie under the name `id`.
    #[must_use]
    pub fn new(id: BlobId, chunks: C) -> Self {
        Self {
            chunks,
            id,
            read: Some(Incoming::default()),
            held: None,
        }
    }
}

#[async_trait]
impl<C: Chunks> Chunks for Verified<C> {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobFault> {
        // Taken out meanwhile: after an error, nothing follows.
        while let Some(mut read) = self.read.take() {
            let Some(chunk) = self.chunks.next().await? else {
                let is_right = read.done() == self.id;
                return match is_right {
                    true => Ok(self.held.take()),
                    false => Err(BlobFault::Damaged(self.id)),
                };
            };
            // More than can have been put is not what was put.
            read.take(&chunk).map_err(|_| BlobFault::Damaged(self.id))?;
            self.read = Some(read);
            if let Some(before) = self.held.replace(chunk) {
                return Ok(Some(before));
            }
        }
        Ok(None)
    }
}

/// Bytes that are there at once.
#[derive(Debug)]
pub struct AtOnce(Option<Bytes>);

impl AtOnce {
    /// All of `bytes` as one piece.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(Some(bytes.into()))
    }
}

#[async_trait]
impl Chunks for AtOnce {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobFault> {
        Ok(self.0.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_hash_in_small_letters_and_nothing_else_is_one() {
        let id = BlobId::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(id.to_string(), text);
        assert_eq!(BlobId::parse(text), Some(id));
        for wrong in [
            &text[1..],
            &text.to_uppercase(),
            &text.replace('b', "g"),
            &text.replace("ba", "../"),
            &format!("{text} "),
            "",
        ] {
            assert_eq!(BlobId::parse(wrong), None, "{wrong}");
        }
    }
}
