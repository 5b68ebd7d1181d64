//! Sorting in little code: each kind of the standard library's sorts is three to four kilobytes of the page. Here one
//! function arranges rows of which it knows nothing but their number.

/// Puts `items` in order; `is_before` says whether one stands strictly before another. Those of which neither does end in
/// any order.
///
/// What is in order already, up or down, takes one pass. Anything else takes n log n comparisons, however it was arranged.
pub(crate) fn sort<T>(items: &mut [T], is_before: impl Fn(&T, &T) -> bool) {
    arrange(&mut Slice { items, is_before });
}

/// The two lists, which are in order, as one in order.
pub(crate) fn merged<T>(
    first: Vec<T>,
    second: Vec<T>,
    is_before: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    let mut merged = Vec::with_capacity(first.len() + second.len());
    let mut second = second.into_iter().peekable();
    for item in first {
        while let Some(earlier) = second.next_if(|earlier| is_before(earlier, &item)) {
            merged.push(earlier);
        }
        merged.push(item);
    }
    merged.extend(second);
    merged
}

/// Rows that can be compared and exchanged by their places.
trait Rows {
    fn len(&self) -> usize;
    /// Whether row `a` stands strictly before row `b`.
    fn is_before(&self, a: usize, b: usize) -> bool;
    fn swap(&mut self, a: usize, b: usize);
}

struct Slice<'a, T, F> {
    items: &'a mut [T],
    is_before: F,
}

impl<T, F: Fn(&T, &T) -> bool> Rows for Slice<'_, T, F> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        (self.is_before)(&self.items[a], &self.items[b])
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.items.swap(a, b);
    }
}

/// Heapsort: no order is slow, and it needs no room.
fn arrange(rows: &mut dyn Rows) {
    let len = rows.len();
    if (1..len).all(|at| !rows.is_before(at, at - 1)) {
        return;
    }
    if (1..len).all(|at| !rows.is_before(at - 1, at)) {
        for at in 0..len / 2 {
            rows.swap(at, len - 1 - at);
        }
        return;
    }
    for root in (0..len / 2).rev() {
        sink(rows, root, len);
    }
    for end in (1..len).rev() {
        rows.swap(0, end);
        sink(rows, 0, end);
    }
}

/// Lets the row at `root` sink to where none of the two below it stands behind it; the heap ends at `len`.
fn sink(rows: &mut dyn Rows, mut root: usize, len: usize) {
    loop {
        let mut child = 2 * root + 1;
        if child >= len {
            return;
        }
        if child + 1 < len && rows.is_before(child, child + 1) {
            child += 1;
        }
        if !rows.is_before(root, child) {
            return;
        }
        rows.swap(root, child);
        root = child;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{merged, sort};
    use crate::testing::Chance;

    #[test]
    fn what_is_sorted_holds_the_same_in_order() {
        let mut chance = Chance::new(7);
        for round in 0..2_000 {
            let most = 1 + chance.below(40);
            let mut items: Vec<u64> = (0..round % 67).map(|_| chance.below(most)).collect();
            let mut expected = items.clone();
            expected.sort_unstable();
            sort(&mut items, |a, b| a < b);
            assert_eq!(items, expected);
        }
    }

    #[test]
    fn two_sorted_lists_become_one() {
        let list = |items: &[u32]| items.to_vec();
        for (first, second) in [
            (list(&[]), list(&[])),
            (list(&[]), list(&[1, 2])),
            (list(&[3, 9]), list(&[])),
            (list(&[2, 4, 8]), list(&[1, 3, 5, 9, 10])),
        ] {
            let mut expected = [first.clone(), second.clone()].concat();
            expected.sort_unstable();
            assert_eq!(merged(first, second, |a, b| a < b), expected);
        }
    }

    #[test]
    fn no_order_takes_many_comparisons_and_a_sorted_one_takes_a_single_pass() {
        let comparisons = |mut items: Vec<u32>| {
            let count = Cell::new(0_u32);
            sort(&mut items, |a, b| {
                count.set(count.get() + 1);
                a < b
            });
            assert!(items.is_sorted());
            count.get()
        };
        assert!(comparisons((0..4_096).collect()) < 4_096);
        assert!(comparisons((0..4_096).rev().collect()) < 2 * 4_096);
        let saw = (0..4_096).map(|at| at % 64);
        let organ = (0..2_048).chain((0..2_048).rev());
        for awkward in [saw.collect(), organ.collect()] {
            // Twice n log n, and two passes.
            assert!(comparisons(awkward) < 2 * 4_096 * (12 + 1));
        }
    }
}
