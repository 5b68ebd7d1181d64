//! Node.js and the npm packages of this workspace's few JavaScript folders.

use std::fs;

use crate::command::{command, output_of, run, step};
use crate::failure::Failure;
use crate::workspace;

/// Oldest Node.js whose test runner and `fetch` the suites rely on.
const OLDEST_NODE: u32 = 20;
const STAMP: &str = "node_modules/.installed-from-lock";

/// Refuses to go on without a Node.js that is new enough.
pub(crate) fn check_version() -> Result<(), Failure> {
    let remedy = format!(
        "install Node.js {OLDEST_NODE} or newer, with npm, from your system's packages or nodejs.org"
    );
    let told = output_of(command("node").arg("--version"))
        .ok_or_else(|| Failure::new("Node.js is not installed", remedy.as_str()))?;
    match major_version(&told) {
        Some(major) if major >= OLDEST_NODE => Ok(()),
        _ => Err(Failure::new(
            format!("Node.js is too old: {}", told.trim()),
            remedy,
        )),
    }
}

/// Installs what `folder`'s lock file names, unless exactly that is installed already.
pub(crate) fn install_packages(folder: &str, why: &str) -> Result<(), Failure> {
    let folder_path = workspace::root().join(folder);
    // A lock file is what makes an install repeatable: a folder without one has none to repeat.
    let Ok(lock) = fs::read(folder_path.join("package-lock.json")) else {
        return Ok(());
    };
    let stamp = folder_path.join(STAMP);
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    step(&format!("npm packages in {folder}: {why}"), || {
        let mut npm = command(npm_program());
        // Playwright's package would otherwise fetch browsers on its own terms.
        npm.current_dir(&folder_path)
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
        run(
            &mut npm,
            &format!("check the network, then run `npm ci` in {folder}"),
        )?;
        fs::write(&stamp, &lock).map_err(|cause| {
            Failure::new(
                format!("could not write {}: {cause}", stamp.display()),
                "check that the folder is writable",
            )
        })
    })
}

/// npm, as this system's shell would find it.
pub(crate) fn npm_program() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

fn major_version(told: &str) -> Option<u32> {
    told.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_major_version_is_read_and_nonsense_is_not() {
        assert_eq!(major_version("v20.20.2\n"), Some(20));
        assert_eq!(major_version("node: command not found"), None);
    }
}
