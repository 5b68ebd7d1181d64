//! The gate for presence (awareness) payloads.

use super::Refusal;

/// Checks one awareness payload.
///
/// # Errors
/// [`Refusal`] when it does not decode or claims more than it holds.
pub fn check(_payload: &[u8]) -> Result<(), Refusal> {
    todo!()
}
