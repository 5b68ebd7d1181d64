//! The byte gate: what must be true of bytes before `yrs` may see them.
//!
//! `yrs` aborts, diverges or eats memory on some inputs of a few bytes, so both server and browser ask here
//! first. Bytes in, verdict out; nothing to speak of is allocated.

pub mod presence;
pub mod state_vector;
pub mod update;

/// Why bytes were refused. The text is for logs and close reasons; it holds nothing of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at byte {at})")]
pub struct Refusal {
    /// What was wrong.
    pub reason: &'static str,
    /// Offset of the byte where it showed.
    pub at: usize,
}
