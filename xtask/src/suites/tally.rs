//! How many tests passed and failed, read from each runner's own closing lines.

use std::fmt;
use std::ops::Add;

/// Counts of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    pub(crate) fn one_pass() -> Self {
        Self {
            passed: 1,
            failed: 0,
        }
    }

    pub(crate) fn one_failure() -> Self {
        Self {
            passed: 0,
            failed: 1,
        }
    }

    pub(crate) fn is_green(self) -> bool {
        self.failed == 0
    }

    pub(crate) fn ran_nothing(self) -> bool {
        self == Self::default()
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// A test runner whose closing lines we can read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
    /// `test result: ok. 3 passed; 0 failed; …`, once for each binary; wasm-bindgen's says the same.
    CargoTest,
    /// `ℹ pass 3` and `ℹ fail 0`, or the same after `#`.
    Node,
    /// `3 passed (4.5s)`, and lines for what failed, was flaky, interrupted or never ran.
    Playwright,
}

impl Runner {
    /// Adds up the closing lines in `output`.
    pub(crate) fn tally(self, output: &str) -> Tally {
        let one_line = match self {
            Self::CargoTest => cargo_test,
            Self::Node => node,
            Self::Playwright => playwright,
        };
        output
            .lines()
            .filter_map(one_line)
            .fold(Tally::default(), Add::add)
    }
}

fn cargo_test(line: &str) -> Option<Tally> {
    let counts = line
        .trim()
        .strip_prefix("test result: ")?
        .split_once(". ")?
        .1;
    let mut counts = counts.split("; ");
    let passed = counts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = counts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some(Tally { passed, failed })
}

fn node(line: &str) -> Option<Tally> {
    let rest = line
        .strip_prefix("ℹ ")
        .or_else(|| line.strip_prefix("# "))?;
    let (what, count) = rest.split_once(' ')?;
    let count = count.parse().ok()?;
    match what {
        "pass" => Some(Tally {
            passed: count,
            failed: 0,
        }),
        // A cancelled test is one whose parent ended before it: it proved nothing.
        "fail" | "cancelled" => Some(Tally {
            passed: 0,
            failed: count,
        }),
        _ => None,
    }
}

fn playwright(line: &str) -> Option<Tally> {
    let line = line.strip_prefix("  ")?;
    let (count, what) = line.split_once(' ')?;
    let count = count.parse().ok()?;
    let what = what.split(" (").next()?;
    match what {
        "passed" => Some(Tally {
            passed: count,
            failed: 0,
        }),
        // Tried again only in CI, where the lines above name it: a fault to mend, and not a reason to stop.
        "flaky" => Some(Tally {
            passed: count,
            failed: 0,
        }),
        "failed" | "interrupted" | "did not run" => Some(Tally {
            passed: 0,
            failed: count,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binary_that_cargo_test_ran_is_counted() {
        let output = "running 2 tests\n..\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test result: FAILED. 5 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 1.2s\n";
        assert_eq!(
            Runner::CargoTest.tally(output),
            Tally {
                passed: 7,
                failed: 1
            }
        );
    }

    #[test]
    fn nodes_cancelled_tests_count_as_failed() {
        let output = "ℹ tests 5\nℹ suites 1\nℹ pass 3\nℹ fail 1\nℹ cancelled 1\nℹ skipped 0\n";
        assert_eq!(
            Runner::Node.tally(output),
            Tally {
                passed: 3,
                failed: 2
            }
        );
        assert_eq!(
            Runner::Node.tally("# pass 2\n# fail 0\n"),
            Tally {
                passed: 2,
                failed: 0
            }
        );
    }

    #[test]
    fn a_browser_test_that_passes_only_on_the_second_try_counts_and_is_named() {
        let output = "Running 9 tests using 1 worker\n  1 failed\n    [chromium] › a.spec.ts:3:1 › x\n  \
                      1 flaky\n    [chromium] › b.spec.ts:3:1 › y\n  2 skipped\n  5 passed (12.3s)\n";
        assert_eq!(
            Runner::Playwright.tally(output),
            Tally {
                passed: 6,
                failed: 1
            }
        );
    }

    #[test]
    fn lines_of_a_tests_own_output_are_not_counted() {
        assert!(
            Runner::Playwright
                .tally("5 passed the gate\n    5 passed\n")
                .ran_nothing()
        );
        assert!(
            Runner::CargoTest
                .tally("the test result: ok. was read\n")
                .ran_nothing()
        );
    }

    #[test]
    fn the_sum_reads_as_one_plain_line() {
        let sum = Tally {
            passed: 3,
            failed: 0,
        } + Tally::one_pass();
        assert_eq!(sum.to_string(), "4 passed, 0 failed");
    }
}
