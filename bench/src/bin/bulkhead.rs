//! One document is hostile or huge: how much later does everyone else's typing arrive?

use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use sheaf_bench::crowd::{Crowd, Plan};
use sheaf_bench::histogram::Histogram;
use sheaf_bench::server::{Server, cpu_percent};
use sheaf_bench::setup::{self, Problem, Setup};
use sheaf_bench::websocket::Target;
use sheaf_bench::ydoc::frame;
use sheaf_bench::{report, updates};

/// Time without work after which the server rests, and the longest wait for that.
const REST: Duration = Duration::from_millis(500);
const REST_WITHIN: Duration = Duration::from_secs(60);

/// Times with nothing but ordinary typing, and times with the other document beside it, in turns; the medians of their p99. What
/// the people of that document do takes the generator's core only where the others leave it; how late the others' letters
/// were typed tells what is left of the generator's own share.
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
    /// Nothing in the server: a program on the server's core that calculates without end and claims as little as the server's
    /// own long work. What that costs no server can help
    Loop,
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
    let neighbour = Neighbour::move_in(arguments, &target)?;
    drop(round(&mut others, arguments)?);
    let mut calm = Vec::new();
    let mut beside = Vec::new();
    for _ in 0..arguments.rounds.max(1) {
        until_it_rests(&mut others, &server)?;
        calm.push(round(&mut others, arguments)?);
        neighbour.is_about.store(true, Ordering::Relaxed);
        let began = server.sample();
        beside.push(round(&mut others, arguments)?);
        let busy = cpu_percent(began, server.sample());
        neighbour.is_about.store(false, Ordering::Relaxed);
        report::figure("server beside it", busy, "% of its core");
    }
    for (share, name) in [(0.5, "p50"), (0.99, "p99")] {
        let late = |rounds: &[Round]| median(rounds, |round| round.arrived.quantile_ms(share));
        let typed = |rounds: &[Round]| median(rounds, |round| round.typed.quantile_ms(share));
        report::figure(&format!("alone: {name}"), late(&calm), "ms");
        report::figure(&format!("beside it: {name}"), late(&beside), "ms");
        report::figure(&format!("alone: typed late, {name}"), typed(&calm), "ms");
        report::figure(
            &format!("beside it: typed late, {name}"),
            typed(&beside),
            "ms",
        );
    }
    let p99 = |rounds: &[Round]| median(rounds, |round| round.arrived.quantile_ms(0.99));
    let moves = (p99(&beside) / p99(&calm) - 1.0) * 100.0;
    let closed = neighbour.move_out()?;
    report::figure("the other document's people closed", closed as f64, "times");
    report::figure("p99 moves by", moves, "%");
    server.stop();
    Ok(report::verdict(others.problems()))
}

/// Waits until nothing of what was asked of the server is left to do.
fn until_it_rests(others: &mut Crowd, server: &Server) -> Result<(), Problem> {
    let limit = Instant::now() + REST_WITHIN;
    loop {
        let (before, end) = (server.sample(), Instant::now() + REST);
        while Instant::now() < end {
            others.turn(Duration::from_millis(10))?;
        }
        if cpu_percent(before, server.sample()) < 10.0 {
            return Ok(());
        }
        if Instant::now() > limit {
            return Err("the server does not come to rest".to_owned().into());
        }
    }
}

fn median(rounds: &[Round], value: impl Fn(&Round) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The document beside the others, and those who are in it, on a thread that leaves the core to the others' people.
struct Neighbour {
    is_about: Arc<AtomicBool>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<usize, Problem>>,
}

impl Neighbour {
    fn move_in(arguments: &Arguments, target: &Target) -> Result<Self, Problem> {
        let mut life = Life::begin(arguments, target)?;
        let is_about = Arc::new(AtomicBool::new(false));
        let is_over = Arc::new(AtomicBool::new(false));
        let (about, over) = (Arc::clone(&is_about), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            // On Linux this is the thread's alone.
            let _ = rustix::process::setpriority_process(None, 19);
            while !over.load(Ordering::Relaxed) {
                if about.load(Ordering::Relaxed) {
                    life.go_on()?;
                } else {
                    life.looping = None;
                }
                life.crowd.turn(Duration::from_millis(1))?;
            }
            Ok(life.crowd.problems().len())
        });
        Ok(Self {
            is_about,
            is_over,
            thread,
        })
    }

    /// How many of its people were closed.
    fn move_out(self) -> Result<usize, Problem> {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| Err("the other document's people failed".to_owned().into()))
    }
}

/// What they do there.
struct Life {
    kind: Beside,
    crowd: Crowd,
    target: Target,
    due: Instant,
    turns: u64,
    slow: Vec<u8>,
    server_core: usize,
    looping: Option<Looping>,
}

/// A program that calculates until it is dropped.
struct Looping(Child);

impl Looping {
    fn start(core: usize) -> Result<Self, Problem> {
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string(), "nice", "-n", "10"]);
        command.args(["sh", "-c", "while :; do :; done"]);
        Ok(Self(command.stdout(Stdio::null()).spawn()?))
    }
}

impl Drop for Looping {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Life {
    fn begin(arguments: &Arguments, target: &Target) -> Result<Self, Problem> {
        let kind = arguments.beside;
        Ok(Self {
            kind,
            crowd: Self::people(kind, target)?,
            target: target.clone(),
            due: Instant::now(),
            turns: 0,
            slow: frame::update(&updates::fan(20_000)),
            server_core: arguments.setup.server_core,
            looping: None,
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

    /// The next thing, when it is time.
    fn go_on(&mut self) -> Result<(), Problem> {
        if Instant::now() < self.due {
            return Ok(());
        }
        self.turns += 1;
        let pause_ms = match self.kind {
            Beside::Slow => {
                // What was sent is slow in one document; somebody who means harm opens the next.
                self.crowd = Self::people(self.kind, &self.target)?;
                self.crowd.send_raw(0, &self.slow);
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
            Beside::Loop => {
                if self.looping.is_none() {
                    self.looping = Some(Looping::start(self.server_core)?);
                }
                100
            }
        };
        self.due = Instant::now() + Duration::from_millis(pause_ms);
        Ok(())
    }
}

/// What one time showed.
struct Round {
    /// How late letters arrived.
    arrived: Histogram,
    /// How much later than they were due they were typed: the generator's own share.
    typed: Histogram,
}

/// Typing at a steady rate, for so long.
fn round(others: &mut Crowd, arguments: &Arguments) -> Result<Round, Problem> {
    let writers = others.writers();
    let pause = Duration::from_secs_f64(1.0 / (arguments.rate * writers as f64));
    let end = Instant::now() + Duration::from_secs_f64(arguments.seconds);
    let mut due = Instant::now();
    let mut turn = 0;
    let mut typed = Histogram::default();
    while Instant::now() < end {
        while due <= Instant::now() {
            typed.add(due.elapsed().as_micros() as u64);
            others.type_letters(turn % writers, 1);
            turn += 1;
            due += pause;
        }
        let patience = due.saturating_duration_since(Instant::now());
        others.turn(patience.min(Duration::from_millis(1)))?;
    }
    others.settle(Duration::from_secs(60))?;
    let arrived = others.reset().latency;
    Ok(Round { arrived, typed })
}
