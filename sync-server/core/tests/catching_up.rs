//! Promises about documents that are longer than what may be queued for one member: they come in parts, in order, and
//! memory stays bounded.

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, CY, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input, MemberId, RoomConfig, Said, Stored};
use sheaf_shared::access::Role;
use sheaf_shared::gate;
use sheaf_shared::ids::Seq;
use sheaf_shared::sync::close::CloseReason;

const SOFT: usize = 2_000;

fn config() -> RoomConfig {
    RoomConfig {
        outgoing_bytes_soft: SOFT,
        ..RoomConfig::default()
    }
}

/// A room whose document was loaded from a snapshot, and Ann, who wrote it.
fn with_document(words: usize) -> (Desk, Writer) {
    let mut desk = Desk::with(config());
    let mut ann = Writer::new(1);
    for word in 0..words {
        ann.types(&format!("word {word} 🎉 "));
    }
    desk.join(ANN, hocuspocus(ClientKind::Sheaf), Role::Editor);
    desk.put(Input::Loaded(Stored {
        snapshot: Some(ann.0.encode().into()),
        snapshot_through: Seq(words as u64),
        rows: Vec::new(),
    }));
    desk.stored = vec![Bytes::new(); words];
    desk.say(ANN, Said::Step1(ann.0.version().into()));
    desk.effects.clear();
    (desk, ann)
}

fn is_sync(heard: &Heard) -> bool {
    matches!(heard, Heard::Step2(_) | Heard::Update(_))
}

/// Bytes queued for a member that nobody has looked at yet.
fn queued(desk: &Desk, member: MemberId) -> usize {
    let bytes = desk.effects.iter().map(|effect| match effect {
        Effect::Send { to, frame, .. } if *to == member => frame.len(),
        _ => 0,
    });
    bytes.sum()
}

/// Lets a member's socket take what is queued, again and again, and gives what it was sent by that. `between` happens after
/// each time.
fn taken_bit_by_bit(
    desk: &mut Desk,
    member: MemberId,
    mut between: impl FnMut(&mut Desk, usize),
) -> Vec<Heard> {
    let mut all = Vec::new();
    for turn in 0.. {
        let bytes = queued(desk, member);
        assert!(bytes <= 2 * SOFT, "{bytes} queued at a time");
        let heard = desk.heard(member);
        if heard.is_empty() {
            break;
        }
        all.extend(heard);
        desk.put(Input::Drained { member, bytes });
        between(desk, turn);
    }
    all
}

#[test]
fn a_newcomer_gets_a_long_document_in_parts_of_which_the_last_says_that_it_was_all() {
    for speaks in [hocuspocus(ClientKind::Stock), y_websocket()] {
        let (mut desk, ann) = with_document(2_000);
        desk.drains = false;
        desk.join(BEN, speaks, Role::Editor);
        desk.say(BEN, Said::Step1(Bytes::from_static(&[0])));
        let heard = taken_bit_by_bit(&mut desk, BEN, |_, _| {});
        let parts: Vec<&Heard> = heard.iter().filter(|one| is_sync(one)).collect();
        assert!(parts.len() > 10, "{}", parts.len());
        let (last, others) = parts.split_last().unwrap();
        assert!(matches!(last, Heard::Step2(_)));
        assert!(others.iter().all(|one| matches!(one, Heard::Update(_))));
        let mut ben = Writer::new(2);
        for part in parts {
            let (Heard::Update(update) | Heard::Step2(update)) = part else {
                unreachable!()
            };
            gate::update::check(update).unwrap();
            ben.hears(std::slice::from_ref(part));
            assert!(!ben.0.has_missing());
        }
        assert_eq!(ben.0.canonical(), ann.0.canonical());
    }
}

#[test]
fn a_stock_client_is_told_that_its_edits_are_stored_only_once_it_has_everything() {
    for asks_anew in [false, true] {
        let (mut desk, ann) = with_document(2_000);
        desk.drains = false;
        desk.join(BEN, hocuspocus(ClientKind::Stock), Role::Editor);
        desk.say(BEN, Said::Step1(Bytes::from_static(&[0])));
        // It answers our step 1 before anything of ours has come; a stock provider counts itself synced by our answer.
        desk.say(BEN, Said::Step2(Bytes::from_static(&[0, 0])));
        let mut ben = Writer::new(2);
        let heard = taken_bit_by_bit(&mut desk, BEN, |desk, turn| {
            if turn == 2 {
                desk.edit(BEN, &ben.types("meanwhile "));
                desk.commit_all();
            }
            if turn == 3 && asks_anew {
                desk.say(BEN, Said::Step1(Bytes::from_static(&[0])));
            }
        });
        let is_last = |one: &Heard| matches!(one, Heard::Step2(_));
        let last_part = heard.iter().rposition(is_last).unwrap();
        let stored = |heard: &[Heard]| heard.iter().filter(|one| **one == Heard::Stored).count();
        assert_eq!(stored(&heard[..last_part]), 0);
        assert_eq!(stored(&heard), 2, "each has its answer");
        ben.hears(&heard);
        assert!(ben.0.version().len() >= ann.0.version().len());
    }
}

#[test]
fn what_is_stored_while_parts_go_out_comes_behind_the_last_and_then_edit_by_edit() {
    let (mut desk, mut ann) = with_document(1_000);
    desk.drains = false;
    desk.join(BEN, hocuspocus(ClientKind::Sheaf), Role::Editor);
    desk.say(BEN, Said::Step1(Bytes::from_static(&[0])));
    let mut edits = Vec::new();
    let heard = taken_bit_by_bit(&mut desk, BEN, |desk, turn| {
        if turn < 4 {
            let edit = ann.types(&format!("meanwhile {turn} "));
            edits.push(edit.to_vec());
            desk.edit(ANN, &edit);
            desk.commit_all();
        }
    });
    let step2 = heard.iter().position(|one| matches!(one, Heard::Step2(_)));
    let early = heard[..step2.unwrap()]
        .iter()
        .any(|one| matches!(one, Heard::Update(update) if edits.iter().any(|edit| edit == update)));
    assert!(!early, "it would have waited for parts to come");
    let mut ben = Writer::new(2);
    ben.hears(&heard);
    assert_eq!(ben.0.canonical(), ann.0.canonical());
    let edit = ann.types("!");
    desk.edit(ANN, &edit);
    desk.commit_all();
    let heard = desk.heard(BEN);
    assert_eq!(heard.last(), Some(&Heard::Update(edit.to_vec())));
}

#[test]
fn a_reader_that_asks_anew_in_the_middle_gets_what_it_lacks_then() {
    let (mut desk, ann) = with_document(1_000);
    desk.drains = false;
    desk.join(BEN, hocuspocus(ClientKind::Sheaf), Role::Editor);
    desk.say(BEN, Said::Step1(Bytes::from_static(&[0])));
    let mut ben = Writer::new(2);
    for _ in 0..3 {
        let bytes = queued(&desk, BEN);
        ben.hears(&desk.heard(BEN));
        desk.put(Input::Drained { member: BEN, bytes });
    }
    desk.say(BEN, Said::Step1(ben.0.version().into()));
    let heard = taken_bit_by_bit(&mut desk, BEN, |_, _| {});
    let answers = heard.iter().filter(|one| matches!(one, Heard::Step2(_)));
    assert_eq!(answers.count(), 1);
    ben.hears(&heard);
    assert_eq!(ben.0.canonical(), ann.0.canonical());
}

#[test]
fn a_crowd_that_opens_a_long_document_shares_its_parts() {
    let (mut desk, _) = with_document(5_000);
    desk.drains = false;
    let one = desk.room.bytes();
    for id in 10..60 {
        desk.join(MemberId(id), y_websocket(), Role::Editor);
        desk.say(MemberId(id), Said::Step1(Bytes::from_static(&[0])));
    }
    let grown = desk.room.bytes() - one;
    let whole = 5_000 * 16;
    assert!(grown < 3 * whole, "{grown} for 50 newcomers");
}

#[test]
fn so_many_different_catch_ups_at_a_time_and_no_more() {
    let (mut desk, ann) = with_document(5_000);
    desk.drains = false;
    // Everyone lacks something else of a document of 80 kB; of all these parts 512 kB may wait.
    let mut versions = Vec::new();
    let mut other = Writer::new(7);
    for _ in 0..20 {
        other.types("x");
        versions.push(other.0.version());
    }
    for (id, version) in (10..).zip(&versions) {
        desk.join(MemberId(id), y_websocket(), Role::Editor);
        desk.say(MemberId(id), Said::Step1(version.clone().into()));
    }
    let closed = |desk: &Desk, id| desk.closed(MemberId(id)) == Some(CloseReason::Busy);
    let turned_away = (10..30).filter(|id| closed(&desk, *id)).count();
    assert!((8..18).contains(&turned_away), "{turned_away}");
    assert!(desk.room.bytes() < 3_000_000, "{}", desk.room.bytes());
    // Once somebody is through, there is room again.
    taken_bit_by_bit(&mut desk, MemberId(10), |_, _| {});
    desk.join(CY, y_websocket(), Role::Editor);
    desk.say(CY, Said::Step1(versions[0].clone().into()));
    let mut cy = Writer::new(3);
    cy.hears(&taken_bit_by_bit(&mut desk, CY, |_, _| {}));
    assert_eq!(cy.0.canonical(), ann.0.canonical());
}
