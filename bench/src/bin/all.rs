//! Every row of the server's table in docs/PERFORMANCE.md, one after the other, from one build of the server. What is
//! mostly the machine's own work is measured with the least that a server can do as well (`floor`), in turns.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table goes to standard output, what went wrong beside it"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use sheaf_bench::setup::fresh_name;

/// Runs the other programs beside this one and prints a table.
#[derive(Parser)]
struct Arguments {
    /// The server to measure
    #[arg(long, default_value = "target/release/sheaf")]
    server: PathBuf,
    /// Folder for the documents of the runs, on the disk that counts; emptied after each run
    #[arg(long, default_value = "target/bench-data")]
    data: PathBuf,
    /// Runs of each row; the median counts
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Port for the server
    #[arg(long, default_value_t = 8090)]
    port: u16,
    /// Rows whose name holds this word; all of them without
    only: Option<String>,
}

/// One run of one program.
struct Row {
    what: &'static str,
    program: &'static str,
    arguments: &'static str,
    beside: Beside,
    figures: &'static [Figure],
}

/// Whether the row is measured with a server that does next to nothing too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Floor,
    Nothing,
}

/// One of the figures the program prints.
struct Figure {
    name: &'static str,
    budget: Budget,
    unit: &'static str,
}

#[derive(Clone, Copy)]
enum Budget {
    AtMost(f64),
    AtLeast(f64),
}

impl Budget {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::AtLeast(least) => write!(f, "≥ {least}"),
        }
    }
}

const fn at_most(name: &'static str, most: f64, unit: &'static str) -> Figure {
    Figure {
        name,
        budget: Budget::AtMost(most),
        unit,
    }
}

const fn at_least(name: &'static str, least: f64, unit: &'static str) -> Figure {
    Figure {
        name,
        budget: Budget::AtLeast(least),
        unit,
    }
}

const ROWS: &[Row] = &[
    Row {
        what: "small rooms: 100 × 10, 1,000 edits/s",
        program: "fan_out",
        arguments: "",
        beside: Beside::Floor,
        figures: &[
            at_most("latency p50", 0.6, "ms"),
            at_most("latency p99", 2.0, "ms"),
            at_most("server CPU per delivery", 16.0, "µs"),
        ],
    },
    Row {
        what: "big room: 200, 500 edits/s",
        program: "fan_out",
        arguments: "--docs 1 --clients-per-doc 200 --writers-per-doc 50 --rate 10",
        beside: Beside::Floor,
        figures: &[
            at_most("latency p99", 4.0, "ms"),
            at_most("server CPU per delivery", 3.7, "µs"),
        ],
    },
    Row {
        what: "peak, 50 rooms × 10, p99 < 20 ms",
        program: "peak",
        arguments: "--windows 2,4,8,12,16,24,32 --p99-ms 20",
        beside: Beside::Floor,
        figures: &[at_least("best", 650_000.0, "/s")],
    },
    Row {
        what: "peak, one room of 100, p99 < 30 ms",
        program: "peak",
        arguments: "--docs 1 --clients-per-doc 100 --writers-per-doc 20 --windows 4,8,32 --p99-ms 30",
        beside: Beside::Floor,
        figures: &[at_least("best", 3_500_000.0, "/s")],
    },
    Row {
        what: "10,000 connections, a document each",
        program: "idle",
        arguments: "--rest 3",
        beside: Beside::Nothing,
        figures: &[
            at_most("server memory before", 40.0, "MiB"),
            at_most("memory per connection", 10.0, "KiB"),
            at_least("came in", 10_000.0, "/s"),
        ],
    },
    Row {
        what: "fresh client, 260,000 edits",
        program: "cold_open",
        arguments: "--restart",
        beside: Beside::Nothing,
        figures: &[
            at_most("one client, median", 2.5, "ms"),
            at_most("50 clients at once, median", 40.0, "ms"),
            at_most("after a restart, first", 8.0, "ms"),
        ],
    },
    Row {
        what: "storm: 2,000 clients come back at once",
        program: "storm",
        arguments: "",
        beside: Beside::Nothing,
        figures: &[at_most("all in sync after", 150.0, "ms")],
    },
    Row {
        what: "two servers and Redis: small rooms, and the most",
        program: "fleet",
        arguments: "",
        beside: Beside::Nothing,
        figures: &[
            at_most("latency p50", 1.2, "ms"),
            at_most("latency p99", 8.0, "ms"),
            at_least("best", 150_000.0, "/s"),
        ],
    },
];

/// The one program that starts servers and what they need by itself.
const FLEET: &str = "fleet";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = std::fs::create_dir_all(&arguments.data) {
        eprintln!("{}: {error}", arguments.data.display());
        return ExitCode::FAILURE;
    }
    let chosen = |row: &&Row| {
        let only = arguments.only.as_deref().unwrap_or_default();
        row.what.contains(only) || row.program.contains(only)
    };
    println!(
        "| what | figure | budget | measured | | the floor | ratio |\n|---|---|---|---|---|---|---|"
    );
    let mut is_sound = true;
    for row in ROWS.iter().filter(chosen) {
        let mut runs = Vec::new();
        let mut floor = Vec::new();
        for _ in 0..arguments.runs.max(1) {
            runs.push(run(row, Program::Sheaf, &arguments));
            if row.beside == Beside::Floor {
                floor.push(run(row, Program::Floor, &arguments));
            }
        }
        is_sound &= runs.iter().chain(&floor).all(Option::is_some);
        for figure in row.figures {
            let (value, beside) = (median(&runs, figure), median(&floor, figure));
            println!("{}", line(row, figure, value, beside));
        }
    }
    if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The figure in the middle of those of all runs.
fn median(runs: &[Option<String>], figure: &Figure) -> Option<f64> {
    let outputs = runs.iter().flatten();
    let mut values: Vec<f64> = outputs
        .filter_map(|output| value_of(output, figure.name))
        .collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn line(row: &Row, figure: &Figure, value: Option<f64>, floor: Option<f64>) -> String {
    let (measured, verdict) = match value {
        Some(value) if figure.budget.is_met_by(value) => (format!("{value:.2}"), "met"),
        Some(value) => (format!("{value:.2}"), "missed"),
        None => ("nothing".to_owned(), "failed"),
    };
    let unit = figure.unit;
    let (beside, ratio) = match (value, floor) {
        (Some(value), Some(floor)) if floor > 0.0 => (
            format!("{floor:.2} {unit}"),
            format!("{:.2}", value / floor),
        ),
        _ => (String::new(), String::new()),
    };
    format!(
        "| {} | {} | {} {unit} | {measured} {unit} | {verdict} | {beside} | {ratio} |",
        row.what, figure.name, figure.budget,
    )
}

/// Whose figures a run gives.
#[derive(Clone, Copy)]
enum Program {
    Sheaf,
    Floor,
}

/// What the program said; `None`, and all of it on the error output, if its check did not hold.
fn run(row: &Row, of: Program, arguments: &Arguments) -> Option<String> {
    let folder = arguments.data.join(fresh_name(row.program));
    let listen = format!("127.0.0.1:{}", arguments.port);
    let beside = std::env::current_exe().ok()?;
    let spawn = match of {
        Program::Sheaf => format!(
            "{} serve --listen {listen} --data-dir {} --drain-seconds 1 --log-level warn",
            arguments.server.display(),
            folder.display()
        ),
        Program::Floor => format!(
            "{} --listen {listen}",
            beside.with_file_name("floor").display()
        ),
    };
    let mut program = Command::new(beside.with_file_name(row.program));
    if row.program == FLEET {
        program.arg("--server").arg(&arguments.server);
        program.arg("--data").arg(&folder);
    } else {
        program.args(["--url", &format!("ws://{listen}/sync"), "--spawn", &spawn]);
    }
    let output = program
        .args(row.arguments.split_whitespace())
        .output()
        .ok()?;
    if folder.exists() {
        forget(&folder);
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Some(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    eprintln!("{} failed:\n{said}{complaint}", row.what);
    None
}

fn forget(folder: &Path) {
    if let Err(error) = std::fs::remove_dir_all(folder) {
        eprintln!("{}: {error}", folder.display());
    }
}

/// The figure of this name in a program's output.
fn value_of(output: &str, name: &str) -> Option<f64> {
    output.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.split_whitespace().next()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let output = "latency p99                 6.500 ms\nlatency p50    0.25 ms\n";
        assert_eq!(value_of(output, "latency p50"), Some(0.25));
        assert_eq!(value_of(output, "latency"), None);
        assert_eq!(value_of(output, "server CPU"), None);
    }

    #[test]
    fn a_budget_is_met_at_its_edge_and_missed_beyond_it() {
        assert!(Budget::AtMost(2.0).is_met_by(2.0) && !Budget::AtMost(2.0).is_met_by(2.1));
        assert!(Budget::AtLeast(2.0).is_met_by(2.0) && !Budget::AtLeast(2.0).is_met_by(1.9));
    }
}
