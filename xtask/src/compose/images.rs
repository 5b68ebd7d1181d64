//! The images that docker-compose.yml and the Dockerfile start from: fetched by the engine as usual, or, on machines
//! that reach no registry, stand-ins made of Debian's packages.

use std::path::PathBuf;
use std::time::Duration;

use super::engine::Engine;
use crate::command::{Bounded, command, run, run_within, step};
use crate::failure::Failure;
use crate::workspace;

/// Each image, and the stage of the stand-ins' Dockerfile that makes its stand-in.
const IMAGES: [(&str, &str); 5] = [
    ("rust:1-bookworm", "rust"),
    ("node:22-bookworm-slim", "node"),
    ("postgres:17-bookworm", "postgres"),
    ("redis:7.2-bookworm", "redis"),
    ("caddy:2-alpine", "caddy"),
];
/// What all stand-ins are made from.
const BASE: &str = "debian:bookworm-slim";
/// Longest wait for the smallest image; whoever reaches a registry has it by then.
const PULL_WITHIN: Duration = Duration::from_secs(60);

/// Where the engine and the base image are kept between runs.
pub(super) fn folder() -> PathBuf {
    workspace::target().join("compose")
}

/// Makes sure that every image can be had.
pub(super) fn find_or_make(engine: &Engine) -> Result<(), Failure> {
    let is_there = |image: &str| engine.ask(&["image", "inspect", image]).is_ok();
    if IMAGES.iter().all(|(image, _)| is_there(image)) {
        return Ok(());
    }
    // In an engine that others use too, a stand-in would be taken for the real one.
    if !engine.is_ours() {
        return Ok(());
    }
    let mut pull = engine.docker(&["pull", "--quiet", BASE]);
    if !is_there(BASE) && run_within(&mut pull, PULL_WITHIN) != Bounded::Succeeded {
        step(
            "a base image from Debian's packages, as no registry answers",
            || make_base(engine),
        )?;
    } else if engine
        .ask(&["image", "inspect", "--format", "{{.RepoDigests}}", BASE])?
        .trim()
        != "[]"
    {
        return Ok(());
    }
    for (image, stage) in IMAGES {
        step(&format!("a stand-in for {image}"), || {
            let mut build = engine.docker(&["build", "--quiet", "--network", "host"]);
            build.args(["--tag", image, "--target", stage]).args([
                "--file",
                "xtask/compose/stand-ins.Dockerfile",
                "xtask/compose",
            ]);
            run(&mut build, "read the message above")
        })?;
    }
    Ok(())
}

/// Debian's smallest system, as an image.
fn make_base(engine: &Engine) -> Result<(), Failure> {
    let system = folder().join("bookworm");
    drop(std::fs::remove_dir_all(&system));
    let mut debootstrap = command("/usr/sbin/debootstrap");
    debootstrap
        .args(["--variant=minbase", "bookworm"])
        .arg(&system);
    run(
        &mut debootstrap,
        "as root, look at debootstrap's message above",
    )?;
    let archive = system.with_extension("tar");
    let mut pack = command("tar");
    pack.arg("--create")
        .arg("--file")
        .arg(&archive)
        .arg("--exclude=./var/cache/apt/archives/*.deb")
        .arg("--directory")
        .arg(&system)
        .arg(".");
    run(&mut pack, "make room on the disk")?;
    let mut import = engine.docker(&["import"]);
    run(import.arg(&archive).arg(BASE), "read the message above")?;
    drop(std::fs::remove_file(archive));
    drop(std::fs::remove_dir_all(system));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_image_that_is_started_from_has_a_stand_in() {
        let mut named = BTreeSet::new();
        for file in [
            "Dockerfile",
            "docker-compose.yml",
            "docker-compose.single.yml",
            "docker-compose.public.yml",
        ] {
            let text = fs::read_to_string(workspace::root().join(file)).unwrap();
            for line in text.lines().map(str::trim) {
                let words = ["FROM ", "image: ", "COPY --from="]
                    .iter()
                    .find_map(|start| line.strip_prefix(start));
                let word = words.and_then(|rest| rest.split(' ').next());
                // Names with a version; our own stages and images have none.
                named.extend(word.filter(|word| word.contains(':')).map(str::to_owned));
            }
        }
        let known: BTreeSet<String> = IMAGES
            .iter()
            .map(|(image, _)| (*image).to_owned())
            .collect();
        assert!(named.is_subset(&known), "{named:?} {known:?}");
        assert!(named.len() >= 4, "{named:?}");
    }
}
