//! Thousands of bad days, each replayable: whatever is cut, killed, drained, stalled, lost or attacked, nothing is
//! acknowledged before it is stored, every copy becomes the same, and nothing typed is lost.
//!
//! `SHEAF_LONG=1` runs many more seeds, from `SHEAF_SEED` on if that is set. A failure names the one command that
//! lives its day again (`SHEAF_PLAN`).

#[path = "support/hostile.rs"]
mod hostile;
#[path = "support/lines.rs"]
mod lines;
#[path = "support/log.rs"]
mod log;
#[path = "support/outgoing.rs"]
mod outgoing;
#[path = "support/person.rs"]
mod person;
#[path = "support/plan.rs"]
mod plan;
#[path = "support/seen.rs"]
mod seen;
#[path = "support/server.rs"]
mod server;
#[path = "support/sockets.rs"]
mod sockets;
#[path = "support/stock.rs"]
mod stock;
#[path = "support/store.rs"]
mod store;
#[path = "support/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use plan::{Fault, Faults, Plan};
use seen::{Seen, Trace};
use world::World;

const PLAN: Plan = Plan {
    seed: 0,
    people: 3,
    stock: 1,
    readers: 1,
    hostile: 0,
    forgers: 0,
    docs: 2,
    steps: 120,
    faults: Faults::ALL,
};

fn run(plan: Plan) -> (Trace, Seen) {
    World::new(plan).run()
}

fn fails(plan: Plan) -> bool {
    catch_unwind(AssertUnwindSafe(|| run(plan))).is_err()
}

fn run_or_explain(plan: Plan) -> (Trace, Seen) {
    catch_unwind(AssertUnwindSafe(|| run(plan))).unwrap_or_else(|_| {
        let shortest = plan.shorten(fails);
        panic!(
            "{plan} fails. The shortest that still does, to be lived again alone:\n\
             SHEAF_PLAN='{shortest}' cargo test -p sheaf-core --test simulation the_day_that"
        );
    })
}

fn seeds(quick: u64, long: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("SHEAF_SEED").unwrap_or(0);
    let count = if std::env::var_os("SHEAF_LONG").is_some() {
        long
    } else {
        quick
    };
    first..first + count
}

#[expect(clippy::print_stdout, reason = "figures for whoever runs it by hand")]
fn say(words: &str) {
    println!("{words}");
}

/// Runs every plan, and says how much came to pass in how long.
fn run_all(plans: impl Iterator<Item = Plan>) -> Seen {
    let started = Instant::now();
    let mut seen = Seen::default();
    for plan in plans {
        seen.add(run_or_explain(plan).1);
    }
    let seconds = started.elapsed().as_secs_f64();
    let rate = seen.events as f64 / seconds;
    say(&format!(
        "{seen:?}\n{rate:.0} events a second for {seconds:.1} s"
    ));
    seen
}

#[test]
fn whatever_fails_nothing_acknowledged_or_typed_is_lost_and_all_copies_become_equal() {
    let seen = run_all(seeds(30, 5_000).map(|seed| Plan {
        seed,
        // A villain in every third run: its edits that wait for ever keep a log from being compacted.
        hostile: usize::from(seed % 3 == 0),
        ..PLAN
    }));
    let missed = seen.missed();
    assert!(
        missed.is_empty(),
        "what never happens proves nothing: {missed:?}"
    );
}

#[test]
fn many_people_in_one_document_stay_together_through_cuts_and_crashes() {
    run_all(seeds(3, 200).map(|seed| Plan {
        seed: seed + 1_000_000,
        people: 9,
        stock: 3,
        readers: 2,
        hostile: 0,
        forgers: 0,
        docs: 1,
        steps: 150,
        faults: Faults::ALL,
    }));
}

#[test]
fn a_crowd_that_means_harm_costs_the_others_neither_words_nor_their_places() {
    let seen = run_all(seeds(2, 1_000).map(|seed| Plan {
        seed: seed + 2_000_000,
        people: 2,
        stock: 1,
        readers: 1,
        hostile: 4,
        forgers: 0,
        docs: 1,
        steps: 100,
        faults: Faults::NONE.with(Fault::SlowReaders).with(Fault::Crashes),
    }));
    assert!(seen.mischief > 0 && seen.put_out > 0, "{seen:?}");
}

#[test]
fn who_forges_the_ids_of_those_who_are_there_costs_them_neither_words_nor_their_places() {
    let seen = run_all(seeds(6, 40).map(|seed| Plan {
        seed: seed + 4_000_000,
        people: 2,
        stock: 2,
        readers: 1,
        hostile: 0,
        forgers: 3,
        docs: 1,
        steps: 150,
        faults: Faults::NONE.with(Fault::Cuts).with(Fault::Stalls),
    }));
    assert!(
        seen.mischief > 0 && seen.put_out > 0 && seen.refusals > 0,
        "{seen:?}"
    );
}

#[test]
fn a_server_that_is_asked_to_go_hands_over_without_losing_an_answer() {
    let seen = run_all(seeds(8, 1_000).map(|seed| Plan {
        seed: seed + 3_000_000,
        stock: 2,
        faults: Faults::NONE.with(Fault::Drains).with(Fault::Stalls),
        ..PLAN
    }));
    assert!(seen.drains > 0, "{seen:?}");
}

#[test]
fn a_day_without_faults_loses_no_time_and_nothing_else() {
    for seed in seeds(3, 100) {
        let (_, seen) = run_or_explain(Plan {
            seed,
            faults: Faults::NONE,
            ..PLAN
        });
        assert_eq!(seen.mishaps(), 0, "{seen:?}");
        assert!(seen.acknowledgements > 0);
    }
}

#[test]
fn the_same_plan_gives_the_same_run_to_the_byte() {
    for seed in 0..4 {
        let plan = Plan {
            seed,
            hostile: (seed % 2) as usize,
            ..PLAN
        };
        let first = run_or_explain(plan);
        assert_eq!(first, run_or_explain(plan));
        assert_ne!(first, run_or_explain(Plan { seed: 99, ..plan }));
    }
}

#[test]
fn a_plan_reads_back_from_the_words_a_failure_prints() {
    for faults in [
        Faults::ALL,
        Faults::NONE,
        Faults::ALL.without(Fault::Drains),
    ] {
        let plan = Plan {
            seed: u64::MAX,
            faults,
            ..PLAN
        };
        assert_eq!(Plan::parse(&plan.to_string()), plan);
    }
}

/// Does nothing unless `SHEAF_PLAN` holds the words of a plan.
#[test]
fn the_day_that_sheaf_plan_tells_of_is_lived_again() {
    if let Ok(words) = std::env::var("SHEAF_PLAN") {
        let (trace, seen) = run(Plan::parse(&words));
        say(&format!("{trace:?} {seen:?}"));
    }
}
