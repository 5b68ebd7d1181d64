//! Promises about folding the log: in time for whoever opens the document next, and not more often than it is worth.

#[path = "support/desk.rs"]
mod desk;

use desk::{ANN, Desk, Writer, hocuspocus};
use sheaf_core::room::{ClientKind, Effect, Input, RoomConfig};
use sheaf_shared::ids::Seq;

#[test]
fn what_was_written_while_a_snapshot_was_made_asks_for_the_next_one_by_itself() {
    let mut desk = Desk::with(RoomConfig {
        compact_rows: 10,
        ..RoomConfig::default()
    });
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    for _ in 0..25 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
    }
    desk.effects.clear();
    desk.put(Input::Compacted {
        through: Seq(10),
        snapshot_bytes: 100,
    });
    assert_eq!(compactions(&desk), [Seq(25)]);
}

#[test]
fn a_pause_in_the_writing_folds_a_log_that_would_take_long_to_open_and_no_short_one() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    desk.edit(ANN, &ann.types("a"));
    desk.commit_all();
    desk.wait(10_000);
    assert_eq!(compactions(&desk), [], "one row is no work to open");
    for _ in 0..60 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
        desk.wait(1_000);
    }
    assert_eq!(compactions(&desk), [], "somebody is writing");
    desk.wait(2_000);
    assert_eq!(compactions(&desk), [Seq(61)]);
}

#[test]
fn a_few_rows_are_not_worth_folding_a_large_document_anew_at_each_pause() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.put(Input::Compacted {
        through: Seq(0),
        snapshot_bytes: 10_000_000,
    });
    let mut ann = Writer::new(1);
    for _ in 0..60 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
    }
    desk.wait(10_000);
    assert_eq!(compactions(&desk), []);
    desk.put(Input::Leave(ANN));
    desk.put(Input::Retire);
    assert_eq!(compactions(&desk), [Seq(60)], "the end is the time for it");
}

#[test]
fn a_room_that_ends_while_it_is_folded_asks_once_more_for_what_came_meanwhile() {
    let mut desk = Desk::with(RoomConfig {
        compact_rows: 10,
        ..RoomConfig::default()
    });
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    for _ in 0..70 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
    }
    assert_eq!(compactions(&desk), [Seq(10)]);
    desk.put(Input::Leave(ANN));
    desk.put(Input::Retire);
    assert_eq!(compactions(&desk), [Seq(10), Seq(70)]);
}

#[test]
fn a_log_that_another_server_is_folding_is_asked_for_again_a_little_later_and_no_more_once_it_is_short()
 {
    let mut desk = Desk::with(RoomConfig {
        compact_rows: 10,
        ..RoomConfig::default()
    });
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    for _ in 0..60 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
    }
    assert_eq!(compactions(&desk), [Seq(10)]);
    desk.put(Input::CompactionPutOff);
    desk.wait(4_000);
    assert_eq!(compactions(&desk), [Seq(10)], "the other one is at it");
    desk.wait(6_000);
    assert_eq!(compactions(&desk), [Seq(10), Seq(60)]);
    desk.put(Input::CompactedElsewhere { through: Seq(58) });
    desk.wait(60_000);
    assert_eq!(compactions(&desk), [Seq(10), Seq(60)], "two rows are left");
    for _ in 0..10 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
    }
    assert_eq!(compactions(&desk), [Seq(10), Seq(60), Seq(68)]);
    let known = desk.effects.iter().filter_map(|effect| match effect {
        Effect::Compact { known, .. } => Some(*known),
        _ => None,
    });
    assert_eq!(known.collect::<Vec<_>>(), [Seq(0), Seq(0), Seq(58)]);
}

fn compactions(desk: &Desk) -> Vec<Seq> {
    desk.effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Compact { through, .. } => Some(*through),
            _ => None,
        })
        .collect()
}
