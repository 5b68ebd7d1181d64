//! Which parts of two sequences are the same: a common subsequence that weighs as much as can be found with bounded work.
//!
//! Small stretches are compared each with each, so what is found there is the heaviest there is. Larger ones are cut at
//! what stands in both exactly once; where nothing does, only a window ahead is looked at. Whatever two sequences hold, the
//! work is bounded, and what is left unfound is only ever written anew.

use std::collections::BTreeMap;
use std::ops::Range;

/// One part of a sequence. Equal parts have equal names and equal weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    pub(super) name: u32,
    pub(super) weight: u32,
}

/// Comparisons for one rewriting: a blink of an eye.
pub(super) const WORK_MAX: u64 = 16 << 20;
/// Comparisons of a stretch in which each part is compared with each: the table takes 4 bytes for each.
const CELLS_MAX: u64 = 1 << 20;
/// How often a stretch is cut into smaller ones.
const DEPTH_MAX: u8 = 12;
/// Parts that are looked ahead where there is nothing to cut at.
const WINDOW: usize = 64;

/// A stretch of both sequences, and how often it was cut.
struct Stretch {
    old: Range<usize>,
    new: Range<usize>,
    depth: u8,
}

/// Pairs of places at which the two say the same, ascending on both sides. Takes what it needs of `work`.
pub(super) fn pairs(old: &[Sign], new: &[Sign], work: &mut u64) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut stretches = vec![Stretch {
        old: 0..old.len(),
        new: 0..new.len(),
        depth: 0,
    }];
    while let Some(mut stretch) = stretches.pop() {
        trim(old, new, &mut stretch, &mut found);
        let Stretch {
            old: in_old,
            new: in_new,
            depth,
        } = stretch;
        if in_old.is_empty() || in_new.is_empty() {
            continue;
        }
        let cells = in_old.len() as u64 * in_new.len() as u64;
        if cells <= CELLS_MAX && cells <= *work {
            *work -= cells;
            each_with_each(old, new, &in_old, &in_new, &mut found);
            continue;
        }
        let anchors = if depth < DEPTH_MAX {
            anchors(old, new, &in_old, &in_new)
        } else {
            Vec::new()
        };
        if anchors.is_empty() {
            window_by_window(old, new, in_old, in_new, work, &mut found);
            continue;
        }
        let (mut old_from, mut new_from) = (in_old.start, in_new.start);
        let end = (in_old.end, in_new.end);
        for (old_at, new_at) in anchors.into_iter().chain([end]) {
            stretches.push(Stretch {
                old: old_from..old_at,
                new: new_from..new_at,
                depth: depth + 1,
            });
            if (old_at, new_at) != end {
                found.push((old_at, new_at));
            }
            (old_from, new_from) = (old_at + 1, new_at + 1);
        }
    }
    found.sort_unstable();
    found
}

/// Takes away what both begin and end with.
fn trim(old: &[Sign], new: &[Sign], stretch: &mut Stretch, found: &mut Vec<(usize, usize)>) {
    let has_both = |stretch: &Stretch| !stretch.old.is_empty() && !stretch.new.is_empty();
    while has_both(stretch) && old[stretch.old.start] == new[stretch.new.start] {
        found.push((stretch.old.start, stretch.new.start));
        stretch.old.start += 1;
        stretch.new.start += 1;
    }
    while has_both(stretch) && old[stretch.old.end - 1] == new[stretch.new.end - 1] {
        stretch.old.end -= 1;
        stretch.new.end -= 1;
        found.push((stretch.old.end, stretch.new.end));
    }
}

/// The heaviest common subsequence.
fn each_with_each(
    old: &[Sign],
    new: &[Sign],
    in_old: &Range<usize>,
    in_new: &Range<usize>,
    found: &mut Vec<(usize, usize)>,
) {
    let (a, b) = (&old[in_old.clone()], &new[in_new.clone()]);
    let wide = b.len() + 1;
    // How much the rest behind each pair of places has in common.
    let mut common = vec![0_u32; (a.len() + 1) * wide];
    for (i, left) in a.iter().enumerate().rev() {
        for (j, right) in b.iter().enumerate().rev() {
            let mut most = common[(i + 1) * wide + j].max(common[i * wide + j + 1]);
            if left == right {
                most = most.max(common[(i + 1) * wide + j + 1].saturating_add(left.weight));
            }
            common[i * wide + j] = most;
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let most = common[i * wide + j];
        if a[i] == b[j] && most == common[(i + 1) * wide + j + 1].saturating_add(a[i].weight) {
            found.push((in_old.start + i, in_new.start + j));
            (i, j) = (i + 1, j + 1);
        } else if common[(i + 1) * wide + j] >= common[i * wide + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
}

/// The longest ascending list of what stands in each of the two exactly once.
fn anchors(
    old: &[Sign],
    new: &[Sign],
    in_old: &Range<usize>,
    in_new: &Range<usize>,
) -> Vec<(usize, usize)> {
    #[derive(Default)]
    struct Seen {
        in_old: usize,
        in_new: usize,
        new_at: usize,
    }
    let mut seen: BTreeMap<u32, Seen> = BTreeMap::new();
    for sign in &old[in_old.clone()] {
        seen.entry(sign.name).or_default().in_old += 1;
    }
    for at in in_new.clone() {
        if let Some(seen) = seen.get_mut(&new[at].name) {
            seen.in_new += 1;
            seen.new_at = at;
        }
    }
    let once = in_old.clone().filter_map(|at| {
        let seen = seen.get(&old[at].name)?;
        (seen.in_old == 1 && seen.in_new == 1).then_some((at, seen.new_at))
    });
    longest_ascending(&once.collect::<Vec<_>>())
}

/// The longest part of `pairs` (ascending on the left) that ascends on the right, too.
fn longest_ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The last of the best list of each length, and for each pair the one before it.
    let mut lasts: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (number, pair) in pairs.iter().enumerate() {
        let length = lasts.partition_point(|last| pairs[*last].1 < pair.1);
        before.push(length.checked_sub(1).map(|shorter| lasts[shorter]));
        if length == lasts.len() {
            lasts.push(number);
        } else {
            lasts[length] = number;
        }
    }
    let mut list = Vec::with_capacity(lasts.len());
    let mut at = lasts.last().copied();
    while let Some(number) = at {
        list.push(pairs[number]);
        at = before[number];
    }
    list.reverse();
    list
}

/// Goes along both, and where they part, to the nearest place at which they say the same again.
fn window_by_window(
    old: &[Sign],
    new: &[Sign],
    in_old: Range<usize>,
    in_new: Range<usize>,
    work: &mut u64,
    found: &mut Vec<(usize, usize)>,
) {
    let (mut i, mut j) = (in_old.start, in_new.start);
    while i < in_old.end && j < in_new.end && *work > 0 {
        if old[i] == new[j] {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (old_left, new_left) = (in_old.end - i, in_new.end - j);
        let ahead = 1..WINDOW.min(old_left.max(new_left));
        let meeting = ahead
            .flat_map(|steps| (0..=steps).map(move |of_old| (of_old, steps - of_old)))
            .filter(|(of_old, of_new)| *of_old < old_left && *of_new < new_left)
            .find(|(of_old, of_new)| {
                *work = work.saturating_sub(1);
                old[i + of_old] == new[j + of_new]
            });
        let (of_old, of_new) = meeting.unwrap_or((1, 1));
        (i, j) = (i + of_old, j + of_new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::chance::Chance;

    fn signs(names: &[u32]) -> Vec<Sign> {
        let sign = |name: &u32| Sign {
            name: *name,
            weight: 1,
        };
        names.iter().map(sign).collect()
    }

    fn found(old: &[Sign], new: &[Sign]) -> Vec<(usize, usize)> {
        let pairs = pairs(old, new, &mut WORK_MAX.clone());
        for pair in &pairs {
            assert_eq!(old[pair.0], new[pair.1]);
        }
        for two in pairs.windows(2) {
            assert!(two[0].0 < two[1].0 && two[0].1 < two[1].1, "{two:?}");
        }
        pairs
    }

    #[test]
    fn the_heaviest_common_part_is_found_in_small_sequences() {
        let (old, new) = (signs(&[1, 2, 3, 4, 5]), signs(&[2, 9, 4, 3, 5]));
        assert_eq!(found(&old, &new).len(), 3);
        let heavy = |name, weight| Sign { name, weight };
        let old = [heavy(1, 1), heavy(2, 1), heavy(3, 9)];
        let new = [heavy(3, 9), heavy(1, 1), heavy(2, 1)];
        assert_eq!(found(&old, &new), [(2, 0)]);
    }

    #[test]
    fn long_sequences_keep_all_but_what_was_changed() {
        let mut chance = Chance::new(7);
        let old: Vec<u32> = (0..20_000)
            .map(|n| if n % 3 == 0 { 0 } else { n })
            .collect();
        let mut new = old.clone();
        for _ in 0..50 {
            let at = chance.index_below(new.len());
            new[at] = 1_000_000;
        }
        assert!(found(&signs(&old), &signs(&new)).len() >= old.len() - 50);
        // Nothing stands there once, so there is nothing to cut at.
        let old = vec![7; 5_000];
        let mut new = old.clone();
        (new[5], new[2_500], new[4_990]) = (1, 1, 1);
        assert!(found(&signs(&old), &signs(&new)).len() >= 4_900);
    }

    #[test]
    fn sequences_made_to_cost_time_cost_no_more_than_is_set_aside() {
        let zeros: Vec<u32> = (0..300_000).map(|n| n % 2).collect();
        let others: Vec<u32> = (0..300_000).map(|n| 2 + n % 2).collect();
        let mut work = WORK_MAX;
        assert!(pairs(&signs(&zeros), &signs(&others), &mut work).is_empty());
        assert_eq!(work, 0);
    }
}
