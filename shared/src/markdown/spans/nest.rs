//! Marks as spans that nest, and what stands beside each end of them.

use super::escape;
use super::runs::Piece;
use crate::flow::compose::Style;

/// A mark that spans several pieces. Code is not among them: it is a piece's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Link(String),
    Highlight(String),
    Underline,
    Bold,
    Italic,
    Strike,
}

/// How many kinds of [`Mark`] there are.
pub(super) const KINDS: usize = 6;

/// Part of a line on its way out.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Open(usize),
    Close(usize),
    Piece(Piece),
}

/// One mark from where it opens to where it closes.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) mark: Mark,
    /// Written as a tag because delimiters would not read back here.
    pub(super) as_tag: bool,
}

pub(super) fn marks_of(style: &Style) -> [Option<Mark>; KINDS] {
    [
        style.link.as_ref().map(|link| Mark::Link(link.to_string())),
        style
            .highlight
            .as_ref()
            .map(|colour| Mark::Highlight(colour.to_string())),
        style.underline.then_some(Mark::Underline),
        style.bold.then_some(Mark::Bold),
        style.italic.then_some(Mark::Italic),
        style.strike.then_some(Mark::Strike),
    ]
}

/// Nests the marks: what reaches further opens first. A break carries no marks, and ends none that go on after it.
pub(super) fn spans_of(runs: Vec<(Piece, Style)>) -> (Vec<Part>, Vec<Span>) {
    let mut marks: Vec<[Option<Mark>; KINDS]> =
        runs.iter().map(|(_, style)| marks_of(style)).collect();
    carry_over_breaks(&runs, &mut marks);
    let reach = reach_of(&marks);
    let mut parts = Vec::with_capacity(runs.len() * 2);
    let mut spans: Vec<Span> = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (at, (piece, _)) in runs.into_iter().enumerate() {
        let keep = open
            .iter()
            .take_while(|(kind, span)| marks[at][*kind].as_ref() == Some(&spans[*span].mark))
            .count();
        for (_, span) in open.drain(keep..).rev() {
            parts.push(Part::Close(span));
        }
        let mut wanted: Vec<usize> = (0..KINDS)
            .filter(|kind| {
                marks[at][*kind].is_some() && !open.iter().any(|(known, _)| known == kind)
            })
            .collect();
        wanted.sort_by_key(|kind| std::cmp::Reverse(reach[at][*kind]));
        for kind in wanted {
            if let Some(mark) = marks[at][kind].clone() {
                let as_tag = matches!(mark, Mark::Underline | Mark::Highlight(_));
                open.push((kind, spans.len()));
                parts.push(Part::Open(spans.len()));
                spans.push(Span { mark, as_tag });
            }
        }
        parts.push(Part::Piece(piece));
    }
    for (_, span) in open.into_iter().rev() {
        parts.push(Part::Close(span));
    }
    (parts, spans)
}

/// A mark that is the same on both sides of breaks spans them.
pub(super) fn carry_over_breaks(runs: &[(Piece, Style)], marks: &mut [[Option<Mark>; KINDS]]) {
    let is_break = |at: usize| matches!(runs[at].0, Piece::Break);
    // From the right: the next piece that is no break.
    let mut after = vec![None; runs.len() + 1];
    for at in (0..runs.len()).rev() {
        after[at] = if is_break(at) {
            after[at + 1]
        } else {
            Some(at)
        };
    }
    for at in 1..runs.len() {
        let Some(after) = after[at].filter(|_| is_break(at)) else {
            continue;
        };
        let (before, from_here) = marks.split_at_mut(at);
        let Some(((here, rest), before)) = from_here.split_first_mut().zip(before.last()) else {
            continue;
        };
        let after = &rest[after - at - 1];
        for ((here, before), after) in here.iter_mut().zip(before).zip(after) {
            if before == after {
                here.clone_from(after);
            }
        }
    }
}

/// From the right: where each mark that is on ends.
pub(super) fn reach_of(marks: &[[Option<Mark>; KINDS]]) -> Vec<[usize; KINDS]> {
    let mut reach = vec![[0; KINDS]; marks.len()];
    for at in (0..marks.len()).rev() {
        let here = std::array::from_fn(|kind| match marks.get(at + 1) {
            Some(next) if next[kind] == marks[at][kind] => reach[at + 1][kind],
            _ => at + 1,
        });
        reach[at] = here;
    }
    reach
}

/// Spans whose delimiters would not read back, given what stands beside them.
pub(super) fn unreadable(parts: &[Part], spans: &[Span]) -> Vec<usize> {
    let mut faults = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let (Part::Open(span) | Part::Close(span)) = part else {
            continue;
        };
        let Some(delimiter) = delimiter(&spans[*span]) else {
            continue;
        };
        let before = at
            .checked_sub(1)
            .and_then(|at| last_char(&parts[at], spans));
        let after = parts.get(at + 1).and_then(|part| first_char(part, spans));
        let flank = escape::Flank::new(before, after);
        let readable = match part {
            Part::Open(_) => flank.may_open(delimiter),
            _ => flank.may_close(delimiter),
        };
        if !readable {
            faults.push(*span);
        }
    }
    faults
}

/// The character of a span's delimiters, if it is written with some.
pub(super) fn delimiter(span: &Span) -> Option<char> {
    match span.mark {
        _ if span.as_tag => None,
        Mark::Bold => Some('*'),
        Mark::Italic => Some('_'),
        Mark::Strike => Some('~'),
        Mark::Link(_) | Mark::Highlight(_) | Mark::Underline => None,
    }
}

pub(super) fn first_char(part: &Part, spans: &[Span]) -> Option<char> {
    match part {
        Part::Open(span) => Some(delimiter(&spans[*span]).unwrap_or(match spans[*span].mark {
            Mark::Link(_) => '[',
            _ => '<',
        })),
        Part::Close(span) => Some(delimiter(&spans[*span]).unwrap_or(match spans[*span].mark {
            Mark::Link(_) => ']',
            _ => '<',
        })),
        Part::Piece(Piece::Text(text) | Piece::Raw(text)) => text.chars().next(),
        Part::Piece(Piece::Code(_)) => Some('`'),
        // A backslash or `<br>`.
        Part::Piece(Piece::Break) => Some('\\'),
    }
}

pub(super) fn last_char(part: &Part, spans: &[Span]) -> Option<char> {
    match part {
        Part::Open(span) => Some(delimiter(&spans[*span]).unwrap_or(match spans[*span].mark {
            Mark::Link(_) => '[',
            _ => '>',
        })),
        Part::Close(span) => Some(delimiter(&spans[*span]).unwrap_or(match spans[*span].mark {
            Mark::Link(_) => ')',
            _ => '>',
        })),
        Part::Piece(Piece::Text(text) | Piece::Raw(text)) => text.chars().next_back(),
        Part::Piece(Piece::Code(_)) => Some('`'),
        Part::Piece(Piece::Break) => Some('\n'),
    }
}
