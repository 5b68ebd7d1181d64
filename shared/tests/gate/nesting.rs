//! Nesting that would overflow the stack of whoever walks it: the gate refuses it, however it is put together.

use sheaf_shared::gate::update;
use sheaf_shared::testing::Bytes;

use crate::support::{one_block, passes, refused};

const TOO_DEEP_TREE: &str = "shared types are nested too deep";
const TOO_DEEP_VALUE: &str = "values are nested too deep";

#[test]
fn values_nested_deeper_than_anyone_nests_are_refused() {
    let nested = |depth: usize| {
        let value = Bytes::new()
            .raw(&[8, 1, 1, b't', 1])
            .raw(&[117, 1].repeat(depth))
            .raw(&[126])
            .0;
        one_block(1, 0, &value)
    };
    passes(&nested(63));
    refused(&nested(64), TOO_DEEP_VALUE);
    refused(&nested(7_000), TOO_DEEP_VALUE);
    refused(&nested(1_000_000), TOO_DEEP_VALUE);
    let maps = Bytes::new()
        .raw(&[8, 1, 1, b't', 1])
        .raw(&[118, 1, 0].repeat(7_000))
        .raw(&[126])
        .0;
    refused(&one_block(1, 0, &maps), TOO_DEEP_VALUE);
    for (kind, head) in [(5, &[][..]), (6, &[1, b'k'])] {
        let json = |depth: usize| {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            let block = Bytes::new()
                .raw(&[kind, 1, 1, b't'])
                .raw(head)
                .text(&text)
                .0;
            one_block(1, 0, &block)
        };
        passes(&json(64));
        refused(&json(65), TOO_DEEP_VALUE);
        refused(&json(100_000), TOO_DEEP_VALUE);
    }
}

/// `depth` elements, each in the one before; `link` writes where element `i` belongs.
fn chain(depth: u64, link: impl Fn(Bytes, u64) -> Bytes) -> Vec<u8> {
    let mut update = Bytes::new()
        .num(1)
        .num(depth)
        .num(1)
        .num(0)
        .raw(&[7, 1])
        .text("t")
        .raw(&[3])
        .text("p");
    for place in 1..depth {
        update = link(update, place).raw(&[3]).text("p");
    }
    update.num(0).0
}

#[test]
fn elements_nested_deeper_than_anyone_nests_are_refused() {
    let plain = |depth| chain(depth, |update, place| update.raw(&[7, 0, 1]).num(place - 1));
    passes(&plain(129));
    refused(&plain(130), TOO_DEEP_TREE);
    refused(&plain(10_000), TOO_DEEP_TREE);
    // The bytes as they were found: the parents' names are numbered from 0.
    refused(&plain(60_000), TOO_DEEP_TREE);
}

#[test]
fn nesting_hidden_behind_neighbours_or_other_writers_is_found() {
    // Each level: a text in the element before, then an element beside that text.
    let levels = 200_u64;
    let mut hidden = Bytes::new().num(1).num(2 * levels + 1).num(1).num(0);
    hidden = hidden.raw(&[7, 1]).text("t").raw(&[0]);
    for level in 0..levels {
        hidden = hidden.raw(&[4, 0, 1]).num(2 * level).text("x");
        let side = if level % 2 == 0 { 0x87 } else { 0x47 };
        hidden = hidden.raw(&[side, 1]).num(2 * level + 1).raw(&[0]);
    }
    refused(&hidden.num(0).0, TOO_DEEP_TREE);
    // Two writers in turn, each inside the other.
    let mut first = Bytes::new().num(levels).num(9).num(0);
    let mut second = Bytes::new().num(levels).num(5).num(0);
    first = first.raw(&[7, 1]).text("t").raw(&[0]);
    second = second.raw(&[7, 0, 9]).num(0).raw(&[0]);
    for level in 1..levels {
        first = first.raw(&[7, 0, 5]).num(level - 1).raw(&[0]);
        second = second.raw(&[7, 0, 9]).num(level).raw(&[0]);
    }
    refused(
        &Bytes::new().num(2).raw(&first.0).raw(&second.0).num(0).0,
        TOO_DEEP_TREE,
    );
}

#[test]
fn blocks_that_refer_to_themselves_or_in_a_circle_are_refused() {
    let reason = "a block refers to itself or to a later one";
    refused(&one_block(1, 5, &[0x84, 1, 5, 1, b'x']), reason);
    refused(&one_block(1, 5, &[0x44, 1, 9, 1, b'x']), reason);
    refused(&one_block(1, 5, &[7, 0, 1, 5, 0]), reason);
    // Many types, so that the tree is walked; two of them each inside the other.
    let mut circle = Bytes::new()
        .num(2)
        .num(200)
        .num(9)
        .num(0)
        .raw(&[7, 0, 5, 0, 0]);
    for _ in 1..200 {
        circle = circle.raw(&[7, 1]).text("t").raw(&[0]);
    }
    circle = circle.num(1).num(5).num(0).raw(&[7, 0, 9, 0, 0]).num(0);
    refused(&circle.0, "blocks refer to each other in a circle");
}

#[test]
fn nesting_is_refused_as_soon_as_it_is_seen_however_much_follows() {
    for depth in [1_000, 60_000, 1_000_000] {
        let nested = chain(depth, |update, place| update.raw(&[7, 0, 1]).num(place - 1));
        let (verdict, steps) = update::inspect_metered(&nested);
        assert_eq!(verdict.unwrap_err().reason, TOO_DEEP_TREE);
        assert!(
            steps < 200,
            "{steps} blocks were looked at of {depth} nested ones"
        );
    }
}

/// Two writers answer each other `turns` times, each with something that can hold others.
fn answers(turns: u64, answer: impl Fn(Bytes, u64, u64) -> Bytes) -> Vec<u8> {
    let mut nine = Bytes::new().num(turns).raw(&[9, 0, 7, 1]).text("t");
    let mut seven = answer(Bytes::new().num(turns).raw(&[7, 0]), 9, 0).raw(&[2]);
    nine = nine.raw(&[2]);
    for turn in 1..turns {
        nine = answer(nine, 7, turn - 1).raw(&[2]);
        seven = answer(seven, 9, turn).raw(&[2]);
    }
    Bytes::new().num(2).raw(&nine.0).raw(&seven.0).num(0).0
}

#[test]
fn two_writers_who_answer_each_other_pass_side_by_side_and_not_inside_each_other() {
    let beside = |update: Bytes, other, clock| update.raw(&[0x87]).num(other).num(clock);
    passes(&answers(50_000, beside));
    let inside = |update: Bytes, other, clock| update.raw(&[7, 0]).num(other).num(clock);
    refused(&answers(50_000, inside), TOO_DEEP_TREE);
}

#[test]
fn what_an_update_does_not_bring_counts_as_being_at_the_top() {
    // Writer 9 brings clocks 5 to 132, each inside the one before, skips 133 to 135, and brings 136, as deep as can be.
    let mut nine = Bytes::new().num(130).raw(&[9, 5, 7, 1]).text("t").raw(&[2]);
    for clock in 5..132 {
        nine = nine.raw(&[7, 0, 9]).num(clock).raw(&[2]);
    }
    nine = nine.raw(&[10, 3, 7, 0, 9]).num(132).raw(&[2]);
    // Writer 11, who is looked at later, hangs types there, and under what comes before, between and behind.
    let under = |clock: u64| {
        let mut eleven = Bytes::new().num(200).raw(&[11, 0]);
        for _ in 0..200 {
            eleven = eleven.raw(&[7, 0, 9]).num(clock).raw(&[2]);
        }
        let both = Bytes::new().num(2).raw(&eleven.0).raw(&nine.0);
        both.num(0).0
    };
    for clock in [0, 4, 5, 132, 133, 135, 137, 5_000] {
        passes(&under(clock));
    }
    refused(&under(136), TOO_DEEP_TREE);
}
