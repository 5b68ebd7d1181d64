//! Edits: what they do, and what they refuse.

use std::collections::HashMap;

use yrs::{Text as _, WriteTxn as _};

use super::*;
use crate::flow::block::{Align, BlockKind};
use crate::flow::marks::Mark;
use crate::flow::{length, read, to_delta};
use crate::ids::ReplicaId;
use crate::testing::picture::draw;

const LOCAL: Origin = Origin::Local;

fn page(text: &str) -> Replica {
    let mut replica = Replica::new(ReplicaId(1));
    apply_delta(&mut replica, LOCAL, &[DeltaOp::text(text)]).unwrap();
    replica
}

fn bold() -> Attrs {
    delta::attrs([("bold", true.into())])
}

/// Applies `change` to a page of `text` and draws the result.
fn after(text: &str, change: &[DeltaOp]) -> String {
    let mut replica = page(text);
    apply_delta(&mut replica, LOCAL, change).unwrap();
    draw(&read(&replica))
}

#[test]
fn a_change_beyond_the_end_is_cut_to_it() {
    assert_eq!(
        after("abc", &[DeltaOp::skip(99), DeltaOp::text("d")]),
        "abcd"
    );
    assert_eq!(after("abc", &[DeltaOp::skip(1), DeltaOp::Delete(99)]), "a");
    assert_eq!(
        after(
            "abc",
            &[DeltaOp::Delete(u32::MAX), DeltaOp::Delete(u32::MAX)]
        ),
        ""
    );
    assert_eq!(
        after("abc", &[DeltaOp::skip(u32::MAX), DeltaOp::skip(u32::MAX)]),
        "abc"
    );
    assert_eq!(after("abc", &[DeltaOp::Retain(99, bold())]), "*abc*");
    assert_eq!(
        after("", &[DeltaOp::Delete(1), DeltaOp::Retain(1, bold())]),
        ""
    );
}

#[test]
fn a_change_never_cuts_a_character_in_two() {
    // 🎉 takes places 1 and 2.
    assert_eq!(
        after("a🎉b", &[DeltaOp::skip(2), DeltaOp::text("|")]),
        "a|🎉b"
    );
    assert_eq!(after("a🎉b", &[DeltaOp::skip(1), DeltaOp::Delete(1)]), "ab");
    assert_eq!(after("a🎉b", &[DeltaOp::skip(2), DeltaOp::Delete(1)]), "ab");
    assert_eq!(after("a🎉b", &[DeltaOp::skip(2), DeltaOp::Delete(2)]), "a");
    assert_eq!(after("a🎉b", &[DeltaOp::Retain(2, bold())]), "*a🎉*b");
    assert_eq!(
        after(
            "🎉🎊",
            &[DeltaOp::Delete(1), DeltaOp::skip(2), DeltaOp::Delete(1)]
        ),
        ""
    );
    assert_eq!(
        after(
            "🎉🎊",
            &[DeltaOp::Delete(1), DeltaOp::text("x"), DeltaOp::Delete(1)]
        ),
        "x🎊"
    );
    let mut replica = page("🎉b");
    insert_embed(&mut replica, LOCAL, 0, "image", "/a.png").unwrap();
    apply_delta(&mut replica, LOCAL, &[DeltaOp::skip(2), DeltaOp::text("|")]).unwrap();
    assert_eq!(draw(&read(&replica)), "{}|🎉b");
}

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let mut replica = page("abc");
    let before = replica.canonical();
    let mut deep = Any::Bool(true);
    for _ in 0..WRITTEN_DEPTH_MAX {
        deep = Any::from(vec![deep]);
    }
    let long = "x".repeat(EDIT_BYTES_MAX + 1);
    for (change, error) in [
        (
            DeltaOp::Insert(Content::Embed(Any::from("text")), Attrs::new()),
            EditError::NotAnEmbed,
        ),
        (
            DeltaOp::Insert(Content::Embed(Any::Null), Attrs::new()),
            EditError::NotAnEmbed,
        ),
        (
            DeltaOp::Insert(
                Content::Embed(Any::from(HashMap::<String, Any>::new())),
                Attrs::new(),
            ),
            EditError::NotAnEmbed,
        ),
        (
            DeltaOp::Retain(1, delta::attrs([("x", deep.clone())])),
            EditError::TooDeep,
        ),
        (DeltaOp::embed("x", deep), EditError::TooDeep),
        (DeltaOp::text(long), EditError::TooLarge),
    ] {
        let refused = apply_delta(&mut replica, LOCAL, &[DeltaOp::text("first"), change]);
        assert_eq!(refused, Err(error));
        assert_eq!(replica.canonical(), before);
    }
}

#[test]
fn a_change_without_effect_makes_no_update() {
    let mut replica = page("abc\n");
    for change in [
        vec![],
        vec![DeltaOp::skip(2)],
        vec![DeltaOp::text("")],
        vec![DeltaOp::Delete(0)],
        vec![DeltaOp::Retain(2, delta::attrs([("bold", Any::Null)]))],
        vec![DeltaOp::skip(4), DeltaOp::Delete(3)],
    ] {
        assert_eq!(
            apply_delta(&mut replica, LOCAL, &change),
            Ok(None),
            "{change:?}"
        );
    }
    assert_eq!(
        set_kind(&mut replica, LOCAL, 0..4, &BlockKind::Paragraph),
        Ok(None)
    );
    assert_eq!(indent(&mut replica, LOCAL, 0..4, -1), Ok(None));
    assert_eq!(join(&mut replica, LOCAL, 0), Ok(None));
}

#[test]
fn replacing_bold_text_by_plain_text_leaves_it_plain() {
    let mut replica = page("aXYc");
    apply_delta(
        &mut replica,
        LOCAL,
        &[DeltaOp::skip(1), DeltaOp::Retain(2, bold())],
    )
    .unwrap();
    let replace = [DeltaOp::skip(2), DeltaOp::Delete(1), DeltaOp::text("z")];
    apply_delta(&mut replica, LOCAL, &replace).unwrap();
    assert_eq!(draw(&read(&replica)), "a*X*zc");
}

#[test]
fn formatting_behind_a_deletion_of_the_same_change_holds() {
    let mut replica = page("abcd");
    let both = delta::attrs([("bold", true.into()), ("italic", true.into())]);
    apply_delta(
        &mut replica,
        LOCAL,
        &[DeltaOp::skip(2), DeltaOp::Retain(2, both.clone())],
    )
    .unwrap();
    let change = [
        DeltaOp::skip(1),
        DeltaOp::Delete(1),
        DeltaOp::Retain(1, both),
    ];
    apply_delta(&mut replica, LOCAL, &change).unwrap();
    assert_eq!(draw(&read(&replica)), "a*/cd/*");
}

#[test]
fn text_that_is_counted_but_cannot_be_deleted_breaks_nothing() {
    use yrs::Array as _;
    let mut replica = page("ab");
    // Another program took the root for an array.
    replica.transact(Origin::Remote, |txn| {
        txn.get_or_insert_array(CONTENT).push_back(txn, 1);
    });
    assert_eq!(length(&replica), 3);
    apply_delta(&mut replica, LOCAL, &[DeltaOp::Delete(3)]).unwrap();
    assert_eq!(to_delta(&replica), []);
    apply_delta(&mut replica, LOCAL, &[DeltaOp::skip(9), DeltaOp::Delete(9)]).unwrap();
    assert!(!replica.is_broken());
}

#[test]
fn blocks_change_kind_indent_quote_and_side() {
    let mut replica = page("one\ntwo\nthree");
    set_kind(&mut replica, LOCAL, 0..1, &BlockKind::Heading(1)).unwrap();
    set_kind(&mut replica, LOCAL, 4..99, &BlockKind::Task { done: true }).unwrap();
    indent(&mut replica, LOCAL, 5..5, 2).unwrap();
    let quote = BlockChange {
        quoted: Some(true),
        ..BlockChange::default()
    };
    change_blocks(&mut replica, LOCAL, 0..5, &quote).unwrap();
    assert_eq!(draw(&read(&replica)), "> # one\n    > [x] two\n[x] three");
    set_kind(&mut replica, LOCAL, 0..99, &BlockKind::Paragraph).unwrap();
    indent(&mut replica, LOCAL, 0..99, -9).unwrap();
    let plain = BlockChange {
        quoted: Some(false),
        align: Some(Some(Align::Center)),
        ..BlockChange::default()
    };
    change_blocks(&mut replica, LOCAL, 0..99, &plain).unwrap();
    assert_eq!(draw(&read(&replica)), "one\ntwo\nthree");
    assert!(
        read(&replica)
            .iter()
            .all(|block| block.align == Some(Align::Center))
    );
}

#[test]
fn a_change_of_kind_keeps_attributes_it_does_not_know() {
    let mut replica = page("x");
    let foreign = delta::attrs([("theirs", true.into()), ("header", 2.into())]);
    apply_delta(
        &mut replica,
        LOCAL,
        &[DeltaOp::skip(1), DeltaOp::text_with("\n", foreign)],
    )
    .unwrap();
    set_kind(&mut replica, LOCAL, 0..0, &BlockKind::Bullet).unwrap();
    let kept = delta::attrs([("theirs", true.into()), ("list", "bullet".into())]);
    assert_eq!(read(&replica)[0].newline, kept);
}

#[test]
fn a_split_makes_two_blocks_wherever_it_is() {
    for (text, at, drawn) in [
        ("", 0, "\n"),
        ("abc", 0, "\nabc"),
        ("abc", 1, "a\nbc"),
        ("abc", 3, "abc\n"),
        ("abc\n", 3, "abc\n"),
        ("abc\n", 99, "abc\n"),
        ("a\nb\n", 1, "a\n\nb"),
    ] {
        let mut replica = page(text);
        let blocks = read(&replica).len();
        split(&mut replica, LOCAL, at).unwrap();
        assert_eq!(draw(&read(&replica)), drawn, "{text:?} at {at}");
        assert_eq!(read(&replica).len(), blocks + 1);
    }
}

#[test]
fn the_two_halves_of_a_split_are_what_people_expect() {
    for (kind, at, drawn) in [
        (BlockKind::Heading(2), 2, "## ab\n## cd"),
        (BlockKind::Heading(2), 4, "## abcd\n"),
        (BlockKind::Task { done: true }, 4, "[x] abcd\n[ ]"),
        (BlockKind::Bullet, 4, "- abcd\n-"),
        (BlockKind::Ordered { start: Some(3) }, 2, "3.. ab\n1. cd"),
        (BlockKind::Ordered { start: Some(3) }, 4, "3.. abcd\n1."),
    ] {
        let mut replica = page("abcd\n");
        set_kind(&mut replica, LOCAL, 0..0, &kind).unwrap();
        split(&mut replica, LOCAL, at).unwrap();
        assert_eq!(draw(&read(&replica)), drawn);
    }
}

#[test]
fn a_join_keeps_the_first_kind_unless_the_first_is_empty() {
    let mut replica = page("one\ntwo");
    set_kind(&mut replica, LOCAL, 0..0, &BlockKind::Heading(1)).unwrap();
    set_kind(&mut replica, LOCAL, 4..4, &BlockKind::Bullet).unwrap();
    join(&mut replica, LOCAL, 0).unwrap();
    assert_eq!(draw(&read(&replica)), "# onetwo");
    let mut replica = page("\ntwo");
    set_kind(&mut replica, LOCAL, 1..1, &BlockKind::Bullet).unwrap();
    join(&mut replica, LOCAL, 0).unwrap();
    assert_eq!(draw(&read(&replica)), "- two");
}

#[test]
fn a_mark_toggles_and_stays_off_newlines() {
    let mut replica = page("ab\ncd\n");
    toggle_mark(&mut replica, LOCAL, 1..4, &Mark::Bold).unwrap();
    assert_eq!(draw(&read(&replica)), "a*b*\n*c*d");
    assert!(read(&replica).iter().all(|block| block.newline.is_empty()));
    toggle_mark(&mut replica, LOCAL, 0..99, &Mark::Bold).unwrap();
    assert_eq!(draw(&read(&replica)), "*ab*\n*cd*");
    toggle_mark(&mut replica, LOCAL, 0..99, &Mark::Bold).unwrap();
    assert_eq!(draw(&read(&replica)), "ab\ncd");
    let link = |to: &str| Mark::Link(to.to_owned());
    toggle_mark(&mut replica, LOCAL, 0..2, &link("/a")).unwrap();
    toggle_mark(&mut replica, LOCAL, 0..2, &link("/b")).unwrap();
    assert_eq!(draw(&read(&replica)), "</b|ab>\ncd");
}

#[test]
fn text_and_embeds_are_put_in_with_exactly_the_marks_asked_for() {
    let mut replica = page("ab\n");
    toggle_mark(&mut replica, LOCAL, 0..2, &Mark::Bold).unwrap();
    insert_text(&mut replica, LOCAL, 1, "x", &[]).unwrap();
    insert_text(&mut replica, LOCAL, 2, "y\nz", &[Mark::Italic]).unwrap();
    insert_embed(&mut replica, LOCAL, 0, "image", "/a.png").unwrap();
    assert_eq!(draw(&read(&replica)), "{}*a*x/y/\n/z/*b*");
}

#[test]
fn blocks_move_whole_with_all_they_hold() {
    for (text, range, to, drawn) in [
        ("a\nb\nc\n", 4..4, 0, "c\na\nb"),
        ("a\nb\nc\n", 0..0, 4, "b\na\nc"),
        ("a\nb\nc\n", 0..0, 99, "b\nc\na"),
        ("a\nb\nc", 0..0, 99, "b\nc\na"),
        ("a\nb\nc", 0..3, 99, "c\na\nb"),
        ("a\nb\nc", 4..4, 0, "c\na\nb"),
        ("a\nb\nc", 0..0, 1, "a\nb\nc"),
        ("a\nb\nc", 2..2, 2, "a\nb\nc"),
    ] {
        let mut replica = page(text);
        move_blocks(&mut replica, LOCAL, range.clone(), to).unwrap();
        assert_eq!(draw(&read(&replica)), drawn, "{text:?} {range:?} to {to}");
    }
    let mut replica = page("a\nbcd\n");
    set_kind(&mut replica, LOCAL, 2..2, &BlockKind::Task { done: true }).unwrap();
    toggle_mark(&mut replica, LOCAL, 3..4, &Mark::Bold).unwrap();
    insert_embed(&mut replica, LOCAL, 2, "image", "/a.png").unwrap();
    move_blocks(&mut replica, LOCAL, 2..2, 0).unwrap();
    assert_eq!(draw(&read(&replica)), "[x] {}b*c*d\na");
}

#[test]
fn blocks_with_something_that_cannot_be_copied_do_not_move() {
    let mut replica = page("a\nb\n");
    replica.transact(Origin::Remote, |txn| {
        txn.get_or_insert_text(CONTENT)
            .insert_embed(txn, 3, yrs::MapPrelim::default());
    });
    let before = replica.canonical();
    assert_eq!(
        move_blocks(&mut replica, LOCAL, 3..3, 0),
        Err(EditError::CannotMove)
    );
    assert_eq!(replica.canonical(), before);
}
