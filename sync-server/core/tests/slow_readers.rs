//! Promises about readers who cannot keep up: bounded, never silently behind, and cut off if they stand still.

#[path = "support/desk.rs"]
mod desk;

use desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input, RoomConfig};
use sheaf_shared::sync::close::CloseReason;

const CONFIG: RoomConfig = RoomConfig {
    outgoing_bytes_soft: 5_000,
    waiting_bytes_soft: 1_000_000,
    messages_per_s: 1_000_000,
    bytes_per_s: 1_000_000_000,
    work_ms_per_s: 250,
    compact_rows: 1_000_000,
    compact_bytes: 1_000_000_000,
};

fn queued(desk: &Desk) -> usize {
    let mut bytes = 0;
    for effect in &desk.effects {
        match effect {
            Effect::Send { to, frame, .. } if *to == BEN => bytes += frame.len(),
            Effect::DropQueued { of } if *of == BEN => bytes = 0,
            _ => {}
        }
    }
    bytes
}

/// Ann writes `edits` times while Ben's socket takes nothing.
fn ben_sleeps(edits: usize, words: &str) -> (Desk, Writer, Writer) {
    let mut desk = Desk::with(CONFIG);
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, y_websocket());
    desk.drains = false;
    let mut ann = Writer::new(1);
    for _ in 0..edits {
        desk.edit(ANN, &ann.types(words));
        desk.commit_all();
        desk.put(Input::Drained {
            member: ANN,
            bytes: usize::MAX,
        });
    }
    (desk, ann, Writer::new(2))
}

#[test]
fn a_reader_who_sleeps_is_sent_no_more_than_its_share_and_then_all_of_it_at_once() {
    for (edits, words) in [
        (400, "0123456789"),
        (4_000, "0123456789".repeat(20).as_str()),
    ] {
        let (mut desk, ann, mut ben) = ben_sleeps(edits, words);
        assert!(queued(&desk) <= CONFIG.outgoing_bytes_soft);
        let first = desk.heard(BEN);
        assert!(
            first.is_empty(),
            "what was queued is dropped: {}",
            first.len()
        );
        desk.drains = true;
        desk.put(Input::Drained {
            member: BEN,
            bytes: usize::MAX,
        });
        let heard = desk.heard(BEN);
        let updates = heard.iter().filter_map(|one| match one {
            Heard::Update(update) => Some(update.len()),
            _ => None,
        });
        let updates: Vec<usize> = updates.collect();
        let bytes: usize = updates.iter().sum();
        // The text, and heads.
        let whole = edits * words.len();
        assert!(bytes < 2 * whole + 500, "{bytes} for {whole}");
        assert!(updates.len() <= 1 + bytes / 4_000, "{updates:?}");
        ben.hears(&heard);
        assert_eq!(ben.0.canonical(), ann.0.canonical());
    }
}

#[test]
fn edits_after_the_catch_up_go_out_as_ever() {
    let (mut desk, mut ann, mut ben) = ben_sleeps(400, "0123456789");
    desk.heard(BEN);
    desk.drains = true;
    desk.put(Input::Drained {
        member: BEN,
        bytes: usize::MAX,
    });
    let edit = ann.types("!");
    desk.edit(ANN, &edit);
    desk.commit();
    let heard = desk.heard(BEN);
    assert_eq!(heard.last(), Some(&Heard::Update(edit.to_vec())));
    ben.hears(&heard);
    assert_eq!(ben.0.canonical(), ann.0.canonical());
}

#[test]
fn a_sleeping_reader_costs_the_room_a_bounded_piece_of_memory() {
    let (few, _, _) = ben_sleeps(1_000, "x");
    let (many, _, _) = ben_sleeps(4_000, "x");
    // The document itself grows; what is kept for the sleeper must not.
    let grown = many.room.bytes() - few.room.bytes();
    assert!(grown < 3_000 * 30 * 10 + 300_000, "{grown}");
}

#[test]
fn a_reader_who_stands_still_for_long_is_cut_off_and_may_come_back() {
    let (mut desk, _, _) = ben_sleeps(10, "x");
    desk.wait(29_000);
    assert_eq!(desk.closed(BEN), None);
    desk.wait(2_000);
    assert_eq!(desk.closed(BEN), Some(CloseReason::TooSlow));
}

#[test]
fn a_reader_who_takes_a_little_now_and_then_is_not_cut_off() {
    let (mut desk, _, _) = ben_sleeps(100, "x");
    for _ in 0..10 {
        desk.wait(20_000);
        desk.put(Input::Drained {
            member: BEN,
            bytes: 1,
        });
    }
    assert_eq!(desk.closed(BEN), None);
}

#[test]
fn acknowledgements_are_never_dropped() {
    let mut desk = Desk::with(CONFIG);
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    desk.drains = false;
    let (mut ann, mut ben) = (Writer::new(1), Writer::new(2));
    for _ in 0..300 {
        desk.edit(ANN, &ann.types("0123456789"));
        desk.edit(BEN, &ben.types("b"));
        desk.commit_all();
        desk.put(Input::Drained {
            member: ANN,
            bytes: usize::MAX,
        });
    }
    let heard = desk.heard(BEN);
    let stored = heard.iter().filter(|one| **one == Heard::Stored).count();
    assert_eq!(stored, 300);
}
