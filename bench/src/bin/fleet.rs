//! Several servers on one database with Redis between them: how late does a character arrive, and how much is delivered at most?

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use sheaf_bench::engines::{Engine, free_port};
use sheaf_bench::server::Server;
use sheaf_bench::setup::fresh_name;

/// Starts PostgreSQL, Redis and the servers, then runs `fan_out` and `peak` with each document's people at all of them. Their
/// figures of CPU time and memory are the first server's.
#[derive(Parser)]
struct Arguments {
    /// The server to measure
    #[arg(long, default_value = "target/release/sheaf")]
    server: PathBuf,
    /// How many of it
    #[arg(long, default_value_t = 2)]
    servers: usize,
    /// Folder for the database, on the disk that counts; emptied afterwards
    #[arg(long, default_value = "target/bench-data")]
    data: PathBuf,
    /// Core for the servers and Redis
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// Core for PostgreSQL; the generator is at 1
    #[arg(long, default_value_t = 1)]
    database_core: usize,
    /// Leave Redis out
    #[arg(long)]
    without_redis: bool,
    /// Options for `fan_out`
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    fan_out: String,
    /// Options for `peak`
    #[arg(
        long,
        default_value = "--windows 1,2,4,8,16,32 --p99-ms 100",
        allow_hyphen_values = true
    )]
    peak: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = arguments.data.join(fresh_name("fleet"));
    let measured = measure(&arguments, &folder);
    drop(std::fs::remove_dir_all(&folder));
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments, folder: &Path) -> io::Result<bool> {
    let database = Engine::postgres(&folder.join("postgres"), arguments.database_core)?;
    let redis = if arguments.without_redis {
        None
    } else {
        Some(Engine::redis(arguments.server_core)?)
    };
    let mut servers = Vec::new();
    let mut urls = Vec::new();
    for _ in 0..arguments.servers.max(1) {
        let port = free_port()?;
        let mut command = format!(
            "{} serve --listen 127.0.0.1:{port} --drain-seconds 1 --log-level warn --database-url {}",
            arguments.server.display(),
            database.url()
        );
        if let Some(redis) = &redis {
            command.push_str(&format!(" --redis-url {}", redis.url()));
        }
        let address = ([127, 0, 0, 1], port).into();
        servers.push(Server::start(&command, arguments.server_core, address)?);
        urls.push(format!("ws://127.0.0.1:{port}/sync"));
    }
    let mut is_sound = true;
    for (program, options) in [("fan_out", &arguments.fan_out), ("peak", &arguments.peak)] {
        let beside = std::env::current_exe()?.with_file_name(program);
        let mut command = Command::new(beside);
        command.args(["--url", &urls[0], "--pid", &servers[0].pid().to_string()]);
        if urls.len() > 1 {
            command.args(["--also", &urls[1..].join(",")]);
        }
        is_sound &= command.args(options.split_whitespace()).status()?.success();
    }
    Ok(is_sound)
}
