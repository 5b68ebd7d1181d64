//! Redis goes away under load and stays away: what does that cost people at one server, and people at different ones?

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sheaf_bench::crowd::{Crowd, Plan};
use sheaf_bench::engines::{Engine, free_port};
use sheaf_bench::report;
use sheaf_bench::seen::Seen;
use sheaf_bench::server::Server;
use sheaf_bench::setup::fresh_name;
use sheaf_bench::websocket::Target;

/// Types at a steady rate with Redis, then kills it and types on, then starts it again and types on. Only ratios between the
/// three mean something. The generator is wherever the system puts it.
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
    /// Core for PostgreSQL
    #[arg(long, default_value_t = 1)]
    database_core: usize,
    /// Documents
    #[arg(long, default_value_t = 50)]
    docs: usize,
    /// People in each, at the servers in turn
    #[arg(long, default_value_t = 4)]
    clients_per_doc: usize,
    /// Characters a second, of one writer in each document
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// Seconds that Redis is away
    #[arg(long, default_value_t = 600.0)]
    away: f64,
    /// Seconds before and after
    #[arg(long, default_value_t = 20.0)]
    with: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = arguments.data.join(fresh_name("without-redis"));
    let measured = measure(&arguments, &folder);
    drop(std::fs::remove_dir_all(&folder));
    measured.unwrap_or_else(|error| {
        println!("failed: {error}");
        ExitCode::FAILURE
    })
}

fn measure(arguments: &Arguments, folder: &Path) -> io::Result<ExitCode> {
    let database = Engine::postgres(&folder.join("postgres"), arguments.database_core)?;
    let redis_port = free_port()?;
    let redis = Engine::redis_at(redis_port, arguments.server_core)?;
    let mut servers = Vec::new();
    let mut targets = Vec::new();
    for _ in 0..arguments.servers.max(1) {
        let port = free_port()?;
        let command = format!(
            "{} serve --listen 127.0.0.1:{port} --drain-seconds 1 --log-level error --database-url {} --redis-url {}",
            arguments.server.display(),
            database.url(),
            redis.url()
        );
        let address = ([127, 0, 0, 1], port).into();
        servers.push(Server::start(&command, arguments.server_core, address)?);
        let target = Target::parse(&format!("ws://127.0.0.1:{port}/sync"));
        targets.push(target.map_err(io::Error::other)?);
    }
    report::head("Redis goes away under load", &database_and(redis.url()));
    let plan = Plan {
        docs: arguments.docs,
        clients_per_doc: arguments.clients_per_doc,
        writers_per_doc: 1,
        names: fresh_name("without-redis"),
    };
    let mut crowd = Crowd::across(targets, plan)?;
    crowd.join_all()?;
    // Servers hear each other within a second or two; and everything is warm.
    drop(phase(&mut crowd, arguments.rate, 5.0)?);
    let before = phase(&mut crowd, arguments.rate, arguments.with)?;
    drop(redis);
    // Until the breakers are open, edits cross as they do then; it is part of the figure.
    let away = phase(&mut crowd, arguments.rate, arguments.away)?;
    let _redis = Engine::redis_at(redis_port, arguments.server_core)?;
    // The breaker tries again every five to seven seconds.
    drop(phase(&mut crowd, arguments.rate, 10.0)?);
    let after = phase(&mut crowd, arguments.rate, arguments.with)?;
    for (when, seen) in [
        ("before", &before),
        ("without Redis", &away),
        ("after", &after),
    ] {
        tell(when, seen);
    }
    let ratio = |share| {
        away.same_server.quantile_ms(share) / before.same_server.quantile_ms(share).max(0.001)
    };
    report::figure("same server, without to before, p50", ratio(0.5), "times");
    report::figure("same server, without to before, p99", ratio(0.99), "times");
    drop(servers);
    Ok(report::verdict(crowd.problems()))
}

fn database_and(redis: &str) -> String {
    format!("servers on PostgreSQL and {redis}")
}

fn tell(when: &str, seen: &Seen) {
    report::figure(&format!("{when}: edits"), seen.edits as f64, "");
    for (who, latency) in [
        ("same server", &seen.same_server),
        ("cross server", &seen.cross_server),
    ] {
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let value = latency.quantile_ms(share);
            report::figure(&format!("{when}: {who} {name}"), value, "ms");
        }
        report::figure(&format!("{when}: {who} max"), latency.max_ms(), "ms");
    }
}

/// Types for so long, and answers what was seen until all of it had arrived everywhere.
fn phase(crowd: &mut Crowd, rate: f64, seconds: f64) -> io::Result<Seen> {
    let writers = crowd.writers();
    let pause = Duration::from_secs_f64(1.0 / (rate * writers as f64));
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let mut due = Instant::now();
    let mut turn = 0;
    while Instant::now() < end {
        while due <= Instant::now() {
            crowd.type_letters(turn % writers, 1);
            turn += 1;
            due += pause;
        }
        crowd.turn(Duration::from_millis(1))?;
    }
    crowd.settle(Duration::from_secs(60))?;
    Ok(crowd.reset())
}
