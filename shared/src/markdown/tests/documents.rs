//! Whole documents of prose and code: what a person keeps in a folder, through a page and back.

use super::super::{HTML, TABLE, read, write};
use super::blocks;
use crate::flow::block::{BlockKind, Inline};
use crate::flow::compose::Style;
use crate::testing::document::{Document, document};
use crate::text;

const BYTES: usize = 100 * 1024;

fn documents() -> impl Iterator<Item = (u64, Document)> {
    let count = std::env::var("SHEAF_DOCUMENTS").map_or(3, |count| count.parse().unwrap());
    (0..count).map(|seed| (seed, document(seed, BYTES)))
}

/// The first of `wanted` that does not follow the ones before it among the words of `text`, and where it stands.
fn first_lost<'a>(wanted: &'a [String], text: &str) -> Option<(usize, &'a str)> {
    let mut words = text.split_whitespace();
    wanted
        .iter()
        .enumerate()
        .find(|(_, wanted)| !words.any(|word| word == wanted.as_str()))
        .map(|(at, lost)| (at, lost.as_str()))
}

#[test]
fn a_long_document_comes_back_the_same_and_its_second_export_is_its_first() {
    for (seed, document) in documents() {
        assert!(document.source.len() >= BYTES);
        let page = blocks(&document.source);
        let first = write(&page);
        let again = blocks(&first);
        let differs = page.iter().zip(&again).find(|(was, is)| was != is);
        assert_eq!(differs, None, "seed {seed}: a block came back changed");
        assert_eq!(page.len(), again.len(), "seed {seed}");
        assert_eq!(write(&again), first, "seed {seed}: the second export");
    }
}

#[test]
fn no_word_of_a_long_document_is_lost() {
    for (seed, document) in documents() {
        let page = blocks(&document.source);
        for (what, blocks) in [("imported", &page), ("exported", &blocks(&write(&page)))] {
            let text = text::write(blocks);
            if let Some((at, lost)) = first_lost(&document.words, &text) {
                let before = document.words[at.saturating_sub(8)..at].join(" ");
                panic!("seed {seed}, {what}: lost {lost:?} behind {before:?}");
            }
        }
        let exported = write(&page);
        for address in &document.addresses {
            assert!(exported.contains(address), "seed {seed}: lost {address}");
        }
    }
}

#[test]
fn line_ends_of_another_system_change_nothing() {
    for (seed, document) in documents() {
        let other = document.source.replace('\n', "\r\n");
        assert!(read(&other) == read(&document.source), "seed {seed}");
    }
}

#[test]
fn a_long_document_holds_every_kind_of_block_and_mark() {
    for (seed, document) in documents() {
        let page = blocks(&document.source);
        let blocks_that =
            |is: &dyn Fn(&BlockKind) -> bool| page.iter().filter(|block| is(&block.kind)).count();
        let code = |wanted: &str| {
            blocks_that(
                &|kind| matches!(kind, BlockKind::Code { language, .. } if language == wanted),
            )
        };
        let inlines = || page.iter().flat_map(|block| &block.content);
        let marked = |is: &dyn Fn(&Style) -> bool| inlines().filter(|i| is(&style(i))).count();
        let counts = [
            (
                "paragraphs",
                blocks_that(&|kind| *kind == BlockKind::Paragraph),
            ),
            (
                "headings",
                blocks_that(&|kind| matches!(kind, BlockKind::Heading(_))),
            ),
            ("bullets", blocks_that(&|kind| *kind == BlockKind::Bullet)),
            (
                "numbers",
                blocks_that(&|kind| matches!(kind, BlockKind::Ordered { .. })),
            ),
            (
                "tasks",
                blocks_that(&|kind| matches!(kind, BlockKind::Task { .. })),
            ),
            (
                "callouts",
                blocks_that(&|kind| matches!(kind, BlockKind::Callout(_))),
            ),
            ("dividers", blocks_that(&|kind| *kind == BlockKind::Divider)),
            ("quoted", page.iter().filter(|block| block.quoted).count()),
            (
                "deep",
                page.iter().filter(|block| block.indent >= 2).count(),
            ),
            ("rust", code("rust")),
            ("plain code", code("plain")),
            ("tables", code(TABLE)),
            ("html", code(HTML)),
            (
                "pictures",
                inlines()
                    .filter(|i| matches!(i, Inline::Embed { .. }))
                    .count(),
            ),
            ("bold", marked(&|style| style.bold)),
            ("italic", marked(&|style| style.italic)),
            ("struck out", marked(&|style| style.strike)),
            ("underlined", marked(&|style| style.underline)),
            ("highlighted", marked(&|style| style.highlight.is_some())),
            ("inline code", marked(&|style| style.code)),
            ("links", marked(&|style| style.link.is_some())),
            (
                "footnotes",
                page.iter()
                    .filter(|b| text::of_block(b).starts_with("[^"))
                    .count(),
            ),
        ];
        for (what, count) in counts {
            assert!(count >= 2, "seed {seed}: only {count} {what}");
        }
    }
}

fn style(inline: &Inline) -> Style {
    match inline {
        Inline::Text { attrs, .. } | Inline::Embed { attrs, .. } => Style::from_attrs(attrs),
    }
}
