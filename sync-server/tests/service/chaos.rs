//! Servers are killed, stopped, drained and cut off; the database dies, is restarted, is full; Redis is killed, emptied, paused;
//! every line is cut, stalled, slowed and chopped; and robots type all the while. In the end every acknowledged edit is there
//! once, all copies are the same, and nobody is shown who is not there.
//!
//! `SHEAF_CHAOS_SECONDS` is how long faults go on; `SHEAF_SEED` repeats the schedule of an earlier run; `SHEAF_CHAOS_REPORT`
//! names a file for the report; `SHEAF_CHAOS_ONLY=partitions` leaves all other faults out; `SHEAF_BIN` another build of the program.

mod auditor;
pub(crate) mod checker;
mod faults;
mod fleet;
mod network;
mod report;
pub(crate) mod robot;
mod schedule;
pub(crate) mod settling;
mod watchers;
mod wires;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::bad_line::{Lines, Manners};
use auditor::Auditor;
use faults::Struck;
use fleet::{Fleet, SERVERS};
use report::{Explains, Report};
use robot::{Orders, Robot};
use schedule::{Kinds, Scale, schedule};
use settling::{Board, Settling};
use watchers::{People, Watchers};

/// The documents. Each robot writes in two of them.
const DOCS: [&str; 3] = ["chaos/one", "chaos/two", "chaos/three"];
const ROBOTS: usize = 6;
/// Robots in networks without WebSockets. None of them is among those who vanish with a dead server: the other servers would show
/// them for 75 s, as they must.
const BLOCKED: [usize; 2] = [2, 4];
/// How long faults go on, in seconds, unless told otherwise.
const SECONDS: u64 = 30;
/// A run of so many seconds is long: servers are cut off for longer in it than clients wait for a sign of life.
const LONG_SECONDS: u64 = 300;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_or_is_cut_no_acknowledged_edit_is_lost_and_all_copies_become_the_same() {
    let seed = number("SHEAF_SEED").unwrap_or_else(|| fastrand::u64(..));
    let seconds = number("SHEAF_CHAOS_SECONDS").unwrap_or(SECONDS);
    let kinds = kinds();
    let _explains = Explains {
        seed,
        seconds,
        kinds,
    };
    let started = Instant::now();
    let mut fleet = Fleet::start(seed, seconds).await;
    let machine = report::machine(&fleet.told());
    println!("SHEAF_SEED={seed}; {machine}");
    let board = Board::default();
    let (order, orders) = watch::channel(Orders::Type);
    let mut settling = Settling::new(Board::clone(&board), order);
    let mut people = People::new();
    let mut auditor = Auditor::default();
    let mut robots = Vec::new();
    let mut lines = Vec::new();
    for name in 0..ROBOTS {
        let here = Ipv4Addr::LOCALHOST.into();
        let line = Lines::open(here, fleet.targets(), seed.wrapping_add(name as u64)).await;
        let mut robot = Robot::new(name, seed, &DOCS, Board::clone(&board));
        if BLOCKED.contains(&name) {
            robot = robot.without_web_sockets();
        }
        let who = robot.people();
        auditor.watch(robot.ledgers());
        robots.push((
            who,
            tokio::spawn(robot.live(line.address(), orders.clone())),
        ));
        lines.push(line);
    }
    for (doc, who) in robots.iter().flat_map(|(who, _)| who) {
        people.entry(doc.clone()).or_default().insert(*who);
    }
    let mut struck = Struck::default();
    for strike in schedule(seed, seconds, &scale(seconds, kinds)) {
        fleet
            .strike(&strike, &lines, &mut settling, &auditor, &mut struck)
            .await;
    }
    fleet.heal(&lines);
    settling.all_acknowledged().await;
    let (robots, ghosts_for) = see_them_go(&mut fleet, &settling, &lines, people, robots).await;
    let words = robots
        .iter()
        .flat_map(|robot| robot.pages.values())
        .map(|page| page.kept.words().len())
        .sum();
    let acknowledged = checker::check(&fleet, robots, seconds).await;
    Report {
        seed,
        seconds,
        kinds,
        slow: settling.slow,
        took: started.elapsed(),
        machine,
        struck: struck.times,
        left_out: struck.left_out,
        settled_ms: settling.took,
        ghosts_for,
        acknowledged,
        words,
    }
    .tell();
}

fn kinds() -> Kinds {
    match std::env::var("SHEAF_CHAOS_ONLY").as_deref() {
        Ok("partitions") => Kinds::Partitions,
        Ok(other) => panic!("SHEAF_CHAOS_ONLY may be `partitions`, not {other}"),
        Err(_) => Kinds::All,
    }
}

const fn scale(seconds: u64, kinds: Kinds) -> Scale {
    Scale {
        servers: SERVERS,
        people: ROBOTS,
        partition_ms: if seconds < LONG_SECONDS {
            3_000
        } else {
            45_000
        },
        kinds,
    }
}

/// A robot, and whom others see of it.
type Living = (Vec<(sheaf_shared::ids::DocName, u64)>, JoinHandle<Robot>);

/// Everyone is shown at every server; then a server dies with half of them gone while it stood still, and those are shown
/// nowhere any more; then all go. Answers also how long people of the dead server were shown.
async fn see_them_go(
    fleet: &mut Fleet,
    settling: &Settling,
    lines: &[Lines],
    mut people: People,
    robots: Vec<Living>,
) -> (Vec<Robot>, Duration) {
    let mut watchers = Watchers::default();
    for (server, address) in fleet.addresses().into_iter().enumerate() {
        watchers.come_to(server, address, &people).await;
    }
    let leaving: Vec<usize> = (0..robots.len()).filter(|name| name % 2 == 1).collect();
    fleet.leave_only(0);
    leaving
        .iter()
        .for_each(|name| lines[*name].behave(Manners::Cut));
    settling.until_online(&leaving, false).await;
    fleet.heal(lines);
    settling.until_online(&leaving, true).await;
    watchers.until_they_see(&people).await;
    fleet.servers[0].program.signal(Signal::STOP);
    settling.order(Orders::HalfVanish);
    let mut gone = Vec::new();
    let mut staying = Vec::new();
    for (name, (who, robot)) in robots.into_iter().enumerate() {
        if name.is_multiple_of(2) {
            staying.push(robot);
            continue;
        }
        gone.push(robot.await.unwrap());
        for (doc, who) in who {
            people.get_mut(&doc).unwrap().remove(&who);
        }
    }
    fleet.servers[0].program.kill();
    let killed = Instant::now();
    tokio::task::block_in_place(|| fleet.servers[0].start_again());
    fleet.note_addresses();
    watchers.leave(0);
    watchers.come_to(0, fleet.addresses()[0], &people).await;
    watchers.until_they_see(&people).await;
    let ghosts_for = killed.elapsed();
    settling.order(Orders::Vanish);
    for robot in staying {
        gone.push(robot.await.unwrap());
    }
    people
        .values_mut()
        .for_each(std::collections::BTreeSet::clear);
    watchers.until_they_see(&people).await;
    (gone, ghosts_for)
}
