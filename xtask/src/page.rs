//! Builds the page into `dist/`: the editor's bundle, Trunk with `wasm-opt`, then the list of files
//! the service worker keeps and a brotli copy of each. Does nothing when nothing has changed.

use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use crate::command::{command, run, step};
use crate::failure::Failure;
use crate::setup::node::npm_program;
use crate::setup::{self, WebTools};
use crate::workspace;

/// Everything the page is made of.
const INPUTS: [&str; 7] = [
    ".cargo/config.toml",
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "frontend",
    "shared",
    "xtask/web",
];
/// Folders inside the inputs that are made, not written.
const MADE: [&str; 3] = ["node_modules", "generated", "target"];
const STAMP: &str = "page-built-from";

/// Sets up what is missing and builds the page if anything it is made of has changed.
pub(crate) fn build() -> Result<(), Failure> {
    let tools = setup::for_the_page()?;
    let stamp_file = workspace::target().join(STAMP);
    let inputs = fingerprint(&tools)?;
    let built = fs::read_to_string(&stamp_file).unwrap_or_default();
    if built_page().is_some_and(|page| built == format!("{inputs}{page}")) {
        println!("── the page is up to date");
        return Ok(());
    }
    drop(fs::remove_file(&stamp_file));
    step("the editor's bundle", || {
        let mut npm = command(npm_program());
        npm.current_dir(workspace::root().join("frontend/surface"))
            .args(["run", "--silent", "build"]);
        run(
            &mut npm,
            "read the bundler's message above; rerun with `npm run build` in frontend/surface",
        )
    })?;
    step(
        "the page, optimised (the first time takes some minutes)",
        || {
            let mut trunk = tools.command("trunk");
            trunk
                .args(["build", "--release", "--skip-version-check"])
                .env_remove("NO_COLOR");
            run(
                &mut trunk,
                "read the compiler's message above; rerun with `cargo xtask build`",
            )
        },
    )?;
    step("the service worker's list, and brotli copies", || {
        let mut node = command("node");
        node.arg("xtask/web/finish.mjs").arg(workspace::dist());
        run(
            &mut node,
            "read the message above; rerun with `cargo xtask build`",
        )
    })?;
    write(
        &stamp_file,
        &format!("{inputs}{}", built_page().unwrap_or_default()),
    )
}

/// Names what lies in `dist/` by its first page: a `trunk build` by hand leaves another one there.
fn built_page() -> Option<String> {
    let page = fs::read(workspace::dist().join("index.html")).ok()?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&page);
    Some(format!("{:016x}\n", hasher.finish()))
}

/// A text that changes when any input or the toolchain does.
fn fingerprint(tools: &WebTools) -> Result<String, Failure> {
    let root = workspace::root();
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&root.join(input), &mut files);
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    hasher.write(tools.identity().as_bytes());
    for file in files {
        let contents = fs::read(&file).map_err(|cause| {
            Failure::new(
                format!("could not read {}: {cause}", file.display()),
                "check the file",
            )
        })?;
        let name = file
            .strip_prefix(&root)
            .unwrap_or(&file)
            .to_string_lossy()
            .into_owned();
        hasher.write(name.as_bytes());
        hasher.write_usize(contents.len());
        hasher.write(&contents);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_path_buf());
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        if !MADE.iter().any(|made| entry.file_name() == *made) {
            collect(&entry.path(), files);
        }
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::create_dir_all(workspace::target())
        .and_then(|()| fs::write(file, text))
        .map_err(|cause| {
            Failure::new(
                format!("could not write {}: {cause}", file.display()),
                "check the folder's rights",
            )
        })
}
