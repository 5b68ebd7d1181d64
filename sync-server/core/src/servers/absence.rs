//! Whether a store that is asked over many connections is away, or only busy: a circuit breaker that asks before it opens.
//!
//! That something was slow, was cut off, or waited in vain for a connection says neither. So it is only cause to ask:
//! a question is put over a connection made for it. The store counts as away if that gets no answer, and nothing else
//! has got one since it was put. As long as anything at all is answered, it is used.

use sheaf_shared::time::MonotonicMs;

use super::breaker::{Breaker, State};

/// Shortest pause, in milliseconds, between two questions while the store is used.
pub const ASK_EVERY_MS: u64 = 1_000;
/// Longest pause, in milliseconds, before a store that was away is asked again: people wait for it, and a question that was lost
/// on the way has taken its time already.
const PAUSE_CAP_MS: u64 = 500;

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing.
    Nothing,
    /// Ask the store over a connection of its own, and tell [`Absence::asked`].
    Ask,
    /// The same, after so many milliseconds, and after [`Absence::begin_try`].
    AskIn(u64),
}

/// What a question came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, if only by "too many ask".
    Answered,
    /// Nobody was there, nobody answered in time, or who was there takes no edits.
    Unanswered,
}

/// See the module. It begins as one that is used.
#[derive(Clone, Copy, Debug)]
pub struct Absence {
    breaker: Breaker,
    /// When the question was put that is under way.
    asking_since: Option<MonotonicMs>,
    /// When the last one was put.
    asked_at: Option<MonotonicMs>,
    answered_at: Option<MonotonicMs>,
}

impl Default for Absence {
    fn default() -> Self {
        Self {
            breaker: Breaker::in_use(PAUSE_CAP_MS),
            asking_since: None,
            asked_at: None,
            answered_at: None,
        }
    }
}

impl Absence {
    /// Whether the store is used.
    #[must_use]
    pub const fn state(&self) -> State {
        self.breaker.state()
    }

    /// Whether anything may be asked of it. If not, it would be in vain.
    #[must_use]
    pub fn may_use(&self) -> bool {
        self.state() == State::Closed
    }

    /// The store answered something, whatever it was.
    pub fn answered(&mut self, now: MonotonicMs) {
        self.answered_at = Some(now);
        self.breaker.proved();
    }

    /// Something was slow, was cut off, or waited in vain: it may be away.
    pub fn doubted(&mut self, now: MonotonicMs) -> Order {
        let is_early = self
            .asked_at
            .is_some_and(|asked_at| now.ms_since(asked_at) < ASK_EVERY_MS);
        if !self.may_use() || self.asking_since.is_some() || is_early {
            return Order::Nothing;
        }
        self.ask(now)
    }

    /// The question is through.
    pub fn asked(&mut self, outcome: Outcome, now: MonotonicMs) -> Order {
        let asked_at = self.asking_since.take();
        let has_answered = self.answered_at.zip(asked_at);
        let is_there = outcome == Outcome::Answered
            || has_answered.is_some_and(|(answered, asked)| answered >= asked);
        if is_there {
            self.answered(now);
            return Order::Nothing;
        }
        Order::AskIn(self.breaker.failed(now))
    }

    /// The pause is over.
    pub fn begin_try(&mut self, now: MonotonicMs) -> Order {
        if self.breaker.begin_try(now) {
            self.ask(now)
        } else {
            Order::Nothing
        }
    }

    fn ask(&mut self, now: MonotonicMs) -> Order {
        self.asking_since = Some(now);
        self.asked_at = Some(now);
        Order::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: MonotonicMs = MonotonicMs(10_000);

    fn at(ms: u64) -> MonotonicMs {
        START.plus_ms(ms)
    }

    #[test]
    fn a_store_that_is_slow_for_some_and_answers_others_is_used_on() {
        let mut store = Absence::default();
        for second in 0..60 {
            let now = at(second * 2_000);
            assert_eq!(store.doubted(now), Order::Ask);
            store.answered(now.plus_ms(500));
            let through = store.asked(Outcome::Unanswered, now.plus_ms(1_900));
            assert_eq!(through, Order::Nothing);
            assert!(store.may_use());
        }
    }

    #[test]
    fn a_store_that_answers_the_question_is_used_on_whatever_else_was_cut_off() {
        let mut store = Absence::default();
        assert_eq!(store.doubted(at(0)), Order::Ask);
        for ms in 1..100 {
            assert_eq!(store.doubted(at(ms)), Order::Nothing, "one at a time");
        }
        assert_eq!(store.asked(Outcome::Answered, at(100)), Order::Nothing);
        assert!(store.may_use());
        assert_eq!(store.doubted(at(ASK_EVERY_MS - 1)), Order::Nothing);
        assert_eq!(store.doubted(at(ASK_EVERY_MS)), Order::Ask);
    }

    #[test]
    fn a_store_of_which_nothing_is_heard_is_left_alone_and_asked_once_after_each_pause() {
        let mut store = Absence::default();
        store.answered(at(0));
        assert_eq!(store.doubted(at(1)), Order::Ask);
        let mut now = at(2_000);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let Order::AskIn(pause) = store.asked(Outcome::Unanswered, now) else {
                panic!("it is not asked again");
            };
            assert!(!store.may_use());
            assert_eq!(store.doubted(now), Order::Nothing);
            assert_eq!(store.begin_try(now.plus_ms(pause - 1)), Order::Nothing);
            now = now.plus_ms(pause);
            assert_eq!(store.begin_try(now), Order::Ask);
            assert!(!store.may_use(), "the question alone goes through");
            assert_eq!(store.begin_try(now), Order::Nothing);
            pauses.push(pause);
        }
        assert!(pauses.is_sorted(), "{pauses:?}");
        assert_eq!(store.asked(Outcome::Answered, now), Order::Nothing);
        assert!(store.may_use());
    }

    #[test]
    fn a_late_answer_to_anything_proves_that_it_is_there() {
        let mut store = Absence::default();
        store.doubted(at(0));
        assert!(matches!(
            store.asked(Outcome::Unanswered, at(2_000)),
            Order::AskIn(_)
        ));
        store.answered(at(2_100));
        assert!(store.may_use());
        // The try that was to come has nothing to do.
        assert_eq!(store.begin_try(at(60_000)), Order::Nothing);
    }

    #[test]
    fn an_answer_from_before_the_question_proves_nothing() {
        let mut store = Absence::default();
        store.answered(at(0));
        store.doubted(at(1));
        store.asked(Outcome::Unanswered, at(2_000));
        assert!(!store.may_use());
    }
}
