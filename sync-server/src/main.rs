//! `sheaf`: reads the configuration and runs.

use std::process::ExitCode;

use clap::Parser as _;
use sheaf_server::cli::{Cli, Command};

mod commands;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => commands::serve::serve(&(*args).into()),
        Command::Import(args) => commands::pages::import(&args),
        Command::Export(args) => commands::pages::export(&args),
        Command::Verify { data } => commands::verify::verify(&data),
    }
}
