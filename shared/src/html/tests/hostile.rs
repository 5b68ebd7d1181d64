//! HTML made to hurt: refused when too long, otherwise bounded by its own size.

use super::super::{HTML_BYTES_MAX, ReadError, read};
use crate::flow::delta::{Content, DeltaOp};

/// Sources of about `bytes` bytes, each bad for some reader.
fn sources(bytes: usize) -> Vec<(&'static str, String)> {
    [
        "<",
        "<b>",
        "</b>",
        "<ul><li>",
        "<a b='",
        "<!--",
        "<!",
        "<p>",
        "&#",
        "<b><i></b>",
        "<blockquote>x",
        "<pre>",
        "<pre><code>",
        "<script>",
        "</",
        "<aside>x",
        "<a b=c ",
        "<p style='",
        "<li>x",
        "<ol style='margin-left:9em'><li>x",
        "<span data-embed='{\"a\":[[[[",
        "<img src=x>",
        "<br>",
        " \u{a0}",
        "<td>x",
        "<a href=x>y",
        "<b>x<p>y</p>",
    ]
    .into_iter()
    .map(|piece| (piece, piece.repeat(bytes / piece.len())))
    .chain([
        (
            "tags in a tag without an end",
            format!("<x{}", " a='<x'".repeat(bytes / 7)),
        ),
        (
            "tags in a tag that is none",
            format!("<x{}<", " a='<x'".repeat(bytes / 7)),
        ),
        ("values without an end", "<a b=c".repeat(bytes / 6)),
    ])
    .collect()
}

#[test]
fn a_page_over_the_limit_is_refused_with_its_size() {
    let bytes = HTML_BYTES_MAX + 1;
    assert_eq!(read(&" ".repeat(bytes)), Err(ReadError::TooLong { bytes }));
    assert!(read(&" ".repeat(HTML_BYTES_MAX)).is_ok());
}

#[test]
fn hostile_html_gives_flows_no_larger_than_it_is() {
    for (name, source) in sources(100_000) {
        let ops = read(&source).unwrap();
        assert!(
            ops.len() <= source.len(),
            "{name}: {} operations",
            ops.len()
        );
    }
}

#[test]
fn a_page_of_tags_that_never_end_is_read_to_its_end_and_none_of_it_is_lost() {
    let pieces = [" a='<x'", "<a b=c"];
    for piece in pieces {
        let source = format!("<x{}", piece.repeat(HTML_BYTES_MAX / 2 / piece.len()));
        // Walking from each beginning to the end would take hours.
        let ops = read(&source).unwrap();
        let kept: usize = ops
            .iter()
            .map(|op| match op {
                DeltaOp::Insert(Content::Text(text), _) => text.trim().len(),
                _ => 0,
            })
            .sum();
        assert_eq!(kept, source.len(), "{piece}");
    }
}

/// Prints how long each takes, at one size and at twice it; run with `--ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn measure_hostile_html() {
    let measure = |source: &str| {
        let start = std::time::Instant::now();
        let ops = read(source).unwrap();
        (start.elapsed().as_millis(), ops.len())
    };
    let half = sources(HTML_BYTES_MAX / 2);
    for ((name, half), (_, whole)) in half.into_iter().zip(sources(HTML_BYTES_MAX)) {
        let ((half_ms, _), (whole_ms, ops)) = (measure(&half), measure(&whole));
        println!("{name:?}: {half_ms} ms, twice as much {whole_ms} ms, {ops} operations");
    }
}
