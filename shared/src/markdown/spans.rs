//! The inside of one block as Markdown: marks as delimiters where they read back, as tags where they would not.

use crate::flow::block::Inline;
use crate::flow::marks::COLOUR_BY_DEFAULT;
use crate::html::entity;
use crate::html::tags::{COLOUR_ATTR, EMBED_ATTR, embed_to_json};
use escape::{Context, escape_text};
use nest::{Mark, Part, Span, delimiter, first_char, spans_of, unreadable};
use runs::{Piece, runs_of};

pub(super) mod escape;
mod nest;
mod runs;

/// What surrounds the text that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// Lines of their own: a break is a backslash at the end of a line.
    Lines,
    /// Lines that go on with the paragraph before them.
    MoreLines,
    /// The one line of a heading: a break is `<br>`.
    Heading,
}

/// Writes the content of a block. Line breaks inside are `\n`; the caller puts prefixes after them.
pub(super) fn write(content: &[Inline], setting: Setting) -> String {
    let runs = runs_of(content);
    if runs.iter().all(|(piece, _)| matches!(piece, Piece::Break)) {
        // Read back with one break less: `<br>` alone is an empty block.
        return match (runs.len(), setting) {
            (0, Setting::Heading) => String::new(),
            (breaks, _) => "<br>".repeat(breaks + 1),
        };
    }
    let (parts, mut spans) = spans_of(runs);
    let has_strike = spans.iter().any(|span| span.mark == Mark::Strike);
    // Each round turns at least one span into tags; a few rounds settle any honest text.
    for _ in 0..4 {
        let faults = unreadable(&parts, &spans);
        if faults.is_empty() {
            return render(&parts, &spans, setting, has_strike);
        }
        for fault in faults {
            spans[fault].as_tag = true;
        }
    }
    for span in &mut spans {
        span.as_tag = true;
    }
    render(&parts, &spans, setting, has_strike)
}

fn render(parts: &[Part], spans: &[Span], setting: Setting, has_strike: bool) -> String {
    let tildes = parts
        .iter()
        .map(|part| match part {
            Part::Piece(Piece::Text(text)) => text.matches('~').count(),
            _ => 0,
        })
        .sum::<usize>();
    let mut out = String::new();
    let mut line_start = true;
    let mut first_line = setting == Setting::Lines;
    let mut links = 0_u32;
    let mut skip_to = 0;
    for (at, part) in parts.iter().enumerate() {
        if at < skip_to {
            continue;
        }
        match part {
            Part::Open(span) if let Some(address) = autolink(parts, spans, at) => {
                debug_assert!(delimiter(&spans[*span]).is_none());
                out.push_str(&format!("<{address}>"));
                skip_to = at + 3;
            }
            Part::Open(span) => {
                links += u32::from(matches!(spans[*span].mark, Mark::Link(_)));
                out.push_str(&opening(&spans[*span]));
            }
            Part::Close(span) => {
                links -= u32::from(matches!(spans[*span].mark, Mark::Link(_)));
                out.push_str(&closing(&spans[*span]));
            }
            Part::Piece(Piece::Text(text)) => {
                let context = Context {
                    line_start: line_start && setting != Setting::Heading,
                    first_line,
                    edge_start: line_start,
                    edge_end: matches!(parts.get(at + 1), None | Some(Part::Piece(Piece::Break))),
                    next: parts.get(at + 1).and_then(|part| first_char(part, spans)),
                    in_link: links > 0,
                    heading_end: setting == Setting::Heading && at + 1 == parts.len(),
                    tildes: tildes > 1 || has_strike,
                };
                escape_text(&mut out, text, context);
            }
            Part::Piece(Piece::Code(text)) => out.push_str(&code_span(text)),
            Part::Piece(Piece::Raw(text)) => out.push_str(text),
            Part::Piece(Piece::Break) => {
                // A backslash needs something before it on its line and something after it in the block.
                let backslash =
                    setting != Setting::Heading && !line_start && has_text_after(parts, at);
                out.push_str(if backslash { "\\\n" } else { "<br>" });
                line_start = backslash;
                first_line &= !backslash;
                continue;
            }
        }
        line_start = false;
    }
    out
}

/// Whether the part after a break is text or opens some: then the break may end its line.
fn has_text_after(parts: &[Part], at: usize) -> bool {
    matches!(
        parts.get(at + 1),
        Some(Part::Piece(Piece::Text(_) | Piece::Code(_)) | Part::Open(_))
    )
}

/// The address, if the link that opens here is `<address>`: its text is the address, and has no other marks.
fn autolink<'a>(parts: &'a [Part], spans: &'a [Span], at: usize) -> Option<&'a str> {
    let [
        Part::Open(open),
        Part::Piece(Piece::Text(text)),
        Part::Close(close),
        ..,
    ] = &parts[at..]
    else {
        return None;
    };
    let Mark::Link(address) = &spans[*open].mark else {
        return None;
    };
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    let is_plain =
        !address.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'));
    let is_mail = address.strip_prefix("mailto:") == Some(text) && is_plain_mail(text);
    if open != close || !is_plain {
        return None;
    }
    (is_mail || (is_web && address == text)).then_some(text)
}

fn is_plain_mail(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part.split('.').all(|word| {
                word.bytes().all(|byte| byte.is_ascii_alphanumeric())
                    && (1..=60).contains(&word.len())
            })
    };
    text.split_once('@')
        .is_some_and(|(name, host)| plain(name) && plain(host))
}

fn opening(span: &Span) -> String {
    match (&span.mark, span.as_tag) {
        (Mark::Bold, false) => "**".to_owned(),
        (Mark::Italic, false) => "_".to_owned(),
        (Mark::Strike, false) => "~~".to_owned(),
        (Mark::Bold, true) => "<b>".to_owned(),
        (Mark::Italic, true) => "<i>".to_owned(),
        (Mark::Strike, true) => "<s>".to_owned(),
        (Mark::Underline, _) => "<u>".to_owned(),
        (Mark::Highlight(colour), _) if colour == COLOUR_BY_DEFAULT => "<mark>".to_owned(),
        (Mark::Highlight(colour), _) => {
            format!("<mark {COLOUR_ATTR}=\"{}\">", entity::escape(colour))
        }
        (Mark::Link(_), _) => "[".to_owned(),
    }
}

fn closing(span: &Span) -> String {
    match (&span.mark, span.as_tag) {
        (Mark::Bold, true) => "</b>".to_owned(),
        (Mark::Italic, true) => "</i>".to_owned(),
        (Mark::Strike, true) => "</s>".to_owned(),
        (Mark::Underline, _) => "</u>".to_owned(),
        (Mark::Highlight(_), _) => "</mark>".to_owned(),
        (Mark::Link(address), _) => format!("]({})", escape::destination(address)),
        _ => opening(span),
    }
}

/// Code between backticks: one more than the longest run of them inside.
fn code_span(text: &str) -> String {
    let text = text.replace('\r', " ");
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    let all_blank = text.chars().all(|c| c == ' ');
    let touches = text.starts_with('`') || text.ends_with('`');
    let stripped = text.starts_with(' ') && text.ends_with(' ') && !all_blank;
    let pad = if touches || stripped { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Length of the longest run of `wanted`.
pub(super) fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut current = 0;
    for character in text.chars() {
        current = if character == wanted { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}

fn image(url: &str, alt: &str, width: Option<u32>) -> String {
    match width {
        None => format!(
            "![{}]({})",
            escape::description(alt),
            escape::destination(url)
        ),
        Some(width) => format!(
            "<img src=\"{}\" alt=\"{}\" width=\"{width}\">",
            entity::escape(url),
            entity::escape(alt)
        ),
    }
}

/// An embed that Markdown has no word for: invisible elsewhere, itself again when read here.
fn placeholder(value: &yrs::Any) -> String {
    match embed_to_json(value) {
        Some(json) => format!("<span {EMBED_ATTR}=\"{}\"></span>", entity::escape(&json)),
        None => String::new(),
    }
}
