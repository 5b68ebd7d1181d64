//! One document is hostile or huge: how much later does everyone else's typing arrive?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use sheaf_bench::crowd::{Crowd, Plan};
use sheaf_bench::histogram::Histogram;
use sheaf_bench::setup::{self, Problem, Setup};
use sheaf_bench::websocket::Target;
use sheaf_bench::ydoc::frame;
use sheaf_bench::{report, updates};

/// Times with nothing but ordinary typing, and times with the other document beside it, in turns; the medians of their p99.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    setup: Setup,
    /// What the other document is
    #[arg(long, value_enum, default_value_t = Beside::Slow)]
    beside: Beside,
    /// Documents of the others
    #[arg(long, default_value_t = 20)]
    docs: usize,
    /// People in each
    #[arg(long, default_value_t = 5)]
    clients_per_doc: usize,
    /// Characters a second, of one writer in each
    #[arg(long, default_value_t = 5.0)]
    rate: f64,
    /// Seconds of each time
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Times of each kind
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Beside {
    /// Updates made to be slow to apply, 120 KB each
    Slow,
    /// One who types 8,000 letters a second
    Flood,
    /// A text of 2 MB into which somebody pastes 200 KB again and again, and three others read
    Huge,
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
        names: setup::fresh_name("bulkhead"),
    };
    let (mut others, server) = arguments
        .setup
        .begin("others beside one hostile or huge document", plan)?;
    others.join_all()?;
    let target = Target::parse(&arguments.setup.url).map_err(|error| error.to_string())?;
    let mut neighbour = Neighbour::move_in(arguments.beside, &target)?;
    drop(round(&mut others, None, arguments)?);
    let mut calm = Vec::new();
    let mut beside = Vec::new();
    for _ in 0..arguments.rounds.max(1) {
        calm.push(round(&mut others, None, arguments)?);
        beside.push(round(&mut others, Some(&mut neighbour), arguments)?);
    }
    let [calm_p50, beside_p50] = [&calm, &beside].map(|rounds| median(rounds, 0.5));
    let [calm_p99, beside_p99] = [&calm, &beside].map(|rounds| median(rounds, 0.99));
    report::figure("alone: p50", calm_p50, "ms");
    report::figure("beside it: p50", beside_p50, "ms");
    report::figure("alone: p99", calm_p99, "ms");
    report::figure("beside it: p99", beside_p99, "ms");
    let closed = neighbour.crowd.problems().len();
    report::figure("the other document's people closed", closed as f64, "times");
    report::figure("p99 moves by", (beside_p99 / calm_p99 - 1.0) * 100.0, "%");
    server.stop();
    Ok(report::verdict(others.problems()))
}

fn median(rounds: &[Histogram], share: f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(|one| one.quantile_ms(share)).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The document beside the others, and those who are in it.
struct Neighbour {
    kind: Beside,
    crowd: Crowd,
    target: Target,
    due: Instant,
    turns: u64,
}

impl Neighbour {
    fn move_in(kind: Beside, target: &Target) -> Result<Self, Problem> {
        Ok(Self {
            kind,
            crowd: Self::people(kind, target)?,
            target: target.clone(),
            due: Instant::now(),
            turns: 0,
        })
    }

    fn people(kind: Beside, target: &Target) -> Result<Crowd, Problem> {
        let plan = Plan {
            docs: 1,
            clients_per_doc: 4,
            writers_per_doc: usize::from(kind == Beside::Flood),
            names: setup::fresh_name("neighbour"),
        };
        let mut crowd = Crowd::new(target.clone(), plan)?;
        crowd.join_all()?;
        Ok(crowd)
    }

    /// Does what it does, when it is time.
    fn live(&mut self) -> Result<(), Problem> {
        self.crowd.turn(Duration::ZERO)?;
        if Instant::now() < self.due {
            return Ok(());
        }
        self.turns += 1;
        let pause_ms = match self.kind {
            Beside::Slow => {
                // What was sent is slow in one document; somebody who means harm opens the next.
                self.crowd = Self::people(self.kind, &self.target)?;
                self.crowd
                    .send_raw(0, &frame::update(&updates::fan(20_000)));
                2_000
            }
            Beside::Flood => {
                self.crowd.type_letters(0, 80);
                10
            }
            Beside::Huge => {
                let letters = if self.turns == 1 { 2_000_000 } else { 200_000 };
                let update = updates::text(self.turns, letters);
                self.crowd.send_raw(0, &frame::update(&update));
                500
            }
        };
        self.due = Instant::now() + Duration::from_millis(pause_ms);
        Ok(())
    }
}

/// Typing at a steady rate, for so long; answers how late it arrived.
fn round(
    others: &mut Crowd,
    mut neighbour: Option<&mut Neighbour>,
    arguments: &Arguments,
) -> Result<Histogram, Problem> {
    let writers = others.writers();
    let pause = Duration::from_secs_f64(1.0 / (arguments.rate * writers as f64));
    let end = Instant::now() + Duration::from_secs_f64(arguments.seconds);
    let mut due = Instant::now();
    let mut turn = 0;
    while Instant::now() < end {
        while due <= Instant::now() {
            others.type_letters(turn % writers, 1);
            turn += 1;
            due += pause;
        }
        if let Some(neighbour) = &mut neighbour {
            neighbour.live()?;
        }
        others.turn(Duration::from_millis(1))?;
    }
    others.settle(Duration::from_secs(60))?;
    Ok(others.reset().latency)
}
