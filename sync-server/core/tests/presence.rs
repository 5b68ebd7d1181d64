//! Promises about presence: seen soon, never twice, gone when the line is, and never in the way.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, CY, Desk, Heard, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Input, Said};
use sheaf_shared::ids::ClientId;
use sheaf_shared::presence::{Entry, encode};
use sheaf_shared::sync::close::CloseReason;

fn entry(client: u64, clock: u32, state: Option<&str>) -> Bytes {
    let client = ClientId(client);
    encode(&[Entry {
        client,
        clock,
        state,
    }])
    .into()
}

fn awareness(heard: Vec<Heard>) -> Vec<Vec<u8>> {
    let only = |one| match one {
        Heard::Awareness(payload) => Some(payload),
        _ => None,
    };
    heard.into_iter().filter_map(only).collect()
}

#[test]
fn presence_reaches_everyone_its_sender_among_them() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    let hello = entry(7, 1, Some("{}"));
    desk.say(ANN, Said::Awareness(hello.clone()));
    assert_eq!(awareness(desk.heard(ANN)), [hello.to_vec()]);
    assert_eq!(awareness(desk.heard(BEN)), [hello.to_vec()]);
}

#[test]
fn a_caret_that_moves_fast_is_told_a_few_times_a_second_with_its_latest_place() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, y_websocket());
    for clock in 1..=500 {
        desk.now = desk.now.plus_ms(2);
        let state = format!("{{\"at\":{clock}}}");
        desk.say(ANN, Said::Awareness(entry(7, clock, Some(&state))));
    }
    desk.wait(100);
    let heard = awareness(desk.heard(BEN));
    assert!(
        (20..=34).contains(&heard.len()),
        "{} in a second",
        heard.len()
    );
    assert_eq!(
        heard.last().unwrap(),
        &entry(7, 500, Some("{\"at\":500}")).to_vec()
    );
}

#[test]
fn who_leaves_takes_everyone_it_introduced_along() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, y_websocket());
    desk.say(ANN, Said::Awareness(entry(7, 1, Some("{}"))));
    desk.say(ANN, Said::Awareness(entry(8, 1, Some("{}"))));
    desk.wait(100);
    desk.heard(BEN);
    desk.put(Input::Leave(ANN));
    desk.wait(100);
    let gone = encode(&[7, 8].map(|client| Entry {
        client: ClientId(client),
        clock: 1,
        state: None,
    }));
    assert_eq!(awareness(desk.heard(BEN)), [gone]);
}

#[test]
fn who_comes_in_hears_who_is_here_and_who_just_left() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, y_websocket());
    desk.say(ANN, Said::Awareness(entry(7, 3, Some("{}"))));
    desk.say(BEN, Said::Awareness(entry(8, 1, Some("{}"))));
    desk.put(Input::Leave(ANN));
    desk.effects.clear();
    desk.join(CY, y_websocket(), sheaf_shared::access::Role::Editor);
    let all = encode(&[
        Entry {
            client: ClientId(7),
            clock: 3,
            state: None,
        },
        Entry {
            client: ClientId(8),
            clock: 1,
            state: Some("{}"),
        },
    ]);
    assert_eq!(awareness(desk.heard(CY)), [all]);
}

#[test]
fn stale_presence_is_not_passed_on() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, y_websocket());
    desk.say(ANN, Said::Awareness(entry(7, 5, Some("{}"))));
    desk.wait(100);
    desk.heard(BEN);
    desk.say(BEN, Said::Awareness(entry(7, 5, Some("{\"forged\":1}"))));
    desk.say(BEN, Said::Awareness(entry(7, 4, Some("{}"))));
    desk.wait(100);
    assert_eq!(awareness(desk.heard(BEN)), Vec::<Vec<u8>>::new());
}

#[test]
fn a_client_that_hears_nothing_for_twenty_seconds_is_sent_a_sign_of_life() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.seat(BEN, hocuspocus(ClientKind::Stock));
    desk.seat(CY, hocuspocus(ClientKind::Sheaf));
    for _ in 0..3 {
        desk.wait(19_000);
        desk.wait(1_000);
        assert_eq!(desk.heard(ANN), [Heard::Awareness(vec![0])]);
        assert_eq!(desk.heard(BEN), [Heard::Awareness(vec![0])]);
        assert_eq!(desk.heard(CY), [], "it asks by itself");
    }
}

#[test]
fn presence_that_lies_about_its_size_closes_the_document() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.say(
        ANN,
        Said::Awareness(Bytes::from_static(&[0xff, 0xff, 0xff, 0x7f])),
    );
    assert_eq!(desk.closed(ANN), Some(CloseReason::Refused));
}
