//! Promises about storing: nothing is said to be saved, or shown to anyone, before it is on disk.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, state_of, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input, MemberId, RoomConfig, Rows, Said, StoreFault};
use sheaf_shared::ids::Seq;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};

#[test]
fn an_edit_is_acknowledged_and_told_only_after_the_store_has_it() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, y_websocket());
    let edit = Writer::new(1).types("hello");
    desk.edit(ANN, &edit);
    assert_eq!(desk.heard(ANN), []);
    assert_eq!(desk.heard(BEN), []);
    desk.commit();
    assert_eq!(desk.heard(ANN), [Heard::Stored]);
    assert_eq!(desk.heard(BEN), [Heard::Update(edit.to_vec())]);
}

#[test]
fn each_update_has_its_own_answer_and_refusals_keep_their_place() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    let mut ann = Writer::new(1);
    for _ in 0..10 {
        let edit = ann.types("a");
        desk.edit(ANN, &edit);
    }
    desk.edit(ANN, &Bytes::from_static(&[7, 7, 7]));
    desk.edit(ANN, &Bytes::from_static(&[0, 0]));
    assert_eq!(desk.heard(ANN), [], "the refusal does not overtake");
    desk.commit_all();
    let mut expected = vec![Heard::Stored; 10];
    expected.push(Heard::Fact(ServerFact::Refused(Refused::Invalid)));
    expected.extend([Heard::NotStored, Heard::Stored]);
    assert_eq!(desk.heard(ANN), expected);
}

#[test]
fn what_comes_while_more_is_expected_is_stored_together_and_nobody_hears_of_it_before() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, y_websocket());
    let (mut ann, mut ben) = (Writer::new(1), Writer::new(2));
    let first = ann.types("a");
    desk.edit(ANN, &first);
    let bens = ben.types("b");
    desk.edit(BEN, &bens);
    desk.put(Input::Gather);
    desk.commit();
    assert_eq!(desk.heard(ANN), [Heard::Stored], "what is stored is told");
    assert_eq!(desk.heard(BEN), [Heard::Update(first.to_vec())]);
    assert_eq!(desk.asked(), None, "the next append waits");
    let second = ann.types("c");
    desk.edit(ANN, &second);
    desk.wait(5_000);
    assert_eq!(desk.asked(), None);
    assert_eq!(desk.heard(ANN), []);
    desk.put(Input::Gathered);
    assert_eq!(desk.asked().unwrap().1, [bens.clone(), second.clone()]);
    desk.commit();
    assert_eq!(
        desk.heard(ANN),
        [Heard::Update(bens.to_vec()), Heard::Stored]
    );
    assert_eq!(
        desk.heard(BEN),
        [Heard::Update(bens.to_vec()), Heard::Update(second.to_vec())],
        "Ben's own comes back to him as the sign that it is stored"
    );
    desk.edit(ANN, &ann.types("d"));
    assert!(desk.asked().is_some(), "afterwards nothing waits");
}

#[test]
fn a_store_that_fails_is_asked_again_with_the_same_rows_and_nobody_is_told_meanwhile() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    let edit = Writer::new(1).types("a");
    desk.edit(ANN, &edit);
    let (ticket, rows) = desk.asked().unwrap();
    desk.effects.clear();
    desk.put(Input::AppendFailed {
        ticket,
        fault: StoreFault::Unavailable,
    });
    assert_eq!(desk.heard(ANN), [Heard::Fact(ServerFact::StoreStalled)]);
    assert_eq!(desk.asked(), None, "not at once");
    desk.wait(5_000);
    assert_eq!(desk.asked().unwrap().1, rows);
    desk.commit();
    assert_eq!(
        desk.heard(ANN),
        [Heard::Stored, Heard::Fact(ServerFact::StoreBack)]
    );
}

#[test]
fn an_answer_that_was_lost_leads_to_reading_and_everyone_hears_of_all_rows() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, y_websocket());
    let edit = Writer::new(1).types("a");
    let foreign = Writer::new(2).types("b");
    desk.edit(ANN, &edit);
    let (ticket, _) = desk.asked().unwrap();
    desk.effects.clear();
    let last = Seq(2);
    desk.put(Input::Appended { ticket, last });
    assert_eq!(desk.effects, [Effect::ReadSince { after: Seq(0) }]);
    desk.effects.clear();
    desk.put(Input::Read(Rows {
        after: Seq(0),
        rows: vec![foreign.clone(), edit.clone()],
    }));
    assert_eq!(
        desk.heard(BEN),
        [
            Heard::Update(foreign.to_vec()),
            Heard::Update(edit.to_vec())
        ]
    );
    assert!(desk.heard(ANN).contains(&Heard::Stored));
}

#[test]
fn a_full_document_refuses_and_says_why() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    let edit = Writer::new(1).types("a");
    desk.edit(ANN, &edit);
    let (ticket, _) = desk.asked().unwrap();
    desk.put(Input::AppendFailed {
        ticket,
        fault: StoreFault::Full,
    });
    assert_eq!(
        desk.heard(ANN),
        [
            Heard::Fact(ServerFact::Refused(Refused::DocumentFull)),
            Heard::NotStored
        ]
    );
}

#[test]
fn what_comes_while_a_commit_is_under_way_makes_one_row_with_everything_in_it() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    let (mut ann, mut ben) = (Writer::new(1), Writer::new(2));
    let mut edits = Vec::new();
    for _ in 0..20 {
        edits.push(ann.types("a"));
        desk.edit(ANN, edits.last().unwrap());
        edits.push(ben.types("b"));
        desk.edit(BEN, edits.last().unwrap());
    }
    desk.commit_all();
    assert_eq!(desk.stored.len(), 2, "the first alone, the others together");
    assert_eq!(state_of(&desk.stored), state_of(&edits));
    let stored = |heard: Vec<Heard>| heard.iter().filter(|one| **one == Heard::Stored).count();
    assert_eq!((stored(desk.heard(ANN)), stored(desk.heard(BEN))), (20, 20));
}

#[test]
fn rows_that_many_edits_become_are_short_and_one_long_edit_stands_alone() {
    const ROW_BYTES: usize = 16 * 1024;
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    let mut edits = vec![ann.types("the first goes at once")];
    for count in 0..60 {
        edits.push(ann.types(&"words ".repeat(if count == 30 { 5_000 } else { 170 })));
    }
    for edit in &edits {
        desk.edit(ANN, edit);
    }
    desk.commit_all();
    let mut lengths: Vec<usize> = desk.stored.iter().map(Bytes::len).collect();
    assert_eq!(lengths.len(), 6, "{lengths:?}");
    lengths.retain(|length| *length > ROW_BYTES);
    assert_eq!(lengths, [edits[31].len()]);
    assert_eq!(state_of(&desk.stored), state_of(&edits));
}

#[test]
fn an_edit_whose_predecessor_is_missing_is_stored_kept_back_and_its_author_asked() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, y_websocket());
    let mut ann = Writer::new(1);
    let lost = ann.types("a");
    let late = ann.types("b");
    desk.edit(ANN, &late);
    desk.commit();
    assert_eq!(desk.heard(ANN), [Heard::Step1(vec![0]), Heard::Stored]);
    assert_eq!(desk.heard(BEN), [], "nobody is shown what has no place yet");
    desk.say(ANN, Said::Step2(lost.clone()));
    desk.commit();
    assert_eq!(
        desk.heard(BEN),
        [Heard::Update(lost.to_vec()), Heard::Update(late.to_vec())]
    );
}

#[test]
fn one_who_only_sends_what_has_no_place_has_to_start_afresh() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    let _lost = ann.types("a");
    for _ in 0..40 {
        let late = ann.types("b");
        desk.edit(ANN, &late);
        desk.commit_all();
    }
    assert_eq!(desk.closed(ANN), Some(CloseReason::TooMuch));
}

#[test]
fn a_returning_client_that_brings_nothing_new_leaves_the_log_as_it_was() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    desk.edit(ANN, &ann.types("abc"));
    desk.commit();
    desk.effects.clear();
    let all = ann.0.missing_for(&[0]).unwrap();
    desk.say(ANN, Said::Step2(all.into()));
    assert_eq!(desk.heard(ANN), [Heard::Stored]);
    assert_eq!(desk.asked(), None);
}

#[test]
fn while_the_store_takes_nothing_senders_are_no_longer_read_and_memory_is_bounded() {
    let mut desk = Desk::with(RoomConfig {
        waiting_bytes_soft: 10_000,
        ..RoomConfig::default()
    });
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    let before = desk.room.bytes();
    for _ in 0..200 {
        let edit = ann.types(&"x".repeat(200));
        desk.edit(ANN, &edit);
    }
    assert!(desk.effects.contains(&Effect::StopReading { of: ANN }));
    for _ in 0..2_000 {
        let edit = ann.types(&"x".repeat(200));
        desk.edit(ANN, &edit);
    }
    assert_eq!(
        desk.closed(ANN),
        Some(CloseReason::Busy),
        "a runtime that reads on all the same"
    );
    assert!(desk.room.bytes() - before < 400_000);
}

#[test]
fn senders_are_read_again_when_the_store_is_back() {
    let mut desk = Desk::with(RoomConfig {
        waiting_bytes_soft: 10_000,
        ..RoomConfig::default()
    });
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    for _ in 0..100 {
        let edit = ann.types(&"x".repeat(200));
        desk.edit(ANN, &edit);
    }
    desk.commit_all();
    assert!(desk.effects.contains(&Effect::ResumeReading { of: ANN }));
}

#[test]
fn a_log_that_has_outgrown_its_snapshot_asks_once_to_be_compacted() {
    let mut desk = Desk::with(RoomConfig {
        compact_rows: 10,
        ..RoomConfig::default()
    });
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let mut ann = Writer::new(1);
    for _ in 0..15 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
    }
    let wishes = |desk: &Desk| {
        let is_wish = |effect: &&Effect| matches!(effect, Effect::Compact { .. });
        desk.effects.iter().filter(is_wish).count()
    };
    assert_eq!(wishes(&desk), 1);
    desk.put(Input::Compacted {
        through: Seq(10),
        snapshot_bytes: 100,
    });
    for _ in 0..5 {
        desk.edit(ANN, &ann.types("a"));
        desk.commit_all();
    }
    assert_eq!(wishes(&desk), 2);
}

#[test]
fn rows_that_were_folded_before_they_were_read_send_everyone_back_to_the_store() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.edit(ANN, &Writer::new(1).types("a"));
    let (ticket, _) = desk.asked().unwrap();
    let last = Seq(2);
    desk.put(Input::Appended { ticket, last });
    desk.put(Input::ReadFolded);
    assert!(!desk.heard(ANN).contains(&Heard::Stored), "it was not seen");
    assert_eq!(desk.closed(ANN), Some(CloseReason::Fault));
    assert_eq!(desk.effects.last(), Some(&Effect::Ended));
}

#[test]
fn however_much_waits_for_an_edit_that_comes_late_nothing_that_is_stored_is_left_out() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(1);
    let first = writer.types("a");
    for nth in 0..60 {
        let member = MemberId(100 + nth);
        desk.seat(member, y_websocket());
        for _ in 0..25 {
            desk.edit(member, &writer.types("b"));
            desk.commit_all();
        }
        let is_put_out = desk.closed(member) == Some(CloseReason::TooMuch);
        assert_eq!(is_put_out, nth * 25 + 25 > 1_024, "the {nth}th");
        desk.put(Input::Leave(member));
    }
    assert_eq!(desk.stored.len(), 1_024);
    desk.seat(ANN, y_websocket());
    desk.edit(ANN, &first);
    desk.commit_all();
    let mut reader = Writer::new(2);
    desk.seat(BEN, y_websocket());
    desk.say(BEN, Said::Step1(Bytes::from_static(&[0])));
    reader.hears(&desk.heard(BEN));
    assert_eq!(reader.0.canonical(), state_of(&desk.stored));
}
