//! Long updates in parts: each passes the gate, fits behind those before it, and together they are the whole.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use sheaf_shared::gate::Refusal;
use sheaf_shared::gate::update::{self, PartBytes};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::limits::{
    LIKE_WRITERS_MAX, RUN_CLOCKS_MAX, UPDATE_BYTES_MAX, UPDATE_DELETIONS_MAX, UPDATE_VALUES_MAX,
};
use sheaf_shared::replica::{Ordered, Origin, Replica, Taken};
use sheaf_shared::testing::{Bytes, Chance};
use yrs::{ReadTxn, Text, Transact, WriteTxn};

use crate::scribbler::Scribblers;
use crate::support::{from_environment, one_block, text_block};

fn in_parts(update: Vec<u8>, bytes_max: usize) -> Result<Vec<Vec<u8>>, Refusal> {
    let bytes = PartBytes {
        whole_max: bytes_max,
        part_max: bytes_max,
    };
    update::in_parts(update, bytes)
}

/// Takes `parts` in order, each of which must pass the gate and wait for nothing; gives what is there in the end.
#[track_caller]
fn taken_in_order(base: &[u8], parts: &[Vec<u8>]) -> String {
    let mut ordered = Ordered::new(ReplicaId(1));
    ordered.take_snapshot(base).unwrap();
    for part in parts {
        update::check(part).unwrap();
        let taken = ordered.take(&part.clone().into(), |_| {}).unwrap();
        assert_eq!(taken, Taken::Applied, "a part waits for a later one");
    }
    assert!(!ordered.replica().has_missing());
    ordered.replica().canonical()
}

#[track_caller]
fn taken_whole(base: &[u8], whole: &[u8]) -> String {
    let mut replica = Replica::new(ReplicaId(1));
    replica.apply_stored(base).unwrap();
    replica.apply_stored(whole).unwrap();
    replica.canonical()
}

/// Bytes that a part of one block of text or values has beside the block's content.
const HEADS_BYTES: usize = 80;

#[test]
fn parts_taken_in_order_give_the_same_document_as_the_whole() {
    let documents = from_environment("SHEAF_PARTS_DOCUMENTS", 20);
    let (mut cut, mut joined) = (0, 0);
    for seed in 0..documents {
        let mut chance = Chance::new(seed ^ 0x9A27);
        let mut scribblers = Scribblers::careful(seed);
        for _ in 0..80 {
            scribblers.step(&mut |_| {});
        }
        let base = scribblers.whole();
        let version = scribblers.whole_version();
        for _ in 0..80 {
            scribblers.step(&mut |_| {});
        }
        for (base, whole) in [
            (vec![0, 0], scribblers.whole()),
            (base, scribblers.missing_for(&version)),
        ] {
            let expected = taken_whole(&base, &whole);
            for _ in 0..4 {
                let longest = 1 + (whole.len() as u64 * 5 / 4);
                let scale = any_scale(&mut chance, longest);
                let bytes_max = 1 + chance.below(scale) as usize;
                let parts = in_parts(whole.clone(), bytes_max).unwrap();
                cut += parts.len() - 1;
                joined += parts.iter().filter(|part| part.len() <= bytes_max).count();
                assert_eq!(
                    taken_in_order(&base, &parts),
                    expected,
                    "seed {seed}, {bytes_max}"
                );
            }
        }
    }
    assert!(
        cut > documents as usize * 40 && joined > documents as usize * 40,
        "{cut} {joined}"
    );
}

/// Small limits as often as large ones.
fn any_scale(chance: &mut Chance, most: u64) -> u64 {
    let bits = 64 - most.leading_zeros();
    (1 << chance.below(u64::from(bits) + 1)).min(most)
}

#[test]
fn parts_are_no_longer_than_asked_and_no_more_than_needed() {
    let mut writer = Replica::new(ReplicaId(5));
    for n in 0..300 {
        writer.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            text.insert(txn, n % 7, "näh 🎉 ");
        });
    }
    let whole = writer.missing_for(&[0]).unwrap();
    for bytes_max in [HEADS_BYTES, 100, 500, 2_000] {
        let parts = in_parts(whole.clone(), bytes_max).unwrap();
        let longest = parts.iter().map(Vec::len).max().unwrap();
        assert!(longest <= bytes_max, "{longest} > {bytes_max}");
        let most = whole.len() / (bytes_max - bytes_max.min(60)).max(1) + 2;
        assert!(parts.len() <= most, "{} parts of {bytes_max}", parts.len());
    }
}

#[test]
fn an_update_that_is_short_enough_stays_as_it_is() {
    let update = one_block(7, 0, &text_block("hello"));
    let parts = in_parts(update.clone(), update.len()).unwrap();
    assert_eq!(parts, [update]);
    assert_eq!(in_parts(vec![0, 0], 1).unwrap(), [vec![0, 0]]);
}

#[test]
fn a_long_text_is_cut_between_characters_and_reads_the_same() {
    let words = "a🎉ßb語".repeat(300);
    let whole = one_block(7, 0, &text_block(&words));
    for bytes_max in [1, HEADS_BYTES, 97, 1_000] {
        let parts = in_parts(whole.clone(), bytes_max).unwrap();
        assert!(parts.len() > 1);
        assert!(bytes_max < HEADS_BYTES || parts.iter().all(|part| part.len() <= bytes_max));
        let same = taken_in_order(&[0, 0], &parts) == taken_whole(&[0, 0], &whole);
        assert!(same, "{bytes_max}");
    }
}

#[test]
fn what_has_grown_beyond_what_one_update_may_be_is_sent_in_lawful_parts() {
    // A run of deleted text that no one update may bring.
    let mut doc = Replica::new(ReplicaId(1));
    for from in [0, u64::from(RUN_CLOCKS_MAX)] {
        let run = Bytes::new().raw(&[0]).num(u64::from(RUN_CLOCKS_MAX)).0;
        doc.apply(&one_block(7, from, &run), Origin::Remote)
            .unwrap();
    }
    let whole = doc.missing_for(&[0]).unwrap();
    assert!(update::check(&whole).is_err(), "yrs made one run of both");
    let parts = in_parts(whole.clone(), UPDATE_BYTES_MAX).unwrap();
    assert_eq!(
        taken_in_order(&[0, 0], &parts),
        taken_whole(&[0, 0], &whole)
    );

    // Writers whose ids are too much alike for one message.
    let writers = LIKE_WRITERS_MAX as u64 * 3;
    let mut alike = Bytes::new().num(writers);
    for writer in (0..writers).rev() {
        alike = alike.raw(&[1]).num(writer << 16 | 9).raw(&[0]);
        alike = alike.raw(&text_block("x"));
    }
    alike = alike.num(writers);
    for writer in (0..writers).rev() {
        alike = alike.num(writer << 16 | 9).raw(&[1, 0, 1]);
    }
    assert!(update::check(&alike.0).is_err());
    let parts = in_parts(alike.0.clone(), UPDATE_BYTES_MAX).unwrap();
    assert_eq!(parts.len(), 5, "writers, and then what is deleted of them");
    assert_eq!(
        taken_in_order(&[0, 0], &parts),
        taken_whole(&[0, 0], &alike.0)
    );
}

#[test]
fn more_values_or_deleted_ranges_than_one_update_may_have_go_in_parts() {
    let count = u64::from(UPDATE_VALUES_MAX) + 1;
    let nulls = vec![126; count as usize];
    let block = Bytes::new().raw(&[8, 1]).text("t").num(count).raw(&nulls).0;
    let parts = in_parts(one_block(7, 0, &block), UPDATE_BYTES_MAX).unwrap();
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| update::check(part).is_ok()));

    let count = u64::from(UPDATE_DELETIONS_MAX) + 1;
    let mut ranges = Bytes::new().raw(&[0, 1, 7]).num(count);
    for range in 0..count {
        ranges = ranges.num(range * 2).num(1);
    }
    let parts = in_parts(ranges.0, UPDATE_BYTES_MAX).unwrap();
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| update::check(part).is_ok()));
}

#[test]
fn one_thing_that_cannot_be_cut_is_a_part_by_itself() {
    let picture = Bytes::new().raw(&[3, 1]).text("t").num(500).raw(&[7; 500]);
    let behind = Bytes::new().raw(&[0x84, 7, 0]).text("behind").0;
    let update = Bytes::new()
        .raw(&[1, 2, 7, 0])
        .raw(&picture.0)
        .raw(&behind)
        .num(0)
        .0;
    let parts = in_parts(update.clone(), 100).unwrap();
    let lengths: Vec<usize> = parts.iter().map(Vec::len).collect();
    assert_eq!(lengths.len(), 2);
    assert!(lengths[0] > 500 && lengths[1] < 20, "{lengths:?}");
    assert_eq!(
        taken_in_order(&[0, 0], &parts),
        taken_whole(&[0, 0], &update)
    );
}

#[test]
fn what_is_no_update_or_waits_for_itself_is_not_cut() {
    assert!(in_parts(vec![9, 9, 9], 10).is_err());
    // Each writer's first block stands beside the other's first.
    let nine = Bytes::new().raw(&[1, 9, 0, 0x84, 7, 0]).text("abc").0;
    let seven = Bytes::new().raw(&[1, 7, 0, 0x84, 9, 2]).text("x").0;
    let circle = Bytes::new().num(2).raw(&nine).raw(&seven).num(0).0;
    assert!(in_parts(circle, 10).is_err());
    let gap = Bytes::new().raw(&[1, 3, 7, 0, 0, 2, 10, 3, 0, 1, 0]).0;
    assert!(in_parts(gap, 5).is_err());
}

/// Other libraries' documents too: `yrs` alone takes the parts, nothing of ours around it.
#[test]
fn the_crdt_itself_takes_parts_in_order_and_keeps_nothing_waiting() {
    let mut scribblers = Scribblers::careful(77);
    for _ in 0..200 {
        scribblers.step(&mut |_| {});
    }
    let whole = scribblers.whole();
    let doc = yrs::Doc::new();
    for part in in_parts(whole, 300).unwrap() {
        assert!(crate::wall::apply(&doc, &part));
        assert!(!doc.transact().has_missing_updates());
    }
}
