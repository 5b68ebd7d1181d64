//! The most the server delivers: each writer keeps a window of characters on the way, and the window grows.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sheaf_bench::crowd::Plan;
use sheaf_bench::report;
use sheaf_bench::server::cpu_percent;
use sheaf_bench::setup::{self, Problem, Setup};

/// Closed loop: the best step whose p99 stays under a bound counts.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    setup: Setup,
    /// Documents
    #[arg(long, default_value_t = 50)]
    docs: usize,
    /// People in each
    #[arg(long, default_value_t = 10)]
    clients_per_doc: usize,
    /// How many of them type
    #[arg(long, default_value_t = 2)]
    writers_per_doc: usize,
    /// Characters each writer keeps on the way, step by step
    #[arg(long, value_delimiter = ',', default_value = "1,2,8,32,128")]
    windows: Vec<usize>,
    /// Slowest p99, in milliseconds, of a step that counts
    #[arg(long, default_value_t = 100.0)]
    p99_ms: f64,
    /// Seconds a step lasts
    #[arg(long, default_value_t = 1.0)]
    step: f64,
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
        names: setup::fresh_name("peak"),
    };
    let (mut crowd, server) = arguments.setup.begin("the most that is delivered", plan)?;
    crowd.join_all()?;
    let mut best = 0.0;
    for &window in &arguments.windows {
        crowd.reset();
        let before = server.sample();
        let end = Instant::now() + Duration::from_secs_f64(arguments.step);
        while Instant::now() < end {
            for writer in 0..crowd.writers() {
                let room = window.saturating_sub(crowd.on_the_way(writer));
                if room > 0 {
                    crowd.type_letters(writer, room);
                }
            }
            crowd.turn(Duration::from_millis(1))?;
        }
        let after = server.sample();
        let seen = crowd.reset();
        let seconds = after.at.duration_since(before.at).as_secs_f64();
        let rate = seen.latency.total() as f64 / seconds;
        let p99 = seen.latency.quantile_ms(0.99);
        if p99 < arguments.p99_ms && rate > best {
            best = rate;
        }
        let what = format!("window {window}: delivered");
        report::figure(&what, rate, "/s");
        report::figure("  edits in", seen.edits as f64 / seconds, "/s");
        report::figure("  frames", seen.frames as f64 / seconds, "/s");
        report::figure("  latency p50", seen.latency.quantile_ms(0.5), "ms");
        report::figure("  latency p99", p99, "ms");
        report::figure("  server CPU", cpu_percent(before, after), "% of a core");
        crowd.settle(Duration::from_secs(20))?;
    }
    report::figure("best", best, "/s");
    server.stop();
    Ok(report::verdict(crowd.problems()))
}
