//! Surface and flow stay in step, whatever people do, in whatever order it arrives.

#[cfg(target_arch = "wasm32")]
#[macro_use]
extern crate sheaf_test_in_wasm;

#[cfg(test)]
mod edits;
#[cfg(test)]
mod model;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod world;

use plan::{Plan, find_failure};

#[test]
fn every_surface_shows_its_document_and_all_documents_end_equal() {
    for (writers, seed) in [(2, 0x5EED), (3, 0xFACE), (4, 0xCAFE)] {
        find_failure(|round| Plan::random(seed + round, writers, 30), rounds());
    }
}

#[test]
fn surfaces_stay_in_step_with_documents_that_other_programs_write_too() {
    find_failure(
        |round| Plan::random(0xF0_4E16 + round, 3, 40).with_foreign_edits(),
        rounds(),
    );
}

#[test]
fn undo_gives_back_what_was_and_takes_nothing_of_others_away() {
    find_failure(
        |round| Plan::random(0xB0_0B5 + round, 2, 50).with_undo(),
        rounds(),
    );
}

/// A few in every run; `SHEAF_LONG=1` for a long search.
fn rounds() -> u64 {
    if std::env::var_os("SHEAF_LONG").is_some() {
        20_000
    } else {
        120
    }
}
