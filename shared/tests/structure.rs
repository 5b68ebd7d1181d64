//! Structure changed by two people at once, case by case: where a tree of blocks loses or doubles text, a flow does not.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a step that fails fails the test"
)]

use sheaf_shared::flow::block::BlockKind;
use sheaf_shared::flow::delta::DeltaOp;
use sheaf_shared::flow::edit::{self, BlockChange};
use sheaf_shared::flow::marks::Mark;
use sheaf_shared::flow::{self, apply_delta};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::testing::picture::draw;

const LOCAL: Origin = Origin::Local;

enum Act {
    Type(u32, &'static str),
    Split(u32),
    Join(u32),
    Delete(u32, u32),
    Retype(u32, BlockKind),
    Quote(u32),
    Indent(u32),
    Bold(u32, u32),
    Move(u32, u32),
}

use Act::{Bold, Delete, Indent, Join, Move, Quote, Retype, Split, Type};

fn act(replica: &mut Replica, act: &Act) {
    let done = match act {
        Type(at, text) => edit::insert_text(replica, LOCAL, *at, text, &[]),
        Split(at) => edit::split(replica, LOCAL, *at),
        Join(at) => edit::join(replica, LOCAL, *at),
        Delete(from, to) => edit::delete(replica, LOCAL, *from..*to),
        Retype(at, kind) => edit::set_kind(replica, LOCAL, *at..*at, kind),
        Quote(at) => {
            let change = BlockChange {
                quoted: Some(true),
                ..BlockChange::default()
            };
            edit::change_blocks(replica, LOCAL, *at..*at, &change)
        }
        Indent(at) => edit::indent(replica, LOCAL, *at..*at, 1),
        Bold(from, to) => edit::toggle_mark(replica, LOCAL, *from..*to, &Mark::Bold),
        Move(at, to) => edit::move_blocks(replica, LOCAL, *at..*at, *to),
    };
    assert!(
        done.expect("an edit").is_some(),
        "the edit changes something"
    );
}

/// Both act on `text` without knowing of each other; what both see afterwards must be one of `outcomes`.
fn check(text: &str, one: &Act, other: &Act, outcomes: &[&str]) {
    for (one_id, other_id) in [(1, 2), (2, 1)] {
        let mut base = Replica::new(ReplicaId(9));
        apply_delta(&mut base, LOCAL, &[DeltaOp::text(text)]).unwrap();
        let [mut here, mut there] = [one_id, other_id].map(|id| {
            let mut copy = Replica::new(ReplicaId(id));
            copy.apply(&base.encode(), Origin::Remote).unwrap();
            copy
        });
        act(&mut here, one);
        act(&mut there, other);
        let for_there = here.missing_for(&there.version()).unwrap();
        let for_here = there.missing_for(&here.version()).unwrap();
        here.apply(&for_here, Origin::Remote).unwrap();
        there.apply(&for_there, Origin::Remote).unwrap();
        assert_eq!(here.canonical(), there.canonical());
        let drawn = draw(&flow::read(&here));
        assert!(
            outcomes.contains(&&*drawn),
            "{text:?} became {drawn:?}, not one of {outcomes:?}"
        );
    }
}

const HELLO: &str = "hello world\n";
const HEADING: BlockKind = BlockKind::Heading(1);

#[test]
fn two_splits_of_a_block_double_nothing() {
    check(HELLO, &Split(5), &Split(5), &["hello\n\n world"]);
    check(
        HELLO,
        &Split(5),
        &Split(6),
        &["hello\n\nworld", "hello\n \nworld"],
    );
    check(HELLO, &Split(11), &Split(11), &["hello world\n\n"]);
}

#[test]
fn text_typed_at_the_end_of_a_block_that_is_split_stays_at_the_end() {
    check(HELLO, &Split(5), &Type(11, "X"), &["hello\n worldX"]);
    check(HELLO, &Split(11), &Type(11, "X"), &["hello worldX\n"]);
}

#[test]
fn text_typed_in_a_block_that_is_joined_is_kept() {
    check("aaa\nbbb\n", &Join(0), &Type(5, "X"), &["aaabXbb"]);
    check("aaa\nbbb\n", &Join(0), &Type(4, "X"), &["aaaXbbb"]);
    check("aaa\nbbb\n", &Join(0), &Type(3, "X"), &["aaaXbbb"]);
}

#[test]
fn two_joins_of_the_same_blocks_double_nothing() {
    check("aaa\nbbb\n", &Join(0), &Join(0), &["aaabbb"]);
    check("aaa\nbbb\nccc\n", &Join(0), &Join(4), &["aaabbbccc"]);
}

#[test]
fn text_typed_in_a_block_that_changes_its_kind_is_kept() {
    check(
        HELLO,
        &Retype(0, HEADING),
        &Type(5, "X"),
        &["# helloX world"],
    );
    check(
        HELLO,
        &Retype(0, HEADING),
        &Retype(0, HEADING),
        &["# hello world"],
    );
    let either = ["# hello world", "- hello world"];
    check(
        HELLO,
        &Retype(0, HEADING),
        &Retype(0, BlockKind::Bullet),
        &either,
    );
    let either = ["hello\n#  world", "# hello\n#  world"];
    check(HELLO, &Retype(0, HEADING), &Split(5), &either);
}

#[test]
fn text_typed_in_a_block_that_is_quoted_or_indented_is_kept() {
    check(HELLO, &Quote(0), &Type(5, "X"), &["> helloX world"]);
    check(HELLO, &Quote(0), &Quote(0), &["> hello world"]);
    check(
        HELLO,
        &Quote(0),
        &Retype(0, BlockKind::Bullet),
        &["> - hello world"],
    );
    check(HELLO, &Indent(0), &Type(11, "X"), &["  hello worldX"]);
    check(HELLO, &Indent(0), &Indent(0), &["  hello world"]);
}

#[test]
fn blocks_deleted_beside_each_other_leave_no_broken_rest() {
    check("a\nb\nc\n", &Delete(0, 2), &Delete(2, 4), &["c"]);
    check("a\nb\n", &Delete(0, 2), &Delete(2, 4), &[""]);
    check("aaa\nbbb\n", &Delete(0, 4), &Type(1, "X"), &["Xbbb"]);
}

#[test]
fn a_block_that_is_split_while_all_of_it_is_made_bold_is_bold_in_both_halves() {
    check(HELLO, &Split(5), &Bold(0, 11), &["*hello*\n* world*"]);
}

#[test]
fn people_typing_in_one_empty_block_keep_what_both_typed() {
    check(
        "\n",
        &Type(0, "one"),
        &Type(0, "two"),
        &["onetwo", "twoone"],
    );
}

/// Known limits: a move is a deletion and an insertion. Nothing typed is lost, but see where it ends up.
#[test]
fn what_a_move_does_to_what_others_do_with_the_same_block() {
    let three = "one\ntwo\nthree\n";
    check(three, &Move(8, 0), &Move(8, 0), &["three\nthree\none\ntwo"]);
    check(three, &Move(8, 0), &Type(13, "X"), &["three\none\ntwo\nX"]);
    check(three, &Move(8, 0), &Delete(8, 14), &["three\none\ntwo"]);
    check(
        three,
        &Move(8, 0),
        &Move(4, 0),
        &["three\ntwo\none", "two\nthree\none"],
    );
    check(
        three,
        &Move(8, 0),
        &Retype(8, HEADING),
        &["three\none\ntwo"],
    );
    check(three, &Move(8, 0), &Split(10), &["three\none\ntwo\n"]);
}
