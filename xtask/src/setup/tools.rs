//! `wasm-bindgen` and `trunk`, each in exactly the version this checkout needs: found on `PATH`,
//! or fetched prebuilt, or built once into the person's tools folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::{Bounded, command, output_of, run, run_within, step};
use crate::failure::Failure;
use crate::workspace;

/// Newer ones ask for a newer compiler than this workspace does.
const TRUNK_VERSION: &str = "0.21.14";
/// Longest wait for a prebuilt tool.
const PREBUILT_LIMIT: Duration = Duration::from_secs(120);

/// A program that comes from crates.io.
pub(crate) struct Tool {
    binary: &'static str,
    package: &'static str,
    version: String,
    why: &'static str,
    build_minutes: u32,
}

/// The CLI that matches the `wasm-bindgen` library in `Cargo.lock`: the two speak a private format
/// that changes with every release.
pub(crate) fn wasm_bindgen() -> Result<Tool, Failure> {
    Ok(Tool {
        binary: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        version: workspace::locked_version("wasm-bindgen")?,
        why: "joins the page's Wasm to JavaScript",
        build_minutes: 2,
    })
}

/// Builds the page.
pub(crate) fn trunk() -> Tool {
    Tool {
        binary: "trunk",
        package: "trunk",
        version: TRUNK_VERSION.to_owned(),
        why: "builds the page",
        build_minutes: 7,
    }
}

/// Makes sure that `tool` is found, in its version, once the tools folder comes first on `PATH`.
pub(crate) fn ensure(tool: &Tool) -> Result<(), Failure> {
    let ours = workspace::tools()
        .join("bin")
        .join(workspace::executable(tool.binary));
    if has_version(&ours, tool) {
        return Ok(());
    }
    // One of another version in our folder would hide the right one further down the path.
    if !ours.exists()
        && workspace::on_path(tool.binary).is_some_and(|file| has_version(&file, tool))
    {
        return Ok(());
    }
    let what = format!("{} {}, which {}", tool.package, tool.version, tool.why);
    step(&what, || {
        if fetch_prebuilt(tool) && has_version(&ours, tool) {
            return Ok(());
        }
        println!(
            "   building it, once for all checkouts: about {} min",
            tool.build_minutes
        );
        build(tool)
    })?;
    if has_version(&ours, tool) {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "{} is not {} after installing it",
            ours.display(),
            tool.version
        ),
        format!("remove {} and try again", workspace::tools().display()),
    ))
}

fn has_version(file: &Path, tool: &Tool) -> bool {
    file.is_file()
        && output_of(command(file).arg("--version"))
            .is_some_and(|told| told.split_whitespace().nth(1) == Some(tool.version.as_str()))
}

fn fetch_prebuilt(tool: &Tool) -> bool {
    if workspace::on_path("cargo-binstall").is_none() {
        return false;
    }
    let mut binstall = command("cargo-binstall");
    binstall
        .args([
            "--no-confirm",
            "--force",
            "--disable-strategies",
            "compile",
            "--root",
        ])
        .arg(workspace::tools())
        .arg(format!("{}@{}", tool.package, tool.version));
    run_within(&mut binstall, PREBUILT_LIMIT) == Bounded::Succeeded
}

fn build(tool: &Tool) -> Result<(), Failure> {
    let remedy = format!(
        "look at Cargo's message above; by hand: cargo install {} --version {} --root {}",
        tool.package,
        tool.version,
        workspace::tools().display()
    );
    let install = |locked: &[&str]| {
        let mut cargo = command("cargo");
        cargo
            .args([
                "install",
                tool.package,
                "--force",
                "--version",
                &tool.version,
                "--root",
            ])
            .arg(workspace::tools())
            .args(locked)
            .env("CARGO_TARGET_DIR", build_folder(tool))
            // They run for seconds, so the minutes an optimiser takes are never won back.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        cargo
    };
    // A dependency may have been withdrawn since the tool was released; then its newest fitting
    // versions are better than no tool.
    run(&mut install(&["--locked"]), &remedy).or_else(|_| run(&mut install(&[]), &remedy))?;
    drop(std::fs::remove_dir_all(build_folder(tool)));
    Ok(())
}

/// Kept when a build is interrupted, so that the next try goes on from there.
fn build_folder(tool: &Tool) -> PathBuf {
    workspace::tools().join("build").join(tool.package)
}
