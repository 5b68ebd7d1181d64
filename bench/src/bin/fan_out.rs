//! At a steady rate of typing: how late does each character arrive, and what does a delivery cost the server?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sheaf_bench::crowd::{Crowd, Plan};
use sheaf_bench::report;
use sheaf_bench::server::cpu_percent;
use sheaf_bench::setup::{self, Problem, Setup};

/// Open loop: writers type at a fixed rate whatever the server does.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    setup: Setup,
    /// Documents
    #[arg(long, default_value_t = 100)]
    docs: usize,
    /// People in each
    #[arg(long, default_value_t = 10)]
    clients_per_doc: usize,
    /// How many of them type
    #[arg(long, default_value_t = 2)]
    writers_per_doc: usize,
    /// Characters a second each of them types
    #[arg(long, default_value_t = 5.0)]
    rate: f64,
    /// Seconds that count
    #[arg(long, default_value_t = 4.0)]
    duration: f64,
    /// Seconds before
    #[arg(long, default_value_t = 1.0)]
    warmup: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    setup::run(&arguments.setup, || measure(&arguments))
}

fn measure(arguments: &Arguments) -> Result<ExitCode, Problem> {
    let plan = Plan {
        docs: arguments.docs,
        clients_per_doc: arguments.clients_per_doc,
        writers_per_doc: arguments.writers_per_doc,
        names: setup::fresh_name("fan-out"),
    };
    let (mut crowd, server) = arguments
        .setup
        .begin("latency and cost of a delivery at a steady rate", plan)?;
    crowd.join_all()?;
    type_steadily(&mut crowd, arguments.rate, arguments.warmup)?;
    crowd.settle(Duration::from_secs(10))?;
    crowd.reset();
    let before = server.sample();
    type_steadily(&mut crowd, arguments.rate, arguments.duration)?;
    let after = server.sample();
    crowd.settle(Duration::from_secs(10))?;
    let seen = crowd.reset();
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let delivered = seen.latency.total() as f64;
    let cpu = after.cpu.saturating_sub(before.cpu);
    report::figure("edits in", seen.edits as f64 / seconds, "/s");
    report::figure("delivered", delivered / seconds, "/s");
    report::figure("frames", seen.frames as f64 / seconds, "/s");
    report::latency(&seen.latency);
    report::figure("server CPU", cpu_percent(before, after), "% of a core");
    report::figure(
        "server CPU per delivery",
        cpu.as_secs_f64() * 1e6 / delivered.max(1.0),
        "us",
    );
    report::figure("server memory", after.rss_kib as f64 / 1024.0, "MiB");
    server.stop();
    Ok(report::verdict(crowd.problems()))
}

fn type_steadily(crowd: &mut Crowd, rate: f64, seconds: f64) -> Result<(), Problem> {
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
        // The poll counts whole milliseconds, so it only sleeps when there is one.
        let left = due.saturating_duration_since(Instant::now());
        let sleep = if left > Duration::from_millis(2) {
            Duration::from_millis(1)
        } else {
            Duration::ZERO
        };
        crowd.turn(sleep)?;
    }
    Ok(())
}
