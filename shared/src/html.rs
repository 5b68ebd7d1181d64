//! HTML out and in.
//!
//! Out: clean semantic HTML with real lists, everything escaped, only harmless addresses, no scripts. In: as far as a
//! flow can hold it, by an allow-list; what is not known loses its tag, never its text.

pub(crate) mod entity;
mod read;
pub(crate) mod tags;
pub(crate) mod token;
mod write;

pub use read::{HTML_BYTES_MAX, ReadError, read};
pub use write::{write, write_document};

#[cfg(test)]
mod tests;
