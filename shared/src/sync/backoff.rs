//! When to try again: full-jitter exponential backoff.
//!
//! The bound doubles with each failure and is capped *before* the draw, so a crowd cut off at once comes back
//! spread evenly, and nobody waits longer than the cap.

/// Bound, in milliseconds, of the first delay.
pub const FIRST_MS: u64 = 500;
/// Bound, in milliseconds, of every later delay.
pub const CAP_MS: u64 = 15_000;
/// How long, in milliseconds, a connection must have held before the next failure counts as a first one.
///
/// Without this, a server that accepts and drops at once would be dialled without a pause.
pub const STABLE_AFTER_MS: u64 = 10_000;
const _: () = assert!(FIRST_MS < CAP_MS);

/// Counts failures and draws delays from its own seeded chance.
#[derive(Clone, Debug)]
pub struct Backoff {
    failures: u32,
    chance: u64,
}

impl Backoff {
    /// No failure yet. Two clients must not share a seed, or they come back together.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            chance: seed,
        }
    }

    /// One more failure: how many milliseconds to wait, from 0 up to the current bound.
    pub fn fail(&mut self) -> u64 {
        let bound = FIRST_MS
            .checked_shl(self.failures.min(32))
            .unwrap_or(CAP_MS)
            .min(CAP_MS);
        self.failures = self.failures.saturating_add(1);
        self.below(bound + 1)
    }

    /// It went well for long enough: start from the shortest delay again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// A number from 0 up to, not including, `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(n)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_clients_cut_off_together_come_back_spread_out() {
        let mut per_tenth = [0_u32; 10];
        for seed in 0..1_000 {
            let mut backoff = Backoff::new(seed);
            let delay = (0..8).map(|_| backoff.fail()).last().unwrap();
            assert!(delay <= CAP_MS);
            per_tenth[(delay * 10 / (CAP_MS + 1)) as usize] += 1;
        }
        assert!(
            per_tenth.iter().all(|&n| (60..=140).contains(&n)),
            "{per_tenth:?}"
        );
    }

    #[test]
    fn the_first_delay_is_short_again_after_a_reset() {
        let mut backoff = Backoff::new(7);
        for _ in 0..40 {
            backoff.fail();
        }
        backoff.reset();
        assert!(backoff.fail() <= FIRST_MS);
    }
}
