//! Names of files for pages: safe on every system, and each once in its folder.

use std::collections::{BTreeMap, BTreeSet};

/// Longest name, in bytes, without its ending: what every file system takes, with room for a number and an ending.
const NAME_BYTES_MAX: usize = 120;
/// Name of a page that has no title.
const UNTITLED: &str = "Untitled";
/// Names that are devices on one system, whatever their ending.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The names of one folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// As systems compare them that do not tell small letters from large ones.
    taken: BTreeSet<String>,
    /// The last number that each was told apart by: a thousand pages may have the same title.
    numbers: BTreeMap<String, u32>,
}

impl Folder {
    /// A name for `title` that nothing in this folder has.
    pub(super) fn name(&mut self, title: &str) -> String {
        let safe = safe(title);
        let mut name = safe.clone();
        while !self.taken.insert(name.to_lowercase()) {
            let number = self.numbers.entry(safe.to_lowercase()).or_insert(1);
            *number += 1;
            name = format!("{safe} ({number})");
        }
        name
    }
}

/// `title` as a name that is a file in its folder and nothing else.
fn safe(title: &str) -> String {
    let mut name = String::new();
    for letter in title.trim().chars() {
        let letter = match letter {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '-',
            // Signs that turn the direction of writing make an ending look like another one.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => continue,
            _ if letter.is_control() => ' ',
            _ => letter,
        };
        if name.len() + letter.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        name.push(letter);
    }
    let name = name.trim_matches(|letter: char| letter.is_whitespace() || letter == '.');
    if name.is_empty() {
        return UNTITLED.to_owned();
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if DEVICES.contains(&stem.to_lowercase().as_str()) {
        return format!("_{name}");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_becomes_a_name_that_leads_out_of_no_folder() {
        for (title, name) in [
            ("Plan", "Plan"),
            ("../../etc/passwd", "-..-etc-passwd"),
            ("..", UNTITLED),
            ("  ", UNTITLED),
            ("a/b\\c:d", "a-b-c-d"),
            ("dot.", "dot"),
            ("con", "_con"),
            ("Aux.txt", "_Aux.txt"),
            ("two\nlines", "two lines"),
            ("\u{202e}dm.exe", "dm.exe"),
            ("日本", "日本"),
        ] {
            assert_eq!(safe(title), name, "{title:?}");
        }
        let long = safe(&"é".repeat(400));
        assert!(long.len() <= NAME_BYTES_MAX && long.starts_with('é'));
    }

    #[test]
    fn no_two_pages_of_a_folder_have_the_same_name_in_any_case_of_letters() {
        let mut folder = Folder::default();
        let names = ["Plan", "plan", "Plan (2)", "PLAN", ""].map(|title| folder.name(title));
        assert_eq!(
            names,
            ["Plan", "plan (2)", "Plan (2) (2)", "PLAN (3)", UNTITLED]
        );
    }
}
