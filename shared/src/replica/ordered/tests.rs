//! What waits, for how long, and what comes of it.

use yrs::{Text, WriteTxn};

use super::*;
use crate::testing::Chance;

fn typed(replica: &mut Replica, at: u32, words: &str) -> Bytes {
    replica
        .transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            text.insert(txn, at, words);
        })
        .unwrap()
        .into()
}

#[test]
fn updates_in_any_order_give_the_same_document_and_nothing_is_left_waiting() {
    for seed in 0..200 {
        let mut chance = Chance::new(seed);
        let mut writers = [Replica::new(ReplicaId(1)), Replica::new(ReplicaId(2))];
        let mut updates = Vec::new();
        for _ in 0..30 {
            let writer = chance.index_below(2);
            let length = crate::flow::length(&writers[writer]);
            let at = chance.below(u64::from(length) + 1) as u32;
            let update = typed(&mut writers[writer], at, "ab");
            if chance.chance(0.5) {
                // The other one hears of all of it now and then.
                let all = writers[writer].missing_for(&[0]).unwrap();
                writers[1 - writer].apply(&all, Origin::Remote).unwrap();
            }
            updates.push(update);
        }
        let all = writers[0].missing_for(&[0]).unwrap();
        writers[1].apply(&all, Origin::Remote).unwrap();
        chance.shuffle(&mut updates);
        let mut ordered = Ordered::new(ReplicaId(9));
        let mut applied = 0;
        for update in &updates {
            ordered.take(update, |_| applied += 1).unwrap();
            assert!(!ordered.replica().has_missing());
        }
        assert_eq!((ordered.waiting(), applied), (0, updates.len()));
        assert_eq!(
            ordered.replica().version(),
            {
                let other = writers[1].missing_for(&[0]).unwrap();
                writers[0].apply(&other, Origin::Remote).unwrap();
                writers[0].version()
            },
            "seed {seed}"
        );
        assert_eq!(ordered.replica().canonical(), writers[0].canonical());
    }
}

#[test]
fn what_waits_is_bounded() {
    let mut ann = Replica::new(ReplicaId(1));
    let _lost = typed(&mut ann, 0, "a");
    let mut ordered = Ordered::new(ReplicaId(9));
    for n in 0..2_000 {
        let late = typed(&mut ann, n, "b");
        ordered.take(&late, |_| {}).unwrap();
    }
    assert!(ordered.waiting() <= WAITING_MAX);
    assert!(ordered.has_let_go());
}

#[test]
fn a_stored_log_is_whole_however_its_rows_lie_and_however_many_wait() {
    let mut ann = Replica::new(ReplicaId(1));
    let mut rows: Vec<Bytes> = (0..WAITING_MAX as u32 + 100)
        .map(|n| typed(&mut ann, n, "a"))
        .collect();
    rows.reverse();
    let log = Ordered::of_log(ReplicaId(9), None, &rows).unwrap();
    assert_eq!((log.waiting(), log.has_let_go()), (0, false));
    assert_eq!(log.replica().canonical(), ann.canonical());
}

#[test]
fn a_row_that_skips_what_its_writer_wrote_before_waits_and_is_in_no_snapshot() {
    let mut ann = Replica::new(ReplicaId(1));
    let first = typed(&mut ann, 0, "a");
    let _lost = typed(&mut ann, 1, "b");
    let late = typed(&mut ann, 2, "c");
    let snapshot = Ordered::of_log(ReplicaId(8), None, [&first])
        .unwrap()
        .replica()
        .encode();
    let log = Ordered::of_log(ReplicaId(9), Some(&snapshot), [&late]).unwrap();
    assert_eq!(log.waiting(), 1);
    assert_eq!(log.clock_of(ClientId(1)), 1);
    let folded = Ordered::of_log(ReplicaId(9), Some(&log.replica().encode()), []).unwrap();
    let before = Ordered::of_log(ReplicaId(9), None, [&first]).unwrap();
    assert_eq!(folded.replica().canonical(), before.replica().canonical());
}

#[test]
fn what_comes_early_beside_a_replica_that_is_written_in_finds_its_place() {
    let mut here = Replica::new(ReplicaId(1));
    let mut early = Early::new();
    let mine = typed(&mut here, 0, "mine ");
    let mut there = Replica::new(ReplicaId(2));
    there.apply(&mine, Origin::Remote).unwrap();
    let first = typed(&mut there, 5, "one ");
    let second = typed(&mut there, 9, "two");
    let taken = early.take(&second, &mut here, |_| {}).unwrap();
    assert_eq!((taken, early.waiting()), (Taken::Waits, 1));
    assert!(early.holds(&second) && !here.has_missing());
    // What is written here meanwhile is told nobody, and must be known all the same.
    let more = typed(&mut here, 0, "my ");
    there.apply(&more, Origin::Remote).unwrap();
    let on_mine = typed(&mut there, 3, "!");
    let mut applied = Vec::new();
    for update in [&first, &on_mine] {
        early
            .take(update, &mut here, |update| applied.push(update.clone()))
            .unwrap();
    }
    assert_eq!(applied, [first, second, on_mine]);
    assert_eq!(here.canonical(), there.canonical());
}
