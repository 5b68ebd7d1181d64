//! Inputs of a few bytes that were seen to make a CRDT library abort, diverge or eat memory: the gate refuses
//! each, for the right reason and after looking at no more than is there.

use std::collections::BTreeSet;

use sheaf_shared::gate::{presence, state_vector, update};
use sheaf_shared::limits::{CLOCK_MAX, RUN_CLOCKS_MAX};
use sheaf_shared::testing::{Bytes, Chance};

use crate::support::{one_block, passes, refused, text_block};

const TOO_MUCH_CLAIMED: &str = "more is claimed than can follow";
const TWICE: &str = "a writer is listed twice";
const LONG_RUN: &str = "a run is impossibly long";
const HIGH_CLOCK: &str = "a clock is impossibly high";
const NO_LENGTH: &str = "a block without length";

#[test]
fn a_legacy_json_block_that_makes_all_later_states_unreadable_is_refused() {
    refused(
        &[1, 1, 7, 0, 2, 1, 2, 0x74, 0x32, 0, 1, 0x63, 0],
        "legacy JSON content",
    );
}

#[test]
fn the_same_with_a_missing_parent_is_refused_and_its_harmless_twin_passes() {
    refused(
        &[1, 1, 0xcb, 1, 0x6a, 2, 0x44, 0xcb, 0x62, 1, 0, 1, 0x63, 0],
        "legacy JSON content",
    );
    passes(&[1, 1, 0xcb, 1, 0x6a, 4, 0x44, 0xcb, 0x62, 1, 1, 0x63, 0]);
}

#[test]
fn a_writer_listed_twice_is_refused() {
    refused(
        &[
            2, 1, 7, 0, 4, 1, 1, 0x74, 1, 0x61, 2, 7, 0, 4, 1, 1, 0x74, 3, 0x61, 0x61, 0x61, 0x84,
            7, 0, 3, 0x61, 0x61, 0x61, 0,
        ],
        TWICE,
    );
    refused(
        &[
            2, 1, 7, 0, 4, 1, 1, 0x74, 1, 0x61, 1, 7, 0, 4, 1, 1, 0x74, 3, 0x61, 0x61, 0x61, 0,
        ],
        TWICE,
    );
    // Not next to each other, and among the deleted ranges.
    let block = [0, 1];
    let head = |client: u64| Bytes::new().num(1).num(client).num(0).raw(&block).0;
    let apart = Bytes::new()
        .num(3)
        .raw(&head(7))
        .raw(&head(9))
        .raw(&head(7))
        .num(0)
        .0;
    refused(&apart, TWICE);
    refused(&[0, 2, 7, 1, 0, 1, 7, 1, 5, 1], TWICE);
}

#[test]
fn forged_runs_that_use_up_a_victims_clocks_are_refused() {
    const VICTIM: u64 = 4_000_000_001;
    const NEXT: u64 = 6;
    let too_long = u64::from(RUN_CLOCKS_MAX) + 1;
    let lengths = [
        too_long,
        1 << 30,
        (1 << 31) - 1,
        1 << 31,
        (1 << 32) - 8,
        (1 << 32) - 1,
    ];
    let mut forged = 0;
    for length in lengths {
        // Collected; deleted in a root; beside, before and between others; inside a map; skipped.
        let heads: [&[u8]; 7] = [
            &[0],
            &[1, 1, 1, b't'],
            &[0x81, 9, 0],
            &[0x41, 9, 0],
            &[0xc1, 9, 0, 9, 1],
            &[0x21, 1, 1, b't', 1, b'k'],
            &[10],
        ];
        for head in heads {
            let block = Bytes::new().raw(head).num(length).0;
            refused(&one_block(VICTIM, NEXT, &block), LONG_RUN);
            forged += 1;
        }
    }
    assert!(forged >= 20);
}

#[test]
fn a_deleted_range_may_be_long_but_not_beyond_what_can_be_counted() {
    let deleted = |from: u64, clocks: u64| Bytes::new().raw(&[0, 1, 7, 1]).num(from).num(clocks).0;
    let last = u64::from(CLOCK_MAX);
    passes(&deleted(0, last));
    refused(&deleted(1, last), HIGH_CLOCK);
    refused(&deleted(last, 1), HIGH_CLOCK);
    refused(&deleted(0, last + 1), LONG_RUN);
    refused(&deleted(5, (1 << 32) - 1), LONG_RUN);
}

#[test]
fn forged_clocks_near_the_end_of_what_can_be_counted_are_refused() {
    const VICTIM: u64 = 4_000_000_001;
    let longest = u64::from(RUN_CLOCKS_MAX);
    let last = u64::from(CLOCK_MAX);
    let run = |clocks: u64| Bytes::new().num(0).num(clocks).0;
    // One run that reaches beyond; and one that begins there.
    refused(
        &one_block(VICTIM, last - longest + 1, &run(longest)),
        HIGH_CLOCK,
    );
    refused(&one_block(VICTIM, last, &text_block("x")), HIGH_CLOCK);
    for clock in [last + 1, u64::from(u32::MAX)] {
        refused(&one_block(VICTIM, clock, &text_block("x")), HIGH_CLOCK);
    }
    // Many runs, each of a lawful length, that add up.
    let mut many = Bytes::new().num(1).num(40).num(VICTIM).num(0);
    for _ in 0..40 {
        many = many.num(0).num(longest);
    }
    refused(&many.num(0).0, HIGH_CLOCK);
    // Skips and runs in turn.
    let mut turns = Bytes::new().num(1).num(40).num(VICTIM).num(0);
    for _ in 0..20 {
        turns = turns.num(10).num(longest).num(0).num(longest);
    }
    refused(&turns.num(0).0, HIGH_CLOCK);
    // Neighbours, parents and deleted ranges that cannot be.
    let neighbour = Bytes::new()
        .raw(&[0x84])
        .num(VICTIM)
        .num(last + 1)
        .text("x")
        .0;
    refused(&one_block(1, 0, &neighbour), HIGH_CLOCK);
    let parent = Bytes::new()
        .raw(&[4, 0])
        .num(VICTIM)
        .num(last + 1)
        .text("x")
        .0;
    refused(&one_block(1, 0, &parent), HIGH_CLOCK);
    refused(
        &Bytes::new()
            .num(0)
            .num(1)
            .num(VICTIM)
            .num(1)
            .num(last)
            .num(1)
            .0,
        HIGH_CLOCK,
    );
    // Numbers that do not fit in 32 bits, or are written long to look like others.
    assert!(update::check(&one_block(VICTIM, 1 << 32, &text_block("x"))).is_err());
    assert!(update::check(&one_block(VICTIM, 0, &run(1 << 32))).is_err());
    assert!(update::check(&[1, 1, 7, 0x80, 0, 0, 1, 0]).is_err());
    // What an honest writer may have done passes.
    passes(&one_block(VICTIM, last - longest, &run(longest)));
}

#[test]
fn four_bytes_that_claim_millions_are_refused_wherever_a_count_stands() {
    let claim = Bytes::new().num(268_000_000);
    assert_eq!(claim.0.len(), 4);
    refused(&claim.0, TOO_MUCH_CLAIMED);
    assert!(state_vector::check(&claim.0).is_err());
    assert!(presence::check(&claim.0).is_err());
    let claims = [
        Bytes::new().num(1).raw(&claim.0).raw(&[7, 0, 0, 1, 0]),
        Bytes::new().num(0).raw(&claim.0),
        Bytes::new().num(0).num(1).num(7).raw(&claim.0).raw(&[0, 1]),
        Bytes::new().raw(&one_block(
            7,
            0,
            &Bytes::new()
                .raw(&[8, 1, 1, b't'])
                .raw(&claim.0)
                .raw(&[126])
                .0,
        )),
        Bytes::new().raw(&one_block(
            7,
            0,
            &Bytes::new().raw(&[8, 1, 1, b't', 1, 117]).raw(&claim.0).0,
        )),
        Bytes::new().raw(&one_block(
            7,
            0,
            &Bytes::new().raw(&[8, 1, 1, b't', 1, 118]).raw(&claim.0).0,
        )),
    ];
    for claim in claims {
        refused(&claim.0, TOO_MUCH_CLAIMED);
    }
    let texts = [
        Bytes::new().raw(&[4, 1]).raw(&claim.0),
        Bytes::new().raw(&[4, 1, 1, b't']).raw(&claim.0),
        Bytes::new().raw(&[3, 1, 1, b't']).raw(&claim.0),
        Bytes::new().raw(&[6, 1, 1, b't']).raw(&claim.0),
        Bytes::new().raw(&[8, 1, 1, b't', 1, 116]).raw(&claim.0),
    ];
    for text in texts {
        refused(&one_block(7, 0, &text.0), "it ends too early");
    }
}

#[test]
fn writers_whose_ids_were_chosen_to_collide_are_refused() {
    let reason = "the writers' ids are too much alike";
    let alike = |count: u64| {
        let sections =
            (0..count).map(|place| Bytes::new().num(1).num(place << 32).num(0).raw(&[0, 1]).0);
        Bytes::new()
            .num(count)
            .raw(&sections.collect::<Vec<_>>().concat())
            .num(0)
            .0
    };
    passes(&alike(64));
    refused(&alike(65), reason);
    refused(&alike(100_000), reason);
    let version = |count: u64| {
        let entries = (0..count).map(|place| Bytes::new().num(place << 32).num(1).0);
        Bytes::new()
            .num(count)
            .raw(&entries.collect::<Vec<_>>().concat())
            .0
    };
    assert_eq!(state_vector::check(&version(64)), Ok(()));
    assert_eq!(
        state_vector::check(&version(100_000)).unwrap_err().reason,
        reason
    );
    // As many writers whose ids were drawn by chance pass.
    let mut chance = Chance::new(1);
    let drawn: BTreeSet<u64> = (0..200_000).map(|_| chance.below(1 << 32)).collect();
    let mut honest = Bytes::new().num(drawn.len() as u64);
    for client in drawn {
        honest = honest.num(client).num(1);
    }
    assert_eq!(state_vector::check(&honest.0), Ok(()));
}

#[test]
fn content_that_one_of_the_two_libraries_reads_differently_is_refused() {
    let block =
        |kind: u8, rest: &[u8]| one_block(7, 0, &Bytes::new().raw(&[kind, 1, 1, b't']).raw(rest).0);
    refused(
        &block(9, &[1, b'g', 118, 0]),
        "a document inside a document",
    );
    refused(&block(7, &[5]), "an unknown kind of shared type");
    refused(&block(7, &[7, 0, 1, 0]), "an unknown kind of shared type");
    refused(&block(7, &[15]), "an unknown kind of shared type");
    refused(&block(11, &[0]), "an unknown kind of content");
    refused(&block(8, &[1, 115]), "an unknown kind of value");
    refused(
        &one_block(7, 0, &[0x14, 1, 1, b't', 1, b'x']),
        "an unknown kind of block",
    );
    refused(
        &one_block(7, 0, &[0x80, 7, 0, 1]),
        "a block refers to itself or to a later one",
    );
    refused(
        &one_block(7, 0, &[0x80, 9, 0, 1]),
        "an unknown kind of content",
    );
    refused(&block(5, &[1, b'{']), "a value is not JSON");
    refused(
        &block(
            6,
            &[
                1, b'k', 9, b'u', b'n', b'd', b'e', b'f', b'i', b'n', b'e', b'd',
            ],
        ),
        "a value is not JSON",
    );
}

#[test]
fn blocks_and_lists_without_anything_in_them_are_refused() {
    refused(&one_block(7, 0, &[0, 0]), NO_LENGTH);
    refused(&one_block(7, 0, &[10, 0]), NO_LENGTH);
    refused(&one_block(7, 0, &[4, 1, 1, b't', 0]), NO_LENGTH);
    refused(&one_block(7, 0, &[1, 1, 1, b't', 0]), NO_LENGTH);
    refused(&one_block(7, 0, &[8, 1, 1, b't', 0, 0]), NO_LENGTH);
    refused(&[0, 1, 7, 1, 0, 0], NO_LENGTH);
    refused(&[1, 0, 7, 0, 0, 0, 0], "a writer is listed without a block");
    refused(
        &[0, 1, 7, 0, 0, 0],
        "a writer is listed without a deleted range",
    );
}

#[test]
fn deleted_ranges_out_of_order_are_refused() {
    let reason = "deleted ranges overlap or are out of order";
    refused(&[0, 1, 7, 2, 5, 2, 6, 1], reason);
    refused(&[0, 1, 7, 2, 5, 2, 0, 1], reason);
    passes(&[0, 1, 7, 2, 5, 2, 8, 1]);
}

#[test]
fn texts_that_are_not_utf8_are_refused() {
    for block in [
        &[4, 1, 1, b't', 2, 0xc3, 0x28][..],
        &[4, 1, 1, 0xff, 1, b'x'],
        &[0x24, 1, 1, b't', 1, 0x80, 1, b'x'],
        &[8, 1, 1, b't', 1, 119, 1, 0xff],
        &[7, 1, 1, b't', 3, 1, 0xff],
    ] {
        refused(&one_block(7, 0, block), "a text is not UTF-8");
    }
}

#[test]
fn a_sound_update_cut_anywhere_or_with_a_byte_too_many_is_refused() {
    let sound = [1, 1, 7, 0, 4, 1, 1, b't', 1, b'x', 1, 7, 1, 0, 1];
    passes(&sound);
    passes(&[0, 0]);
    for end in 0..sound.len() {
        assert!(update::check(&sound[..end]).is_err(), "cut at {end}");
    }
    refused(&[&sound[..], &[0]].concat(), "bytes are left at the end");
    assert!(update::check(&vec![0; 17 * 1024 * 1024]).is_err());
}

#[test]
fn what_passes_is_told_without_decoding_it() {
    let update = Bytes::new().num(2);
    let update = update
        .num(3)
        .num(9)
        .num(4)
        .raw(&text_block("ab"))
        .raw(&[10, 5])
        .raw(&[0, 3]);
    let update = update
        .num(1)
        .num(7)
        .num(0)
        .raw(&[0x84, 9, 5, 2, 0xc3, 0xa9]);
    let update = update.num(1).num(9).num(2).raw(&[0, 1, 3, 1]).0;
    let inspected = update::inspect(&update).unwrap();
    let runs: Vec<_> = inspected
        .runs()
        .iter()
        .map(|run| (run.client.0, run.from, run.until))
        .collect();
    assert_eq!(runs, [(9, 4, 6), (9, 11, 14), (7, 0, 1)]);
    assert_eq!((inspected.blocks(), inspected.deletions()), (4, 2));
    assert!(!inspected.is_empty());
    assert!(update::inspect(&[0, 0]).unwrap().is_empty());
}
