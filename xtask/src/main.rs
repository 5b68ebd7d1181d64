//! `cargo xtask`: set-up, run, test. One command does one whole thing, says what it does while it
//! does it, and when it fails says what to do about it.
//!
//! Standard library only: this is the first thing a newcomer waits for.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its user"
)]

mod command;
mod compose;
mod failure;
mod page;
mod readme;
mod server;
mod setup;
mod suites;
mod tidy;
mod workspace;

use std::process::ExitCode;

use failure::Failure;

const HELP: &str = "\
cargo xtask COMMAND

  run [SERVE OPTIONS]   set up what is missing, build page and server, start Sheaf
                        with its data in ./sheaf-data at http://127.0.0.1:8080
  test [SUITE…]         run every suite, or only those named; `test --list` names them.
                        `test compose` runs the containers of docker-compose.yml
  build                 set up and build only: dist/ and target/release/sheaf
  tidy                  the house rules a machine can check
  docs                  write the README's table of settings from `sheaf serve --help`
  bench NAME [ARGS…]    run one benchmark, optimised; `bench all` prints the whole table of the
                        server's figures, `bench` lists what there is
  picture               take the README's picture of the real app again
  setup                 install what building and testing need, and nothing else
  help                  this text

Environment:
  SHEAF_TOOLS           where tools built for this project are kept (default: ~/.cache/sheaf-tools)
  SHEAF_WASM_STD        rustup | debian: insist on one way to get Rust's library for WebAssembly
  SHEAF_CHROMIUM        path of the browser the tests drive
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let outcome = match command {
        "run" => server::run(rest),
        "test" | "ci" => return suites::run(rest),
        "build" => server::build().map(drop),
        "tidy" => tidy::check_and_print(),
        "docs" => readme::write(),
        "bench" => server::bench(rest),
        "picture" => suites::take_picture(),
        "setup" => setup::everything(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => Err(Failure::new(
            format!("there is no command `{unknown}`"),
            "see `cargo xtask help`",
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}
