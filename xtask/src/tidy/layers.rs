//! The rule about dependencies: the pure packages can't reach a socket, a disk or a browser,
//! because nothing they build with can.

use crate::command::{cargo, output_of};

const PURE: [&str; 3] = ["sheaf-shared", "sheaf-core", "sheaf-binding"];
/// A name that ends in `*` stands for all that begin so.
const KEPT_OUT: [&str; 12] = [
    "axum*",
    "hyper*",
    "tokio*",
    "redis*",
    "rusqlite",
    "sqlx*",
    "postgres*",
    "reqwest",
    "web-sys",
    "gloo*",
    "leptos*",
    "async-std",
];

pub(super) fn check(complaints: &mut Vec<String>) {
    for package in PURE {
        let tree = output_of(&mut cargo(&[
            "tree",
            "--package",
            package,
            "--edges",
            "normal",
            "--target",
            "all",
            "--prefix",
            "none",
        ]));
        match tree {
            Some(tree) => complaints.extend(
                intruders(&tree)
                    .map(|found| format!("{package} is pure, and yet depends on {found}")),
            ),
            None => complaints.push(format!(
                "cargo tree could not list what {package} depends on"
            )),
        }
    }
}

fn intruders(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| is_kept_out(name))
}

fn is_kept_out(name: &str) -> bool {
    KEPT_OUT.iter().any(|each| match each.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *each,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_found_wherever_it_stands_in_the_tree() {
        let tree = "sheaf-shared v0.1.0 (/here)\nyrs v0.28.1\ntokio-util v0.7.0\nserde v1.0.0\n";
        assert_eq!(intruders(tree).collect::<Vec<_>>(), ["tokio-util"]);
    }
}
