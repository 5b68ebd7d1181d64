//! `sheaf`: reads the configuration and runs.

use std::process::ExitCode;

use clap::Parser as _;
use sheaf_server::cli::{Cli, Command};

mod commands;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => commands::serve::serve(&(*args).into()),
        Command::Ready(args) => commands::ready::ready(&args),
        Command::Backup(args) => commands::copies::backup(&args),
        Command::Restore(args) => commands::copies::restore(&args),
        Command::Move(args) => commands::copies::carry(&args),
        Command::Cluster { data } => commands::cluster::cluster(&data),
        Command::Import(args) => commands::pages::import(&args),
        Command::Export(args) => commands::pages::export(&args),
        Command::User(args) => commands::people::user(args),
        Command::Invite(args) => commands::people::invite(&args),
        Command::Verify { data } => commands::verify::verify(&data),
    }
}
