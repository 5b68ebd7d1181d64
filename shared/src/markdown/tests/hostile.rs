//! Sources made to hurt: refused when too long, linear in time and memory otherwise, and nothing of them lost.

use super::super::{MARKDOWN_BYTES_MAX, ReadError, read, write};
use super::blocks;
use crate::flow::block::INDENT_MAX;
use crate::flow::delta::{Content, DeltaOp};

const BYTES: usize = 200_000;

/// Sources of about `bytes` bytes, each bad for some parser.
fn sources(bytes: usize) -> Vec<(&'static str, String)> {
    let many = |piece: &str| piece.repeat(bytes / piece.len());
    let mut steps = String::new();
    for level in 0.. {
        steps.push_str(&" ".repeat(2 * level));
        steps.push_str("- a\n");
        if steps.len() > bytes / 2 {
            break;
        }
    }
    vec![
        ("brackets", many("[")),
        ("closing brackets", many("]")),
        ("links in links", many("[a](")),
        ("pictures", many("![[]()")),
        ("quotes on one line", many(">")),
        (
            "a quote and lazy lines",
            format!("{}a\n{}", ">".repeat(bytes / 2), "b\n".repeat(bytes / 4)),
        ),
        (
            "items on one line and lazy lines",
            format!("{}a\n{}", "- ".repeat(bytes / 4), "b\n".repeat(bytes / 4)),
        ),
        (
            "numbers on one line and lazy lines",
            format!("{}a\n{}", "1. ".repeat(bytes / 6), "b\n".repeat(bytes / 4)),
        ),
        (
            "a staircase of items and lazy lines",
            format!("{steps}{}", "b\n".repeat(bytes / 4)),
        ),
        ("stars", many("*a_ ")),
        ("tildes", many("~a")),
        ("backticks", many("`` ` ")),
        ("open tags", many("<b>")),
        ("half tags", many("<a b=")),
        ("comments", many("<!--")),
        ("marks never closed", many("<u><mark>")),
        ("spans", many("<b>x</b>")),
        (
            "references",
            format!(
                "[a]: /{}\n\n{}",
                "u".repeat(bytes / 2),
                "[a]".repeat(bytes / 6)
            ),
        ),
        (
            "table columns",
            format!(
                "|{}\n|{}\n{}",
                "a|".repeat(bytes / 8),
                "-|".repeat(bytes / 8),
                "|\n".repeat(bytes / 8)
            ),
        ),
        ("one table a line", many("a|b\n-|-\n\n")),
        ("ampersands", many("&")),
        ("backslashes", many("\\")),
        ("addresses", many("http://a.b(")),
        ("almost addresses", many("www.")),
        ("marks on each letter", many("*a***b**")),
        ("fences", many("```\n")),
        ("dividers", many("---\n\n")),
    ]
}

#[test]
fn a_source_over_the_limit_is_refused_with_its_size() {
    let bytes = MARKDOWN_BYTES_MAX + 1;
    assert_eq!(read(&"a".repeat(bytes)), Err(ReadError::TooLong { bytes }));
    assert!(read(&"a".repeat(MARKDOWN_BYTES_MAX)).is_ok());
}

#[test]
fn hostile_sources_give_flows_no_larger_than_they_are() {
    for (name, source) in sources(BYTES) {
        let ops = read(&source).unwrap();
        assert!(
            ops.len() <= source.len() + 1,
            "{name}: {} operations",
            ops.len()
        );
        let units: usize = ops
            .iter()
            .map(|op| match op {
                DeltaOp::Insert(Content::Text(text), _) => text.len(),
                _ => 1,
            })
            .sum();
        assert!(
            units <= 2 * source.len() + 100,
            "{name}: {units} bytes of text"
        );
        let written = write(&blocks(&source));
        assert!(
            written.len() <= 40 * source.len(),
            "{name}: {} bytes written",
            written.len()
        );
    }
}

#[test]
fn nesting_stays_within_the_deepest_indent_and_loses_no_text() {
    for (name, source) in sources(2_000) {
        let blocks = blocks(&source);
        assert!(
            blocks.iter().all(|block| block.indent <= INDENT_MAX),
            "{name}"
        );
    }
    let deep = format!("{}end", "> ".repeat(50_000));
    let written = write(&blocks(&deep));
    assert!(written.contains("end") && written.len() < 2 * deep.len());
    assert_eq!(
        written.matches('>').count() + 101 - 9,
        50_000 + 1,
        "markers beyond the bound stay as text"
    );
}

/// Prints how long each takes; run with `--ignored --nocapture` in a release build.
#[test]
#[ignore = "a measurement, not a check"]
fn measure_hostile_sources() {
    for (name, source) in sources(MARKDOWN_BYTES_MAX / 4) {
        let start = std::time::Instant::now();
        let ops = read(&source).unwrap();
        let read_ms = start.elapsed().as_millis();
        let written = write(&crate::flow::block::from_delta(&ops));
        let both_ms = start.elapsed().as_millis();
        println!(
            "{name}: {} bytes, read {read_ms} ms, read and written {both_ms} ms, {} bytes out",
            source.len(),
            written.len()
        );
    }
}
