//! A circuit breaker: what failed is left alone for a while, then tried once, and used again only when it has proved
//! itself.

use sheaf_shared::time::MonotonicMs;

/// First and longest pause, in milliseconds, before what failed is tried again. A try is one connection of one server; the longest
/// pause is what people wait for when it is back.
pub const PAUSE_FIRST_MS: u64 = 250;
/// See [`PAUSE_FIRST_MS`].
pub const PAUSE_CAP_MS: u64 = 1_500;

/// Whether it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In use.
    Closed,
    /// Left alone until then.
    Open {
        /// When it may be tried.
        until: MonotonicMs,
    },
    /// One try is under way. Nothing else may use it.
    HalfOpen,
}

/// See the module. It begins half open: what was never used has not proved itself.
#[derive(Clone, Copy, Debug)]
pub struct Breaker {
    state: State,
    /// Failures since it last proved itself.
    failures: u32,
    /// The longest pause, in milliseconds.
    cap_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: State::HalfOpen,
            failures: 0,
            cap_ms: PAUSE_CAP_MS,
        }
    }
}

impl Breaker {
    /// One of something that is in use already, and is tried again after `cap_ms` milliseconds at most.
    #[must_use]
    pub const fn in_use(cap_ms: u64) -> Self {
        Self {
            state: State::Closed,
            failures: 0,
            cap_ms,
        }
    }

    /// Whether it is used.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// It did what was asked of it: from now on it is used. Answers whether that is news.
    pub fn proved(&mut self) -> bool {
        self.failures = 0;
        std::mem::replace(&mut self.state, State::Closed) != State::Closed
    }

    /// It failed, and is left alone: the longer the more often it has. Answers for how many milliseconds.
    pub fn failed(&mut self, now: MonotonicMs) -> u64 {
        let pause = self.cap_ms.min(PAUSE_FIRST_MS << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        self.state = State::Open {
            until: now.plus_ms(pause),
        };
        pause
    }

    /// Whether it may be tried now; if so, it is being tried.
    pub fn begin_try(&mut self, now: MonotonicMs) -> bool {
        match self.state {
            State::Open { until } if now >= until => {
                self.state = State::HalfOpen;
                true
            }
            State::Open { .. } | State::Closed | State::HalfOpen => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: MonotonicMs = MonotonicMs(1_000);

    #[test]
    fn what_failed_is_tried_once_after_a_pause_and_used_when_it_has_proved_itself() {
        let mut breaker = Breaker::default();
        assert!(breaker.proved());
        assert!(!breaker.proved(), "no news");
        let pause = breaker.failed(START);
        assert_eq!(pause, PAUSE_FIRST_MS);
        assert!(!breaker.begin_try(START.plus_ms(pause - 1)));
        assert!(breaker.begin_try(START.plus_ms(pause)));
        assert_eq!(breaker.state(), State::HalfOpen);
        assert!(!breaker.begin_try(START.plus_ms(pause)), "one at a time");
        assert!(breaker.proved());
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_are_short_again_after_a_proof() {
        let mut breaker = Breaker::default();
        let pauses: Vec<u64> = (0..8).map(|_| breaker.failed(START)).collect();
        assert_eq!(pauses, [250, 500, 1_000, 1_500, 1_500, 1_500, 1_500, 1_500]);
        breaker.proved();
        assert_eq!(breaker.failed(START), PAUSE_FIRST_MS);
    }
}
