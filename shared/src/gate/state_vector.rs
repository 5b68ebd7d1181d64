//! The gate for state vectors.

use super::writers::Writers;
use super::{OrRefuse, Refusal};
use crate::bytes::Reader;
use crate::limits::{CLOCK_MAX, LIKE_WRITERS_MAX, STATE_VECTOR_BYTES_MAX, UPDATE_WRITERS_MAX};

/// Fewest bytes of an entry: client and clock.
const ENTRY_BYTES_MIN: usize = 2;

/// Checks one encoded state vector: a count, then for each entry client and clock.
///
/// # Errors
/// [`Refusal`] when it does not decode or claims more than it holds.
pub fn check(version: &[u8]) -> Result<(), Refusal> {
    if version.len() > STATE_VECTOR_BYTES_MAX {
        return Err(Refusal::new("the state vector is too long", 0));
    }
    let mut reader = Reader::new(version);
    let count = reader.var_uint().or_refuse(0)?;
    if count > (reader.left() / ENTRY_BYTES_MIN) as u64 {
        return Err(Refusal::here(
            &reader,
            "more entries are claimed than can follow",
        ));
    }
    let mut writers = Writers::new(UPDATE_WRITERS_MAX, LIKE_WRITERS_MAX);
    for _ in 0..count {
        let at = reader.at();
        writers.add(reader.var_uint().or_refuse(at)?, at)?;
        let at = reader.at();
        if reader.var_uint().or_refuse(at)? > u64::from(CLOCK_MAX) {
            return Err(Refusal::new("a clock is impossibly high", at));
        }
    }
    writers.finish(reader.at())?;
    if reader.left() > 0 {
        return Err(Refusal::here(&reader, "bytes are left at the end"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::put_var_uint;

    fn reason(version: &[u8]) -> &'static str {
        check(version).unwrap_err().reason
    }

    #[test]
    fn honest_state_vectors_pass() {
        assert_eq!(check(&[0]), Ok(()));
        let mut version = vec![2];
        for number in [(1 << 53) - 1, 70_000, 5, u64::from(CLOCK_MAX)] {
            put_var_uint(&mut version, number);
        }
        assert_eq!(check(&version), Ok(()));
        for end in 0..version.len() {
            assert!(check(&version[..end]).is_err(), "cut at {end}");
        }
        version.push(0);
        assert_eq!(reason(&version), "bytes are left at the end");
    }

    #[test]
    fn four_bytes_that_claim_millions_of_writers_are_refused() {
        let mut claim = Vec::new();
        put_var_uint(&mut claim, 268_000_000);
        assert_eq!(claim.len(), 4);
        assert_eq!(reason(&claim), "more entries are claimed than can follow");
    }

    #[test]
    fn clocks_nobody_can_have_reached_are_refused() {
        let mut version = vec![1, 7];
        put_var_uint(&mut version, u64::from(CLOCK_MAX) + 1);
        assert_eq!(reason(&version), "a clock is impossibly high");
    }
}
