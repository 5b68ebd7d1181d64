//! Set-up: whatever building and testing need and this machine lacks. Every step looks first, does
//! nothing when nothing is missing, and says what it installs, why, and how long that took.

pub(crate) mod browsers;
pub(crate) mod engines;
pub(crate) mod node;
pub(crate) mod tools;
pub(crate) mod wasm_std;

use std::path::PathBuf;
use std::process::Command;

use crate::command;
use crate::failure::Failure;
use crate::workspace;
use wasm_std::WasmStd;

/// All that is needed to build the page.
pub(crate) struct WebTools {
    wasm_std: WasmStd,
    first_on_path: Vec<PathBuf>,
}

impl WebTools {
    /// `program`, run where the right compiler, `wasm-bindgen`, `trunk` and `wasm-opt` are found.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = command::command(program);
        let mut first = self.first_on_path.clone();
        first.extend(self.wasm_std.compiler_folder());
        command.env("PATH", workspace::path_starting_with(&first));
        self.wasm_std.prepare(&mut command);
        command
    }

    /// Names the toolchain, so that a page built by another one counts as stale.
    pub(crate) fn identity(&self) -> String {
        self.wasm_std.identity()
    }
}

/// What `cargo xtask setup` does: everything, browsers and databases included.
pub(crate) fn everything() -> Result<(), Failure> {
    engines::find_or_install()?;
    for_the_page()?;
    for_browser_tests().map(drop)
}

/// Sets up what the page is built with.
pub(crate) fn for_the_page() -> Result<WebTools, Failure> {
    node::check_version()?;
    let wasm_std = wasm_std::find_or_install()?;
    tools::ensure(&tools::wasm_bindgen()?)?;
    tools::ensure(&tools::trunk())?;
    node::install_packages("xtask/web", "wasm-opt, which makes the page's Wasm smaller")?;
    node::install_packages("frontend/surface", "the editor and its bundler")?;
    Ok(WebTools {
        wasm_std,
        first_on_path: tool_folders(),
    })
}

/// Sets up what tests of wasm32 code are built and run with.
pub(crate) fn for_wasm_tests() -> Result<WebTools, Failure> {
    node::check_version()?;
    let wasm_std = wasm_std::find_or_install()?;
    tools::ensure(&tools::wasm_bindgen()?)?;
    Ok(WebTools {
        wasm_std,
        first_on_path: tool_folders(),
    })
}

/// Sets up Playwright and a browser for it.
pub(crate) fn for_browser_tests() -> Result<browsers::Browser, Failure> {
    node::check_version()?;
    node::install_packages("e2e", "Playwright, which drives the browsers")?;
    node::install_packages(
        "sync-server/tests/oidc",
        "a provider of accounts elsewhere, to sign in by",
    )?;
    browsers::find_or_install()
}

/// Sets up what the browser tests need in Firefox, and says where that is.
pub(crate) fn for_firefox_tests() -> Result<PathBuf, Failure> {
    node::check_version()?;
    node::install_packages("e2e", "Playwright, which drives the browsers")?;
    browsers::find_or_install_firefox()
}

fn tool_folders() -> Vec<PathBuf> {
    vec![
        workspace::tools().join("bin"),
        workspace::root().join("xtask/web/node_modules/.bin"),
    ]
}
