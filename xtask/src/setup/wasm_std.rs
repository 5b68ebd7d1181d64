//! Rust's standard library for wasm32: from rustup where rustup can have it, else built from the
//! source that Debian packages, with Debian's compiler.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::{Bounded, command, output_of, run, run_within, step};
use crate::failure::Failure;
use crate::workspace;

const TARGET: &str = "wasm32-unknown-unknown";
/// Longest wait for rustup's download of the target.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);
/// Oldest compiler that builds this workspace; `rust-version` in `Cargo.toml` says the same.
const OLDEST_MINOR: u32 = 90;
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIBRARY_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"];

/// Where wasm32's standard library comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WasmStd {
    /// The compiler on `PATH` has it.
    Installed,
    /// Debian's compiler builds it from source; `linker` is the `wasm-ld` of its LLVM.
    BuiltByDebian { linker: String },
}

impl WasmStd {
    /// Folder that must come first on `PATH` for the right compiler.
    pub(crate) fn compiler_folder(&self) -> Option<PathBuf> {
        match self {
            Self::Installed => None,
            Self::BuiltByDebian { .. } => Some(PathBuf::from("/usr/bin")),
        }
    }

    /// Sets what Cargo must know, in `command`'s environment.
    pub(crate) fn prepare(&self, command: &mut Command) {
        // A folder of its own: two compilers must not share one, and a native build can go on
        // beside this one.
        command.env("CARGO_TARGET_DIR", self.target_folder());
        if let Self::BuiltByDebian { linker } = self {
            command
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                // `cargo run` put rustup's libraries here; Debian's compiler would load them.
                .env_remove("LD_LIBRARY_PATH")
                .env_remove("RUSTUP_TOOLCHAIN");
        }
    }

    /// Names this choice in a build's stamp.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Installed => compiler_facts("rustc").unwrap_or_default(),
            Self::BuiltByDebian { .. } => compiler_facts(DEBIAN_RUSTC).unwrap_or_default(),
        }
    }

    fn target_folder(&self) -> PathBuf {
        match self {
            Self::Installed => workspace::target().join("web"),
            Self::BuiltByDebian { .. } => workspace::target().join("web-debian"),
        }
    }
}

/// Finds the library, or installs it in the first way that works here.
pub(crate) fn find_or_install() -> Result<WasmStd, Failure> {
    match std::env::var("SHEAF_WASM_STD").as_deref() {
        Ok("rustup") => from_rustup().ok_or_else(nowhere),
        Ok("debian") => from_debian(),
        _ => from_rustup().map_or_else(from_debian, Ok),
    }
}

fn from_rustup() -> Option<WasmStd> {
    if is_in_sysroot() {
        return Some(WasmStd::Installed);
    }
    workspace::on_path("rustup")?;
    let why = format!("Rust's library for WebAssembly: rustup target add {TARGET}");
    step(&why, || {
        match run_within(
            command("rustup").args(["target", "add", TARGET]),
            RUSTUP_LIMIT,
        ) {
            Bounded::Succeeded if is_in_sysroot() => {}
            Bounded::Succeeded => println!("   rustup has it now, but not for the compiler in use"),
            Bounded::Failed => println!("   rustup could not get it"),
            Bounded::TookTooLong => println!("   rustup took too long and was stopped"),
        }
        Ok(())
    })
    .ok()?;
    is_in_sysroot().then_some(WasmStd::Installed)
}

fn is_in_sysroot() -> bool {
    let Some(sysroot) = output_of(command("rustc").args(["--print", "sysroot"])) else {
        return false;
    };
    let library = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib");
    std::fs::read_dir(library).is_ok_and(|mut files| {
        files.any(|file| {
            file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-"))
        })
    })
}

fn from_debian() -> Result<WasmStd, Failure> {
    if let Some(found) = installed_by_debian() {
        return Ok(found);
    }
    if !cfg!(target_os = "linux") || workspace::on_path("apt-get").is_none() {
        return Err(nowhere());
    }
    step(
        "Debian's Rust, which brings the source of the library for WebAssembly",
        || {
            apt_install(&DEBIAN_PACKAGES)?;
            let llvm = debian_llvm().ok_or_else(nowhere)?;
            apt_install(&[format!("lld-{llvm}").as_str()])
        },
    )?;
    installed_by_debian().ok_or_else(nowhere)
}

fn installed_by_debian() -> Option<WasmStd> {
    let llvm = debian_llvm()?;
    let linker = format!("wasm-ld-{llvm}");
    let complete = Path::new(DEBIAN_LIBRARY_SOURCE).is_file()
        && Path::new("/usr/bin/cargo").is_file()
        && workspace::on_path(&linker).is_some();
    complete.then_some(WasmStd::BuiltByDebian { linker })
}

/// Major version of the LLVM in Debian's compiler, if that compiler is there and new enough.
fn debian_llvm() -> Option<u32> {
    let facts = compiler_facts(DEBIAN_RUSTC)?;
    let minor = version_after(&facts, "release: 1.")?;
    if minor < OLDEST_MINOR {
        return None;
    }
    version_after(&facts, "LLVM version: ")
}

fn compiler_facts(compiler: &str) -> Option<String> {
    output_of(command(compiler).env_remove("LD_LIBRARY_PATH").arg("-vV"))
}

/// The number that follows `label` at the start of a line.
fn version_after(facts: &str, label: &str) -> Option<u32> {
    let rest = facts.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split(|each: char| !each.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Installs Debian packages, as root or with a sudo that asks nothing. Removes nothing.
pub(crate) fn apt_install(packages: &[&str]) -> Result<(), Failure> {
    let told = packages.join(" ");
    let remedy = format!("as root, run `apt-get update && apt-get install {told}` and try again");
    let Some(prefix) = as_root() else {
        return Err(Failure::new(
            format!("the Debian packages {told} are missing"),
            remedy,
        ));
    };
    let apt = |arguments: &[&str]| {
        let mut words = prefix.iter().copied().chain(["apt-get"]);
        let mut apt = command(words.next().unwrap_or("apt-get"));
        apt.args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(arguments);
        apt
    };
    // An old list may name versions the archive no longer has; a new machine has no list at all.
    run(&mut apt(&["update", "-qq"]), &remedy)?;
    let mut install = apt(&[
        "install",
        "-qq",
        "-y",
        "--no-install-recommends",
        "--no-remove",
    ]);
    run(install.args(packages), &remedy)
}

/// What to put before a command that only root may run; `None` if we can't be root.
fn as_root() -> Option<&'static [&'static str]> {
    if output_of(command("id").arg("-u"))?.trim() == "0" {
        return Some(&[]);
    }
    output_of(command("sudo").args(["-n", "true"])).map(|_| ["sudo", "-n"].as_slice())
}

fn nowhere() -> Failure {
    Failure::new(
        "Rust's standard library for WebAssembly is missing and could not be installed",
        format!(
            "install Rust with rustup and run `rustup target add {TARGET}`, or on Debian 12 \
             install `{} lld-N`, N being the LLVM version that `/usr/bin/rustc -vV` prints",
            DEBIAN_PACKAGES.join(" ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compilers_own_words_tell_its_llvm() {
        let facts =
            "rustc 1.96.0 (built from a source tarball)\nrelease: 1.96.0\nLLVM version: 22.1.8\n";
        assert_eq!(version_after(facts, "LLVM version: "), Some(22));
        assert_eq!(version_after(facts, "release: 1."), Some(96));
        assert_eq!(version_after(facts, "no such label: "), None);
    }

    #[test]
    fn debians_compiler_gets_a_target_folder_of_its_own() {
        let debian = WasmStd::BuiltByDebian {
            linker: "wasm-ld-22".to_owned(),
        };
        assert_ne!(debian.target_folder(), WasmStd::Installed.target_folder());
    }
}
