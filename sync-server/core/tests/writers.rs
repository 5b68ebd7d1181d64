//! Promises about who may write: as many as come by chance, and not so many or so much alike that everybody suffers.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, CY, Desk, Heard, hocuspocus, state_of, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Said};
use sheaf_shared::gate;
use sheaf_shared::limits::{DOCUMENT_WRITERS_MAX, LIKE_WRITERS_MAX, RUN_CLOCKS_MAX};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};
use sheaf_shared::testing::{self, Chance};

/// Something by each of these writers that is deleted already: finding a place for so many at once is another matter.
fn by(writers: &[u64]) -> Bytes {
    let mut update = testing::Bytes::new().num(writers.len() as u64);
    for writer in writers {
        update = update.raw(&[1]).num(*writer).raw(&[0, 0, 1]);
    }
    update.num(0).0.into()
}

fn alike(nth: u64) -> u64 {
    nth << 16 | 0x1234
}

#[test]
fn writers_whose_ids_are_too_much_alike_are_refused_however_they_come() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    desk.seat(BEN, y_websocket());
    // One by one, all before the first is stored, and some at once.
    for nth in 0..LIKE_WRITERS_MAX as u64 - 2 {
        desk.edit(ANN, &by(&[alike(nth)]));
    }
    desk.edit(ANN, &by(&[alike(500), alike(501)]));
    desk.edit(ANN, &by(&[alike(502)]));
    desk.commit_all();
    let heard = desk.heard(ANN);
    let stored = heard.iter().filter(|one| **one == Heard::Stored).count();
    assert_eq!(stored, LIKE_WRITERS_MAX - 1);
    let refused = Heard::Fact(ServerFact::Refused(Refused::Invalid));
    assert_eq!(heard[heard.len() - 2..], [refused, Heard::NotStored]);
    desk.edit(BEN, &by(&[alike(503)]));
    assert_eq!(desk.closed(BEN), Some(CloseReason::Refused));
    // Those who are in it go on.
    let more = Bytes::from(
        testing::Bytes::new()
            .raw(&[1, 1])
            .num(alike(500))
            .raw(&[1, 0, 1])
            .num(0)
            .0,
    );
    desk.edit(ANN, &more);
    desk.commit_all();
    assert_eq!(desk.heard(ANN), [Heard::Stored]);
}

#[test]
fn the_bound_holds_for_what_was_stored_before_the_document_was_opened() {
    let mut desk = Desk::new();
    let rows = (0..LIKE_WRITERS_MAX as u64).map(|nth| by(&[alike(nth)]));
    desk.join(
        ANN,
        hocuspocus(ClientKind::Sheaf),
        sheaf_shared::access::Role::Editor,
    );
    desk.put(sheaf_core::room::Input::Loaded(sheaf_core::room::Stored {
        rows: rows.collect(),
        ..Default::default()
    }));
    desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
    desk.effects.clear();
    desk.edit(ANN, &by(&[alike(500)]));
    assert!(desk.heard(ANN).contains(&Heard::NotStored));
}

#[test]
fn thousands_of_writers_whose_ids_were_drawn_by_chance_are_welcome() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    let mut chance = Chance::new(5);
    for _ in 0..30 {
        let mut writers: Vec<u64> = (0..1_000).map(|_| chance.below(1 << 32)).collect();
        writers.sort_unstable();
        writers.dedup();
        desk.edit(ANN, &by(&writers));
        desk.commit_all();
    }
    let heard = desk.heard(ANN);
    assert_eq!(heard, vec![Heard::Stored; 30]);
    assert_eq!(desk.closed(ANN), None);
}

#[test]
fn a_document_takes_as_many_writers_as_a_state_vector_can_name_and_then_no_more() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    desk.seat(BEN, y_websocket());
    // The longest ids there are.
    let first = (1 << 53) - DOCUMENT_WRITERS_MAX as u64;
    let most: Vec<u64> = (first..1 << 53).collect();
    desk.edit(ANN, &by(&most));
    desk.commit_all();
    assert_eq!(desk.heard(ANN), [Heard::Stored]);
    desk.edit(ANN, &by(&[7]));
    let full = Heard::Fact(ServerFact::Refused(Refused::DocumentFull));
    assert_eq!(desk.heard(ANN), [full, Heard::NotStored]);
    // And everybody can still ask for it.
    desk.seat(CY, y_websocket());
    desk.say(CY, Said::Step1(Bytes::from_static(&[0])));
    assert_eq!(desk.closed(CY), None);
    let step1 = desk.heard(CY).into_iter().find_map(|one| match one {
        Heard::Step1(version) => Some(version),
        _ => None,
    });
    assert!(step1.is_none_or(|version| gate::state_vector::check(&version).is_ok()));
}

#[test]
fn one_who_brings_ever_new_writers_is_read_more_slowly() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, y_websocket());
    let mut chance = Chance::new(6);
    for _ in 0..5_000 {
        desk.edit(ANN, &by(&[chance.below(1 << 32)]));
    }
    assert!(desk.effects.contains(&Effect::StopReading { of: ANN }));
    assert!(!desk.effects.contains(&Effect::StopReading { of: BEN }));
    desk.wait(10_000);
    assert!(desk.effects.contains(&Effect::ResumeReading { of: ANN }));
    assert_eq!(desk.closed(ANN), None);
}

#[test]
fn updates_that_are_stored_together_make_no_row_that_could_not_be_read() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    let run = |from: u32| {
        let run = testing::Bytes::new().raw(&[1, 1, 77]).num(u64::from(from));
        let run = run.raw(&[0]).num(u64::from(RUN_CLOCKS_MAX)).num(0);
        Bytes::from(run.0)
    };
    // The first is on its way; the others become one row, of which two make a run that is too long.
    let edits = [
        by(&[1]),
        by(&[2]),
        run(0),
        run(RUN_CLOCKS_MAX),
        by(&[3]),
        by(&[4]),
    ];
    for edit in &edits {
        desk.edit(ANN, edit);
    }
    desk.commit_all();
    for row in &desk.stored {
        gate::update::check(row).unwrap();
    }
    assert!(
        !desk
            .effects
            .iter()
            .any(|one| matches!(one, Effect::BadRow { .. }))
    );
    assert_eq!(state_of(&desk.stored), state_of(&edits));
}
