//! Building updates by hand, and asking the gate.

use sheaf_shared::gate::update;
use sheaf_shared::testing::Bytes;

/// An update of one block by `client` at `clock`, which deletes nothing.
pub(crate) fn one_block(client: u64, clock: u64, block: &[u8]) -> Vec<u8> {
    Bytes::new()
        .num(1)
        .num(1)
        .num(client)
        .num(clock)
        .raw(block)
        .num(0)
        .0
}

/// A text block in the root text `t`.
pub(crate) fn text_block(text: &str) -> Vec<u8> {
    Bytes::new().raw(&[4, 1]).text("t").text(text).0
}

/// Refused for `reason`, with at most one step of work a byte.
#[track_caller]
pub(crate) fn refused(update: &[u8], reason: &str) {
    let (verdict, steps) = update::inspect_metered(update);
    let Err(refusal) = verdict else {
        panic!("passed, instead of: {reason}")
    };
    assert_eq!(refusal.reason, reason);
    assert!(refusal.at <= update.len());
    assert!(
        steps <= 4 * update.len() as u64,
        "{steps} steps for {} bytes",
        update.len()
    );
}

#[track_caller]
pub(crate) fn passes(update: &[u8]) {
    let (verdict, steps) = update::inspect_metered(update);
    assert!(verdict.is_ok(), "{verdict:?}");
    assert!(
        steps <= 4 * update.len() as u64,
        "{steps} steps for {} bytes",
        update.len()
    );
}

/// A number from the environment, or else `usual`: how long a search goes on.
pub(crate) fn from_environment(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(number) => number
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number")),
        Err(_) => usual,
    }
}
