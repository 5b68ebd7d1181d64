//! The program with the page inside: built, started, and measured.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use crate::command::{cargo, command, run as run_shown, step};
use crate::failure::Failure;
use crate::page;
use crate::workspace;

/// Where the README says Sheaf is found.
const PORT: u16 = 8080;
/// How many ports after [`PORT`] are tried when it is taken.
const PORTS_TRIED: u16 = 20;

/// Builds page and program; returns the program's path.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    page::build()?;
    step("the server, optimised, with the page inside", || {
        run_shown(
            &mut cargo(&[
                "build",
                "--release",
                "--package",
                "sheaf-server",
                "--bin",
                "sheaf",
            ]),
            "read the compiler's message above; rerun with `cargo xtask build`",
        )
    })?;
    Ok(program())
}

/// Where [`build`] leaves the program.
pub(crate) fn program() -> PathBuf {
    workspace::target()
        .join("release")
        .join(workspace::executable("sheaf"))
}

/// Builds everything and becomes the server. `options` go to `sheaf serve` as they are.
pub(crate) fn run(options: &[String]) -> Result<(), Failure> {
    let program = build()?;
    let mut sheaf = command(program);
    sheaf.arg("serve");
    let mut listen = None;
    if !chosen(options, "--listen", "SHEAF_LISTEN") {
        let address = format!("127.0.0.1:{}", free_port()?);
        sheaf.args(["--listen", &address]);
        listen = Some(address);
    }
    if !chosen(options, "--data-dir", "SHEAF_DATA_DIR") {
        sheaf.args(["--data-dir", "sheaf-data"]);
    }
    sheaf.args(options);
    if let Some(address) = listen {
        println!("\nSheaf is starting at http://{address}; Ctrl-C stops it\n");
    }
    become_program(&mut sheaf)
}

fn chosen(options: &[String], option: &str, variable: &str) -> bool {
    let with_value = format!("{option}=");
    options
        .iter()
        .any(|given| given == option || given.starts_with(&with_value))
        || std::env::var_os(variable).is_some()
}

fn free_port() -> Result<u16, Failure> {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    if free(&PORT) {
        return Ok(PORT);
    }
    println!("port {PORT} is taken by another program; looking for the next free one");
    (PORT + 1..=PORT + PORTS_TRIED).find(free).ok_or_else(|| {
        Failure::new(
            format!("ports {PORT} to {} are all taken", PORT + PORTS_TRIED),
            "choose one yourself: cargo xtask run --listen 127.0.0.1:PORT",
        )
    })
}

/// Takes this process's place where the system can, so that signals reach the server itself.
#[cfg(unix)]
fn become_program(program: &mut Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;
    let cause = program.exec();
    Err(Failure::new(
        format!("could not start the server: {cause}"),
        "run `cargo xtask build`",
    ))
}

#[cfg(not(unix))]
fn become_program(program: &mut Command) -> Result<(), Failure> {
    run_shown(program, "read the server's message above")
}

/// Builds the server and the benchmarks, optimised, and runs one of them with `arguments`; lists them all, each with
/// its question, when none is named.
pub(crate) fn bench(arguments: &[String]) -> Result<(), Failure> {
    let Some((name, rest)) = arguments.split_first() else {
        println!("cargo xtask bench NAME [ARGS…], NAME being one of:\n");
        for (name, question) in benchmarks() {
            println!("  {name:<10} {question}");
        }
        println!(
            "\n`bench NAME --help` tells the options; `bench all` prints the server's whole table"
        );
        return Ok(());
    };
    // All at once, so that `all` finds the others beside it, and the server is the one of this checkout.
    let mut build = cargo(&["build", "--release", "--bins"]);
    build.args(["--package", "sheaf-server", "--package", "sheaf-bench"]);
    run_shown(&mut build, "read the compiler's message above")?;
    let program = workspace::target()
        .join("release")
        .join(workspace::executable(name));
    let mut bench = command(program);
    run_shown(bench.args(rest), "`cargo xtask bench` lists the benchmarks")
}

/// Every benchmark and the question at its head.
fn benchmarks() -> BTreeMap<String, String> {
    let entries = fs::read_dir(workspace::root().join("bench/src/bin"));
    let files = entries.into_iter().flatten().flatten();
    files
        .filter_map(|entry| {
            let path = entry.path();
            let name = path.file_stem()?.to_string_lossy().into_owned();
            let source = fs::read_to_string(&path).ok()?;
            let question = source.lines().next()?.trim_start_matches("//! ").to_owned();
            Some((name, question))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_is_listed_with_its_question() {
        let listed = benchmarks();
        assert!(listed.contains_key("all"), "{listed:?}");
        for (name, question) in listed {
            assert!(question.len() > 20, "{name}: {question}");
        }
    }

    #[test]
    fn an_address_the_person_chose_is_left_alone() {
        let given = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        assert!(chosen(
            &given(&["--listen", "[::1]:9000"]),
            "--listen",
            "SHEAF_NO_SUCH_VARIABLE"
        ));
        assert!(chosen(
            &given(&["--listen=[::1]:9000"]),
            "--listen",
            "SHEAF_NO_SUCH_VARIABLE"
        ));
        assert!(!chosen(
            &given(&["--open"]),
            "--listen",
            "SHEAF_NO_SUCH_VARIABLE"
        ));
    }
}
