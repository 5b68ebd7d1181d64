//! What a run saw, in words for whoever reads its output, and as a page where `SHEAF_CHAOS_REPORT` asks for one.

#![expect(clippy::print_stdout, reason = "figures for whoever runs it")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::schedule::Kinds;
use super::settling::quantile;

/// All there is to tell of a run that held.
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) seconds: u64,
    pub(super) kinds: Kinds,
    pub(super) took: Duration,
    pub(super) machine: String,
    pub(super) struck: BTreeMap<&'static str, usize>,
    pub(super) left_out: usize,
    pub(super) settled_ms: Vec<u64>,
    /// What was missing where that took long.
    pub(super) slow: Vec<String>,
    /// From a server's death until its people were shown nowhere.
    pub(super) ghosts_for: Duration,
    pub(super) acknowledged: usize,
    pub(super) words: usize,
}

impl Report {
    /// Prints it, and writes it down if asked to.
    pub(super) fn tell(&self) {
        for slow in &self.slow {
            println!("{slow}");
        }
        println!("{}", self.short());
        if let Ok(path) = std::env::var("SHEAF_CHAOS_REPORT") {
            std::fs::write(path, self.page()).unwrap();
        }
    }

    fn settled(&self) -> String {
        if self.settled_ms.is_empty() {
            return "no partition".to_owned();
        }
        let [p50, p99, max] = [50, 99, 100].map(|percent| quantile(&self.settled_ms, percent));
        let count = self.settled_ms.len();
        format!(
            "{count} partitions; copies equal after p50 {p50} ms, p99 {p99} ms, at most {max} ms"
        )
    }

    fn short(&self) -> String {
        format!(
            "{} faults in {} s: {}; {} edits acknowledged, each there once, every copy the same; {}; people of a dead server shown for {} ms",
            self.struck.values().sum::<usize>(),
            self.took.as_secs(),
            super::schedule::told(&self.struck),
            self.acknowledged,
            self.settled(),
            self.ghosts_for.as_millis(),
        )
    }

    fn page(&self) -> String {
        let mut page = String::from(
            "# The last long run of chaos\n\n\
             Written by the run itself; what it does is told in `sync-server/tests/service/chaos.rs`. To live it again:\n\n",
        );
        let _ = writeln!(
            page,
            "```sh\n{}\n```\n",
            replay(self.seed, self.seconds, self.kinds)
        );
        let at = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let rows = [
            ("commit", commit()),
            ("ended, in seconds since 1970", at.to_string()),
            ("machine", self.machine.clone()),
            ("lasted", format!("{} s", self.took.as_secs())),
            ("edits acknowledged", self.acknowledged.to_string()),
            ("words in the documents in the end", self.words.to_string()),
            (
                "acknowledged edits that were lost, or are there twice",
                "0".to_owned(),
            ),
            ("words that nobody typed, or that came back", "0".to_owned()),
            ("servers, copies or newcomers that differ", "0".to_owned()),
            ("people shown who are not there", "0".to_owned()),
            (
                "people of a server that died, shown for",
                format!("{} ms", self.ghosts_for.as_millis()),
            ),
            ("after a partition", self.settled()),
            (
                "faults left out, because this machine could not have them",
                self.left_out.to_string(),
            ),
        ];
        let _ = writeln!(page, "| | |\n|---|---|");
        for (what, value) in rows {
            let _ = writeln!(page, "| {what} | {value} |");
        }
        let _ = writeln!(page, "\n| fault | how often |\n|---|---|");
        for (what, count) in &self.struck {
            let _ = writeln!(page, "| {what} | {count} |");
        }
        page
    }
}

/// The command that repeats a run.
fn replay(seed: u64, seconds: u64, kinds: Kinds) -> String {
    let only = match kinds {
        Kinds::All => "",
        Kinds::Partitions => "SHEAF_CHAOS_ONLY=partitions ",
    };
    format!(
        "SHEAF_SEED={seed} SHEAF_CHAOS_SECONDS={seconds} {only}\\\n  cargo test -p sheaf-server --test service whatever_dies -- --nocapture"
    )
}

fn commit() -> String {
    let told = std::process::Command::new("git")
        .args([
            "describe",
            "--always",
            "--dirty",
            "--abbrev=7",
            "--exclude=*",
        ])
        .output();
    told.map_or_else(
        |_| "unknown".to_owned(),
        |told| String::from_utf8_lossy(&told.stdout).trim().to_owned(),
    )
}

/// Cores, memory and kernel of this machine, and what it lets a run do.
pub(super) fn machine(allows: &str) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok());
    let gib = kib.unwrap_or(0) / (1024 * 1024);
    format!("{cores} cores, {gib} GiB; {allows}")
}

/// Says how to live a run again, if it fails.
pub(super) struct Explains {
    pub(super) seed: u64,
    pub(super) seconds: u64,
    pub(super) kinds: Kinds,
}

impl Drop for Explains {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!(
                "The same schedule again:\n{}",
                replay(self.seed, self.seconds, self.kinds)
            );
        }
    }
}
