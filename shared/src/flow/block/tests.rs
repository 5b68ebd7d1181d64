//! How newlines read, the odd ones above all.

use super::*;

fn line(text: &str, attrs: Attrs) -> Vec<Block> {
    from_delta(&[DeltaOp::text(text), DeltaOp::text_with("\n", attrs)])
}

fn kind_of(attrs: Attrs) -> BlockKind {
    line("x", attrs).remove(0).kind
}

fn every_kind() -> Vec<BlockKind> {
    let mut kinds: Vec<BlockKind> = (1..=6).map(BlockKind::Heading).collect();
    kinds.extend([
        BlockKind::Paragraph,
        BlockKind::Bullet,
        BlockKind::Ordered { start: None },
        BlockKind::Ordered { start: Some(0) },
        BlockKind::Ordered { start: Some(7) },
        BlockKind::Task { done: true },
        BlockKind::Task { done: false },
        BlockKind::Code {
            language: "rust".to_owned(),
            fence: None,
        },
        BlockKind::Code {
            language: PLAIN.to_owned(),
            fence: Some("f".to_owned()),
        },
        BlockKind::Callout("warning".to_owned()),
    ]);
    kinds
}

#[test]
fn every_kind_reads_back_from_its_newline() {
    for kind in every_kind() {
        assert_eq!(kind_of(kind.to_attrs()), kind);
    }
}

#[test]
fn changing_the_kind_leaves_no_other_kind_on_the_newline() {
    for before in every_kind() {
        for after in every_kind() {
            let mut newline = before.to_attrs();
            newline.extend(after.to_change());
            newline.retain(|_, value| *value != Any::Null);
            assert_eq!(newline, after.to_attrs());
        }
    }
}

#[test]
fn a_newline_with_several_kinds_reads_the_same_everywhere() {
    let mut all = delta::attrs([
        ("callout", "info".into()),
        ("list", "checked".into()),
        ("header", 2.into()),
        ("code-block", "rust".into()),
    ]);
    let code = BlockKind::Code {
        language: "rust".to_owned(),
        fence: None,
    };
    assert_eq!(kind_of(all.clone()), code);
    all.remove("code-block");
    assert_eq!(kind_of(all.clone()), BlockKind::Heading(2));
    all.remove("header");
    assert_eq!(kind_of(all.clone()), BlockKind::Task { done: true });
    all.remove("list");
    assert_eq!(kind_of(all), BlockKind::Callout("info".to_owned()));
}

#[test]
fn values_that_make_no_sense_count_as_absent_and_are_kept() {
    for odd in [
        Any::from("2"),
        0.into(),
        7.into(),
        2.5.into(),
        Any::Null,
        true.into(),
    ] {
        let blocks = line("x", delta::attrs([("header", odd.clone())]));
        assert_eq!(blocks[0].kind, BlockKind::Paragraph, "{odd:?}");
        assert_eq!(blocks[0].newline.get("header"), Some(&odd));
    }
    assert_eq!(
        kind_of(delta::attrs([("header", 3.0.into())])),
        BlockKind::Heading(3)
    );
    assert_eq!(
        kind_of(delta::attrs([("list", "todo".into())])),
        BlockKind::Bullet
    );
    let block = &line(
        "x",
        delta::attrs([("indent", 99.into()), ("align", "up".into())]),
    )[0];
    assert_eq!((block.indent, block.align), (INDENT_MAX, None));
    assert_eq!(
        line("x", delta::attrs([("indent", (-3).into())]))[0].indent,
        0
    );
}

#[test]
fn a_missing_last_newline_makes_no_difference() {
    assert_eq!(from_delta(&[]).len(), 1);
    let with = from_delta(&[DeltaOp::text("a\nb\n")]);
    let without = from_delta(&[DeltaOp::text("a\nb")]);
    assert_eq!(with, without);
    assert_eq!(from_delta(&[DeltaOp::text("a\n\n")]).len(), 2);
}

#[test]
fn block_attributes_on_characters_and_marks_on_newlines_are_ignored_and_kept() {
    let header = delta::attrs([("header", 1.into())]);
    let bold = delta::attrs([("bold", true.into())]);
    let blocks = from_delta(&[
        DeltaOp::text_with("a", header.clone()),
        DeltaOp::text_with("\n", bold.clone()),
    ]);
    assert_eq!(blocks[0].kind, BlockKind::Paragraph);
    assert_eq!(
        blocks[0].content,
        [Inline::Text {
            text: "a".to_owned(),
            attrs: header
        }]
    );
    assert_eq!(blocks[0].newline, bold);
}

#[test]
fn a_line_is_a_divider_only_if_it_holds_a_divider_and_nothing_else() {
    let divider = || DeltaOp::embed(DIVIDER, true);
    let lone = from_delta(&[divider(), DeltaOp::text("\n")]);
    assert_eq!(lone[0].kind, BlockKind::Divider);
    for content in [
        vec![divider(), divider(), DeltaOp::text("\n")],
        vec![divider(), DeltaOp::text("x\n")],
        vec![DeltaOp::embed("image", "a.png"), DeltaOp::text("\n")],
    ] {
        assert_eq!(from_delta(&content)[0].kind, BlockKind::Paragraph);
    }
}

#[test]
fn blocks_written_and_read_are_the_same_blocks() {
    let mut blocks: Vec<Block> = every_kind()
        .into_iter()
        .map(|kind| Block::new(kind, vec![Inline::text("some text")]))
        .collect();
    blocks[1].indent = 3;
    blocks[2].quoted = true;
    blocks[3].align = Some(Align::Center);
    blocks[4]
        .newline
        .insert("unknown".to_owned(), Any::Bool(true));
    for block in &mut blocks {
        block.newline = block.newline_attrs();
    }
    assert_eq!(from_delta(&to_delta(&blocks)), blocks);
    let divider = from_delta(&to_delta(&[Block::new(BlockKind::Divider, Vec::new())]));
    assert_eq!(divider[0].kind, BlockKind::Divider);
}

#[test]
fn neighbouring_code_lines_join_unless_their_fence_or_language_differs() {
    let code = |language: &str, fence: Option<&str>| {
        let fence = fence.map(str::to_owned);
        Block::new(
            BlockKind::Code {
                language: language.to_owned(),
                fence,
            },
            Vec::new(),
        )
    };
    assert!(code("rust", None).joins(&code("rust", None)));
    assert!(code("rust", Some("a")).joins(&code("rust", Some("a"))));
    assert!(!code("rust", Some("a")).joins(&code("rust", Some("b"))));
    assert!(!code("rust", None).joins(&code("go", None)));
    assert!(!code("rust", None).joins(&Block::new(BlockKind::Paragraph, Vec::new())));
}
