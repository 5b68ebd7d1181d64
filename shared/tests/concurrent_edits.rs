//! Whatever people do to a page at once: every copy ends the same, no typed text is lost, none is doubled.
//!
//! The quick share of each search runs always; `SHEAF_LONG=1` runs fifty times as much.

use sheaf_shared::testing::Chance;
use sheaf_shared::testing::plan::{EDIT_NAMES, Edit, MOVE, Plan, Step};

fn rounds(quick: u64) -> u64 {
    if std::env::var_os("SHEAF_LONG").is_some() {
        quick * 50
    } else {
        quick
    }
}

/// Two people who each make an edit of a given kind without knowing of the other's.
fn pair(chance: &mut Chance, one: usize, other: usize) -> Plan {
    let mut steps = Vec::new();
    for (who, kind) in [(0, one), (1, other)] {
        if EDIT_NAMES[kind] == "undo" {
            // Something to take back: done before the two part, or after.
            let undone = chance.index_below(EDIT_NAMES.len() - 1);
            steps.push(Step::Edit(who, Edit::random(chance, undone)));
            if chance.coin() {
                steps.push(Step::Meet);
            }
        }
    }
    steps.push(Step::Edit(0, Edit::random(chance, one)));
    steps.push(Step::Edit(1, Edit::random(chance, other)));
    Plan { writers: 2, steps }
}

#[test]
fn any_two_edits_made_at_once_leave_equal_copies_and_lose_or_double_nothing() {
    for one in 0..EDIT_NAMES.len() {
        for other in 0..EDIT_NAMES.len() {
            for round in 0..rounds(12) {
                let seed = ((one * 10 + other) as u64) << 32 | round;
                pair(&mut Chance::new(seed), one, other).expect(seed);
            }
        }
    }
}

#[test]
fn any_edits_by_several_people_in_any_order_of_delivery_leave_equal_copies_and_lose_or_double_nothing()
 {
    let without_moves = [6, 3, 3, 2, 2, 1, 1, 0, 2, 2];
    for seed in 0..rounds(40) {
        let mut chance = Chance::new(seed);
        let writers = 2 + chance.index_below(3);
        Plan::random(&mut chance, writers, 40, &without_moves).expect(seed);
    }
}

#[test]
fn moves_too_leave_equal_copies_and_lose_nothing() {
    let with_moves = [6, 3, 3, 2, 2, 1, 1, 4, 2, 2];
    for seed in 0..rounds(25) {
        let mut chance = Chance::new(seed);
        let writers = 2 + chance.index_below(3);
        Plan::random(&mut chance, writers, 40, &with_moves).expect(seed);
    }
}

/// Prints how often moves double text: the figure in DOCUMENT.md.
#[test]
#[ignore = "a measurement, not a promise"]
fn how_often_moves_double_text() {
    let mut lines = Vec::new();
    for (other, name) in EDIT_NAMES.iter().enumerate() {
        let runs = 2000;
        let doubled = (0..runs)
            .filter(|seed| {
                pair(&mut Chance::new(*seed), MOVE, other)
                    .expect(*seed)
                    .doubled
                    > 0
            })
            .count();
        lines.push(format!(
            "move at once with {name}: {doubled} of {runs} double text"
        ));
    }
    println!("{}", lines.join("\n"));
}
