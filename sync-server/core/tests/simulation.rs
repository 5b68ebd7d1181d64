//! Thousands of bad days, each replayable: whatever is cut, killed, stalled or lost, nothing is acknowledged
//! before it is stored, every copy becomes the same, and nothing typed is lost.
//!
//! `SHEAF_LONG=1` runs many more seeds, from `SHEAF_SEED` on if that is set.

#[path = "support/outgoing.rs"]
mod outgoing;
#[path = "support/person.rs"]
mod person;
#[path = "support/server.rs"]
mod server;
#[path = "support/store.rs"]
mod store;
#[path = "support/world.rs"]
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use world::{Faults, Plan, Seen, Trace, World};

const PLAN: Plan = Plan {
    seed: 0,
    people: 3,
    stock: 1,
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

/// Looks for a smaller plan that fails too.
fn shorten(mut plan: Plan) -> Plan {
    let mut tries: Vec<fn(&mut Plan)> = vec![
        |plan| plan.faults.cuts = false,
        |plan| plan.faults.slow_readers = false,
        |plan| plan.faults.stalls = false,
        |plan| plan.faults.store_fails = false,
        |plan| plan.faults.lost_answers = false,
        |plan| plan.faults.crashes = false,
        |plan| plan.faults.reloads = false,
        |plan| plan.faults.offline = false,
        |plan| plan.stock = 0,
        |plan| plan.docs = 1,
        |plan| plan.people = plan.people.min(2),
        |plan| plan.people = plan.people.min(1),
    ];
    for _ in 0..8 {
        tries.push(|plan| plan.steps /= 2);
        tries.push(|plan| plan.steps -= plan.steps / 4);
    }
    for smaller in tries {
        let mut tried = plan;
        smaller(&mut tried);
        if tried != plan && tried.people + tried.stock > 0 && fails(tried) {
            plan = tried;
        }
    }
    plan
}

fn run_or_explain(plan: Plan) -> (Trace, Seen) {
    catch_unwind(AssertUnwindSafe(|| run(plan))).unwrap_or_else(|_| {
        let shortest = shorten(plan);
        panic!("{plan:?} fails. The shortest that still does; run it alone:\nrun({shortest:?});");
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

#[test]
fn whatever_fails_nothing_acknowledged_or_typed_is_lost_and_all_copies_become_equal() {
    let mut seen = Seen::default();
    for seed in seeds(40, 5_000) {
        let (_, of_this) = run_or_explain(Plan { seed, ..PLAN });
        seen.add(of_this);
    }
    println!("{seen:?}");
    assert!(
        seen.reached_everything(),
        "a fault that never happens proves nothing: {seen:?}"
    );
}

#[test]
fn many_people_in_one_document_stay_together_through_cuts_and_crashes() {
    for seed in seeds(3, 200) {
        run_or_explain(Plan {
            seed: seed + 1_000_000,
            people: 9,
            stock: 3,
            docs: 1,
            steps: 150,
            faults: Faults::ALL,
        });
    }
}

#[test]
fn a_day_without_faults_loses_no_time_and_nothing_else() {
    for seed in seeds(3, 100) {
        let (_, seen) = run_or_explain(Plan {
            seed,
            faults: Faults::NONE,
            ..PLAN
        });
        assert_eq!(
            seen.crashes + seen.cuts + seen.gaps + seen.store_failures,
            0
        );
        assert!(seen.acknowledgements > 0);
    }
}

#[test]
fn the_same_plan_gives_the_same_run_to_the_byte() {
    for seed in 0..3 {
        let plan = Plan { seed, ..PLAN };
        assert_eq!(run_or_explain(plan), run_or_explain(plan));
    }
}
