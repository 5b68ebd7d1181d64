//! Promises to those who come for one exchange at a time: told what is new, seen while they are about, held to their share.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, Desk, Heard, Writer, hocuspocus, state_of, y_websocket};
use sheaf_core::room::{
    ClientKind, Effect, Input, Known, LineKey, MemberId, RoomConfig, Said, Visit,
};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, Seq};
use sheaf_shared::limits::{PRESENCE_OF_CUT_VISITOR_KEPT_MS, PRESENCE_OF_VISITOR_KEPT_MS};
use sheaf_shared::presence::{Entry, Payload, encode};
use sheaf_shared::sync::facts::ServerFact;

const LINE: LineKey = LineKey(77);
const VISITOR: ClientId = ClientId(9);

fn presence(clock: u32, state: Option<&str>) -> Bytes {
    let entry = Entry {
        client: VISITOR,
        clock,
        state,
    };
    encode(&[entry]).into()
}

/// Somebody comes in for an exchange.
fn visit(desk: &mut Desk, member: u64, place: Option<Seq>, known: &[Known]) -> MemberId {
    let member = MemberId(member);
    let visit = Visit {
        line: LINE,
        place,
        known: known.to_vec(),
    };
    let speaks = hocuspocus(ClientKind::Sheaf);
    desk.join_for(member, speaks, Role::Editor, Some(Box::new(visit)));
    member
}

fn asks(desk: &mut Desk, member: MemberId) -> Vec<Heard> {
    asks_with(desk, member, Bytes::from_static(&[0]))
}

/// Asks for what one lacks who has what `version` says.
fn asks_with(desk: &mut Desk, member: MemberId, version: Bytes) -> Vec<Heard> {
    desk.say(member, Said::Step1(version));
    desk.heard(member)
}

fn place_in(heard: &[Heard]) -> Option<Seq> {
    let mut places = heard.iter().filter_map(|one| match one {
        Heard::Fact(ServerFact::Place(place)) => Some(*place),
        _ => None,
    });
    places.next_back()
}

/// What somebody on a socket was told of the visitor since the last look: clock, and whether she is here.
fn told(desk: &mut Desk) -> Vec<(u32, bool)> {
    let heard = desk.heard(ANN);
    let payloads = heard.iter().filter_map(|one| match one {
        Heard::Awareness(payload) => Payload::parse(payload).ok(),
        _ => None,
    });
    let entries = payloads.flat_map(|payload| payload.entries().collect::<Vec<_>>());
    let hers = entries.filter(|entry| entry.client == VISITOR);
    hers.map(|entry| (entry.clock, entry.state.is_some()))
        .collect()
}

#[test]
fn one_who_comes_back_is_told_the_updates_since_and_her_new_place() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(5);
    desk.seat(ANN, y_websocket());
    let first = visit(&mut desk, 10, None, &[]);
    let heard = asks(&mut desk, first);
    assert!(matches!(heard[0], Heard::Step1(_)), "{heard:?}");
    assert_eq!(place_in(&heard), Some(Seq(0)));
    desk.put(Input::Parted(first));
    let updates = [writer.types("one "), writer.types("two ")];
    for update in &updates {
        desk.edit(ANN, update);
        desk.commit_all();
    }
    let second = visit(&mut desk, 11, Some(Seq(1)), &[]);
    let heard = asks(&mut desk, second);
    let fact = Heard::Fact(ServerFact::Place(Seq(2)));
    assert_eq!(heard, [Heard::Update(updates[1].to_vec()), fact.clone()]);
    desk.put(Input::Parted(second));
    let third = visit(&mut desk, 12, Some(Seq(2)), &[]);
    let version = Bytes::from(writer.0.version());
    let heard = asks_with(&mut desk, third, version);
    assert_eq!(heard, [fact], "nothing is new");
}

#[test]
fn one_who_comes_to_the_place_she_left_in_a_log_that_went_back_meanwhile_is_told_what_she_lacks() {
    let mut desk = Desk::new();
    let mut before = Writer::new(4);
    before.types("lost by the database, ");
    let hers = Bytes::from(before.0.version());
    // The log has lost that row, somebody has written another one, and the document was opened anew.
    desk.seat(ANN, y_websocket());
    let mut writer = Writer::new(5);
    let guest = visit(&mut desk, 10, None, &[]);
    asks(&mut desk, guest);
    desk.put(Input::Parted(guest));
    let other = writer.types("and this in its place");
    desk.edit(ANN, &other);
    desk.commit_all();
    for has in [Seq(1), Seq(0)] {
        let guest = visit(&mut desk, 11 + has.0, Some(has), &[]);
        let heard = asks_with(&mut desk, guest, hers.clone());
        let is_other = |one: &Heard| matches!(one, Heard::Step2(it) | Heard::Update(it) if state_of(&[it.clone().into()]) == state_of(std::slice::from_ref(&other)));
        assert!(heard.iter().any(is_other), "{has:?}: {heard:?}");
        desk.put(Input::Parted(guest));
    }
}

#[test]
fn a_place_that_is_not_remembered_is_answered_as_if_it_had_not_been_said() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(5);
    desk.seat(ANN, y_websocket());
    desk.edit(ANN, &writer.types("before anybody came by exchanges"));
    desk.commit_all();
    let guest = visit(&mut desk, 10, Some(Seq(0)), &[]);
    let heard = asks(&mut desk, guest);
    assert!(matches!(heard[0], Heard::Step1(_)), "{heard:?}");
    assert!(matches!(heard[1], Heard::Step2(_)), "{heard:?}");
    assert_eq!(place_in(&heard), Some(Seq(1)));
    // Nor is one remembered for ever.
    desk.put(Input::Parted(guest));
    let long = "x".repeat(200_000);
    for _ in 0..3 {
        desk.edit(ANN, &writer.types(&long));
        desk.commit_all();
    }
    let guest = visit(&mut desk, 11, Some(Seq(1)), &[]);
    let heard = asks(&mut desk, guest);
    assert!(matches!(heard[0], Heard::Step1(_)), "more than is kept");
}

#[test]
fn a_place_further_than_the_log_reaches_is_not_believed() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(5);
    desk.seat(ANN, y_websocket());
    let guest = visit(&mut desk, 10, None, &[]);
    asks(&mut desk, guest);
    desk.put(Input::Parted(guest));
    desk.edit(ANN, &writer.types("after the log had lost rows"));
    desk.commit_all();
    let guest = visit(&mut desk, 11, Some(Seq(5)), &[]);
    let heard = asks(&mut desk, guest);
    let is_text = |one: &Heard| matches!(one, Heard::Step2(update) if update.len() > 20);
    assert!(heard.iter().any(is_text), "{heard:?}");
}

#[test]
fn what_another_exchange_of_the_same_line_brings_is_no_news_but_its_place_is_told() {
    let mut desk = Desk::new();
    let mut writer = Writer::new(5);
    let waiting = visit(&mut desk, 10, None, &[]);
    desk.put(Input::NeverExisted);
    asks(&mut desk, waiting);
    let saying = visit(&mut desk, 11, None, &[]);
    desk.edit(saying, &writer.types("own"));
    desk.say(saying, Said::Awareness(presence(1, Some("{}"))));
    desk.commit_all();
    desk.wait(100);
    assert_eq!(desk.heard(saying), [Heard::Stored]);
    let heard = desk.heard(waiting);
    assert_eq!(heard, [Heard::Fact(ServerFact::Place(Seq(1)))]);
}

#[test]
fn a_visitor_is_shown_between_exchanges_and_gone_when_nothing_is_heard_of_her() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    for round in 0..3 {
        let guest = visit(&mut desk, 10 + round, None, &[]);
        desk.say(guest, Said::Awareness(presence(1, Some("{}"))));
        desk.put(Input::Parted(guest));
        desk.wait(PRESENCE_OF_VISITOR_KEPT_MS - 10_000);
    }
    assert_eq!(told(&mut desk), [(1, true)], "told once, and not gone");
    for _ in 0..4 {
        desk.wait(5_000);
    }
    assert_eq!(told(&mut desk), [(1, false)]);
}

#[test]
fn a_visitor_whose_exchange_is_cut_off_is_gone_soon_unless_she_comes_again() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    let guest = visit(&mut desk, 10, None, &[]);
    desk.say(guest, Said::Awareness(presence(1, Some("{}"))));
    desk.put(Input::Leave(guest));
    desk.wait(PRESENCE_OF_CUT_VISITOR_KEPT_MS - 1);
    let again = visit(&mut desk, 11, None, &[]);
    desk.wait(PRESENCE_OF_CUT_VISITOR_KEPT_MS);
    assert_eq!(told(&mut desk), [(1, true)]);
    desk.put(Input::Leave(again));
    desk.wait(PRESENCE_OF_CUT_VISITOR_KEPT_MS);
    assert_eq!(told(&mut desk), [(1, false)]);
    // Told that she is gone, she counts on.
    let known = Known {
        client: VISITOR,
        clock: 1,
        is_here: true,
    };
    let back = visit(&mut desk, 12, None, &[known]);
    let heard = asks(&mut desk, back);
    let goodbye = Heard::Awareness(presence(1, None).to_vec());
    assert!(heard.contains(&goodbye), "{heard:?}");
}

#[test]
fn what_a_visitor_may_send_is_not_more_because_it_comes_in_pieces() {
    let config = RoomConfig {
        messages_per_s: 10,
        ..RoomConfig::default()
    };
    let mut desk = Desk::with(config);
    desk.seat(ANN, y_websocket());
    let mut stopped_at = None;
    for round in 0..100 {
        let guest = visit(&mut desk, 10 + round, None, &[]);
        desk.say(guest, Said::QueryAwareness);
        let is_stopped = desk.effects.contains(&Effect::StopReading { of: guest });
        desk.put(Input::Parted(guest));
        if is_stopped {
            stopped_at = Some(round);
            break;
        }
    }
    // A burst of two seconds.
    assert_eq!(stopped_at, Some(20));
}
