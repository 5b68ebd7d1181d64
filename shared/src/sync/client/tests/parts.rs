//! What a browser does with edits that are longer than one message.

use super::*;
use crate::testing::Bytes;

/// An update of one block that was never sent, with content of the given kind.
fn one_block(kind: u8, length: usize) -> Vec<u8> {
    let content = "x".repeat(length);
    let block = Bytes::new().raw(&[1, 1, 7, 0, kind, 1]).text("t");
    block.text(&content).num(0).0
}

/// On a line, with three edits that go in five parts.
fn in_parts() -> Stage {
    let mut stage = Stage::live();
    stage.cut(1006);
    for _ in 0..3 {
        stage.edit();
    }
    stage.replicas.missing = one_block(4, LONG);
    stage.wait(4_000);
    stage.connect();
    stage.sent();
    stage.exchange();
    assert_eq!(stage.sent(), vec![Sent::Update; 4], "no more at a time");
    stage
}

#[test]
fn what_is_long_goes_in_parts_and_counts_as_saved_after_the_last() {
    let mut stage = in_parts();
    stage.status(true);
    assert_eq!(stage.sent(), [Sent::Step2]);
    for _ in 0..4 {
        assert_eq!(stage.shown(), DocStatus::Saving { waiting: 3 });
        stage.status(true);
    }
    assert_eq!(stage.shown(), DocStatus::Saved);
    assert_eq!(stage.sent(), []);
}

#[test]
fn edits_made_while_parts_go_out_wait_and_go_after_them() {
    let mut stage = in_parts();
    stage.edit();
    for _ in 0..5 {
        stage.status(true);
    }
    assert_eq!(stage.sent(), [Sent::Step2, Sent::Step1]);
    assert_eq!(stage.shown(), DocStatus::Connecting { waiting: 1 });
    stage.replicas.missing = vec![0, 0];
    stage.exchange();
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn edits_of_parts_do_not_count_as_stored_when_one_of_the_parts_was_refused() {
    let mut stage = in_parts();
    stage.status(true);
    assert_eq!(stage.sent(), [Sent::Step2], "the last is under way too");
    for stored in [true, false, true, true] {
        stage.status(stored);
    }
    let refused = DocStatus::Refused {
        waiting: 3,
        why: Refused::Unsaid,
    };
    assert_eq!(stage.shown(), refused);
}

#[test]
fn a_part_that_is_refused_takes_all_edits_back_and_stops_the_rest() {
    let mut stage = in_parts();
    stage.fact(ServerFact::Refused(Refused::DocumentFull));
    stage.status(false);
    let refused = DocStatus::Refused {
        waiting: 3,
        why: Refused::DocumentFull,
    };
    assert_eq!(stage.shown(), refused);
    let sent = stage.sent();
    assert!(!sent.contains(&Sent::Update) && !sent.contains(&Sent::Step2));
    for _ in 0..3 {
        stage.status(true);
    }
    assert_eq!(stage.shown(), refused);
}

#[test]
fn a_refused_part_in_which_no_edit_counts_ends_the_exchange_and_is_not_repeated() {
    let mut stage = Stage::live();
    stage.cut(1006);
    stage.replicas.missing = one_block(4, LONG);
    stage.wait(4_000);
    stage.connect();
    stage.exchange();
    stage.sent();
    for _ in 0..4 {
        stage.status(false);
    }
    assert_eq!(stage.sent(), []);
    stage.edit();
    assert_eq!(stage.sent(), [Sent::Update], "edits go as ever");
}

#[test]
fn a_line_that_breaks_between_parts_leaves_every_edit_waiting() {
    let mut stage = in_parts();
    stage.status(true);
    stage.cut(1006);
    assert_eq!(stage.shown(), DocStatus::Connecting { waiting: 3 });
    stage.wait(4_000);
    stage.connect();
    stage.sent();
    stage.exchange();
    assert_eq!(stage.sent(), vec![Sent::Update; 4], "from the start");
}

#[test]
fn a_server_that_asks_again_between_parts_is_answered_afresh_and_no_edit_is_forgotten() {
    let mut stage = in_parts();
    stage.replicas.missing = one_block(4, 200);
    stage.hear(Message::Sync(SyncMessage::Step1(&[0])));
    stage.edit();
    for _ in 0..4 {
        assert_eq!(stage.shown(), DocStatus::Saving { waiting: 4 });
        stage.status(true);
    }
    assert_eq!(
        stage.sent(),
        [Sent::Step2],
        "and the edit does not overtake it"
    );
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Connecting { waiting: 1 });
    assert_eq!(stage.sent(), [Sent::Step1]);
}

#[test]
fn one_long_edit_goes_in_parts_too() {
    let mut stage = Stage::live();
    let doc = stage.doc.clone();
    stage.replicas.missing = one_block(4, LONG);
    let update = stage.replicas.missing.clone();
    stage.put(Input::Edited {
        doc: &doc,
        update: &update,
    });
    assert_eq!(stage.sent(), [Sent::Step1]);
    stage.exchange();
    for _ in 0..5 {
        assert_eq!(stage.shown(), DocStatus::Saving { waiting: 1 });
        stage.status(true);
    }
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn one_thing_that_is_too_long_to_send_and_cannot_be_cut_is_refused_here_and_kept() {
    let mut stage = Stage::live();
    let doc = stage.doc.clone();
    stage.replicas.missing = one_block(3, crate::limits::UPDATE_BYTES_MAX + 1);
    let update = stage.replicas.missing.clone();
    stage.put(Input::Edited {
        doc: &doc,
        update: &update,
    });
    stage.exchange();
    let refused = DocStatus::Refused {
        waiting: 1,
        why: Refused::TooLarge,
    };
    assert_eq!(stage.shown(), refused);
    assert_eq!(stage.sent(), [Sent::Step1]);
}
