//! Reading pages, whole and in part.

use super::*;
use crate::ids::ReplicaId;
use crate::replica::Origin;
use crate::testing::picture::draw;

fn page(delta: &[DeltaOp]) -> Replica {
    let mut replica = Replica::new(ReplicaId(1));
    apply_delta(&mut replica, Origin::Local, delta).unwrap();
    replica
}

#[test]
fn an_empty_page_is_one_empty_paragraph_and_reading_it_writes_nothing() {
    let replica = Replica::new(ReplicaId(1));
    assert_eq!(read(&replica).len(), 1);
    assert_eq!(length(&replica), 0);
    let placed = read_range(&replica, 0..0);
    assert_eq!(
        (placed[0].start, placed[0].end(), placed[0].newline),
        (0, 0, Newline::Implied)
    );
    assert!(replica.is_empty());
}

#[test]
fn a_page_reads_back_as_it_was_written() {
    let delta = [
        DeltaOp::text("Title"),
        DeltaOp::text_with("\n", delta::attrs([("header", 1.into())])),
        DeltaOp::text("plain "),
        DeltaOp::text_with("bold", delta::attrs([("bold", true.into())])),
        DeltaOp::text_with(
            "both",
            delta::attrs([("bold", true.into()), ("italic", true.into())]),
        ),
        DeltaOp::embed("image", "/a.png"),
        DeltaOp::text("\n"),
        DeltaOp::text_with(
            "\n",
            delta::attrs([("list", "bullet".into()), ("indent", 2.into())]),
        ),
    ];
    let replica = page(&delta);
    assert_eq!(to_delta(&replica), delta);
    assert_eq!(
        draw(&read(&replica)),
        "# Title\nplain *bold**/both/*{}\n    -"
    );
    assert_eq!(length(&replica), 5 + 1 + 6 + 4 + 4 + 1 + 1 + 1);
}

#[test]
fn a_range_reads_the_blocks_it_touches_and_says_where_they_are() {
    let replica = page(&[DeltaOp::text("ab\n🎉d\n\nxyz")]);
    // Offsets: a0 b1 \n2 🎉3-4 d5 \n6 \n7 x8 y9 z10
    let starts = |range: Range<u32>| -> Vec<(usize, u32, u32)> {
        read_range(&replica, range)
            .iter()
            .map(|placed| (placed.index, placed.start, placed.end()))
            .collect()
    };
    let (one, two, three, four) = ((0, 0, 3), (1, 3, 7), (2, 7, 8), (3, 8, 11));
    assert_eq!(starts(0..11), [one, two, three, four]);
    assert_eq!(starts(0..3), [one]);
    assert_eq!(starts(2..3), [one]);
    assert_eq!(starts(2..4), [one, two]);
    assert_eq!(starts(3..3), [two]);
    assert_eq!(starts(6..6), [two]);
    assert_eq!(starts(7..7), [three]);
    assert_eq!(starts(11..11), [four]);
    assert_eq!(starts(8..99), [four]);
    assert_eq!(starts(500..600), [four]);
    let whole: Vec<Block> = read_range(&replica, 0..99)
        .into_iter()
        .map(|p| p.block)
        .collect();
    assert_eq!(whole, read(&replica));
}

#[test]
fn the_end_of_a_page_with_its_last_newline_is_in_the_last_block() {
    let replica = page(&[DeltaOp::text("ab\ncd\n")]);
    let placed = read_range(&replica, 6..6);
    assert_eq!((placed[0].index, placed[0].newline), (1, Newline::Stored));
}

#[test]
fn what_another_program_stored_is_read_and_stays() {
    use yrs::{MapPrelim, Text as _, WriteTxn as _};
    let mut replica = Replica::new(ReplicaId(1));
    replica.transact(Origin::Remote, |txn| {
        let text = txn.get_or_insert_text(CONTENT);
        text.insert(txn, 0, "ab\n");
        text.insert_embed(txn, 1, MapPrelim::default());
        text.insert_embed(txn, 0, Any::from(vec![Any::Bool(true)]));
    });
    let before = replica.canonical();
    let blocks = read(&replica);
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].length(), 5);
    assert_eq!(replica.canonical(), before);
    assert_eq!(
        edit::move_blocks(&mut replica, Origin::Local, 0..0, 0),
        Ok(None),
        "a move to where it stands is none"
    );
}
