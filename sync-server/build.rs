//! Puts the built page into a release build of the program.
//!
//! A debug build reads the page from the folder when it runs, so changing the page does not compile the server anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let page = manifest.join("../dist");
    let mut files = Vec::new();
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        // Watching a folder that is not there would run this script each time.
        if page.is_dir() {
            println!("cargo::rerun-if-changed={}", page.display());
            collect(&page, &mut files)?;
        } else {
            println!(
                "cargo::rerun-if-changed={}",
                manifest.join("..").join("Cargo.toml").display()
            );
        }
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file
            .strip_prefix(&page)
            .unwrap_or(file)
            .to_string_lossy()
            .replace('\\', "/");
        let path = fs::canonicalize(file)?;
        // Writing to a string cannot fail.
        let _ = writeln!(
            list,
            "    ({name:?}, include_bytes!({:?})),",
            path.to_string_lossy()
        );
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("page.rs"), list)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
