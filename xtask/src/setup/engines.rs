//! PostgreSQL, which tests of many servers start for themselves: only its programs are needed, no running service.

use std::path::Path;

use crate::command::step;
use crate::failure::Failure;
use crate::setup::wasm_std::apt_install;
use crate::workspace;

/// Where Debian and Homebrew put each version's programs.
const FOLDERS: [&str; 3] = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];

/// Finds PostgreSQL's programs or installs them.
pub(crate) fn find_or_install() -> Result<(), Failure> {
    if is_there() {
        return Ok(());
    }
    if !cfg!(target_os = "linux") || workspace::on_path("apt-get").is_none() {
        return Err(Failure::new(
            "PostgreSQL is not installed, and tests of many servers start it".to_owned(),
            "install it (on a Mac: brew install postgresql) and try again".to_owned(),
        ));
    }
    step(
        "PostgreSQL, which tests of many servers start (about half a minute)",
        || apt_install(&["postgresql"]),
    )
}

fn is_there() -> bool {
    let in_folders = FOLDERS.iter().any(|folder| {
        let versions = Path::new(folder).read_dir().into_iter().flatten().flatten();
        versions
            .map(|version| version.path().join("bin/initdb"))
            .any(|program| program.is_file())
    });
    in_folders || workspace::on_path("initdb").is_some()
}
