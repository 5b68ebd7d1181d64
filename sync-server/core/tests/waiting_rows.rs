//! Promises about rows that are stored before what they build on: they do no harm to others, and nobody forgets them.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input};
use sheaf_shared::ids::Seq;
use sheaf_shared::testing;

/// An update of `client` from `clock` on: elements, each in the one before, the first one in `parent`'s block, or else in a
/// root.
fn nested(client: u64, clock: u64, levels: u64, parent: Option<(u64, u64)>) -> Bytes {
    let mut update = testing::Bytes::new().raw(&[1]);
    update = update.num(levels).num(client).num(clock);
    for level in 0..levels {
        update = match (level, parent) {
            (0, None) => update.raw(&[7, 1]).text("t"),
            (0, Some((of, at))) => update.raw(&[7, 0]).num(of).num(at),
            _ => update.raw(&[7, 0]).num(client).num(clock + level - 1),
        };
        update = update.raw(&[3]).text("p");
    }
    update.num(0).0.into()
}

#[test]
fn the_row_that_had_waited_is_put_aside_if_it_breaks_the_document_and_not_the_one_that_let_it_in() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, y_websocket());
    // Deeper than a document may be, as soon as the last level of the other writer is there.
    let deep = nested(8, 0, 60, Some((9, 99)));
    let innocent = nested(9, 99, 1, Some((9, 98)));
    for update in [&nested(9, 0, 99, None), &deep, &innocent] {
        desk.edit(ANN, update);
        desk.commit();
    }
    let blamed = desk.effects.iter().filter_map(|effect| match effect {
        Effect::BadRow { at } => Some(*at),
        _ => None,
    });
    assert_eq!(blamed.collect::<Vec<_>>(), [Seq(2)]);
    assert_eq!(desk.effects.last(), Some(&Effect::Ended));
}

fn told(desk: &Desk) -> Vec<&Effect> {
    let is_told = |effect: &&Effect| matches!(effect, Effect::RowsWait { .. });
    desk.effects.iter().filter(is_told).collect()
}

/// Ann's second edit is stored, her first is not.
fn waiting() -> (Desk, Bytes) {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    let first = ann.types("a");
    desk.edit(ANN, &ann.types("b"));
    desk.commit();
    (desk, first)
}

#[test]
fn rows_that_wait_for_a_minute_are_reported_once() {
    let (mut desk, _) = waiting();
    desk.wait(59_000);
    assert_eq!(told(&desk), Vec::<&Effect>::new());
    desk.wait(1_000);
    desk.wait(600_000);
    let expected = Effect::RowsWait {
        first: Seq(1),
        rows: 1,
    };
    assert_eq!(told(&desk), [&expected]);
}

#[test]
fn rows_whose_predecessor_comes_in_time_are_not_worth_a_word() {
    let (mut desk, first) = waiting();
    desk.wait(30_000);
    desk.edit(ANN, &first);
    desk.commit();
    desk.wait(60_000);
    desk.put(Input::Leave(ANN));
    desk.put(Input::Retire);
    assert_eq!(told(&desk), Vec::<&Effect>::new());
}

#[test]
fn rows_that_wait_when_a_document_is_closed_are_reported_then() {
    let (mut desk, _) = waiting();
    desk.put(Input::Leave(ANN));
    desk.put(Input::Retire);
    assert_eq!(told(&desk).len(), 1);
    assert_eq!(desk.effects.last(), Some(&Effect::Ended));
}

#[test]
fn a_document_with_rows_that_wait_is_never_asked_to_be_folded() {
    let (mut desk, first) = waiting();
    let mut ben = Writer::new(2);
    for _ in 0..600 {
        desk.edit(ANN, &ben.types("b"));
        desk.commit();
    }
    let folds = |desk: &Desk| {
        let is_fold = |effect: &Effect| matches!(effect, Effect::Compact { .. });
        desk.effects.iter().any(is_fold)
    };
    assert!(!folds(&desk));
    desk.heard(ANN);
    desk.edit(ANN, &first);
    desk.commit();
    assert!(folds(&desk), "now it can be");
    assert!(desk.heard(ANN).contains(&Heard::Stored));
}
