//! Promises about copies that are not what is stored, or not what another server has.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::audit::{StateDigest, Whole};
use sheaf_core::room::{
    Auditing, COMPARE_EVERY_MS, ClientKind, Effect, Input, LOOK_AFTER_MS, Neighbour, Verdict,
};
use sheaf_shared::ids::{ReplicaId, Seq};
use sheaf_shared::replica::Ordered;
use sheaf_shared::time::MonotonicMs;

/// A room in which three rows were written, that can tell others.
fn with_three_rows() -> (Desk, Writer, Vec<Bytes>) {
    let mut desk = Desk::new();
    desk.put(Input::Neighbour(Neighbour::Reachable));
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, y_websocket());
    let mut ann = Writer::new(1);
    let mut rows = Vec::new();
    for _ in 0..3 {
        let row = ann.types("a");
        desk.edit(ANN, &row);
        desk.commit_all();
        rows.push(row);
    }
    desk.heard(ANN);
    desk.heard(BEN);
    desk.effects.clear();
    (desk, ann, rows)
}

fn digest(rows: &[Bytes]) -> StateDigest {
    StateDigest::of(&Ordered::of_log(ReplicaId(7), None, rows).unwrap())
}

/// Lets the room look at its copy, if it wants to; gives what it asks for and tells about that.
fn audits(desk: &mut Desk) -> Vec<Effect> {
    if desk.effects.contains(&Effect::TakeStock) {
        desk.effects.retain(|effect| *effect != Effect::TakeStock);
        desk.put(Input::Audit(Auditing::TakeStock));
    }
    let is_audit = |effect: &Effect| {
        matches!(
            effect,
            Effect::TellState { .. }
                | Effect::Disagree { .. }
                | Effect::Compare { .. }
                | Effect::LogWentBack { .. }
                | Effect::Mend { .. }
                | Effect::Ended
        )
    };
    let found = desk.effects.iter().filter(|effect| is_audit(effect));
    let found = found.cloned().collect();
    desk.effects.retain(|effect| !is_audit(effect));
    found
}

fn tell(seq: u64, digest: StateDigest) -> Effect {
    let seq = Seq(seq);
    Effect::TellState { seq, digest }
}

fn compare(seq: u64, digest: StateDigest) -> Effect {
    let seq = Seq(seq);
    Effect::Compare { seq, digest }
}

fn hear(desk: &mut Desk, seq: u64, digest: StateDigest) {
    let seq = Seq(seq);
    desk.put(Input::Neighbour(Neighbour::State { seq, digest }));
}

#[test]
fn a_copy_is_looked_at_when_nobody_has_written_for_a_moment_and_not_with_each_edit() {
    let (mut desk, mut ann, mut rows) = with_three_rows();
    for _ in 0..20 {
        desk.wait(LOOK_AFTER_MS / 2);
        let row = ann.types("a");
        desk.edit(ANN, &row);
        desk.commit_all();
        rows.push(row);
        assert!(!desk.effects.contains(&Effect::TakeStock));
    }
    desk.wait(LOOK_AFTER_MS + 1_000);
    assert_eq!(audits(&mut desk), [tell(23, digest(&rows))]);
    desk.wait(COMPARE_EVERY_MS / 2);
    assert_eq!(audits(&mut desk), [], "nothing has changed");
}

#[test]
fn a_copy_that_changed_is_compared_with_the_store_now_and_then_even_if_nobody_else_is_there() {
    let (mut desk, mut ann, mut rows) = with_three_rows();
    desk.put(Input::Neighbour(Neighbour::Unreachable));
    desk.wait(LOOK_AFTER_MS + 1_000);
    assert_eq!(audits(&mut desk), [], "nobody wants to know");
    desk.wait(COMPARE_EVERY_MS);
    assert_eq!(audits(&mut desk), [compare(3, digest(&rows))]);
    desk.put(Input::Audit(Auditing::Compared(Verdict::Same)));
    let row = ann.types("a");
    desk.edit(ANN, &row);
    desk.commit_all();
    rows.push(row);
    desk.wait(COMPARE_EVERY_MS / 2);
    assert_eq!(audits(&mut desk), []);
    desk.wait(COMPARE_EVERY_MS / 2 + LOOK_AFTER_MS);
    assert_eq!(audits(&mut desk), [compare(4, digest(&rows))]);
}

#[test]
fn the_store_decides_between_two_servers_that_differ_and_who_is_right_stays() {
    let (mut desk, _, rows) = with_three_rows();
    let (own, theirs) = (digest(&rows), digest(&rows[..2]));
    hear(&mut desk, 3, own);
    desk.wait(LOOK_AFTER_MS + 1_000);
    assert_eq!(audits(&mut desk), [tell(3, own)], "they agree");
    hear(&mut desk, 2, theirs);
    assert_eq!(audits(&mut desk), [], "it was there once");
    hear(&mut desk, 3, StateDigest::from_parts(9, [0; 16]));
    assert_eq!(audits(&mut desk), [], "another release says it otherwise");
    hear(&mut desk, 3, theirs);
    let seq = Seq(3);
    assert_eq!(
        audits(&mut desk),
        [Effect::Disagree { seq, own, theirs }, compare(3, own)]
    );
    desk.put(Input::Audit(Auditing::Compared(Verdict::Same)));
    hear(&mut desk, 3, theirs);
    assert_eq!(audits(&mut desk), [], "that is settled");
    assert_eq!(desk.heard(BEN), []);
}

#[test]
fn who_was_told_of_another_copy_before_it_looked_at_its_own_asks_the_store_then() {
    let (mut desk, _, rows) = with_three_rows();
    let (own, theirs) = (digest(&rows), digest(&rows[..2]));
    hear(&mut desk, 3, theirs);
    desk.wait(LOOK_AFTER_MS + 1_000);
    let seq = Seq(3);
    assert_eq!(
        audits(&mut desk),
        [
            tell(3, own),
            Effect::Disagree { seq, own, theirs },
            compare(3, own)
        ]
    );
}

#[test]
fn a_log_that_reaches_less_far_than_before_is_doubted_and_one_that_was_asked_earlier_is_not() {
    let (mut desk, _, rows) = with_three_rows();
    let changed_at = desk.now;
    let head = |head, asked_at| Input::HeadRead {
        head: Seq(head),
        asked_at: MonotonicMs(asked_at),
    };
    desk.wait(1_000);
    desk.put(head(2, changed_at.0));
    desk.put(head(3, desk.now.0));
    assert_eq!(audits(&mut desk), []);
    desk.put(head(2, desk.now.0));
    assert_eq!(
        audits(&mut desk),
        [tell(3, digest(&rows)), compare(3, digest(&rows))]
    );
}

/// What a copy of these rows holds.
fn whole(rows: &[Bytes]) -> Effect {
    let copy = Ordered::of_log(ReplicaId(0), None, rows).unwrap();
    Effect::Mend {
        through: Seq(rows.len() as u64),
        whole: Whole {
            document: copy.replica().encode().into(),
            waiting: Vec::new(),
        },
    }
}

#[test]
fn an_edit_that_is_stored_where_another_was_known_to_be_is_not_acknowledged_before_that_one_is_back()
 {
    let (mut desk, mut ann, rows) = with_three_rows();
    desk.edit(ANN, &ann.types("a"));
    let (ticket, _) = desk.asked().unwrap();
    desk.effects.clear();
    let last = Seq(3);
    desk.put(Input::Appended { ticket, last });
    let known = Seq(3);
    assert_eq!(
        audits(&mut desk),
        [Effect::LogWentBack { known, given: last }, whole(&rows)]
    );
    desk.edit(ANN, &ann.types("a"));
    assert_eq!(desk.asked(), None, "nothing more is stored here");
    assert!(!desk.heard(ANN).contains(&Heard::Stored));
    desk.put(Input::Audit(Auditing::MendFailed));
    assert_eq!(audits(&mut desk), []);
    desk.wait(60_000);
    assert_eq!(audits(&mut desk), [whole(&rows)], "it is tried again");
    desk.put(Input::Audit(Auditing::Mended));
    assert_eq!(audits(&mut desk), [Effect::Ended]);
    let heard = desk.heard(ANN);
    assert!(
        matches!(heard.last(), Some(Heard::Closed(_))),
        "they come back: {heard:?}"
    );
    assert!(!heard.contains(&Heard::Stored));
}

#[test]
fn a_room_that_holds_what_the_store_has_lost_does_not_end_before_it_is_back() {
    let (mut desk, _, rows) = with_three_rows();
    desk.put(Input::Audit(Auditing::Doubt));
    desk.wait(10);
    let asked = audits(&mut desk);
    assert!(asked.contains(&compare(3, digest(&rows))), "{asked:?}");
    desk.put(Input::Leave(ANN));
    desk.put(Input::Leave(BEN));
    desk.put(Input::Retire);
    assert_eq!(audits(&mut desk), [], "the store has not answered");
    desk.put(Input::Audit(Auditing::Compared(Verdict::Differs)));
    assert_eq!(audits(&mut desk), [whole(&rows)]);
    desk.put(Input::Audit(Auditing::Mended));
    assert_eq!(audits(&mut desk), [Effect::Ended]);
}

#[test]
fn while_what_the_store_has_lost_is_put_back_nothing_else_is_stored() {
    let (mut desk, mut ann, rows) = with_three_rows();
    desk.put(Input::Audit(Auditing::Doubt));
    desk.wait(10);
    audits(&mut desk);
    desk.put(Input::Audit(Auditing::Compared(Verdict::Differs)));
    assert_eq!(audits(&mut desk), [whole(&rows)]);
    desk.edit(ANN, &ann.types("a"));
    assert_eq!(desk.asked(), None);
    assert!(!desk.heard(ANN).contains(&Heard::Stored));
}

#[test]
fn what_could_not_be_compared_is_compared_later() {
    let (mut desk, _, rows) = with_three_rows();
    desk.put(Input::Audit(Auditing::Doubt));
    desk.wait(10);
    assert!(audits(&mut desk).contains(&compare(3, digest(&rows))));
    desk.put(Input::Audit(Auditing::Compared(Verdict::Unknown)));
    desk.wait(120_000);
    assert!(audits(&mut desk).contains(&compare(3, digest(&rows))));
}
