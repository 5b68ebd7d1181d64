//! Where things are: the workspace, its folders, and the versions its lock file asks for.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    // Cargo sets this when it runs us, so a moved or copied checkout is still found.
    let own_package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own_package
        .parent()
        .map_or_else(|| own_package.clone(), Path::to_path_buf)
}

/// The built page, as it is embedded in the server.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// Cargo's folder for what it builds natively.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Tools that are built once for a person, not once for a checkout.
pub(crate) fn tools() -> PathBuf {
    if let Some(dir) = env::var_os("SHEAF_TOOLS") {
        return PathBuf::from(dir);
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
        .or_else(|| home().map(|home| home.join(".cache")))
        .unwrap_or_else(|| target().join("cache"));
    cache.join("sheaf-tools")
}

/// `name` as an executable of this system.
pub(crate) fn executable(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

/// `PATH` with `first` before everything else.
pub(crate) fn path_starting_with(first: &[PathBuf]) -> OsString {
    let rest = env::var_os("PATH").unwrap_or_default();
    let all = first.iter().cloned().chain(env::split_paths(&rest));
    env::join_paths(all).unwrap_or(rest)
}

/// First file called `name` on `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(executable(name)))
        .find(|file| file.is_file())
}

/// The version of `package` that `Cargo.lock` holds.
pub(crate) fn locked_version(package: &str) -> Result<String, Failure> {
    let lock_file = root().join("Cargo.lock");
    let lock = fs::read_to_string(&lock_file).map_err(|cause| {
        Failure::new(
            format!("could not read {}: {cause}", lock_file.display()),
            "run this inside a checkout of Sheaf",
        )
    })?;
    version_in_lock(&lock, package).ok_or_else(|| {
        Failure::new(
            format!("Cargo.lock names no package {package}"),
            "run `cargo check` once, which completes Cargo.lock",
        )
    })
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.next()?;
    lines
        .next()?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
        .map(str::to_owned)
}

fn home() -> Option<PathBuf> {
    env::var_os("HOME")
        .or_else(|| env::var_os("USERPROFILE"))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_tells_a_packages_exact_version_and_not_its_namesakes() {
        let lock = "[[package]]\nname = \"wasm-bindgen-shared\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(
            version_in_lock(lock, "wasm-bindgen").as_deref(),
            Some("0.2.130")
        );
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }
}
