//! How fast one address may come: a token bucket for each, in one number. Told the time.
//!
//! The number is when the bucket will be full again. A connection moves it on by the time in which one token comes; it may
//! not be further ahead than the whole bucket takes to fill. A bucket that is full is not kept.

use std::collections::HashMap;
use std::net::IpAddr;

/// Addresses remembered at a time. Beyond, whoever is not among them is let in uncounted: what comes from so many addresses
/// is not held back by counting each, and the bound on all connections stands.
const ADDRESSES_MAX: usize = 32_768;
/// A bucket holds what comes in so many seconds.
const BUCKET_S: u64 = 32;
/// Shortest pause, in microseconds, between two looks for buckets that are full.
const SWEEP_EVERY_US: u64 = 1_000_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// By address: when its bucket is full again, in microseconds.
    full_at: HashMap<IpAddr, u64>,
    swept_at: u64,
}

/// So many connections a second, in the long run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate(u64);

impl Rate {
    /// `None`: any.
    pub(super) fn new(per_second: usize) -> Option<Self> {
        (per_second > 0).then_some(Self(per_second as u64))
    }

    /// Microseconds in which one token comes.
    const fn token_us(self) -> u64 {
        let us = 1_000_000 / self.0;
        if us == 0 { 1 } else { us }
    }
}

impl Arrivals {
    pub(super) fn new() -> Self {
        Self {
            full_at: HashMap::new(),
            swept_at: 0,
        }
    }

    /// Whether one more of `address` may come now, at `now_us` microseconds of any clock that does not go back.
    pub(super) fn take(&mut self, address: IpAddr, rate: Rate, now_us: u64) -> bool {
        let full_at = match self.full_at.get(&address).copied() {
            Some(at) => at.max(now_us),
            None if self.has_room(now_us) => now_us,
            None => return true,
        };
        let then = full_at + rate.token_us();
        if then - now_us > BUCKET_S * 1_000_000 {
            return false;
        }
        self.full_at.insert(address, then);
        true
    }

    fn has_room(&mut self, now_us: u64) -> bool {
        if self.full_at.len() < ADDRESSES_MAX {
            return true;
        }
        if now_us.saturating_sub(self.swept_at) >= SWEEP_EVERY_US {
            self.swept_at = now_us;
            self.full_at.retain(|_, full_at| *full_at > now_us);
        }
        self.full_at.len() < ADDRESSES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    fn let_in(arrivals: &mut Arrivals, rate: usize, tries: u64, now_us: u64) -> u64 {
        let rate = Rate::new(rate).unwrap();
        let tries = (0..tries).filter(|_| arrivals.take(address(1), rate, now_us));
        tries.count() as u64
    }

    #[test]
    fn an_office_that_comes_back_at_once_is_let_in_and_a_flood_only_at_its_rate() {
        let mut arrivals = Arrivals::new();
        assert_eq!(let_in(&mut arrivals, 128, 4_000, 0), 4_000);
        assert_eq!(let_in(&mut arrivals, 128, 10_000, 0), 96, "the rest of it");
        let mut let_in_later = 0;
        for tenth in 1..=100 {
            let_in_later += let_in(&mut arrivals, 128, 1_000, tenth * SECOND / 10);
        }
        assert!((1_270..=1_290).contains(&let_in_later), "{let_in_later}");
        assert!(
            arrivals.take(address(2), Rate::new(128).unwrap(), SECOND),
            "others are others"
        );
        assert_eq!(
            let_in(&mut arrivals, 128, 10_000, 100 * SECOND),
            4_096,
            "a bucket holds no more"
        );
    }

    #[test]
    fn a_thousand_people_behind_one_address_who_dial_every_ten_seconds_never_wait() {
        let mut arrivals = Arrivals::new();
        for ms in 0..120_000_u64 {
            let now_us = ms * 1_000;
            // One each millisecond for ten seconds, and again.
            assert_eq!(
                let_in(&mut arrivals, 128, u64::from(ms % 10 == 0), now_us),
                u64::from(ms % 10 == 0)
            );
        }
    }

    #[test]
    fn a_million_addresses_take_bounded_memory_and_are_forgotten_when_they_are_quiet() {
        let mut arrivals = Arrivals::new();
        let rate = Rate::new(1).unwrap();
        for number in 0..1_000_000 {
            assert!(arrivals.take(address(number), rate, 0));
        }
        assert_eq!(arrivals.full_at.len(), ADDRESSES_MAX);
        assert!(arrivals.take(address(2_000_000), rate, 60 * SECOND));
        assert_eq!(arrivals.full_at.len(), 1);
    }
}
