//! A browser for the tests: the one Playwright was released with if it can be had, else the
//! system's Chromium or Chrome, else Debian's.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::command::{Bounded, command, output_of, run_within, step};
use crate::failure::Failure;
use crate::setup::wasm_std::apt_install;
use crate::workspace;

/// Longest wait for Playwright's download (about 170 MB).
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(240);
const SYSTEM_BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];

const SYSTEM_FIREFOXES: [&str; 3] = [
    "firefox",
    "firefox-esr",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
];

/// The browser that Playwright is told to drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Browser {
    /// The one in Playwright's own cache.
    Playwrights,
    /// Another one, at this path.
    At(PathBuf),
}

impl Browser {
    /// Tells `command`'s Playwright configuration which browser to drive.
    pub(crate) fn prepare(&self, command: &mut Command) {
        match self {
            Self::Playwrights => command.env_remove("SHEAF_CHROMIUM"),
            Self::At(path) => command.env("SHEAF_CHROMIUM", path),
        };
    }
}

/// Finds a browser, or installs one in the first way that works here.
pub(crate) fn find_or_install() -> Result<Browser, Failure> {
    if let Some(chosen) = std::env::var_os("SHEAF_CHROMIUM") {
        return Ok(Browser::At(PathBuf::from(chosen)));
    }
    if playwrights_is_there() || download_playwrights() {
        return Ok(Browser::Playwrights);
    }
    if let Some(found) = on_this_system() {
        return Ok(Browser::At(found));
    }
    let nowhere = || {
        Failure::new(
            "no browser for the tests was found or could be installed",
            "install Chromium or Chrome, or name one in SHEAF_CHROMIUM",
        )
    };
    if !cfg!(target_os = "linux") || workspace::on_path("apt-get").is_none() {
        return Err(nowhere());
    }
    step("Debian's Chromium, for the browser tests", || {
        apt_install(&["chromium"])
    })?;
    on_this_system().map(Browser::At).ok_or_else(nowhere)
}

/// Finds Firefox as its makers released it, or installs Debian's.
pub(crate) fn find_or_install_firefox() -> Result<PathBuf, Failure> {
    if let Some(chosen) = std::env::var_os("SHEAF_FIREFOX") {
        return Ok(PathBuf::from(chosen));
    }
    if let Some(found) = first_of(&SYSTEM_FIREFOXES) {
        return Ok(found);
    }
    let nowhere = || {
        Failure::new(
            "no Firefox was found or could be installed",
            "install Firefox, or name it in SHEAF_FIREFOX",
        )
    };
    if !cfg!(target_os = "linux") || workspace::on_path("apt-get").is_none() {
        return Err(nowhere());
    }
    step("Debian's Firefox, for the browser tests", || {
        apt_install(&["firefox-esr"])
    })?;
    first_of(&SYSTEM_FIREFOXES).ok_or_else(nowhere)
}

fn on_this_system() -> Option<PathBuf> {
    first_of(&SYSTEM_BROWSERS)
}

/// The first of these that is on the path, or is itself the path of a program.
fn first_of(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| workspace::on_path(name))
}

fn playwrights_is_there() -> bool {
    let ask = "process.stdout.write(require('@playwright/test').chromium.executablePath())";
    output_of(in_e2e("node").args(["-e", ask])).is_some_and(|path| PathBuf::from(path).is_file())
}

/// Tries the download once for each version of Playwright: where its servers can't be reached,
/// asking again at every run would only cost time.
fn download_playwrights() -> bool {
    let version =
        output_of(in_e2e("node").args(["-p", "require('@playwright/test/package.json').version"]))
            .unwrap_or_default();
    let refused =
        workspace::target().join(format!("playwright-{}-cannot-download", version.trim()));
    if refused.exists() {
        return false;
    }
    let outcome = step(
        "Chromium of Playwright's own release, for the browser tests",
        || {
            let mut install = in_e2e("node");
            install.args([
                "node_modules/@playwright/test/cli.js",
                "install",
                "chromium",
            ]);
            let outcome = run_within(&mut install, DOWNLOAD_LIMIT);
            if outcome != Bounded::Succeeded {
                println!("   it can't be downloaded here; looking for another browser");
            }
            Ok(outcome)
        },
    );
    if outcome.is_ok_and(|outcome| outcome == Bounded::Succeeded) && playwrights_is_there() {
        return true;
    }
    drop(std::fs::create_dir_all(workspace::target()));
    drop(std::fs::write(refused, "delete this file to try again\n"));
    false
}

fn in_e2e(program: &str) -> Command {
    let mut command = command(program);
    command.current_dir(workspace::root().join("e2e"));
    command
}
