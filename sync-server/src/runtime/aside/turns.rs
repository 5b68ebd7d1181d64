//! Whose turn it is, where many wait for few places: each document has the same share of the time, and among them those go first
//! that are through soon.
//!
//! There is a clock that goes on by each document's share whenever one has worked. Nobody counts as coming before what it
//! shows. A document that has worked counts as coming later by as long as that took, and by as long as it is likely to
//! take again. So who takes seconds again and again stands behind one who seldom takes anything; and as the clock goes on,
//! everybody's turn comes.

use std::collections::BTreeMap;

use sheaf_shared::ids::DocName;

/// Documents of which it is remembered how long they take. Of more, those that take least are forgotten.
const REMEMBERED_MAX: usize = 4_096;

/// Names one who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ask {
    /// What the clock shows when it is through, if all goes as usual.
    through_at: u64,
    nth: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// What it has had of its share, on the clock.
    used_until: u64,
    /// How long it takes as a rule.
    usual_ms: u64,
}

/// See the module. `C` is how one who waits is called.
#[derive(Debug)]
pub(super) struct Turns<C> {
    free: usize,
    waiting: BTreeMap<Ask, C>,
    asked: u64,
    /// Milliseconds of each document's share.
    clock: u64,
    known: BTreeMap<DocName, Known>,
}

impl<C> Turns<C> {
    pub(super) const fn new(places: usize) -> Self {
        Self {
            free: places,
            waiting: BTreeMap::new(),
            asked: 0,
            clock: 0,
            known: BTreeMap::new(),
        }
    }

    /// Takes a place, or waits for one: then `call` comes out of [`pass_on`](Self::pass_on) one day.
    pub(super) fn ask(&mut self, doc: &DocName, call: C) -> Option<Ask> {
        if self.free > 0 {
            self.free -= 1;
            return None;
        }
        let known = self.known.get(doc).copied().unwrap_or_default();
        self.asked += 1;
        let ask = Ask {
            through_at: known.used_until.max(self.clock) + known.usual_ms,
            nth: self.asked,
        };
        self.waiting.insert(ask, call);
        Some(ask)
    }

    /// Goes away without having been called. `false` if it was called.
    pub(super) fn withdraw(&mut self, ask: Ask) -> bool {
        self.waiting.remove(&ask).is_some()
    }

    /// Gives a place to the next, or free.
    pub(super) fn pass_on(&mut self) -> Option<C> {
        let next = self.waiting.pop_first().map(|(_, call)| call);
        if next.is_none() {
            self.free += 1;
        }
        next
    }

    /// A document has had a place for so long.
    pub(super) fn took(&mut self, doc: &DocName, ms: u64) {
        let before = self.known.get(doc).copied().unwrap_or_default();
        let known = Known {
            used_until: before.used_until.max(self.clock).saturating_add(ms),
            usual_ms: (before.usual_ms + ms) / 2,
        };
        let sharers = self.waiting.len() as u64 + 1;
        self.clock = self.clock.saturating_add((ms / sharers).max(1));
        if self.known.len() >= REMEMBERED_MAX && !self.known.contains_key(doc) {
            let mut usual: Vec<u64> = self.known.values().map(|known| known.usual_ms).collect();
            let (_, median, _) = usual.select_nth_unstable(REMEMBERED_MAX / 2);
            let median = *median;
            self.known.retain(|_, known| known.usual_ms > median);
        }
        self.known.insert(doc.clone(), known);
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(name: &str) -> DocName {
        DocName::parse(name).unwrap()
    }

    /// Documents that each want the one place for so many milliseconds, and again so long after they had it. Gives who got
    /// it in which order, and for how long it had waited.
    fn live(docs: &[(DocName, u64, u64)], turns_taken: usize) -> Vec<(DocName, u64)> {
        let of = |doc: &DocName| docs.iter().find(|(other, _, _)| other == doc).unwrap();
        let mut turns = Turns::new(1);
        let mut now = 0;
        let mut asked_at = BTreeMap::new();
        let mut coming: Vec<(u64, DocName)> = Vec::new();
        let mut working = docs[0].0.clone();
        for (doc, _, _) in docs {
            turns.ask(doc, doc.clone());
            asked_at.insert(doc.clone(), now);
        }
        let mut order = Vec::new();
        for _ in 0..turns_taken {
            let (_, length, pause) = of(&working);
            now += length;
            turns.took(&working, *length);
            coming.push((now + pause, working.clone()));
            let (come, later): (Vec<_>, Vec<_>) =
                coming.into_iter().partition(|(at, _)| *at <= now);
            coming = later;
            for (at, doc) in come {
                turns.ask(&doc, doc.clone());
                asked_at.insert(doc, at);
            }
            working = turns.pass_on().unwrap();
            order.push((working.clone(), now - asked_at[&working]));
        }
        order
    }

    #[test]
    fn a_document_that_takes_little_waits_for_a_turn_or_two_of_those_that_take_long_and_they_all_get_on()
     {
        let mut docs: Vec<(DocName, u64, u64)> = (0..20)
            .map(|number| (doc(&format!("hostile-{number}")), 5_000, 0))
            .collect();
        docs.push((doc("honest"), 20, 1_000));
        let order = live(&docs, 2_000);
        // The first time nobody knows who takes long.
        let known = &order[3 * docs.len()..];
        let honest = known.iter().filter(|(name, _)| *name == doc("honest"));
        let waits: Vec<u64> = honest.map(|(_, waited)| *waited).collect();
        assert!(waits.iter().all(|waited| *waited <= 10_000), "{waits:?}");
        assert!(waits.len() > 500, "{}", waits.len());
        for (name, _, _) in &docs[..20] {
            let turns = known.iter().filter(|(other, _)| other == name).count();
            assert!(turns > 10, "{name} was worked on {turns} times");
        }
    }

    #[test]
    fn new_documents_without_end_do_not_keep_an_old_one_waiting_for_ever() {
        let mut turns = Turns::new(1);
        turns.took(&doc("old"), 60_000);
        turns.took(&doc("old"), 60_000);
        assert_eq!(turns.ask(&doc("first"), "new"), None);
        turns.ask(&doc("old"), "old");
        let mut passed = 0;
        loop {
            let name = doc(&format!("new-{passed}"));
            turns.ask(&name, "new");
            turns.took(&name, 1_000);
            if turns.pass_on() == Some("old") {
                break;
            }
            passed += 1;
            assert!(passed < 1_000);
        }
    }

    #[test]
    fn whoever_took_much_once_is_like_any_other_when_the_others_have_had_as_much() {
        let mut turns = Turns::new(1);
        turns.took(&doc("once"), 40_000);
        turns.took(&doc("once"), 0);
        for _ in 0..40 {
            turns.took(&doc("once"), 0);
            turns.took(&doc("other"), 2_000);
        }
        assert_eq!(turns.ask(&doc("first"), "first"), None);
        turns.ask(&doc("other"), "other");
        turns.ask(&doc("once"), "once");
        assert_eq!(turns.pass_on(), Some("once"));
    }

    #[test]
    fn who_goes_away_is_not_called_and_a_place_that_nobody_wants_is_free() {
        let mut turns = Turns::new(2);
        assert_eq!(turns.ask(&doc("a"), "a"), None);
        assert_eq!(turns.ask(&doc("b"), "b"), None);
        let gone = turns.ask(&doc("c"), "c").unwrap();
        let stays = turns.ask(&doc("d"), "d").unwrap();
        assert!(turns.withdraw(gone));
        assert_eq!(turns.pass_on(), Some("d"));
        assert!(!turns.withdraw(stays), "it was called");
        assert_eq!((turns.pass_on(), turns.pass_on()), (None, None));
        assert_eq!(turns.ask(&doc("e"), "e"), None);
    }

    #[test]
    fn a_crowd_of_documents_does_not_fill_memory_and_those_that_take_most_are_remembered() {
        let mut turns: Turns<()> = Turns::new(1);
        turns.took(&doc("much"), 60_000);
        for number in 0..3 * REMEMBERED_MAX {
            turns.took(&doc(&format!("page-{number}")), 5);
        }
        assert!(turns.known.len() <= REMEMBERED_MAX);
        assert!(turns.known.contains_key(&doc("much")));
    }
}
