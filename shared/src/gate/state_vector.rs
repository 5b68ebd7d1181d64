//! The gate for state vectors.

use super::Refusal;

/// Checks one encoded state vector.
///
/// # Errors
/// [`Refusal`] when it does not decode or claims more than it holds.
pub fn check(_version: &[u8]) -> Result<(), Refusal> {
    todo!()
}
