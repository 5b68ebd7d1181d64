//! Rules for one source file at a time: its length, its opening line, its place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::read;

/// Longest a source file may be, in lines, without an entry in [`LONG_FILES`].
const LINES_MAX: usize = 500;
/// Files that were longer, and how long: this list may only shrink.
const LONG_FILES: &str = "xtask/long-files.txt";
const CODE: [&str; 6] = ["rs", "ts", "js", "mjs", "css", "sql"];

pub(super) fn check(files: &[PathBuf], complaints: &mut Vec<String>) {
    let allowed = long_files(&read(Path::new(LONG_FILES)));
    for file in files.iter().filter(|file| has_extension(file, &CODE)) {
        let text = read(file);
        let name = file.to_string_lossy();
        let allowance = allowed.get(name.as_ref()).copied();
        complaints.extend(length_complaint(&name, text.lines().count(), allowance));
        if has_extension(file, &["rs"]) {
            complaints.extend(rust_complaints(file, &text));
        }
    }
    for name in allowed.keys() {
        if !files
            .iter()
            .any(|file| file.to_string_lossy() == name.as_str())
        {
            complaints.push(format!("{LONG_FILES}: {name} is gone; drop its line"));
        }
    }
}

fn length_complaint(name: &str, lines: usize, allowance: Option<usize>) -> Option<String> {
    match allowance {
        None if lines > LINES_MAX => {
            Some(format!("{name}: {lines} lines; split it below {LINES_MAX}"))
        }
        Some(most) if lines > most => Some(format!(
            "{name}: grew from {most} to {lines} lines; split it"
        )),
        Some(_) if lines <= LINES_MAX => Some(format!(
            "{name}: only {lines} lines now; drop it from {LONG_FILES}"
        )),
        _ => None,
    }
}

fn rust_complaints(file: &Path, text: &str) -> Vec<String> {
    let name = file.display();
    let mut complaints = Vec::new();
    if file.file_name().is_some_and(|last| last == "mod.rs") {
        complaints.push(format!(
            "{name}: call it after its folder, beside the folder, not mod.rs"
        ));
    }
    if !text.starts_with("//!") {
        complaints.push(format!("{name}: open with `//!`: what the file is for"));
    }
    complaints
}

fn long_files(list: &str) -> BTreeMap<String, usize> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let (name, most) = line.split_once(' ')?;
            Some((name.to_owned(), most.trim().parse().ok()?))
        })
        .collect()
}

fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    file.extension()
        .is_some_and(|own| extensions.iter().any(|each| own == *each))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_must_be_listed_and_a_listed_one_may_not_grow() {
        assert!(length_complaint("a.rs", 500, None).is_none());
        assert!(length_complaint("a.rs", 501, None).is_some());
        assert!(length_complaint("a.rs", 600, Some(600)).is_none());
        assert!(length_complaint("a.rs", 601, Some(600)).is_some());
    }

    #[test]
    fn a_file_that_became_short_leaves_the_list() {
        assert!(length_complaint("a.rs", 499, Some(600)).is_some());
    }

    #[test]
    fn a_rust_file_opens_with_what_it_is_for_and_is_not_called_mod() {
        assert!(rust_complaints(Path::new("a/b.rs"), "//! For this.\n").is_empty());
        assert_eq!(rust_complaints(Path::new("a/mod.rs"), "use b;\n").len(), 2);
    }
}
