//! Wire bytes written piece by piece, to say what no honest client says.

use crate::bytes::{put_text, put_var_uint};

/// Bytes in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// With these bytes behind.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// With a number behind.
    #[must_use]
    pub fn num(mut self, number: u64) -> Self {
        put_var_uint(&mut self.0, number);
        self
    }

    /// With a text behind, after its length.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        put_text(&mut self.0, text);
        self
    }
}
