//! Latencies in few kilobytes: 64 steps to each doubling, so a figure is off by at most 1.6 %.

const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Counts of microsecond values.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_us: u64,
}

impl Histogram {
    /// Adds one value, in microseconds.
    pub fn add(&mut self, us: u64) {
        let slot = slot_of(us);
        if slot >= self.counts.len() {
            self.counts.resize(slot + 1, 0);
        }
        self.counts[slot] += 1;
        self.total += 1;
        self.max_us = self.max_us.max(us);
    }

    /// How many values were added.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The value, in milliseconds, that `share` (0 to 1) of all values do not exceed.
    #[must_use]
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = ((self.total as f64) * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return floor_of(slot) as f64 / 1000.0;
            }
        }
        self.max_us as f64 / 1000.0
    }

    /// The largest value, in milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> f64 {
        self.max_us as f64 / 1000.0
    }
}

fn slot_of(us: u64) -> usize {
    if us < STEPS {
        return us as usize;
    }
    let shift = us.ilog2() - STEP_BITS;
    ((u64::from(shift) + 1) * STEPS + (us >> shift) - STEPS) as usize
}

fn floor_of(slot: usize) -> u64 {
    let slot = slot as u64;
    if slot < STEPS {
        return slot;
    }
    let shift = slot / STEPS - 1;
    (slot % STEPS + STEPS) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_at_most_two_percent_below_the_true_value() {
        let mut histogram = Histogram::default();
        for us in 1..=100_000 {
            histogram.add(us);
        }
        for (share, truth) in [(0.5, 50.0), (0.99, 99.0), (0.001, 0.1)] {
            let found = histogram.quantile_ms(share);
            assert!(
                found <= truth && found > truth * 0.98,
                "{share}: {found} for {truth}"
            );
        }
        assert!((histogram.max_ms() - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn slots_grow_with_their_values() {
        let mut last = 0;
        for us in 0..1_000_000 {
            let slot = slot_of(us);
            assert!(slot >= last && floor_of(slot) <= us, "{us}");
            last = slot;
        }
    }
}
