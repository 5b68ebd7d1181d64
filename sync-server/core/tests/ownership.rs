//! Promises about ids, where people are told apart: nobody speaks or writes for somebody who is here or just left, nobody is
//! blamed for passing on what others wrote, and where nobody is told apart nothing changes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here should stop here"
)]

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, CY, Desk, Heard, Writer, hocuspocus, state_of, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input, LineKey, RoomConfig, Rows, Said, Speaks, Visit};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, Seq};
use sheaf_shared::limits::PRESENCE_CLOCK_MAX;
use sheaf_shared::presence::{Entry, Payload, encode};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};

/// An account, and a link (see `Holder`).
const ANNS: u64 = 11;
const BENS: u64 = 22;
/// The ids by which they are here.
const ANNS_ID: u32 = 7;
const BENS_ID: u32 = 8;

fn entry(client: u32, clock: u32, state: Option<&str>) -> Bytes {
    let client = ClientId(client.into());
    encode(&[Entry {
        client,
        clock,
        state,
    }])
    .into()
}

fn says(desk: &mut Desk, member: sheaf_core::room::MemberId, said: Bytes) {
    desk.say(member, Said::Awareness(said));
}

/// Ann and Ben are here, each by an id of their own.
fn two(speaks: Speaks) -> Desk {
    let mut desk = Desk::new();
    desk.seat_whose(ANN, hocuspocus(ClientKind::Sheaf), ANNS);
    desk.seat_whose(BEN, speaks, BENS);
    says(&mut desk, ANN, entry(ANNS_ID, 1, Some("{}")));
    says(&mut desk, BEN, entry(BENS_ID, 1, Some("{}")));
    desk.wait(100);
    desk.heard(ANN);
    desk.heard(BEN);
    desk
}

/// Of whom a member heard since the last look: client, clock, and whether they are here.
fn people(desk: &mut Desk, member: sheaf_core::room::MemberId) -> Vec<(u64, u32, bool)> {
    let mut people = Vec::new();
    for heard in desk.heard(member) {
        if let Heard::Awareness(payload) = heard {
            let payload = Payload::parse(&payload).unwrap();
            let entries = payload.entries();
            people.extend(entries.map(|one| (one.client.0, one.clock, one.state.is_some())));
        }
    }
    people
}

/// The log was looked at, and these are the rows that were not known.
fn found(desk: &mut Desk, rows: &[&Bytes]) {
    let asked = desk
        .effects
        .iter()
        .position(|effect| matches!(effect, Effect::ReadSince { .. }));
    let Effect::ReadSince { after } = desk.effects.remove(asked.expect("nobody looked")) else {
        unreachable!()
    };
    desk.stored.extend(rows.iter().copied().cloned());
    desk.put(Input::Read(Rows {
        after,
        rows: rows.iter().copied().cloned().collect(),
    }));
}

fn not_yours() -> [Heard; 2] {
    let why = ServerFact::Refused(Refused::NotYours);
    [Heard::Fact(why), Heard::NotStored]
}

#[test]
fn nobody_takes_over_anothers_presence_and_who_repeats_it_is_not_blamed() {
    let mut desk = two(y_websocket());
    says(&mut desk, BEN, entry(ANNS_ID, 2, Some("{\"forged\":1}")));
    says(
        &mut desk,
        BEN,
        entry(ANNS_ID, PRESENCE_CLOCK_MAX, Some("{}")),
    );
    // A y-websocket client that has not heard of somebody for 30 s says so to everyone.
    says(&mut desk, BEN, entry(ANNS_ID, 1, None));
    desk.wait(100);
    assert_eq!(people(&mut desk, ANN), []);
    assert_eq!(desk.closed(BEN), None);
    says(&mut desk, ANN, entry(ANNS_ID, 2, Some("{}")));
    assert_eq!(people(&mut desk, BEN), [(ANNS_ID.into(), 2, true)]);
}

#[test]
fn the_same_person_comes_back_by_another_line_under_the_same_id() {
    let mut desk = two(y_websocket());
    desk.seat_whose(CY, hocuspocus(ClientKind::Sheaf), ANNS);
    says(&mut desk, CY, entry(ANNS_ID, 2, Some("{}")));
    desk.put(Input::Leave(ANN));
    desk.wait(100);
    assert_eq!(people(&mut desk, BEN), [(ANNS_ID.into(), 2, true)]);
    let edit = Writer::new(ANNS_ID).types("hers");
    desk.edit(CY, &edit);
    desk.commit();
    assert!(desk.heard(CY).contains(&Heard::Stored));
}

#[test]
fn who_left_is_remembered_for_a_minute_and_then_the_id_is_anyones() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    desk.put(Input::Leave(ANN));
    desk.wait(50_000);
    says(&mut desk, BEN, entry(BENS_ID, 2, Some("{}")));
    people(&mut desk, BEN);
    let forged = Writer::new(ANNS_ID).types("forged");
    desk.edit(BEN, &forged);
    found(&mut desk, &[]);
    assert_eq!(desk.heard(BEN), not_yours());
    desk.wait(20_000);
    desk.wait(5_000);
    desk.edit(BEN, &forged);
    desk.commit();
    assert!(desk.heard(BEN).contains(&Heard::Stored));
}

#[test]
fn where_nobody_is_told_apart_nothing_changes() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Sheaf));
    desk.seat(BEN, y_websocket());
    says(&mut desk, ANN, entry(ANNS_ID, 1, Some("{}")));
    says(&mut desk, BEN, entry(ANNS_ID, 2, Some("{}")));
    desk.wait(100);
    assert_eq!(
        people(&mut desk, ANN).last(),
        Some(&(ANNS_ID.into(), 2, true))
    );
    desk.edit(BEN, &Writer::new(ANNS_ID).types("anyone's"));
    desk.commit();
    assert_eq!(desk.stored.len(), 1);
}

#[test]
fn nobody_writes_under_the_id_of_somebody_who_is_here_and_each_is_told_as_they_understand() {
    for (speaks, closed) in [
        (hocuspocus(ClientKind::Sheaf), None),
        (hocuspocus(ClientKind::Stock), Some(CloseReason::NotYours)),
        (y_websocket(), Some(CloseReason::NotYours)),
    ] {
        for is_answer in [false, true] {
            let mut desk = two(speaks.clone());
            let forged = Writer::new(ANNS_ID).types("forged");
            let said = if is_answer {
                Said::Step2(forged)
            } else {
                Said::Update(forged)
            };
            desk.say(BEN, said);
            assert_eq!(desk.closed(BEN), None, "nobody has looked");
            found(&mut desk, &[]);
            assert_eq!(desk.closed(BEN), closed, "{speaks:?}");
            if closed.is_none() {
                assert_eq!(desk.heard(BEN), not_yours());
            }
            assert_eq!(desk.asked(), None);
            // And she goes on.
            desk.edit(ANN, &Writer::new(ANNS_ID).types("hers"));
            desk.commit();
            assert!(desk.heard(ANN).contains(&Heard::Stored));
        }
    }
}

#[test]
fn who_brings_what_another_server_has_stored_already_is_believed() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    let mut ann = Writer::new(ANNS_ID);
    let hers = ann.types("hers, by another server");
    // He heard it there, and this server seems to lack it.
    let mut ben = Writer::new(BENS_ID);
    ben.hears(&[Heard::Update(hers.to_vec())]);
    ben.types("his");
    let both = Bytes::from(ben.0.missing_for(&[0]).unwrap());
    desk.say(BEN, Said::Step2(both.clone()));
    found(&mut desk, &[&hers]);
    desk.commit();
    assert!(desk.heard(BEN).contains(&Heard::Stored));
    assert_eq!(state_of(&desk.stored), state_of(&[both]));
}

#[test]
fn who_brings_the_same_that_is_on_its_way_to_the_store_is_believed() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    let hers = Writer::new(ANNS_ID).types("the same words");
    desk.edit(ANN, &hers);
    desk.say(BEN, Said::Step2(hers));
    assert_eq!(desk.heard(BEN), []);
    desk.commit();
    if desk
        .effects
        .iter()
        .any(|one| matches!(one, Effect::ReadSince { .. }))
    {
        found(&mut desk, &[]);
    }
    assert!(desk.heard(BEN).contains(&Heard::Stored));
    assert_eq!(desk.closed(BEN), None);
}

#[test]
fn answers_come_in_the_order_of_the_messages_whatever_is_looked_into() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    let mut ben = Writer::new(BENS_ID);
    desk.edit(BEN, &ben.types("one"));
    desk.edit(BEN, &Writer::new(ANNS_ID).types("forged"));
    desk.edit(BEN, &ben.types("two"));
    desk.commit();
    found(&mut desk, &[]);
    desk.commit();
    let heard = desk.heard(BEN);
    let answers: Vec<&Heard> = heard
        .iter()
        .filter(|one| matches!(one, Heard::Stored | Heard::NotStored))
        .collect();
    assert_eq!(answers, [&Heard::Stored, &Heard::NotStored, &Heard::Stored]);
    assert_eq!(desk.stored.len(), 2);
}

#[test]
fn while_the_store_cannot_say_nobody_is_refused_but_asked_to_come_again() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    desk.edit(BEN, &Writer::new(ANNS_ID).types("who knows"));
    for _ in 0..11 {
        let looks = |one: &Effect| matches!(one, Effect::ReadSince { .. });
        if desk.effects.iter().any(looks) {
            desk.effects.retain(|one| !looks(one));
            desk.put(Input::ReadFailed);
        }
        desk.wait(1_000);
    }
    let heard = desk.heard(BEN);
    assert!(!heard.contains(&Heard::NotStored), "{heard:?}");
    assert_eq!(desk.closed(BEN), Some(CloseReason::Busy));
}

#[test]
fn what_waits_behind_an_edit_that_is_looked_into_has_a_bound() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    let before = desk.room.bytes();
    desk.edit(BEN, &Writer::new(ANNS_ID).types("forged"));
    let mut ben = Writer::new(BENS_ID);
    let long = ben.types(&"x".repeat(1024 * 1024));
    for _ in 0..3 {
        desk.edit(BEN, &long);
    }
    assert!(desk.room.bytes() > before + long.len(), "it is counted");
    for _ in 0..3 {
        desk.edit(BEN, &long);
    }
    assert_eq!(desk.closed(BEN), Some(CloseReason::Busy));
    assert!(desk.room.bytes() < before + 1024 * 1024);
}

#[test]
fn who_passes_on_what_it_heard_of_others_does_not_own_them() {
    let mut desk = Desk::new();
    desk.seat_whose(BEN, y_websocket(), BENS);
    says(&mut desk, BEN, entry(BENS_ID, 1, Some("{}")));
    // Another tab of his still knew her from before the server started.
    says(&mut desk, BEN, entry(ANNS_ID, 5, Some("{}")));
    desk.seat_whose(ANN, hocuspocus(ClientKind::Sheaf), ANNS);
    says(&mut desk, ANN, entry(ANNS_ID, 6, Some("{\"hers\":1}")));
    desk.wait(100);
    assert!(people(&mut desk, BEN).contains(&(ANNS_ID.into(), 6, true)));
    desk.edit(ANN, &Writer::new(ANNS_ID).types("hers"));
    desk.commit();
    assert!(desk.heard(ANN).contains(&Heard::Stored));
    says(&mut desk, BEN, entry(ANNS_ID, 7, None));
    desk.wait(100);
    assert_eq!(people(&mut desk, ANN), []);
}

#[test]
fn who_comes_by_exchanges_is_held_to_the_same() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    let visit = Visit {
        line: LineKey(77),
        place: None,
        known: Vec::new(),
    };
    let speaks = hocuspocus(ClientKind::Sheaf);
    desk.join_whose(CY, speaks, Role::Editor, 33, Some(Box::new(visit)));
    desk.heard(CY);
    says(&mut desk, CY, entry(ANNS_ID, 9, Some("{}")));
    desk.edit(CY, &Writer::new(ANNS_ID).types("forged"));
    found(&mut desk, &[]);
    desk.wait(100);
    assert!(desk.heard(CY).ends_with(&not_yours()));
    assert_eq!(people(&mut desk, ANN), []);
}

#[test]
fn deleting_what_others_wrote_is_writing_like_any_other() {
    let mut desk = two(hocuspocus(ClientKind::Sheaf));
    let mut ann = Writer::new(ANNS_ID);
    let hers = ann.types("hers");
    desk.edit(ANN, &hers);
    desk.commit();
    // Two of her four letters, by an update that holds nothing else.
    let deletion = sheaf_shared::testing::Bytes::new().num(0).num(1);
    let deletion = deletion.num(ANNS_ID.into()).num(1).num(0).num(2);
    desk.edit(BEN, &deletion.0.into());
    desk.commit();
    assert!(desk.heard(BEN).contains(&Heard::Stored));
    assert_eq!(desk.stored.len(), 2);
    assert_eq!(desk.stored.len() as u64, Seq(2).0);
}

#[test]
fn one_account_has_one_share_of_a_document_over_all_its_sockets_and_others_have_theirs() {
    let config = RoomConfig {
        messages_per_s: 10,
        ..RoomConfig::default()
    };
    for (whose, is_shared) in [(ANNS, true), (BENS, false), (0, false)] {
        let mut desk = Desk::with(config);
        // The last one is another account.
        for (member, whose) in [(ANN, whose), (BEN, whose), (CY, ANNS + 2)] {
            desk.seat_whose(member, y_websocket(), whose);
        }
        let is_stopped = |desk: &Desk, of| desk.effects.contains(&Effect::StopReading { of });
        for _ in 0..100 {
            desk.say(ANN, Said::QueryAwareness);
        }
        assert!(is_stopped(&desk, ANN));
        desk.say(BEN, Said::QueryAwareness);
        assert_eq!(is_stopped(&desk, BEN), is_shared, "{whose}");
        desk.say(CY, Said::QueryAwareness);
        assert!(!is_stopped(&desk, CY), "somebody else");
    }
}
