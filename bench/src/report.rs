//! One line a figure: what, value, unit. The first lines say on what and of which commit.

use std::process::Command;

use crate::histogram::Histogram;

/// Prints what a reader needs to repeat the run.
pub fn head(question: &str, url: &str) {
    let commit = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    // This program is pinned to one core, so it must not ask what it may use itself.
    let cores = std::fs::read_to_string("/proc/cpuinfo")
        .map_or(0, |info| info.matches("processor\t").count());
    println!("# {question}");
    println!("# target {url}, commit {}, {cores} cores", commit.trim());
    println!(
        "# command {}",
        std::env::args().collect::<Vec<_>>().join(" ")
    );
}

/// Prints one figure.
pub fn figure(what: &str, value: f64, unit: &str) {
    println!("{what:<44} {value:>14.3} {unit}");
}

/// Prints how late things were.
pub fn latency(seen: &Histogram) {
    figure("latency p50", seen.quantile_ms(0.5), "ms");
    figure("latency p90", seen.quantile_ms(0.9), "ms");
    figure("latency p99", seen.quantile_ms(0.99), "ms");
    figure("latency max", seen.max_ms(), "ms");
}

/// Prints whether the run's own check held; returns the exit code.
#[must_use]
pub fn verdict(problems: &[String]) -> std::process::ExitCode {
    if problems.is_empty() {
        println!("check: every receiver has every character");
        return std::process::ExitCode::SUCCESS;
    }
    for problem in problems.iter().take(10) {
        println!("check FAILED: {problem}");
    }
    std::process::ExitCode::FAILURE
}
