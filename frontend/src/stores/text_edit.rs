//! The smallest edit between two texts, as a text field needs it.

/// Replaces `deleted` units at `at` by `inserted`. Counts UTF-16 units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// Where.
    pub at: u32,
    /// How many units go.
    pub deleted: u32,
    /// What comes.
    pub inserted: String,
}

/// The edit that makes `new` of `old`; `None` if they are equal.
///
/// `caret` is where the caret stands in `new`, in UTF-16 units: among equal letters the edit is placed before
/// it, where the person typed. Never splits a character.
#[must_use]
pub fn between(old: &str, new: &str, caret: Option<u32>) -> Option<TextEdit> {
    if old == new {
        return None;
    }
    let (before, after): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let shorter = before.len().min(after.len());
    let suffix_max = caret.map_or(shorter, |caret| {
        let mut units = 0;
        let head = after.iter().take_while(|letter| {
            units += letter.len_utf16();
            units <= caret as usize
        });
        shorter.min(after.len() - head.count())
    });
    let suffix = common(before.iter().rev(), after.iter().rev(), suffix_max);
    let prefix = common(before.iter(), after.iter(), shorter - suffix);
    let suffix = common(before.iter().rev(), after.iter().rev(), shorter - prefix);
    Some(TextEdit {
        at: units(&before[..prefix]),
        deleted: units(&before[prefix..before.len() - suffix]),
        inserted: after[prefix..after.len() - suffix].iter().collect(),
    })
}

/// Where a caret at `caret` in `old` stands once others have made `new` of it. UTF-16 units.
#[must_use]
pub fn moved_caret(old: &str, new: &str, caret: u32) -> u32 {
    let Some(edit) = between(old, new, None) else {
        return caret;
    };
    let inserted = u32::try_from(edit.inserted.encode_utf16().count()).unwrap_or(u32::MAX);
    if caret <= edit.at {
        caret
    } else if caret >= edit.at + edit.deleted {
        caret - edit.deleted + inserted
    } else {
        edit.at + inserted
    }
}

fn common<'a>(
    a: impl Iterator<Item = &'a char>,
    b: impl Iterator<Item = &'a char>,
    max: usize,
) -> usize {
    a.zip(b).take(max).take_while(|(a, b)| a == b).count()
}

fn units(letters: &[char]) -> u32 {
    let count: usize = letters.iter().map(|letter| letter.len_utf16()).sum();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(at: u32, deleted: u32, inserted: &str) -> Option<TextEdit> {
        Some(TextEdit {
            at,
            deleted,
            inserted: inserted.to_owned(),
        })
    }

    #[test]
    fn only_what_was_typed_is_changed_so_that_others_letters_stay() {
        assert_eq!(between("Plan", "Plan", None), None);
        assert_eq!(between("Plan", "Plan B", Some(6)), edit(4, 0, " B"));
        assert_eq!(
            between("Spring plan", "Summer plan", Some(6)),
            edit(1, 5, "ummer")
        );
        assert_eq!(between("Plan", "", Some(0)), edit(0, 4, ""));
    }

    #[test]
    fn a_letter_typed_among_equal_ones_lands_at_the_caret() {
        assert_eq!(between("aaa", "aaaa", Some(2)), edit(1, 0, "a"));
        assert_eq!(between("aaaa", "aaa", Some(1)), edit(1, 1, ""));
    }

    #[test]
    fn a_character_of_two_units_is_never_split() {
        assert_eq!(between("a😀", "a😁", Some(3)), edit(1, 2, "😁"));
        assert_eq!(between("😀x", "😀yx", Some(3)), edit(2, 0, "y"));
    }

    #[test]
    fn the_caret_stays_with_its_letters_when_others_type() {
        assert_eq!(moved_caret("Plan", "My Plan", 2), 5);
        assert_eq!(moved_caret("Plan", "Plan B", 2), 2);
        assert_eq!(moved_caret("Plan", "P", 3), 1);
    }
}
