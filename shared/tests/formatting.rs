//! Formatting by several people at once: the scenarios that papers on rich-text merging ask about, each with the
//! outcome Sheaf has, good or not so good. In all of them the text is whole and every copy shows the same.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

use sheaf_shared::flow::delta::{self, DeltaOp};
use sheaf_shared::flow::marks::Mark;
use sheaf_shared::flow::{self, apply_delta, edit};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::testing::picture::draw;

type Act<'a> = &'a dyn Fn(&mut Replica);

/// Two people start from `text`, act, and hear of each other. Returns what both then see, with the one or the other
/// of them being the writer with the higher id.
fn at_once(text: &str, prepare: Act<'_>, one: Act<'_>, other: Act<'_>) -> [String; 2] {
    [(1, 2), (2, 1)].map(|(one_id, other_id)| {
        let mut base = Replica::new(ReplicaId(9));
        apply_delta(&mut base, Origin::Local, &[DeltaOp::text(text)]).unwrap();
        prepare(&mut base);
        let [mut here, mut there] = [one_id, other_id].map(|id| {
            let mut copy = Replica::new(ReplicaId(id));
            copy.apply(&base.encode(), Origin::Remote).unwrap();
            copy
        });
        one(&mut here);
        other(&mut there);
        let for_there = here.missing_for(&there.version()).unwrap();
        let for_here = there.missing_for(&here.version()).unwrap();
        here.apply(&for_here, Origin::Remote).unwrap();
        there.apply(&for_there, Origin::Remote).unwrap();
        assert_eq!(here.canonical(), there.canonical());
        assert_eq!(flow::read(&here), flow::read(&there));
        draw(&flow::read(&here))
    })
}

fn same(drawn: &str) -> [String; 2] {
    [drawn.to_owned(), drawn.to_owned()]
}

fn nothing(_: &mut Replica) {}

fn toggle(from: u32, to: u32, mark: Mark) -> impl Fn(&mut Replica) {
    move |replica| {
        edit::toggle_mark(replica, Origin::Local, from..to, &mark).unwrap();
    }
}

fn insert(at: u32, text: &'static str) -> impl Fn(&mut Replica) {
    move |replica| {
        edit::insert_text(replica, Origin::Local, at, text, &[]).unwrap();
    }
}

fn delete(from: u32, to: u32) -> impl Fn(&mut Replica) {
    move |replica| {
        edit::delete(replica, Origin::Local, from..to).unwrap();
    }
}

const FOX: &str = "The fox jumped.\n";

#[test]
fn text_typed_into_words_that_someone_makes_bold_is_bold_too() {
    let drawn = at_once(
        FOX,
        &nothing,
        &toggle(0, 14, Mark::Bold),
        &insert(4, "brown "),
    );
    assert_eq!(drawn, same("*The brown fox jumped*."));
}

#[test]
fn different_marks_on_overlapping_words_both_hold() {
    let drawn = at_once(
        FOX,
        &nothing,
        &toggle(0, 7, Mark::Bold),
        &toggle(4, 14, Mark::Italic),
    );
    assert_eq!(drawn, same("*The *\u{2a}/fox/\u{2a}/ jumped/."));
}

#[test]
fn the_same_mark_on_separate_words_holds_on_both() {
    let drawn = at_once(
        FOX,
        &nothing,
        &toggle(0, 3, Mark::Bold),
        &toggle(8, 14, Mark::Bold),
    );
    assert_eq!(drawn, same("*The* fox *jumped*."));
}

#[test]
fn the_same_mark_on_the_same_words_holds_once() {
    let drawn = at_once(
        FOX,
        &nothing,
        &toggle(4, 7, Mark::Bold),
        &toggle(4, 7, Mark::Bold),
    );
    assert_eq!(drawn, same("The *fox* jumped."));
}

#[test]
fn two_colours_on_the_same_word_leave_one_of_them_everywhere() {
    let paint = |colour: &str| toggle(4, 7, Mark::Highlight(colour.to_owned()));
    let drawn = at_once(FOX, &nothing, &paint("red"), &paint("blue"));
    assert_eq!(drawn, same("The =fox= jumped."));
}

#[test]
fn a_mark_taken_away_stays_away_from_what_nobody_else_marked() {
    let drawn = at_once(
        FOX,
        &toggle(0, 14, Mark::Bold),
        &toggle(4, 7, Mark::Bold),
        &insert(15, " Then it slept."),
    );
    assert_eq!(drawn, same("*The *fox* jumped*. Then it slept."));
}

#[test]
fn text_typed_behind_a_bold_word_while_the_word_is_made_bold_is_whole_and_alike_everywhere() {
    for drawn in at_once(FOX, &nothing, &toggle(4, 7, Mark::Bold), &insert(7, "es")) {
        assert!(
            drawn == "The *fox*es jumped." || drawn == "The *foxes* jumped.",
            "{drawn}"
        );
    }
}

#[test]
fn deleting_the_edge_of_a_bold_word_while_it_grows_keeps_what_was_typed() {
    for drawn in at_once(
        FOX,
        &toggle(4, 7, Mark::Bold),
        &delete(6, 7),
        &insert(7, "y"),
    ) {
        assert_eq!(drawn.replace('*', ""), "The foy jumped.");
    }
}

/// Not what people want: the mark's end that one person set cuts the other's short. The text is whole.
#[test]
fn the_same_mark_on_overlapping_words_may_hold_on_the_first_part_only() {
    let drawn = at_once(
        FOX,
        &nothing,
        &toggle(0, 7, Mark::Bold),
        &toggle(4, 14, Mark::Bold),
    );
    assert_eq!(drawn, same("*The fox* jumped."));
}

#[test]
fn a_heading_and_a_list_made_of_one_block_at_once_read_as_the_heading() {
    let kind = |key: &'static str, value: yrs::Any| {
        move |replica: &mut Replica| {
            let attrs = delta::attrs([(key, value.clone())]);
            apply_delta(
                replica,
                Origin::Local,
                &[DeltaOp::skip(15), DeltaOp::Retain(1, attrs)],
            )
            .unwrap();
        }
    };
    let drawn = at_once(
        FOX,
        &nothing,
        &kind("header", 2.into()),
        &kind("list", "bullet".into()),
    );
    assert_eq!(drawn, same("## The fox jumped."));
}
