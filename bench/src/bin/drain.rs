//! Every server is asked to go, one after the other, under load, and another comes in its place: how long do people wait, and is anything lost?

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use sheaf_bench::crowd::{Crowd, Plan};
use sheaf_bench::engines::{Engine, free_port};
use sheaf_bench::report;
use sheaf_bench::server::Server;
use sheaf_bench::setup::fresh_name;
use sheaf_bench::websocket::Target;

/// People who are sent off go to the next server, and say again what it does not have.
#[derive(Parser)]
struct Arguments {
    /// The server to measure
    #[arg(long, default_value = "target/release/sheaf")]
    server: PathBuf,
    /// How many of it
    #[arg(long, default_value_t = 3)]
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
    #[arg(long, default_value_t = 6)]
    clients_per_doc: usize,
    /// Characters a second, of one writer in each document
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// Seconds over which a server sends its people off
    #[arg(long, default_value_t = 5)]
    drain_seconds: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = arguments.data.join(fresh_name("drain"));
    let measured = measure(&arguments, &folder);
    drop(std::fs::remove_dir_all(&folder));
    measured.unwrap_or_else(|error| {
        println!("failed: {error}");
        ExitCode::FAILURE
    })
}

fn measure(arguments: &Arguments, folder: &Path) -> io::Result<ExitCode> {
    let database = Engine::postgres(&folder.join("postgres"), arguments.database_core)?;
    let redis = Engine::redis(arguments.server_core)?;
    let start = |address: SocketAddr| {
        let command = format!(
            "{} serve --listen {address} --drain-seconds {} --log-level error --database-url {} --redis-url {}",
            arguments.server.display(),
            arguments.drain_seconds,
            database.url(),
            redis.url()
        );
        Server::start(&command, arguments.server_core, address)
    };
    let mut servers = Vec::new();
    let mut targets = Vec::new();
    for _ in 0..arguments.servers.max(2) {
        let address: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
        servers.push((address, start(address)?));
        let target = Target::parse(&format!("ws://{address}/sync"));
        targets.push(target.map_err(io::Error::other)?);
    }
    report::head(
        "servers are replaced under load",
        "servers on PostgreSQL and Redis",
    );
    let plan = Plan {
        docs: arguments.docs,
        clients_per_doc: arguments.clients_per_doc,
        writers_per_doc: 1,
        names: fresh_name("drain"),
    };
    let mut crowd = Crowd::across(targets, plan)?;
    crowd.join_all()?;
    crowd.come_back();
    let mut typing = Typing::at(arguments.rate * crowd.writers() as f64);
    typing.on_for(&mut crowd, Duration::from_secs(5))?;
    report::latency(&crowd.reset().latency);
    let mut slowest = Duration::ZERO;
    for number in 0..servers.len() {
        let (address, server) = servers.remove(0);
        let asked = Instant::now();
        let pid = server.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status()?;
        while server.is_running() {
            typing.on_for(&mut crowd, Duration::from_millis(20))?;
        }
        slowest = slowest.max(asked.elapsed());
        server.stop();
        servers.push((address, start(address)?));
        typing.on_for(&mut crowd, Duration::from_secs(2))?;
        report::figure(
            &format!("server {number} gone after"),
            asked.elapsed().as_secs_f64() - 2.0,
            "s",
        );
    }
    report::figure("slowest to go", slowest.as_secs_f64(), "s");
    tell(&mut crowd)
}

/// Waits until everything is everywhere, and says what was seen meanwhile.
fn tell(crowd: &mut Crowd) -> io::Result<ExitCode> {
    crowd.settle(Duration::from_secs(60))?;
    let seen = crowd.reset();
    report::figure("edits meanwhile", seen.edits as f64, "");
    let lost: usize = (0..crowd.writers())
        .map(|writer| crowd.on_the_way(writer))
        .sum();
    report::figure("edits lost", lost as f64, "");
    report::figure("latency p50 meanwhile", seen.latency.quantile_ms(0.5), "ms");
    report::figure(
        "latency p99 meanwhile",
        seen.latency.quantile_ms(0.99),
        "ms",
    );
    report::figure("latency max meanwhile", seen.latency.max_ms(), "ms");
    Ok(report::verdict(crowd.problems()))
}

/// Typing at a steady rate, over all writers.
struct Typing {
    pause: Duration,
    due: Instant,
    turn: usize,
}

impl Typing {
    fn at(per_second: f64) -> Self {
        Self {
            pause: Duration::from_secs_f64(1.0 / per_second),
            due: Instant::now(),
            turn: 0,
        }
    }

    fn on_for(&mut self, crowd: &mut Crowd, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            while self.due <= Instant::now() {
                crowd.type_letters(self.turn % crowd.writers(), 1);
                self.turn += 1;
                self.due += self.pause;
            }
            crowd.turn(Duration::from_millis(1))?;
        }
        Ok(())
    }
}
