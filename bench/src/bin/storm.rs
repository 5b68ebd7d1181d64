//! Everybody but the writers loses the line, misses edits, and comes back at once.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sheaf_bench::crowd::Plan;
use sheaf_bench::report;
use sheaf_bench::server::cpu_percent;
use sheaf_bench::setup::{self, Problem, Setup};

/// The time until the last one is in sync is what counts.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    setup: Setup,
    /// Documents
    #[arg(long, default_value_t = 500)]
    docs: usize,
    /// People in each, one of them writing
    #[arg(long, default_value_t = 5)]
    clients_per_doc: usize,
    /// Characters written before the line is cut
    #[arg(long, default_value_t = 50)]
    chars: usize,
    /// Characters written while it is cut
    #[arg(long, default_value_t = 10)]
    missed: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    setup::run(&arguments.setup, || measure(&arguments))
}

fn measure(arguments: &Arguments) -> Result<ExitCode, Problem> {
    let plan = Plan {
        docs: arguments.docs,
        clients_per_doc: arguments.clients_per_doc,
        writers_per_doc: 1,
        names: setup::fresh_name("storm"),
    };
    let (mut crowd, server) = arguments
        .setup
        .begin("everybody comes back at once", plan)?;
    crowd.join_all()?;
    for writer in 0..crowd.writers() {
        crowd.type_letters(writer, arguments.chars);
        crowd.turn(Duration::ZERO)?;
    }
    crowd.settle(Duration::from_secs(30))?;
    let readers = crowd.readers();
    let steady = server.sample();
    server.forget_peak()?;
    crowd.cut(&readers);
    for writer in 0..crowd.writers() {
        crowd.type_letters(writer, arguments.missed);
        crowd.turn(Duration::ZERO)?;
    }
    // What was typed must be on the server before the others come back, or they would get it as live edits.
    let calm = Instant::now() + Duration::from_secs(1);
    while Instant::now() < calm {
        crowd.turn(Duration::from_millis(10))?;
    }
    let before = server.sample();
    let started = Instant::now();
    let times = crowd.join(&readers, readers.len(), Duration::from_secs(60))?;
    let synced = started.elapsed();
    crowd.settle(Duration::from_secs(30))?;
    let complete = started.elapsed();
    let after = server.sample();
    report::figure("came back", readers.len() as f64, "clients");
    report::figure("dial to sync p50", times.quantile_ms(0.5), "ms");
    report::figure("dial to sync p99", times.quantile_ms(0.99), "ms");
    report::figure("all in sync after", synced.as_secs_f64() * 1e3, "ms");
    report::figure(
        "all have everything after",
        complete.as_secs_f64() * 1e3,
        "ms",
    );
    report::figure("server CPU", cpu_percent(before, after), "% of a core");
    let mib = |kib: u64| kib as f64 / 1024.0;
    report::figure("server memory before, all in", mib(steady.rss_kib), "MiB");
    report::figure(
        "server memory at most in the storm",
        mib(after.peak_kib),
        "MiB",
    );
    report::figure(
        "memory, storm to steady",
        after.peak_kib as f64 / steady.rss_kib.max(1) as f64,
        "times",
    );
    server.stop();
    Ok(report::verdict(crowd.problems()))
}
