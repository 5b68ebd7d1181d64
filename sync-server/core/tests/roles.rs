//! Promises about what someone may do.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input, RoomConfig, Said};
use sheaf_shared::access::Role;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};

#[test]
fn a_viewer_who_sends_an_edit_is_told_why_not_and_nothing_is_stored() {
    let mut desk = Desk::new();
    desk.seat_as(ANN, hocuspocus(ClientKind::Sheaf), Role::Viewer);
    desk.seat_as(BEN, y_websocket(), Role::Viewer);
    let edit = Writer::new(1).types("a");
    desk.edit(ANN, &edit);
    desk.edit(BEN, &edit);
    assert_eq!(desk.asked(), None);
    assert_eq!(
        desk.heard(ANN),
        [
            Heard::Fact(ServerFact::Refused(Refused::ReadOnly)),
            Heard::NotStored
        ]
    );
}

#[test]
fn a_viewer_reads_is_seen_and_its_empty_answer_is_fine() {
    let mut desk = Desk::new();
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    let mut ben = Writer::new(2);
    desk.edit(BEN, &ben.types("b"));
    desk.commit();
    desk.seat_as(ANN, hocuspocus(ClientKind::Stock), Role::Viewer);
    let all = ben.0.missing_for(&[0]).unwrap();
    desk.say(ANN, Said::Step2(Bytes::from_static(&[0, 0])));
    desk.say(ANN, Said::Step2(all.into()));
    assert_eq!(desk.heard(ANN), [Heard::Stored, Heard::Stored]);
    desk.say(
        ANN,
        Said::Awareness(Bytes::from_static(&[1, 1, 1, 2, b'{', b'}'])),
    );
    assert!(matches!(desk.heard(BEN)[..], [.., Heard::Awareness(_)]));
}

#[test]
fn a_role_that_changes_holds_from_the_next_edit_on() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    desk.put(Input::RoleChanged {
        member: ANN,
        role: Role::Commenter,
    });
    assert_eq!(
        desk.heard(ANN),
        [Heard::Fact(ServerFact::Role(Role::Commenter))]
    );
    desk.edit(ANN, &Writer::new(1).types("a"));
    assert_eq!(desk.asked(), None);
}

#[test]
fn one_who_is_put_out_is_told_why_and_what_was_taken_before_is_stored_all_the_same() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    desk.seat(BEN, y_websocket());
    let mut ann = Writer::new(1);
    desk.edit(ANN, &ann.types("a"));
    desk.put(Input::PutOut {
        member: ANN,
        reason: CloseReason::Revoked,
    });
    desk.edit(ANN, &ann.types("b"));
    desk.commit_all();
    assert_eq!(desk.closed(ANN), Some(CloseReason::Revoked));
    let why = CloseReason::Revoked.text().to_owned();
    assert_eq!(desk.heard(ANN), [Heard::Closed(why)]);
    assert_eq!(desk.stored.len(), 1);
    assert!(matches!(desk.heard(BEN)[..], [Heard::Update(_)]));
}

#[test]
fn bytes_that_are_no_update_are_never_stored_and_close_a_stock_client() {
    for bytes in [&[][..], &[1], &[255; 9], &[1, 1, 0, 0]] {
        let mut desk = Desk::new();
        desk.seat(ANN, y_websocket());
        desk.edit(ANN, &Bytes::copy_from_slice(bytes));
        assert_eq!(desk.asked(), None);
        assert_eq!(desk.closed(ANN), Some(CloseReason::Refused), "{bytes:?}");
    }
}

#[test]
fn one_who_sends_more_than_its_share_is_not_read_for_a_while_and_others_are() {
    let mut desk = Desk::with(RoomConfig {
        messages_per_s: 100,
        ..RoomConfig::default()
    });
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, y_websocket());
    for _ in 0..250 {
        desk.say(ANN, Said::QueryAwareness);
    }
    assert!(desk.effects.contains(&Effect::StopReading { of: ANN }));
    assert!(!desk.effects.contains(&Effect::StopReading { of: BEN }));
    desk.wait(2_000);
    assert!(desk.effects.contains(&Effect::ResumeReading { of: ANN }));
}

#[test]
fn one_whose_edits_cost_much_work_is_held_back_too() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.put(Input::Worked {
        member: ANN,
        micros: 900_000,
    });
    assert!(desk.effects.contains(&Effect::StopReading { of: ANN }));
}
