//! Promises about passing on: everyone hears of everything once it is stored, each in their own dialect.

#[path = "support/desk.rs"]
mod desk;

use std::sync::Arc;

use desk::{ANN, BEN, CY, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Said, Speaks};
use sheaf_shared::access::Role;

#[test]
fn both_dialects_share_one_room() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    let (mut ann, mut ben) = (Writer::new(1), Writer::new(2));
    for _ in 0..5 {
        desk.edit(ANN, &ann.types("a"));
        desk.edit(BEN, &ben.types("b"));
        desk.commit_all();
    }
    ann.hears(&desk.heard(ANN));
    ben.hears(&desk.heard(BEN));
    assert_eq!(ann.0.canonical(), ben.0.canonical());
}

#[test]
fn a_y_websocket_writer_hears_its_own_edit_back_and_a_hocuspocus_writer_does_not() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    let (of_ann, of_ben) = (Writer::new(1).types("a"), Writer::new(2).types("b"));
    desk.edit(ANN, &of_ann);
    desk.commit();
    assert_eq!(desk.heard(ANN), [Heard::Update(of_ann.to_vec())]);
    desk.heard(BEN);
    desk.edit(BEN, &of_ben);
    desk.commit();
    assert_eq!(desk.heard(BEN), [Heard::Stored]);
}

#[test]
fn a_y_websocket_writer_whose_echo_was_lost_hears_it_after_it_came_back() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    let mut ann = Writer::new(1);
    let edit = ann.types("a");
    desk.edit(ANN, &edit);
    desk.put(sheaf_core::room::Input::Leave(ANN));
    desk.commit();
    desk.join(BEN, y_websocket(), Role::Editor);
    desk.say(BEN, Said::Step1(ann.0.version().into()));
    desk.heard(BEN);
    let hello = [1, 1, 1, 2, b'{', b'}'];
    desk.say(BEN, Said::Awareness(hello.to_vec().into()));
    assert!(desk.heard(BEN).contains(&Heard::Update(edit.to_vec())));
}

#[test]
fn frames_are_made_once_for_all_who_speak_alike() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    desk.seat(CY, hocuspocus(ClientKind::Stock));
    desk.edit(ANN, &Writer::new(1).types("a"));
    desk.commit();
    let frames: Vec<*const u8> = desk
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Send { to, frame, .. } if *to != ANN => Some(frame.as_ptr()),
            _ => None,
        })
        .collect();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0], frames[1], "the same bytes, not equal ones");
}

#[test]
fn a_document_opened_twice_over_one_socket_is_answered_at_each_address() {
    let mut desk = Desk::new();
    for (member, address) in [(ANN, "page\0one"), (BEN, "page\0two")] {
        let speaks = Speaks::Hocuspocus {
            address: Arc::from(address),
            kind: ClientKind::Stock,
        };
        desk.seat(member, speaks);
    }
    desk.edit(ANN, &Writer::new(1).types("a"));
    desk.commit();
    let addressed = |to, address: &str| {
        desk.effects.iter().any(|effect| match effect {
            Effect::Send { to: id, frame, .. } => {
                *id == to && frame[1..].starts_with(address.as_bytes())
            }
            _ => false,
        })
    };
    assert!(addressed(ANN, "page\0one") && addressed(BEN, "page\0two"));
}
