//! How often a password may be tried: a token bucket for each pair of whose it is and where it comes from, and one for each
//! place alone. Told the time. An account as such is never locked, or anyone could lock anyone out.
//!
//! A server counts for itself: with three of them, somebody who spreads their tries gets three times as many.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use sheaf_shared::ids::LinkId;
use sheaf_shared::time::MonotonicMs;

/// Buckets remembered at a time. Beyond, those that are nearly full are forgotten first.
const BUCKETS_MAX: usize = 65_536;

/// What a password is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// An account, by the SHA-256 of the address it goes by: whether there is one or not.
    Account([u8; 32]),
    /// A share link.
    Link(LinkId),
    /// No password but a letter to whoever has this account, which nobody shall get by the hundred.
    Letter([u8; 32]),
}

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum From {
    /// Somebody at this place.
    Place(Place),
    /// A browser that was let in here before, by its mark.
    Known([u8; 16]),
}

/// A network as small as one is usually given out to one customer: a /24 of IPv4, a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(u64);

impl Place {
    /// Where an address lies; all of what is not known lies together.
    #[must_use]
    pub fn of(address: Option<IpAddr>) -> Self {
        let v4 = |[a, b, c, _]: [u8; 4]| u64::from_be_bytes([0, 0, 0, 4, a, b, c, 0]);
        Self(match address {
            None => 0,
            Some(IpAddr::V4(address)) => v4(address.octets()),
            Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => v4(address.octets()),
                None => (address.to_bits() >> 64) as u64,
            },
        })
    }
}

/// How much a bucket holds, and how fast it fills.
#[derive(Clone, Copy, Debug)]
struct Size {
    holds: u64,
    token_ms: u64,
}

/// Of one account or link from one place: ten tries at once, then one a minute.
const OF_PAIR: Size = Size {
    holds: 10,
    token_ms: 60_000,
};
/// Of one account from a browser that was let in before.
const OF_KNOWN: Size = Size {
    holds: 20,
    token_ms: 30_000,
};
/// Of one place, whomever it tries: an office on a Monday morning fits.
const OF_PLACE: Size = Size {
    holds: 100,
    token_ms: 5_000,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Tries {
    pairs: Buckets<(Door, From)>,
    places: Buckets<Place>,
}

/// Somebody has to wait so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tries; come again in {wait_s} s")]
pub struct TooMany {
    /// Until the next try is taken.
    pub wait_s: u64,
}

impl Tries {
    /// Counts a try before its password is looked at, so that many at once are counted, too.
    ///
    /// # Errors
    /// [`TooMany`]; then nothing was counted, and the password must not be looked at.
    pub fn begin(&mut self, door: &Door, from: From, now: MonotonicMs) -> Result<(), TooMany> {
        let size = match from {
            From::Place(place) => {
                self.places.peek(&place, OF_PLACE, now)?;
                OF_PAIR
            }
            From::Known(_) => OF_KNOWN,
        };
        self.pairs.take((door.clone(), from), size, now)?;
        if let From::Place(place) = from {
            self.places.take(place, OF_PLACE, now)?;
        }
        Ok(())
    }

    /// Takes back what was counted: the password was right, or was not looked at after all.
    pub fn forget(&mut self, door: &Door, from: From) {
        match from {
            From::Place(place) => {
                self.pairs.give_back(&(door.clone(), from), OF_PAIR);
                self.places.give_back(&place, OF_PLACE);
            }
            From::Known(_) => self.pairs.give_back(&(door.clone(), from), OF_KNOWN),
        }
    }
}

/// Buckets, each as the time at which it will be full again.
#[derive(Debug)]
struct Buckets<K> {
    full_at: HashMap<K, u64>,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self {
            full_at: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    fn after(&self, key: &K, size: Size, now: MonotonicMs) -> Result<u64, TooMany> {
        let full_at = self.full_at.get(key).copied().unwrap_or(0).max(now.0);
        let then = full_at.saturating_add(size.token_ms);
        let empty_at = now.0.saturating_add(size.holds * size.token_ms);
        if then > empty_at {
            let wait_s = (then - empty_at).div_ceil(1_000);
            return Err(TooMany { wait_s });
        }
        Ok(then)
    }

    fn peek(&self, key: &K, size: Size, now: MonotonicMs) -> Result<(), TooMany> {
        self.after(key, size, now).map(drop)
    }

    fn take(&mut self, key: K, size: Size, now: MonotonicMs) -> Result<(), TooMany> {
        let then = self.after(&key, size, now)?;
        if self.full_at.len() >= BUCKETS_MAX && !self.full_at.contains_key(&key) {
            self.make_room(now);
        }
        self.full_at.insert(key, then);
        Ok(())
    }

    fn give_back(&mut self, key: &K, size: Size) {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = full_at.saturating_sub(size.token_ms);
        }
    }

    /// Forgets the half that has the fewest tries on it: whoever floods with new names forgets their own, not those of who is
    /// held back.
    fn make_room(&mut self, now: MonotonicMs) {
        let mut ends: Vec<u64> = self.full_at.values().copied().collect();
        let middle = ends.len() / 2;
        let (_, median, _) = ends.select_nth_unstable(middle);
        let median = (*median).max(now.0);
        self.full_at.retain(|_, full_at| *full_at > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u8) -> From {
        From::Place(Place::of(Some([192, 0, number, 7].into())))
    }

    fn account(number: u8) -> Door {
        Door::Account([number; 32])
    }

    fn let_in(tries: &mut Tries, door: &Door, from: From, now: u64) -> usize {
        (0..1_000)
            .take_while(|_| tries.begin(door, from, MonotonicMs(now)).is_ok())
            .count()
    }

    #[test]
    fn who_guesses_is_held_back_and_the_account_is_open_to_everyone_else() {
        let mut tries = Tries::default();
        assert_eq!(let_in(&mut tries, &account(1), place(1), 0), 10);
        let refused = tries.begin(&account(1), place(1), MonotonicMs(0));
        assert_eq!(refused, Err(TooMany { wait_s: 60 }));
        assert_eq!(let_in(&mut tries, &account(1), place(1), 180_000), 3);
        assert_eq!(
            let_in(&mut tries, &account(1), place(2), 0),
            10,
            "elsewhere"
        );
        assert_eq!(
            let_in(&mut tries, &account(1), From::Known([1; 16]), 0),
            20,
            "a browser that was let in before"
        );
        assert_eq!(
            let_in(&mut tries, &account(2), place(1), 0),
            10,
            "another account"
        );
    }

    #[test]
    fn one_place_that_tries_one_password_on_everyone_is_held_back_too() {
        let mut tries = Tries::default();
        let let_in: usize = (0..200)
            .map(|number| let_in(&mut tries, &account(number), place(1), 0).min(1))
            .sum();
        assert_eq!(let_in, 10, "ten tries on each of ten");
    }

    #[test]
    fn who_signs_in_a_thousand_times_by_the_right_password_is_never_held_back() {
        let mut tries = Tries::default();
        for _ in 0..1_000 {
            tries.begin(&account(1), place(1), MonotonicMs(5)).unwrap();
            tries.forget(&account(1), place(1));
        }
    }

    #[test]
    fn a_flood_of_names_takes_bounded_memory_and_does_not_free_who_is_held_back() {
        let mut tries = Tries::default();
        assert_eq!(let_in(&mut tries, &account(1), place(1), 0), 10);
        for number in 0..300_000_u32 {
            let [a, b, c, d] = number.to_be_bytes();
            let mut name = [9; 32];
            name[..4].copy_from_slice(&[a, b, c, d]);
            let from = From::Known([b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            tries
                .begin(&Door::Account(name), from, MonotonicMs(0))
                .unwrap();
        }
        assert!(tries.pairs.full_at.len() <= BUCKETS_MAX);
        assert!(tries.begin(&account(1), place(1), MonotonicMs(0)).is_err());
    }

    #[test]
    fn neighbours_in_a_network_are_one_place_however_their_address_is_written() {
        let of = |raw: &str| Place::of(Some(raw.parse().unwrap()));
        assert_eq!(of("192.0.2.1"), of("192.0.2.250"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.9"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("192.0.2.1"), of("192.0.3.1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }
}
