//! Servers are killed, stopped and drained, the database dies, and every line is cut, stalled, slowed and chopped, while
//! robots type. In the end every acknowledged edit is there once, and all copies are the same.
//!
//! `SHEAF_CHAOS_SECONDS` is how long it goes on; `SHEAF_SEED` repeats the choice of faults of an earlier run.

mod bad_line;
mod checker;
mod faults;
mod robot;

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::engines::postgres::Postgres;

use bad_line::Lines;
use faults::{Fleet, SERVERS};
use robot::{Orders, Robot};

/// The documents. Each robot writes in two of them.
const DOCS: [&str; 3] = ["chaos/one", "chaos/two", "chaos/three"];
const ROBOTS: usize = 6;
/// How long faults go on, in seconds, unless told otherwise.
const SECONDS: u64 = 25;
/// Longest time, in seconds, that robots have in the end to get everything acknowledged and to become the same.
const SETTLE_SECONDS: u64 = 60;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_or_is_cut_no_acknowledged_edit_is_lost_and_all_copies_become_the_same() {
    let seed = number("SHEAF_SEED").unwrap_or_else(|| fastrand::u64(..));
    let seconds = number("SHEAF_CHAOS_SECONDS").unwrap_or(SECONDS);
    println!("SHEAF_SEED={seed}");
    let mut fleet = Fleet::start(Postgres::start(&[]), seed).await;
    let (order, orders) = watch::channel(Orders::Type);
    let mut robots = Vec::new();
    let mut lines = Vec::new();
    for name in 0..ROBOTS {
        let line = Lines::open(fleet.targets()).await;
        let robot = Robot::new(name, seed, &DOCS);
        robots.push(tokio::spawn(robot.live(line.address(), orders.clone())));
        lines.push(line);
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        fleet.strike(&lines).await;
    }
    fleet.heal(&lines).await;
    let healed = Instant::now();
    order.send_replace(Orders::Settle);
    let mut settled = Vec::new();
    for robot in robots {
        let limit = Duration::from_secs(SETTLE_SECONDS).saturating_sub(healed.elapsed());
        let robot = tokio::time::timeout(limit, robot).await;
        settled.push(robot.expect("it did not settle").unwrap());
    }
    println!(
        "{} faults on {SERVERS} servers in {seconds} s: {}; everything acknowledged {} ms after the last",
        fleet.struck.values().sum::<usize>(),
        fleet.told(),
        healed.elapsed().as_millis(),
    );
    let acknowledged = checker::check(&fleet, settled, seconds).await;
    println!("{acknowledged} edits acknowledged, each there once; every copy the same");
}
