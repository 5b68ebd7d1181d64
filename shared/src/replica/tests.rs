//! What a replica promises, apart from what flows and spaces make of it.

use yrs::{GetString, Text, WriteTxn};

use super::*;

fn replica(id: u32) -> Replica {
    Replica::new(ReplicaId(id))
}

fn write(replica: &mut Replica, at: u32, text: &str) -> Vec<u8> {
    replica
        .transact(Origin::Local, |txn| {
            let content = txn.get_or_insert_text("content");
            content.insert(txn, at, text);
        })
        .expect("an edit")
}

fn text(replica: &Replica) -> String {
    let txn = replica.read();
    txn.get_text("content")
        .map_or_else(String::new, |text| text.get_string(&txn))
}

#[test]
fn an_edit_made_here_arrives_there() {
    let (mut here, mut there) = (replica(1), replica(2));
    let update = write(&mut here, 0, "hello");
    let applied = there.apply(&update, Origin::Remote).unwrap();
    assert_eq!(
        applied,
        Applied {
            has_missing: false,
            another_writes_as_me: false
        }
    );
    assert_eq!(text(&there), "hello");
    assert_eq!(here.canonical(), there.canonical());
    assert_eq!(here.version(), there.version());
}

#[test]
fn an_edit_that_changes_nothing_makes_no_update() {
    let mut here = replica(1);
    let update = here.transact(Origin::Local, |txn| {
        let _ = txn.get_or_insert_text("content");
    });
    assert_eq!(update, None);
    assert!(here.is_empty());
}

#[test]
fn offsets_count_utf_16_units() {
    let mut here = replica(1);
    write(&mut here, 0, "a🎉b");
    write(&mut here, 3, "|");
    assert_eq!(text(&here), "a🎉|b");
}

#[test]
fn updates_that_come_in_the_wrong_order_wait_and_are_kept_in_a_snapshot() {
    let mut here = replica(1);
    let first = write(&mut here, 0, "a");
    let second = write(&mut here, 1, "b");
    let mut there = replica(2);
    assert!(there.apply(&second, Origin::Remote).unwrap().has_missing);
    assert!(there.has_missing() && !there.is_empty());
    assert_eq!(there.missing_for(&[0]).unwrap(), EMPTY_UPDATE);

    let mut reloaded = replica(3);
    reloaded.apply(&there.encode(), Origin::Remote).unwrap();
    assert!(!reloaded.apply(&first, Origin::Remote).unwrap().has_missing);
    assert_eq!(text(&reloaded), "ab");
}

#[test]
fn a_peer_gets_what_it_lacks_and_no_more() {
    let (mut here, mut there) = (replica(1), replica(2));
    there
        .apply(&write(&mut here, 0, &"x".repeat(1000)), Origin::Remote)
        .unwrap();
    write(&mut here, 0, "new");
    let missing = here.missing_for(&there.version()).unwrap();
    assert!(missing.len() < 40, "{} bytes", missing.len());
    there.apply(&missing, Origin::Remote).unwrap();
    assert_eq!(here.canonical(), there.canonical());
}

#[test]
fn two_replicas_with_one_id_are_told_so() {
    let (mut one, mut other) = (replica(7), replica(7));
    let update = write(&mut one, 0, "abc");
    assert!(
        !one.apply(&update, Origin::Remote)
            .unwrap()
            .another_writes_as_me
    );
    assert!(
        other
            .apply(&update, Origin::Remote)
            .unwrap()
            .another_writes_as_me
    );
}

#[test]
fn what_an_undo_manager_does_is_captured_as_updates() {
    let (mut here, mut there) = (replica(1), replica(2));
    let first = write(&mut here, 0, "one");
    let ((), updates) = here.capture(|doc| {
        let content = doc.get_or_insert_text("content");
        content.remove_range(&mut doc.transact_mut_with(Origin::Local), 0, 1);
        content.insert(&mut doc.transact_mut_with(Origin::Local), 0, "O");
    });
    for update in [first].iter().chain(&updates) {
        assert!(
            !there
                .apply(update, Origin::Remote)
                .unwrap()
                .another_writes_as_me
        );
    }
    assert_eq!(updates.len(), 2);
    assert_eq!(text(&there), "One");
    assert!(
        !here
            .apply(&there.encode(), Origin::Remote)
            .unwrap()
            .another_writes_as_me
    );
}

// Where a panic aborts there is nothing left to ask.
#[cfg(panic = "unwind")]
#[test]
fn a_panic_in_an_edit_does_not_end_the_process_and_the_replica_says_it_is_broken() {
    let mut here = replica(1);
    write(&mut here, 0, "abc");
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        // Beyond the end: yrs panics, and would panic again in the transaction's destructor's place.
        write(&mut here, 0, "x");
        here.transact(Origin::Local, |txn| {
            let content = txn.get_or_insert_text("content");
            content.remove_range(txn, 0, 99);
        });
    }));
    assert!(outcome.is_err());
    assert!(here.is_broken());
    assert!(matches!(
        here.apply(EMPTY_UPDATE, Origin::Remote),
        Err(ReplicaError::Broken)
    ));
}

// Nothing catches a panic in WebAssembly; there the gate alone must hold.
#[cfg(panic = "unwind")]
#[test]
fn an_update_that_makes_yrs_panic_twice_breaks_the_replica_and_not_the_process() {
    // One client listed twice: yrs divides by zero, and again in the destructor of the dropped transaction.
    // The gate refuses both; this is what stands behind it.
    let twice: &[u8] = &[
        2, 1, 7, 0, 4, 1, 1, 0x74, 1, 0x61, 2, 7, 0, 4, 1, 1, 0x74, 3, 0x61, 0x61, 0x61, 0x84, 7,
        0, 3, 0x61, 0x61, 0x61, 0,
    ];
    let once: &[u8] = &[
        2, 1, 7, 0, 4, 1, 1, 0x74, 1, 0x61, 1, 7, 0, 4, 1, 1, 0x74, 3, 0x61, 0x61, 0x61, 0,
    ];
    for hostile in [once, twice] {
        let mut here = replica(1);
        write(&mut here, 0, "abc");
        assert!(matches!(
            here.apply(hostile, Origin::Remote),
            Err(ReplicaError::Refused(_))
        ));
        assert_eq!(text(&here), "abc");
        let behind_the_gate = here.apply_checked(&[hostile], 0, Origin::Remote);
        assert!(
            matches!(behind_the_gate, Err(ReplicaError::Broken)),
            "{behind_the_gate:?}"
        );
        assert!(here.is_broken());
    }
}

#[test]
fn a_peer_whose_version_is_nonsense_gets_an_error() {
    let here = replica(1);
    for nonsense in [&[][..], &[0xff], &[1], &[0xff, 0xff, 0xff, 0x7f]] {
        assert!(here.missing_for(nonsense).is_err(), "{nonsense:?}");
    }
}

/// An update of `client` that hangs one more element below the last of `levels`.
fn one_level_deeper(client: u8, levels: u8) -> Vec<u8> {
    let mut update = vec![1, 1, client, levels, 7];
    if levels == 0 {
        update.extend_from_slice(&[1, 1, b't']);
    } else {
        update.extend_from_slice(&[0, client, levels - 1]);
    }
    update.extend_from_slice(&[3, 1, b'p', 0]);
    update
}

#[test]
fn a_tree_that_grows_by_small_updates_is_refused_before_it_is_too_deep() {
    let mut replica = Replica::new(ReplicaId(1));
    let grown = (0..=127)
        .take_while(|&levels| {
            replica
                .apply(&one_level_deeper(9, levels), Origin::Remote)
                .is_ok()
        })
        .count();
    assert_eq!(grown, 128, "so deep is fine");
    let mut deeper = vec![1, 1, 9, 0x80, 1, 7, 0, 9, 127];
    deeper.extend_from_slice(&[3, 1, b'p', 0]);
    assert!(matches!(
        replica.apply(&deeper, Origin::Remote),
        Err(ReplicaError::Broken)
    ));
    assert!(replica.is_broken());
}

#[test]
fn a_tree_that_is_broad_and_not_deep_may_grow_for_ever() {
    let mut replica = Replica::new(ReplicaId(1));
    for page in 0..2_000_u32 {
        let update = replica_with_a_map(page);
        replica.apply(&update, Origin::Remote).unwrap();
    }
    assert!(!replica.is_broken());
}

/// An update of its own writer that puts a map into the root map `pages`.
fn replica_with_a_map(page: u32) -> Vec<u8> {
    let mut author = Replica::new(ReplicaId(100 + page));
    let pages = author.doc().get_or_insert_map("pages");
    author
        .transact(Origin::Local, |txn| {
            let key = page.to_string();
            yrs::Map::insert(&pages, txn, key, yrs::MapPrelim::from([("title", "x")]));
        })
        .unwrap()
}

#[test]
fn many_edits_in_one_update_are_applied_in_short_transactions_and_come_out_the_same() {
    let (mut ann, mut ben) = (replica(1), replica(2));
    let mut updates = Vec::new();
    for edit in 0..3_000_u32 {
        let place = if edit % 100 == 0 { edit % 7 } else { edit };
        updates.push(write(&mut ann, place.min(edit), "a"));
        if edit % 50 == 0 {
            let update = updates.last().unwrap().clone();
            ben.apply(&update, Origin::Remote).unwrap();
            updates.push(write(&mut ben, 0, "b"));
            let deleted = ben.transact(Origin::Local, |txn| {
                let content = txn.get_or_insert_text("content");
                content.remove_range(txn, 0, 1);
            });
            updates.push(deleted.unwrap());
        }
    }
    let mut one_by_one = Ordered::new(ReplicaId(3));
    for update in &updates {
        one_by_one.take(&update.clone().into(), |_| {}).unwrap();
    }
    let merged = merge(&updates).unwrap();
    let mut at_once = replica(4);
    let transactions = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&transactions);
    at_once
        .doc()
        .observe_update_v1("test", move |_, event| {
            seen.lock().unwrap().push(event.update.len());
        })
        .unwrap();
    at_once.apply(&merged, Origin::Remote).unwrap();
    assert_eq!(at_once.canonical(), one_by_one.replica().canonical());
    let transactions = transactions.lock().unwrap();
    assert!(transactions.len() >= 3_000 / 256, "{transactions:?}");
    assert!(transactions.iter().all(|bytes| *bytes <= 16 * 1024));
}

#[test]
fn an_update_without_blocks_to_join_is_applied_in_one_transaction() {
    let mut here = replica(1);
    for _ in 0..2_000 {
        write(&mut here, 0, "a");
    }
    let state = here.encode();
    let inspected = gate::update::inspect(&state).unwrap();
    assert!(inspected.blocks() > 500);
    assert!(inspected.strides().is_none());
}
