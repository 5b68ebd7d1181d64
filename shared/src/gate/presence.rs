//! The gate for presence (awareness) payloads.

use serde::de::IgnoredAny;

use super::{OrRefuse, Refusal};
use crate::bytes::Reader;
use crate::limits::{PRESENCE_BYTES_MAX, PRESENCE_CLOCK_MAX};

/// Fewest bytes of an entry: client, clock and the length of its state.
const ENTRY_BYTES_MIN: usize = 3;

/// Checks one awareness payload: a count, then for each entry client, clock and state as JSON text.
///
/// The JSON is checked too: stock clients throw in the middle of a payload when it does not parse, and would
/// lose the entries behind it. How long a state may be is not judged here: see [`Roster`](crate::presence::Roster).
///
/// # Errors
/// [`Refusal`] when it does not decode or claims more than it holds.
pub fn check(payload: &[u8]) -> Result<(), Refusal> {
    if payload.len() > PRESENCE_BYTES_MAX {
        return Err(Refusal::new("the presence is too long", 0));
    }
    let mut reader = Reader::new(payload);
    let count = reader.var_uint().or_refuse(0)?;
    if count > (reader.left() / ENTRY_BYTES_MIN) as u64 {
        return Err(Refusal::here(
            &reader,
            "more entries are claimed than can follow",
        ));
    }
    for _ in 0..count {
        check_entry(&mut reader)?;
    }
    if reader.left() > 0 {
        return Err(Refusal::here(&reader, "bytes are left at the end"));
    }
    Ok(())
}

fn check_entry(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    let at = reader.at();
    reader.var_uint().or_refuse(at)?;
    let at = reader.at();
    if reader.var_uint().or_refuse(at)? > u64::from(PRESENCE_CLOCK_MAX) {
        return Err(Refusal::new("a presence clock is impossibly high", at));
    }
    let at = reader.at();
    let state = reader.text().or_refuse(at)?;
    // Skips over any depth without recursion.
    match serde_json::from_str::<IgnoredAny>(state) {
        Ok(IgnoredAny) => Ok(()),
        Err(_) => Err(Refusal::new("a presence state is not JSON", at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::{put_text, put_var_uint};

    fn one(client: u64, clock: u64, state: &str) -> Vec<u8> {
        let mut payload = vec![1];
        put_var_uint(&mut payload, client);
        put_var_uint(&mut payload, clock);
        put_text(&mut payload, state);
        payload
    }

    fn reason(payload: &[u8]) -> &'static str {
        check(payload).unwrap_err().reason
    }

    #[test]
    fn honest_presence_passes() {
        assert_eq!(check(&[0]), Ok(()));
        for state in [
            "null",
            "{}",
            r##"{"user":{"name":"Ann \ud83d","color":"#fff"}}"##,
            "3",
            " [1] ",
        ] {
            assert_eq!(check(&one((1 << 53) - 1, 7, state)), Ok(()), "{state}");
        }
    }

    #[test]
    fn four_bytes_that_claim_millions_of_people_are_refused() {
        let mut claim = Vec::new();
        put_var_uint(&mut claim, 268_000_000);
        assert_eq!(claim.len(), 4);
        assert_eq!(reason(&claim), "more entries are claimed than can follow");
    }

    #[test]
    fn a_state_that_would_make_a_stock_client_throw_is_refused() {
        for state in [
            "",
            "{",
            "undefined",
            "{'a':1}",
            "null null",
            "{\"a\":\"\u{1}\"}",
        ] {
            assert_eq!(
                reason(&one(1, 1, state)),
                "a presence state is not JSON",
                "{state}"
            );
        }
    }

    #[test]
    fn a_state_nested_as_deep_as_it_can_be_is_judged_without_recursion() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(check(&one(1, 1, &deep)), Ok(()));
        assert_eq!(
            reason(&one(1, 1, &"[".repeat(200_000))),
            "a presence state is not JSON"
        );
    }

    #[test]
    fn clocks_nobody_can_have_reached_are_refused() {
        let highest = u64::from(PRESENCE_CLOCK_MAX);
        assert_eq!(check(&one(1, highest, "null")), Ok(()));
        assert_eq!(
            reason(&one(1, highest + 1, "null")),
            "a presence clock is impossibly high"
        );
    }

    #[test]
    fn every_cut_and_every_left_over_byte_is_refused() {
        let whole = one(300, 200, "{\"user\":{}}");
        for end in 0..whole.len() {
            assert!(check(&whole[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(
            reason(&[&whole[..], &[0]].concat()),
            "bytes are left at the end"
        );
        assert_eq!(
            reason(&vec![0; PRESENCE_BYTES_MAX + 1]),
            "the presence is too long"
        );
    }
}
