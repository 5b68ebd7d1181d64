//! Connections that do nothing: how fast they come in, and what memory each holds.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sheaf_bench::crowd::Plan;
use sheaf_bench::report;
use sheaf_bench::server::cpu_percent;
use sheaf_bench::setup::{self, Problem, Setup};

/// Opens connections, 64 at a time, and looks at the server while they rest.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    setup: Setup,
    /// Connections
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// Documents they are spread over (default: one each)
    #[arg(long)]
    docs: Option<usize>,
    /// Seconds to look at them resting
    #[arg(long, default_value_t = 10.0)]
    rest: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    setup::run(&arguments.setup, || measure(&arguments))
}

fn measure(arguments: &Arguments) -> Result<ExitCode, Problem> {
    let docs = arguments.docs.unwrap_or(arguments.connections);
    let plan = Plan {
        docs,
        clients_per_doc: arguments.connections / docs,
        writers_per_doc: 0,
        names: setup::fresh_name("idle"),
    };
    let (mut crowd, server) = arguments.setup.begin("connections at rest", plan)?;
    let before = server.sample();
    let started = Instant::now();
    let times = crowd.join_all()?;
    let took = started.elapsed().as_secs_f64();
    let joined = server.sample();
    let end = Instant::now() + Duration::from_secs_f64(arguments.rest);
    while Instant::now() < end {
        crowd.turn(Duration::from_millis(50))?;
    }
    let after = server.sample();
    let count = arguments.connections as f64;
    report::figure("in sync and alive", crowd.alive() as f64, "connections");
    report::figure("came in", count / took, "/s");
    report::figure("dial to sync p50", times.quantile_ms(0.5), "ms");
    report::figure("dial to sync p99", times.quantile_ms(0.99), "ms");
    report::figure(
        "server CPU while they came",
        cpu_percent(before, joined),
        "% of a core",
    );
    report::figure(
        "server CPU while they rest",
        cpu_percent(joined, after),
        "% of a core",
    );
    report::figure(
        "server memory before",
        before.rss_kib as f64 / 1024.0,
        "MiB",
    );
    report::figure(
        "server memory at rest",
        after.rss_kib as f64 / 1024.0,
        "MiB",
    );
    report::figure(
        "memory per connection",
        after.rss_kib.saturating_sub(before.rss_kib) as f64 / count,
        "KiB",
    );
    server.stop();
    Ok(report::verdict(crowd.problems()))
}
