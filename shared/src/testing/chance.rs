//! Chance that can be replayed: the same seed gives the same run, on every machine and for ever.
//!
//! The generator (xoshiro256++, seeded through splitmix64) is written out here, so that no new release of a
//! library changes what a recorded seed means.

use std::ops::Range;

/// A seeded source of chance. A clone goes on exactly like the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chance {
    state: [u64; 4],
}

/// One step of splitmix64: moves `state` on and returns 64 well mixed bits.
const fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Chance {
    /// Starts from `seed`; neighbouring seeds have nothing in common.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        let mut seeder = seed;
        let mut state = [0; 4];
        let mut at = 0;
        while at < state.len() {
            state[at] = splitmix(&mut seeder);
            at += 1;
        }
        Self { state }
    }

    /// 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let drawn = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let shifted = b << 17;
        let c = c ^ a;
        let d = d ^ b;
        self.state = [a ^ d, b ^ c, c ^ shifted, d.rotate_left(45)];
        drawn
    }

    /// A chance of its own, split off: what is drawn from it does not move this one any further.
    ///
    /// Give each actor of a simulation one, and removing an actor leaves the others' choices as they were.
    #[must_use]
    pub const fn fork(&mut self) -> Self {
        Self::new(self.bits())
    }

    /// A number from 0 up to, not including, `n`; 0 if `n` is 0.
    pub const fn below(&mut self, n: u64) -> u64 {
        // The high half of a wide product; its bias is below n / 2^64, which no test can see.
        ((self.bits() as u128 * n as u128) >> 64) as u64
    }

    /// Like [`Chance::below`], for lengths and positions.
    pub const fn index_below(&mut self, n: usize) -> usize {
        self.below(n as u64) as usize
    }

    /// A number inside `range`; its start if the range is empty.
    pub const fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// Whether something that happens with probability `p` (0 never, 1 always) happens now.
    pub fn chance(&mut self, p: f64) -> bool {
        // 53 bits: exactly what an f64 between 0 and 1 can hold.
        let drawn = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < p
    }

    /// Either, evenly.
    pub const fn coin(&mut self) -> bool {
        self.bits() >> 63 == 1
    }

    /// One of `choices`.
    ///
    /// # Panics
    /// When there are none.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        assert!(!choices.is_empty(), "one of nothing cannot be chosen");
        &choices[self.index_below(choices.len())]
    }

    /// The place of one of `weights`, drawn in proportion; 0 if they are all 0.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (place, &weight) in weights.iter().enumerate() {
            if left < weight {
                return place;
            }
            left -= weight;
        }
        0
    }

    /// Puts `things` into a random order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for place in (1..things.len()).rev() {
            things.swap(place, self.index_below(place + 1));
        }
    }

    /// `length` random bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.bits().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    /// Text of `chars` characters as people type it: mostly Latin, with words, accents, other scripts,
    /// joined emoji parts and characters of two UTF-16 units. No newlines and no control characters.
    pub fn text(&mut self, chars: usize) -> String {
        const RARE: &[char] = &[
            'é', 'ß', 'ñ', 'Ж', 'λ', 'ع', 'ש', '中', '文', 'か', '한', '\u{301}', '\u{200d}',
        ];
        const WIDE: &[char] = &['😀', '👍', '🏽', '𝒳', '🇨', '🇿', '𠮷'];
        (0..chars)
            .map(|_| match self.below(100) {
                0..78 => (b'a' + self.below(26) as u8) as char,
                78..92 => ' ',
                92..97 => *self.one_of(RARE),
                _ => *self.one_of(WIDE),
            })
            .collect()
    }

    /// Like [`Chance::text`], of 1 to `chars_max` characters, with newlines here and there.
    pub fn lines(&mut self, chars_max: usize) -> String {
        let chars = 1 + self.index_below(chars_max);
        let mut text = String::new();
        for letter in self.text(chars).chars() {
            text.push(if self.below(12) == 0 { '\n' } else { letter });
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_run_for_ever() {
        let mut chance = Chance::new(0x5EED);
        let drawn: Vec<u64> = (0..4).map(|_| chance.bits()).collect();
        // Computed by an independent implementation.
        assert_eq!(
            drawn,
            [
                0x8eb2871b24ae0c00,
                0xfdd2c14d7560f757,
                0x17460bdf1e7c3333,
                0x6ff7f624b0c6310f
            ]
        );
        assert_eq!(Chance::new(7), Chance::new(7));
        assert_ne!(Chance::new(7).bits(), Chance::new(8).bits());
    }

    #[test]
    fn draws_stay_inside_their_bounds_and_reach_both_ends() {
        let mut chance = Chance::new(1);
        let drawn: Vec<u64> = (0..2_000).map(|_| chance.within(10..15)).collect();
        assert_eq!(drawn.iter().min(), Some(&10));
        assert_eq!(drawn.iter().max(), Some(&14));
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.below(1), 0);
        let never = (0..1_000).any(|_| chance.chance(0.0));
        let always = (0..1_000).all(|_| chance.chance(1.0));
        assert!(!never && always);
    }

    #[test]
    fn weights_decide_how_often_a_place_is_drawn() {
        let mut chance = Chance::new(2);
        let mut drawn = [0_u32; 3];
        for _ in 0..3_000 {
            drawn[chance.weighted(&[1, 0, 2])] += 1;
        }
        assert_eq!(drawn[1], 0);
        assert!((900..1_100).contains(&drawn[0]), "{drawn:?}");
    }

    #[test]
    fn text_has_the_asked_length_and_characters_of_two_units() {
        let text = Chance::new(3).text(500);
        assert_eq!(text.chars().count(), 500);
        assert!(text.encode_utf16().count() > 500);
        assert!(!text.chars().any(char::is_control));
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let mut chance = Chance::new(4);
        let mut fork = chance.fork();
        let mut untouched = chance.clone();
        fork.bytes(100);
        assert_eq!(chance.bits(), untouched.bits());
        assert_ne!(fork.bits(), chance.bits());
    }

    #[test]
    fn shuffling_keeps_every_thing() {
        let mut things: Vec<u32> = (0..50).collect();
        Chance::new(5).shuffle(&mut things);
        assert_ne!(things, (0..50).collect::<Vec<_>>());
        things.sort_unstable();
        assert_eq!(things, (0..50).collect::<Vec<_>>());
    }
}
