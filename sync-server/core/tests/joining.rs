//! Promises about coming in: a document is loaded once, a failed load is never an empty page, and everyone gets
//! exactly what they lack.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, CY, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input, Said, Stored};
use sheaf_shared::access::Role;
use sheaf_shared::ids::Seq;
use sheaf_shared::replica::merge;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;

fn loads(desk: &Desk) -> usize {
    desk.effects
        .iter()
        .filter(|effect| **effect == Effect::Load)
        .count()
}

#[test]
fn many_who_come_at_once_cause_one_load_and_are_answered_in_order_afterwards() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(7);
    let rows = vec![writer.types("one "), writer.types("two")];
    desk.join(ANN, hocuspocus(ClientKind::Stock), Role::Editor);
    desk.join(BEN, y_websocket(), Role::Editor);
    desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
    desk.say(BEN, Said::Step1(Bytes::from_static(&[0])));
    assert_eq!(loads(&desk), 1);
    assert_eq!((desk.heard(ANN), desk.heard(BEN)), (vec![], vec![]));
    desk.put(Input::Loaded(Stored {
        rows,
        ..Stored::default()
    }));
    let all = writer.0.missing_for(&[0]).unwrap();
    let step1 = Heard::Step1(writer.0.version());
    let expected = vec![step1, Heard::Step2(all)];
    assert_eq!(desk.heard(ANN), expected);
    assert_eq!(desk.heard(BEN), expected);
}

#[test]
fn a_document_that_could_not_be_read_is_closed_for_now_and_never_shown_empty() {
    let mut desk = Desk::new();
    desk.join(ANN, hocuspocus(ClientKind::Stock), Role::Editor);
    desk.join(BEN, y_websocket(), Role::Editor);
    desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
    desk.put(Input::LoadFailed);
    assert_eq!(desk.closed(ANN), Some(CloseReason::Unreadable));
    assert_eq!(desk.closed(BEN), Some(CloseReason::Unreadable));
    let text = CloseReason::Unreadable.text().to_owned();
    assert_eq!(desk.heard(ANN), [Heard::Closed(text)]);
    assert_eq!(desk.heard(BEN), []);
    assert_eq!(desk.effects.last(), Some(&Effect::Ended));
}

#[test]
fn a_snapshot_and_the_rows_after_it_make_the_document() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(7);
    writer.types("old ");
    let snapshot: Bytes = writer.0.encode().into();
    let rows = vec![writer.types("new")];
    desk.join(ANN, y_websocket(), Role::Editor);
    desk.put(Input::Loaded(Stored {
        snapshot: Some(snapshot),
        snapshot_through: Seq(5),
        rows,
    }));
    desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
    let mut ann = Writer::new(1);
    ann.hears(&desk.heard(ANN));
    assert_eq!(ann.0.canonical(), writer.0.canonical());
}

#[test]
fn the_first_newcomer_gets_the_snapshot_as_it_is_stored_and_whoever_comes_after_an_edit_all_of_it()
{
    let mut desk = Desk::new();
    let mut writer = Writer::new(7);
    let typed = [writer.types("old "), writer.types("words ")];
    let snapshot = merge(&typed.each_ref()).unwrap();
    let encoded_anew = writer.0.encode();
    assert_ne!(snapshot, encoded_anew, "else this shows nothing");
    desk.join(ANN, y_websocket(), Role::Editor);
    desk.put(Input::Loaded(Stored {
        snapshot: Some(snapshot.clone().into()),
        snapshot_through: Seq(2),
        rows: Vec::new(),
    }));
    desk.stored.extend(typed);
    desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
    let heard = desk.heard(ANN);
    assert!(heard.contains(&Heard::Step2(snapshot.clone())), "{heard:?}");

    // The answer is kept for the next one, and goes with the next edit.
    for (member, edit) in [(BEN, None), (CY, Some("new"))] {
        if let Some(words) = edit {
            let update = writer.types(words);
            desk.edit(ANN, &update);
            desk.commit_all();
        }
        desk.join(member, y_websocket(), Role::Editor);
        desk.say(member, Said::Step1(Bytes::from_static(&[0])));
        let heard = desk.heard(member);
        let is_as_stored = heard.contains(&Heard::Step2(snapshot.clone()));
        assert_eq!(is_as_stored, edit.is_none());
        let mut newcomer = Writer::new(1);
        newcomer.hears(&heard);
        assert_eq!(newcomer.0.canonical(), writer.0.canonical());
    }
}

#[test]
fn a_row_after_the_snapshot_is_never_left_out_of_the_first_answer() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(7);
    writer.types("old ");
    let snapshot = writer.0.encode();
    let rows = vec![writer.types("new")];
    desk.join(ANN, y_websocket(), Role::Editor);
    desk.put(Input::Loaded(Stored {
        snapshot: Some(snapshot.into()),
        snapshot_through: Seq(5),
        rows,
    }));
    desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
    let all = writer.0.missing_for(&[0]).unwrap();
    assert!(desk.heard(ANN).contains(&Heard::Step2(all)));
}

#[test]
fn one_who_comes_back_gets_the_difference_and_not_the_whole() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    let mut ann = Writer::new(1);
    desk.edit(ANN, &ann.types(&"long ago ".repeat(100)));
    desk.commit();
    let known = ann.0.version();
    desk.edit(ANN, &ann.types("now"));
    desk.commit();
    desk.seat(BEN, y_websocket());
    desk.say(BEN, Said::Step1(known.into()));
    let heard = desk.heard(BEN);
    assert!(
        matches!(&heard[..], [Heard::Step2(update)] if update.len() < 40),
        "{heard:?}"
    );
}

#[test]
fn a_step_1_is_answered_whenever_it_comes() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    for _ in 0..3 {
        desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
        assert_eq!(
            desk.heard(ANN),
            [Heard::Step1(vec![0]), Heard::Step2(vec![0, 0])],
            "a step 1 of its own first: clients count on it"
        );
    }
}

#[test]
fn a_state_vector_that_lies_about_its_size_closes_the_document() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.say(
        ANN,
        Said::Step1(Bytes::from_static(&[0xff, 0xff, 0xff, 0x7f])),
    );
    assert_eq!(desk.closed(ANN), Some(CloseReason::Refused));
}

#[test]
fn an_idle_empty_document_takes_less_than_two_kilobytes() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    assert!(desk.room.bytes() < 2_048, "{}", desk.room.bytes());
}

#[test]
fn a_room_that_is_left_ends_when_told_to_and_not_while_something_is_under_way() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.edit(ANN, &Writer::new(1).types("a"));
    desk.put(Input::Leave(ANN));
    desk.put(Input::Retire);
    assert!(!desk.effects.contains(&Effect::Ended));
    desk.commit();
    assert!(desk.effects.contains(&Effect::Ended));
}

#[test]
fn a_server_that_goes_away_tells_its_own_clients_and_sends_the_others_off_one_by_one() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    desk.seat(BEN, y_websocket());
    desk.seat(CY, y_websocket());
    desk.put(Input::Drain { within_ms: 3_000 });
    assert_eq!(
        desk.heard(ANN),
        [Heard::Fact(ServerFact::Draining { within_ms: 3_000 })]
    );
    assert_eq!((desk.closed(BEN), desk.closed(CY)), (None, None));
    desk.wait(1_100);
    assert_eq!(desk.closed(BEN), Some(CloseReason::Moving));
    assert_eq!(desk.closed(CY), None);
    desk.wait(1_100);
    assert_eq!(desk.closed(CY), Some(CloseReason::Moving));
    desk.wait(1_000);
    assert_eq!(desk.closed(ANN), Some(CloseReason::Moving));
    assert_eq!(
        desk.effects
            .iter()
            .filter(|effect| **effect == Effect::Ended)
            .count(),
        1
    );
}

#[test]
fn a_server_that_goes_away_lets_nobody_in_and_finishes_what_is_under_way() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.edit(ANN, &Writer::new(1).types("a"));
    desk.put(Input::Drain { within_ms: 100 });
    desk.wait(200);
    assert_eq!(desk.closed(ANN), None, "its edit has no answer yet");
    desk.join(BEN, y_websocket(), Role::Editor);
    assert_eq!(desk.closed(BEN), Some(CloseReason::Moving));
    desk.commit();
    assert!(desk.heard(ANN).contains(&Heard::Stored));
    assert_eq!(desk.closed(ANN), Some(CloseReason::Moving));
}

#[test]
fn a_program_that_may_not_know_how_a_document_is_closed_hears_nothing_before_its_socket_is() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Unnamed));
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    for member in [ANN, BEN] {
        desk.say(member, Said::Step1(Bytes::from_static(&[7])));
    }
    assert_eq!(desk.closed(ANN), Some(CloseReason::Refused));
    assert_eq!(desk.heard(ANN), []);
    let last = desk.heard(BEN).pop();
    let text = CloseReason::Refused.text().to_owned();
    assert_eq!(last, Some(Heard::Closed(text)));
}

#[test]
fn a_room_that_is_told_to_end_while_someone_is_in_it_stays_for_them_and_for_others() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.put(Input::Retire);
    desk.join(BEN, y_websocket(), Role::Editor);
    assert_eq!(desk.closed(BEN), None);
    desk.put(Input::Leave(ANN));
    desk.put(Input::Leave(BEN));
    assert!(
        !desk.effects.contains(&Effect::Ended),
        "it was told too early"
    );
}

#[test]
fn a_server_that_goes_away_while_a_document_is_on_its_way_from_the_store_does_not_turn_in_circles()
{
    let mut desk = Desk::new();
    desk.join(ANN, y_websocket(), Role::Editor);
    desk.put(Input::Drain { within_ms: 100 });
    desk.wait(150);
    assert_eq!(desk.closed(ANN), Some(CloseReason::Moving));
    desk.effects.clear();
    desk.wait(10);
    assert_eq!(desk.effects, [], "there is nothing to wake up for");
    desk.put(Input::NeverExisted);
    assert_eq!(desk.effects, [Effect::Ended]);
}
