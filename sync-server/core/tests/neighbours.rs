//! Promises about other servers: what is heard from them is taken at once if it comes next, never out of turn, never
//! acknowledged from; and people at different servers see each other, but no ghosts.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::input::{Asks, HeardPresence, HeardRows};
use sheaf_core::room::{ClientKind, Effect, Input, Neighbour, Rows, Said};
use sheaf_core::servers::ServerId;
use sheaf_core::servers::message::ROWS_BYTES_MAX;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, Holder, Seq};
use sheaf_shared::presence::{Entry, encode};

const THERE: ServerId = ServerId(9);

/// A room that reaches other servers, and someone in it.
fn reaching() -> Desk {
    let mut desk = Desk::new();
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.seat(ANN, y_websocket());
    desk
}

fn rows(after: u64, rows: &[&Bytes]) -> Input {
    Input::Neighbour(Neighbour::Rows(HeardRows {
        after: Seq(after),
        through: Seq(after + rows.len() as u64),
        rows: rows.iter().copied().cloned().collect(),
    }))
}

fn head(through: u64) -> Input {
    Input::Neighbour(Neighbour::Rows(HeardRows {
        after: Seq(through - 1),
        through: Seq(through),
        rows: Vec::new(),
    }))
}

fn reads(desk: &mut Desk) -> Vec<Seq> {
    let mut reads = Vec::new();
    desk.effects.retain(|effect| match effect {
        Effect::ReadSince { after } => {
            reads.push(*after);
            false
        }
        _ => true,
    });
    reads
}

/// What other servers were told of rows, and of presence.
fn told_rows(desk: &mut Desk) -> Vec<HeardRows> {
    let told = desk.effects.iter().filter_map(|effect| match effect {
        Effect::TellRows(rows) => Some(rows.clone()),
        _ => None,
    });
    told.collect()
}

fn told_presence(desk: &mut Desk) -> Vec<(Vec<u8>, Asks)> {
    let mut told = Vec::new();
    desk.effects.retain(|effect| match effect {
        Effect::TellPresence(told_now) => {
            told.push((told_now.payload.to_vec(), told_now.asks));
            false
        }
        _ => true,
    });
    told
}

fn entry(client: u64, clock: u32, state: Option<&str>) -> Bytes {
    let client = ClientId(client);
    encode(&[Entry {
        client,
        clock,
        state,
    }])
    .into()
}

fn presence(payload: Bytes, asks: Asks) -> Input {
    presence_of(payload, &[], asks)
}

fn presence_of(payload: Bytes, whose: &[u64], asks: Asks) -> Input {
    Input::Neighbour(Neighbour::Presence {
        by: THERE,
        presence: HeardPresence {
            payload,
            whose: whose.iter().copied().map(Holder).collect(),
            asks,
        },
    })
}

fn awareness(desk: &mut Desk) -> Vec<Vec<u8>> {
    let only = |one| match one {
        Heard::Awareness(payload) => Some(payload),
        _ => None,
    };
    desk.heard(ANN).into_iter().filter_map(only).collect()
}

#[test]
fn rows_that_come_next_are_told_at_once_and_the_store_is_not_asked() {
    let mut desk = reaching();
    let edit = Writer::new(9).types("from elsewhere");
    desk.put(rows(0, &[&edit]));
    assert_eq!(desk.heard(ANN), [Heard::Update(edit.to_vec())]);
    desk.put(rows(0, &[&edit]));
    assert_eq!(desk.heard(ANN), [], "it came twice");
    desk.wait(1_000);
    assert_eq!(reads(&mut desk), []);
}

#[test]
fn rows_that_come_out_of_turn_are_taken_in_turn() {
    let mut desk = reaching();
    let mut there = Writer::new(9);
    let edits = [there.types("a"), there.types("b"), there.types("c")];
    desk.put(rows(2, &[&edits[2]]));
    desk.put(rows(1, &[&edits[1]]));
    assert_eq!(desk.heard(ANN), []);
    desk.put(rows(0, &[&edits[0]]));
    let told = edits.map(|edit| Heard::Update(edit.to_vec()));
    assert_eq!(desk.heard(ANN), told);
    assert_eq!(reads(&mut desk), []);
}

#[test]
fn a_row_whose_message_was_lost_is_read_from_the_store_a_moment_later() {
    let mut desk = reaching();
    let mut there = Writer::new(9);
    let edits = [there.types("a"), there.types("b")];
    desk.put(rows(1, &[&edits[1]]));
    assert_eq!(reads(&mut desk), [], "it may be on its way");
    desk.wait(30);
    assert_eq!(reads(&mut desk), [Seq(0)]);
    desk.put(Input::Read(Rows {
        after: Seq(0),
        rows: edits.to_vec(),
    }));
    let told = edits.map(|edit| Heard::Update(edit.to_vec()));
    assert_eq!(desk.heard(ANN), told);
}

#[test]
fn rows_too_long_to_be_sent_along_are_read_from_the_store() {
    let mut desk = reaching();
    desk.put(head(1));
    desk.wait(30);
    assert_eq!(reads(&mut desk), [Seq(0)]);
}

#[test]
fn without_other_servers_in_reach_the_store_is_asked_without_delay() {
    let mut desk = reaching();
    desk.put(Input::Neighbour(Neighbour::Unreachable));
    desk.put(Input::Head(Seq(1)));
    assert_eq!(reads(&mut desk), [Seq(0)]);
}

#[test]
fn rows_heard_while_the_document_is_loading_are_taken_afterwards() {
    let mut desk = Desk::new();
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.join(ANN, y_websocket(), Role::Editor);
    let edit = Writer::new(9).types("meanwhile");
    desk.put(rows(0, &[&edit]));
    desk.put(Input::NeverExisted);
    desk.say(ANN, Said::Step1(Bytes::from_static(&[0])));
    let heard = desk.heard(ANN);
    assert!(heard.contains(&Heard::Step2(edit.to_vec())), "{heard:?}");
}

#[test]
fn what_was_committed_is_told_to_other_servers_and_what_was_not_is_not() {
    let mut desk = reaching();
    let edit = Writer::new(1).types("ours");
    desk.edit(ANN, &edit);
    assert_eq!(told_rows(&mut desk), [], "it is not on disk");
    desk.commit();
    let told = HeardRows {
        after: Seq(0),
        through: Seq(1),
        rows: vec![edit],
    };
    assert_eq!(told_rows(&mut desk), [told]);
}

#[test]
fn of_long_rows_other_servers_hear_only_that_they_are_there() {
    let mut desk = reaching();
    let edit = Writer::new(1).types(&"x".repeat(ROWS_BYTES_MAX + 1));
    desk.edit(ANN, &edit);
    desk.commit();
    let told = HeardRows {
        after: Seq(0),
        through: Seq(1),
        rows: Vec::new(),
    };
    assert_eq!(told_rows(&mut desk), [told]);
}

#[test]
fn an_edit_is_never_acknowledged_because_another_server_told_of_a_row() {
    let mut desk = Desk::new();
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let ours = Writer::new(1).types("ours");
    let theirs = Writer::new(9).types("theirs");
    desk.edit(ANN, &ours);
    let (ticket, _) = desk.asked().unwrap();
    desk.put(rows(0, &[&theirs]));
    // Even one that holds the very edit.
    desk.put(rows(1, &[&ours]));
    assert!(!desk.heard(ANN).contains(&Heard::Stored));
    let last = Seq(2);
    desk.put(Input::Appended { ticket, last });
    assert_eq!(desk.heard(ANN), [Heard::Stored]);
}

#[test]
fn an_append_behind_anothers_row_is_acknowledged_as_soon_as_that_is_heard_of() {
    let mut desk = Desk::new();
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let ours = Writer::new(1).types("ours");
    let theirs = Writer::new(9).types("theirs");
    desk.edit(ANN, &ours);
    let (ticket, _) = desk.asked().unwrap();
    let last = Seq(2);
    desk.put(Input::Appended { ticket, last });
    assert_eq!(desk.heard(ANN), []);
    desk.put(rows(0, &[&theirs]));
    let heard = desk.heard(ANN);
    assert_eq!(heard, [Heard::Update(theirs.to_vec()), Heard::Stored]);
    assert_eq!(reads(&mut desk), []);
}

#[test]
fn a_row_that_is_no_update_is_passed_over_as_one_from_the_store_would_be() {
    let mut desk = reaching();
    let bad = Bytes::from_static(&[1, 1, 7]);
    desk.put(rows(0, &[&bad]));
    assert!(desk.effects.contains(&Effect::BadRow { at: Seq(1) }));
    let good = Writer::new(9).types("goes on");
    desk.put(rows(1, &[&good]));
    assert_eq!(desk.heard(ANN), [Heard::Update(good.to_vec())]);
}

#[test]
fn who_comes_in_first_makes_the_room_ask_who_is_elsewhere() {
    let mut desk = Desk::new();
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.join(ANN, y_websocket(), Role::Editor);
    assert_eq!(told_presence(&mut desk), [(vec![0], Asks::ForOthers)]);
    desk.join(BEN, y_websocket(), Role::Editor);
    assert_eq!(told_presence(&mut desk), [], "it knows by now");
}

#[test]
fn who_is_asked_tells_of_its_own_people_and_how_far_it_is_once_for_many_askers() {
    let mut desk = reaching();
    desk.say(ANN, Said::Awareness(entry(7, 1, Some("{}"))));
    desk.put(presence(entry(20, 1, Some("{}")), Asks::Nothing));
    desk.wait(100);
    told_presence(&mut desk);
    for _ in 0..50 {
        desk.put(presence(Bytes::from_static(&[0]), Asks::ForOthers));
    }
    desk.wait(100);
    let own = (entry(7, 1, Some("{}")).to_vec(), Asks::Nothing);
    let told = told_presence(&mut desk);
    assert!(told.len() <= 2 && told.contains(&own), "{told:?}");
    let heads = told_rows(&mut desk);
    assert!((1..=2).contains(&heads.len()), "{heads:?}");
}

#[test]
fn presence_crosses_servers_and_is_not_passed_on_by_those_it_reached() {
    let mut desk = reaching();
    desk.say(ANN, Said::Awareness(entry(7, 1, Some("{}"))));
    let own = (entry(7, 1, Some("{}")).to_vec(), Asks::Nothing);
    assert_eq!(told_presence(&mut desk), [own]);
    desk.wait(100);
    desk.heard(ANN);
    desk.put(presence(entry(20, 1, Some("{}")), Asks::Nothing));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), [entry(20, 1, Some("{}")).to_vec()]);
    assert_eq!(told_presence(&mut desk), []);
}

#[test]
fn a_caret_that_moves_fast_is_told_to_other_servers_a_few_times_a_second() {
    let mut desk = reaching();
    for clock in 1..=500 {
        desk.now = desk.now.plus_ms(2);
        desk.say(ANN, Said::Awareness(entry(7, clock, Some("{}"))));
    }
    desk.wait(100);
    let told = told_presence(&mut desk);
    assert!(
        (20..=34).contains(&told.len()),
        "{} in a second",
        told.len()
    );
    assert_eq!(told.last().unwrap().0, entry(7, 500, Some("{}")));
}

#[test]
fn who_leaves_is_gone_at_other_servers_at_once() {
    let mut desk = reaching();
    desk.say(ANN, Said::Awareness(entry(7, 1, Some("{}"))));
    desk.wait(100);
    told_presence(&mut desk);
    desk.put(Input::Leave(ANN));
    assert_eq!(
        told_presence(&mut desk),
        [(entry(7, 1, None).to_vec(), Asks::Nothing)]
    );
}

#[test]
fn people_of_a_server_that_is_gone_are_gone() {
    let mut desk = reaching();
    desk.put(presence(entry(20, 1, Some("{}")), Asks::Nothing));
    desk.wait(100);
    desk.heard(ANN);
    desk.put(Input::Neighbour(Neighbour::Gone(ServerId(8))));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), Vec::<Vec<u8>>::new(), "another one");
    desk.put(Input::Neighbour(Neighbour::Gone(THERE)));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), [entry(20, 1, None).to_vec()]);
    assert_eq!(told_presence(&mut desk), []);
}

/// The server was not heard for a while, and its people were taken for gone. Under the same clock nobody would take
/// them back.
#[test]
fn who_was_wrongly_taken_for_gone_is_told_so_that_it_comes_back() {
    let mut desk = reaching();
    desk.put(presence(entry(20, 5, Some("{}")), Asks::Nothing));
    desk.put(Input::Neighbour(Neighbour::Gone(THERE)));
    desk.wait(100);
    told_presence(&mut desk);
    desk.put(presence(entry(20, 5, Some("{}")), Asks::Nothing));
    assert_eq!(
        told_presence(&mut desk),
        [(entry(20, 5, None).to_vec(), Asks::Nothing)]
    );
    desk.heard(ANN);
    desk.put(presence(entry(20, 6, Some("{}")), Asks::Nothing));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), [entry(20, 6, Some("{}")).to_vec()]);
}

#[test]
fn a_goodbye_from_another_server_reaches_the_client_it_is_about() {
    let mut desk = reaching();
    desk.say(ANN, Said::Awareness(entry(7, 5, Some("{}"))));
    desk.wait(100);
    desk.heard(ANN);
    desk.put(presence(entry(7, 5, None), Asks::Nothing));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), [entry(7, 5, None).to_vec()]);
    told_presence(&mut desk);
    desk.say(ANN, Said::Awareness(entry(7, 6, Some("{}"))));
    desk.wait(100);
    assert_eq!(
        told_presence(&mut desk),
        [(entry(7, 6, Some("{}")).to_vec(), Asks::Nothing)]
    );
}

#[test]
fn goodbyes_that_other_servers_missed_are_told_when_they_are_in_reach_again() {
    let mut desk = reaching();
    desk.seat(BEN, y_websocket());
    desk.say(ANN, Said::Awareness(entry(7, 1, Some("{}"))));
    desk.wait(100);
    desk.put(Input::Neighbour(Neighbour::Unreachable));
    desk.put(Input::Leave(ANN));
    desk.wait(100);
    told_presence(&mut desk);
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.wait(100);
    assert_eq!(
        told_presence(&mut desk),
        [
            (vec![0], Asks::ForOthers),
            (entry(7, 1, None).to_vec(), Asks::Nothing)
        ]
    );
}

#[test]
fn presence_from_another_server_that_lies_about_its_size_is_ignored() {
    let mut desk = reaching();
    let lie = Bytes::from_static(&[0xff, 0xff, 0xff, 0x7f]);
    desk.put(presence(lie, Asks::Nothing));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), Vec::<Vec<u8>>::new());
    assert_eq!(desk.closed(ANN), None);
}

#[test]
fn rows_out_of_turn_without_end_take_bounded_memory() {
    let mut desk = reaching();
    let before = desk.room.bytes();
    let row = Writer::new(9).types(&"x".repeat(1_000));
    for place in 0..5_000 {
        desk.put(rows(2 * place + 10, &[&row]));
    }
    assert!(desk.room.bytes() < before + 300 * 1024);
}

/// Whose ids other servers were told.
fn told_whose(desk: &mut Desk) -> Vec<Vec<Holder>> {
    let told = desk.effects.iter().filter_map(|effect| match effect {
        Effect::TellPresence(told) => Some(told.whose.clone()),
        _ => None,
    });
    told.collect()
}

#[test]
fn other_servers_are_told_whose_an_id_is_and_where_nobody_is_told_apart_they_are_told_as_before() {
    let mut desk = reaching();
    desk.seat_whose(BEN, y_websocket(), 22);
    desk.say(BEN, Said::Awareness(entry(8, 1, Some("{}"))));
    desk.wait(100);
    assert_eq!(told_whose(&mut desk).last(), Some(&vec![Holder(22)]));
    desk.effects.clear();
    // And on request, of everyone here.
    desk.say(ANN, Said::Awareness(entry(7, 1, Some("{}"))));
    desk.wait(100);
    assert_eq!(told_whose(&mut desk).last(), Some(&vec![]));
    desk.effects.clear();
    desk.put(presence(Bytes::from_static(&[0]), Asks::ForOthers));
    desk.wait(100);
    let all = vec![Holder::ANYONE, Holder(22)];
    assert_eq!(told_whose(&mut desk).last(), Some(&all));
}

#[test]
fn nobody_takes_over_who_is_at_another_server_nor_from_there_who_is_here() {
    let mut desk = Desk::new();
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.seat_whose(ANN, y_websocket(), 11);
    desk.seat_whose(BEN, hocuspocus(ClientKind::Sheaf), 22);
    desk.say(ANN, Said::Awareness(entry(7, 1, Some("{}"))));
    desk.say(BEN, Said::Awareness(entry(8, 1, Some("{}"))));
    desk.put(presence_of(entry(20, 1, Some("{}")), &[33], Asks::Nothing));
    desk.wait(100);
    desk.heard(ANN);
    told_presence(&mut desk);
    // From here, of who is there.
    desk.say(BEN, Said::Awareness(entry(20, 2, Some("{}"))));
    desk.edit(BEN, &Writer::new(20).types("forged"));
    desk.effects
        .retain(|one| !matches!(one, Effect::ReadSince { .. }));
    desk.put(Input::Read(Rows::default()));
    assert!(desk.heard(BEN).contains(&Heard::NotStored));
    // From there, of who is here.
    desk.put(presence_of(entry(7, 2, Some("{}")), &[44], Asks::Nothing));
    desk.put(presence_of(entry(7, 2, None), &[44], Asks::Nothing));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), Vec::<Vec<u8>>::new());
    assert_eq!(told_presence(&mut desk), []);
    // The same person has moved there.
    desk.put(presence_of(entry(7, 3, Some("{}")), &[11], Asks::Nothing));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), [entry(7, 3, Some("{}")).to_vec()]);
    // A server that does not say whose they are is believed.
    desk.put(presence(entry(7, 4, Some("{}")), Asks::Nothing));
    desk.wait(100);
    assert_eq!(awareness(&mut desk), [entry(7, 4, Some("{}")).to_vec()]);
}
