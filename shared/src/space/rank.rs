//! Places between places: fractions written as text, so that putting a page between two others changes that page alone.
//!
//! A rank is digits behind an unseen point, `0`–`9`, `A`–`Z`, `a`–`z`, compared as bytes. It never ends in `0`.

/// Longest rank that is made; when a place between two would need more, the siblings get new ranks.
pub const RANK_CHARS_MAX: usize = 64;
/// Digits that a rank before all or behind all others has at most to begin with: room for millions at either end.
const OPEN_END_DIGITS: usize = 4;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: u8 = 62;

/// A rank between `low` and `high` (`None`: the open end). `None` if there is no room that can be written down:
/// the two are not in order, are not ranks, or lie too close.
///
/// Keeps close to the longer of the two: that one came last, and the next will probably come beside it, on the
/// same side. So a run of insertions at one place takes a digit more each 60, in either direction.
#[must_use]
pub fn between(low: Option<&str>, high: Option<&str>) -> Option<String> {
    let low = low.map_or(Some(Vec::new()), parse)?;
    let high = high.map_or(Some(None), |rank| parse(rank).map(Some))?;
    let found = match &high {
        Some(high) if low >= *high => return None,
        None if low.is_empty() => vec![BASE / 2],
        None => from_below(&low, None),
        Some(high) if low.is_empty() || high.len() > low.len() => from_above(&low, high),
        Some(high) => from_below(&low, Some(high)),
    };
    let digit = |value: &u8| {
        DIGITS
            .get(usize::from(*value))
            .map(|byte| char::from(*byte))
    };
    (found.len() <= RANK_CHARS_MAX).then(|| found.iter().filter_map(digit).collect())
}

/// `count` ranks in order, evenly apart.
#[must_use]
pub fn spread(count: usize) -> Vec<String> {
    let mut digits = 1;
    let mut room: u64 = u64::from(BASE);
    while room <= count as u64 + 1 {
        digits += 1;
        room *= u64::from(BASE);
    }
    (1..=count as u64)
        .map(|number| {
            let mut value = u128::from(number) * u128::from(room) / (count as u128 + 1);
            let mut text: Vec<u8> = (0..digits)
                .map(|_| {
                    let digit = (value % u128::from(BASE)) as usize;
                    value /= u128::from(BASE);
                    DIGITS[digit]
                })
                .collect();
            text.reverse();
            while text.last() == Some(&b'0') {
                text.pop();
            }
            text.into_iter().map(char::from).collect()
        })
        .collect()
}

fn parse(rank: &str) -> Option<Vec<u8>> {
    if rank.is_empty() || rank.len() > RANK_CHARS_MAX || rank.ends_with('0') {
        return None;
    }
    let digit = |byte: u8| DIGITS.binary_search(&byte).ok().map(|place| place as u8);
    rank.bytes().map(digit).collect()
}

/// The least above `low` with as few digits as fit below `high`.
fn from_below(low: &[u8], high: Option<&[u8]>) -> Vec<u8> {
    let least = if high.is_none() { OPEN_END_DIGITS } else { 1 };
    let mut digits = low.len().max(least);
    loop {
        if let Some(found) = step_up(low, digits)
            && high.is_none_or(|high| *found < *high)
        {
            return found;
        }
        digits += 1;
    }
}

/// The greatest below `high` with as few digits as fit above `low`.
fn from_above(low: &[u8], high: &[u8]) -> Vec<u8> {
    let least = if low.is_empty() { OPEN_END_DIGITS } else { 1 };
    let mut digits = high.len().max(least);
    loop {
        let found = step_down(high, digits);
        if *found > *low {
            return found;
        }
        digits += 1;
    }
}

/// `value` plus one in its last place when written with `digits` digits; `None` if that is 1 or more.
fn step_up(value: &[u8], digits: usize) -> Option<Vec<u8>> {
    let mut found = value.to_vec();
    found.resize(digits, 0);
    for digit in found.iter_mut().rev() {
        if *digit + 1 < BASE {
            *digit += 1;
            return Some(trimmed(found));
        }
        *digit = 0;
    }
    None
}

/// `value`, which is above zero, minus one in its last place when written with `digits` digits.
fn step_down(value: &[u8], digits: usize) -> Vec<u8> {
    let mut found = value.to_vec();
    found.resize(digits, 0);
    for digit in found.iter_mut().rev() {
        if *digit > 0 {
            *digit -= 1;
            break;
        }
        *digit = BASE - 1;
    }
    trimmed(found)
}

fn trimmed(mut digits: Vec<u8>) -> Vec<u8> {
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Chance;

    #[test]
    fn a_rank_lies_between_its_neighbours_wherever_they_are() {
        let mut chance = Chance::new(7);
        let mut ranks = vec![between(None, None).unwrap()];
        for _ in 0..5000 {
            let at = chance.index_below(ranks.len() + 1);
            let low = at.checked_sub(1).map(|low| ranks[low].as_str());
            let high = ranks.get(at).map(String::as_str);
            let found = between(low, high).unwrap();
            assert!(low.is_none_or(|low| low < &*found), "{low:?} < {found}");
            assert!(high.is_none_or(|high| &*found < high), "{found} < {high:?}");
            assert!(!found.ends_with('0'));
            ranks.insert(at, found);
        }
        assert!(ranks.iter().map(String::len).max() < Some(24));
    }

    #[test]
    fn a_thousand_insertions_at_one_place_keep_ranks_short() {
        let (low, high) = ("V".to_owned(), "W".to_owned());
        let (mut up, mut down, mut last, mut first) =
            (low.clone(), high.clone(), low.clone(), low.clone());
        for _ in 0..1000 {
            up = between(Some(&up), Some(&high)).unwrap();
            down = between(Some(&low), Some(&down)).unwrap();
            last = between(Some(&last), None).unwrap();
            first = between(None, Some(&first)).unwrap();
        }
        assert!(up.len() <= 20, "{up}");
        assert!(down.len() <= 20, "{down}");
        assert!(last.len() <= 4 && first.len() <= 4, "{last} {first}");
    }

    #[test]
    fn where_there_is_no_room_none_is_made_up() {
        assert_eq!(between(Some("V"), Some("V")), None);
        assert_eq!(between(Some("W"), Some("V")), None);
        for odd in ["", "a b", "é", "V0", &"z".repeat(RANK_CHARS_MAX + 1)] {
            assert_eq!(between(Some(odd), None), None, "{odd}");
            assert_eq!(between(None, Some(odd)), None, "{odd}");
        }
        let close = format!("V{}1", "0".repeat(RANK_CHARS_MAX - 2));
        assert_eq!(between(Some("V"), Some(&close)), None);
    }

    #[test]
    fn spread_ranks_are_in_order_and_leave_room_everywhere() {
        for count in [0, 1, 2, 60, 61, 62, 5000] {
            let ranks = spread(count);
            assert_eq!(ranks.len(), count);
            assert!(ranks.is_sorted_by(|a, b| a < b));
            assert!(ranks.iter().all(|rank| parse(rank).is_some()), "{count}");
            assert!(
                ranks
                    .windows(2)
                    .all(|pair| between(Some(&pair[0]), Some(&pair[1])).is_some())
            );
        }
    }
}
