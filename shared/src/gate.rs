//! The byte gate: what must be true of bytes before `yrs` may see them.
//!
//! `yrs` aborts, diverges or eats memory on some inputs of a few bytes, so both server and browser ask here
//! first. Bytes in, verdict out; nothing to speak of is allocated.

pub mod presence;
pub mod state_vector;
pub mod update;
mod writers;

use crate::bytes::{ReadError, Reader};

/// Why bytes were refused. The text is for logs and close reasons; it holds nothing of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at byte {at})")]
pub struct Refusal {
    /// What was wrong.
    pub reason: &'static str,
    /// Offset of the byte where it showed.
    pub at: usize,
}

impl Refusal {
    const fn new(reason: &'static str, at: usize) -> Self {
        Self { reason, at }
    }

    /// The bytes read so far show `reason`.
    const fn here(reader: &Reader<'_>, reason: &'static str) -> Self {
        Self::new(reason, reader.at())
    }
}

/// Gives a read that failed its place.
trait OrRefuse<T> {
    fn or_refuse(self, at: usize) -> Result<T, Refusal>;
}

impl<T> OrRefuse<T> for Result<T, ReadError> {
    #[inline]
    fn or_refuse(self, at: usize) -> Result<T, Refusal> {
        self.map_err(|error| {
            let reason = match error {
                ReadError::CutShort => "it ends too early",
                ReadError::BadNumber => "a number is out of range",
                ReadError::BadText => "a text is not UTF-8",
            };
            Refusal::new(reason, at)
        })
    }
}
