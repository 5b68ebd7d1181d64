//! A document with a long history: how long until a fresh client has it?

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use sheaf_bench::crowd::{Crowd, Plan};
use sheaf_bench::setup::{self, Problem, Setup};
use sheaf_bench::websocket::Target;
use sheaf_bench::{report, trace, ydoc};

/// Puts a recorded writing in, then lets fresh clients come.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    setup: Setup,
    /// The writing
    #[arg(long, default_value = "bench/data/automerge-paper.json.gz")]
    trace: PathBuf,
    /// Edits to an update
    #[arg(long, default_value_t = 100)]
    per_update: usize,
    /// Clients that come at once in the second part
    #[arg(long, default_value_t = 50)]
    clients: usize,
    /// Times each part is repeated; the median counts
    #[arg(long, default_value_t = 7)]
    repeat: usize,
    /// Stop and start the server (needs --spawn) before the third part
    #[arg(long)]
    restart: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    setup::run(&arguments.setup, || measure(&arguments))
}

fn measure(arguments: &Arguments) -> Result<ExitCode, Problem> {
    let history = trace::replay(&arguments.trace, arguments.per_update)?;
    let (target, server) = arguments.setup.open()?;
    report::head(
        "a fresh client on a document with a long history",
        &arguments.setup.url,
    );
    let name = setup::fresh_name("cold-open");
    let seeding = Instant::now();
    seed(&target, &name, &history)?;
    report::figure("seeding", seeding.elapsed().as_secs_f64(), "s");
    let (first, one, bytes) = opens(&target, &name, 1, arguments.repeat, history.clocks)?;
    report::figure("bytes of the answer", bytes as f64, "bytes");
    report::figure("one client, first", first, "ms");
    report::figure("one client, median", one, "ms");
    let (first, many, _) = opens(
        &target,
        &name,
        arguments.clients,
        arguments.repeat.min(3),
        history.clocks,
    )?;
    report::figure(
        &format!("{} clients at once, first", arguments.clients),
        first,
        "ms",
    );
    report::figure(
        &format!("{} clients at once, median", arguments.clients),
        many,
        "ms",
    );
    server.stop();
    if arguments.restart {
        let (target, server) = arguments.setup.open()?;
        let (first, median, _) = opens(&target, &name, 1, 3, history.clocks)?;
        report::figure("after a restart, first", first, "ms");
        report::figure("after a restart, median", median, "ms");
        report::figure(
            "server memory",
            server.sample().rss_kib as f64 / 1024.0,
            "MiB",
        );
        server.stop();
    }
    Ok(report::verdict(&[]))
}

fn crowd_of(target: &Target, name: &str, clients: usize) -> Result<Crowd, Problem> {
    let plan = Plan {
        docs: 1,
        clients_per_doc: clients,
        writers_per_doc: 0,
        names: name.to_owned(),
    };
    Ok(Crowd::new(target.clone(), plan)?)
}

fn seed(target: &Target, name: &str, history: &trace::History) -> Result<(), Problem> {
    let mut writer = crowd_of(target, name, 1)?;
    writer.join_all()?;
    for update in &history.updates {
        writer.send_raw(0, &ydoc::frame::update(update));
        writer.turn(Duration::ZERO)?;
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        writer.turn(Duration::from_millis(20))?;
        let mut reader = crowd_of(target, name, 1)?;
        reader.join_all()?;
        if reader.received(0).1 >= history.clocks {
            return Ok(());
        }
    }
    Err("the history did not arrive at the server".to_owned().into())
}

/// First and median milliseconds until `clients` fresh clients all have the document, and the answer's bytes.
fn opens(
    target: &Target,
    name: &str,
    clients: usize,
    repeat: usize,
    clocks: u64,
) -> Result<(f64, f64, usize), Problem> {
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..repeat {
        let mut crowd = crowd_of(target, name, clients)?;
        let everybody: Vec<usize> = (0..clients).collect();
        let started = Instant::now();
        crowd.join(&everybody, clients, Duration::from_secs(30))?;
        // Some servers say "in sync" first and bring the content after.
        let deadline = started + Duration::from_secs(30);
        while everybody
            .iter()
            .any(|&client| crowd.received(client).1 < clocks)
        {
            if Instant::now() > deadline {
                return Err(format!("a client did not get all {clocks} clocks").into());
            }
            crowd.turn(Duration::from_millis(1))?;
        }
        times.push(started.elapsed().as_secs_f64() * 1e3);
        for &client in &everybody {
            let (length, _) = crowd.received(client);
            bytes = length;
        }
        if let Some(problem) = crowd.problems().first() {
            return Err(problem.clone().into());
        }
    }
    let first = times.first().copied().unwrap_or_default();
    times.sort_by(f64::total_cmp);
    Ok((first, times[times.len() / 2], bytes))
}
