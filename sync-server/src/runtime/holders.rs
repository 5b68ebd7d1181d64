//! How much one account may have open at this server, and how fast it may open it: a count and a token bucket for each, over all
//! its sockets, tabs and programs. What it may send into one document is bounded by that document's room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sheaf_shared::ids::Holder;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

/// Most documents, each counted as often as it is open. A program that follows a large space fits, and so do many tabs.
const OPEN_MAX: usize = 4_096;
/// Milliseconds in which one more may be opened, in the long run.
const TOKEN_MS: u64 = 32;
/// So many may be opened at once: everything, after a server has gone.
const AT_ONCE: u64 = OPEN_MAX as u64;
/// Accounts beyond which those are looked for that have nothing open and a full bucket; and then again when there are twice as
/// many as were left, so that a crowd that comes in pays for few looks.
const SWEEP_BEYOND: usize = 4_096;

/// See the module.
#[derive(Default)]
pub(crate) struct Holders(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_holder: HashMap<Holder, Count>,
    /// How many the last sweep left.
    left: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    open: usize,
    /// When its bucket is full again, in milliseconds.
    full_at: u64,
}

/// One that an account has open; given back when dropped.
pub(crate) struct Entered {
    holders: Arc<Holders>,
    whose: Holder,
}

impl Holders {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more document that is opened, if it is an account that opens it. Those who come for an exchange open theirs
    /// anew each time, so only how many they have at a time is bounded.
    ///
    /// # Errors
    /// The reason to turn them away with, for a while.
    pub(crate) fn enter(
        self: &Arc<Self>,
        whose: Holder,
        is_visit: bool,
        now: MonotonicMs,
    ) -> Result<Option<Entered>, CloseReason> {
        if !whose.is_account() {
            return Ok(None);
        }
        let mut counts = self.counts();
        let mut count = counts.by_holder.get(&whose).copied().unwrap_or_default();
        let mut full_at = count.full_at.max(now.0);
        if !is_visit {
            full_at += TOKEN_MS;
        }
        if count.open >= OPEN_MAX || full_at - now.0 > AT_ONCE * TOKEN_MS {
            return Err(CloseReason::Busy);
        }
        count.open += 1;
        count.full_at = full_at;
        counts.by_holder.insert(whose, count);
        if counts.by_holder.len() > SWEEP_BEYOND.max(2 * counts.left) {
            let is_needed = |_: &Holder, count: &mut Count| count.open > 0 || count.full_at > now.0;
            counts.by_holder.retain(is_needed);
            counts.left = counts.by_holder.len();
        }
        Ok(Some(Entered {
            holders: Arc::clone(self),
            whose,
        }))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(count) = self.holders.counts().by_holder.get_mut(&self.whose) {
            count.open -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Holder = Holder::of_account(77 << 8);
    const BEN: Holder = Holder::of_account(78 << 8);

    fn now(ms: u64) -> MonotonicMs {
        MonotonicMs(ms)
    }

    #[test]
    fn an_account_that_opens_more_than_its_share_is_turned_away_and_others_are_not() {
        let holders = Arc::new(Holders::default());
        let open: Vec<_> = (0..OPEN_MAX)
            .map(|_| holders.enter(ANN, false, now(0)).unwrap())
            .collect();
        let refused = |whose, at| holders.enter(whose, false, now(at)).err();
        assert_eq!(refused(ANN, 0), Some(CloseReason::Busy));
        assert_eq!(
            refused(ANN, 10_000_000),
            Some(CloseReason::Busy),
            "as many as may be"
        );
        assert_eq!(refused(BEN, 0), None);
        drop(open);
        assert_eq!(
            refused(ANN, 0),
            Some(CloseReason::Busy),
            "its bucket is empty"
        );
        assert_eq!(refused(ANN, TOKEN_MS), None, "a token has come");
        assert_eq!(refused(ANN, TOKEN_MS), Some(CloseReason::Busy));
    }

    #[test]
    fn exchanges_of_one_account_one_after_the_other_are_never_too_fast() {
        let holders = Arc::new(Holders::default());
        for _ in 0..10 * OPEN_MAX {
            assert!(holders.enter(ANN, true, now(5)).is_ok());
        }
    }

    #[test]
    fn guests_of_a_link_and_those_without_accounts_are_not_counted_as_one() {
        let holders = Arc::new(Holders::default());
        for whose in [Holder::of_link(77), Holder::ANYONE] {
            for _ in 0..10 * OPEN_MAX {
                assert!(holders.enter(whose, false, now(5)).unwrap().is_none());
            }
        }
    }

    #[test]
    fn accounts_that_have_gone_are_forgotten() {
        let holders = Arc::new(Holders::default());
        for account in 0..10 * SWEEP_BEYOND as u64 {
            let whose = Holder::of_account(u128::from(account) << 8);
            drop(holders.enter(whose, false, now(account * 50)));
        }
        assert!(holders.counts().by_holder.len() <= SWEEP_BEYOND + 1);
    }

    #[test]
    fn a_crowd_of_accounts_that_stays_is_counted_whole_and_swept_seldom() {
        let holders = Arc::new(Holders::default());
        let accounts = 5 * SWEEP_BEYOND;
        let mut inside = Vec::new();
        let mut sweeps = Vec::new();
        for account in 0..accounts as u128 {
            let whose = Holder::of_account(account << 8);
            inside.push(holders.enter(whose, false, now(0)).unwrap());
            sweeps.push(holders.counts().left);
        }
        assert_eq!(holders.counts().by_holder.len(), accounts);
        sweeps.dedup();
        assert!(sweeps.len() < 5, "{sweeps:?}");
    }
}
