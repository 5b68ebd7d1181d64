//! Rules for the documents: every path they name exists.

use std::path::{Path, PathBuf};

use super::read;
use crate::workspace;

pub(super) fn check(files: &[PathBuf], complaints: &mut Vec<String>) {
    let root = workspace::root();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|own| own == "md"))
    {
        let text = read(file);
        let beside = root.join(file);
        let folder = beside.parent().unwrap_or(&root);
        for path in linked_paths(&text) {
            if !folder.join(path).exists() {
                complaints.push(format!(
                    "{}: links to {path}, which does not exist",
                    file.display()
                ));
            }
        }
        for path in named_paths(&text) {
            let known = path
                .split('/')
                .next()
                .is_some_and(|first| is_top_folder(&root, first));
            if known && !root.join(path).exists() {
                complaints.push(format!(
                    "{}: names {path}, which does not exist",
                    file.display()
                ));
            }
        }
    }
}

/// Targets of Markdown links that are files here.
fn linked_paths(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', ' ']).next()?.split('#').next()?;
        let elsewhere =
            target.is_empty() || target.contains("://") || target.starts_with("mailto:");
        (!elsewhere).then_some(target)
    })
}

/// Code spans that read as a path: with a slash, and nothing but a path's characters.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    let outside_fences = text.split("\n```").step_by(2);
    outside_fences
        .flat_map(|part| part.split('`').skip(1).step_by(2))
        .filter_map(|span| {
            let path = span.split(':').next()?.trim_end_matches('/');
            let plain = path
                .chars()
                .all(|each| each.is_ascii_alphanumeric() || "/._-".contains(each));
            (plain && path.contains('/') && !path.starts_with('/')).then_some(path)
        })
}

/// Folders of the checkout itself; what a build leaves behind may be missing.
fn is_top_folder(root: &Path, name: &str) -> bool {
    const WRITTEN: [&str; 9] = [
        ".cargo",
        ".ci",
        "bench",
        "docs",
        "e2e",
        "frontend",
        "shared",
        "sync-server",
        "xtask",
    ];
    WRITTEN.contains(&name) && root.join(name).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_code_spans_are_found_and_commands_and_routes_are_not() {
        let text = "See `shared/src/ids.rs`, `/sync/{doc}`, `cargo xtask run` and `docs/`.\n\
                    ```\nnot/this.rs\n```\nbut `e2e/tests` again.";
        assert_eq!(
            named_paths(text).collect::<Vec<_>>(),
            ["shared/src/ids.rs", "e2e/tests"]
        );
    }

    #[test]
    fn links_to_files_are_found_and_links_elsewhere_are_not() {
        let text = "[a](docs/A.md#part) [b](https://example.org/x) [c](#here)";
        assert_eq!(linked_paths(text).collect::<Vec<_>>(), ["docs/A.md"]);
    }
}
