//! The house rules a machine can check, so that people need not.

mod documents;
mod layers;
mod sources;

use std::path::{Path, PathBuf};

use crate::command::{command, output_of};
use crate::failure::Failure;
use crate::workspace;

/// Checks every rule and prints what breaks one.
pub(crate) fn check_and_print() -> Result<(), Failure> {
    let files = tracked_files()?;
    let mut complaints = Vec::new();
    sources::check(&files, &mut complaints);
    layers::check(&mut complaints);
    documents::check(&files, &mut complaints);
    for complaint in &complaints {
        println!("   {complaint}");
    }
    match complaints.len() {
        0 => {
            println!("   {} files, every rule holds", files.len());
            Ok(())
        }
        broken => Err(Failure::new(
            format!("{broken} house rules are broken"),
            "mend what is named above; rerun with `cargo xtask tidy`",
        )),
    }
}

/// Every file that is or could be committed, relative to the root.
fn tracked_files() -> Result<Vec<PathBuf>, Failure> {
    let mut git = command("git");
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = output_of(&mut git).ok_or_else(|| {
        Failure::new(
            "git could not list the files",
            "run this inside a clone, with git installed",
        )
    })?;
    let root = workspace::root();
    let mut files: Vec<PathBuf> = listed
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|name| root.join(name).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(workspace::root().join(file)).unwrap_or_default()
}
