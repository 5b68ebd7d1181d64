//! The content of a block as pieces that each have one set of marks.

use super::{image, placeholder};
use crate::flow::block::Inline;
use crate::flow::compose::{Embed, Style, embed_of};

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Code(String),
    Break,
    /// Ready Markdown.
    Raw(String),
}

/// Pieces with their marks; neighbours with the same marks joined, bold and italic not reaching over outer blanks.
pub(super) fn runs_of(content: &[Inline]) -> Vec<(Piece, Style)> {
    let mut runs: Vec<(Piece, Style)> = Vec::new();
    for inline in content {
        match inline {
            Inline::Text { text, attrs } => push_text(&mut runs, text, Style::from_attrs(attrs)),
            Inline::Embed { value, attrs } => {
                let style = Style {
                    code: false,
                    ..Style::from_attrs(attrs)
                };
                match embed_of(value, attrs) {
                    Embed::Break => runs.push((Piece::Break, Style::default())),
                    Embed::Image { url, alt, width } => {
                        runs.push((Piece::Raw(image(url, &alt, width)), style));
                    }
                    Embed::Divider => runs.push((Piece::Raw(placeholder(value)), style)),
                    Embed::Other(value) => runs.push((Piece::Raw(placeholder(value)), style)),
                }
            }
        }
    }
    let runs = trim_stress(runs, |style| &mut style.bold);
    trim_stress(runs, |style| &mut style.italic)
}

pub(super) fn push_text(runs: &mut Vec<(Piece, Style)>, text: &str, style: Style) {
    if text.is_empty() {
        return;
    }
    if let Some((Piece::Text(last) | Piece::Code(last), last_style)) = runs.last_mut()
        && *last_style == style
    {
        last.push_str(text);
        return;
    }
    let piece = if style.code {
        Piece::Code(text.to_owned())
    } else {
        Piece::Text(text.to_owned())
    };
    runs.push((piece, style));
}

/// Takes bold (or italic) off the blanks at the edges of a stretch: nobody sees it there, and `** a **` is not bold.
pub(super) fn trim_stress(
    runs: Vec<(Piece, Style)>,
    flag: fn(&mut Style) -> &mut bool,
) -> Vec<(Piece, Style)> {
    let stressed = |run: &(Piece, Style)| *flag(&mut run.1.clone());
    let is_blank = |run: &(Piece, Style)| matches!(&run.0, Piece::Text(text) if text.chars().all(char::is_whitespace));
    let mut out: Vec<(Piece, Style)> = Vec::with_capacity(runs.len());
    let mut at = 0;
    while at < runs.len() {
        let end = at + runs[at..].iter().take_while(|run| stressed(run)).count();
        if end == at {
            append(&mut out, runs[at].clone());
            at += 1;
            continue;
        }
        let stretch = &runs[at..end];
        let lead = stretch.iter().take_while(|run| is_blank(run)).count();
        let tail = stretch[lead..]
            .iter()
            .rev()
            .take_while(|run| is_blank(run))
            .count();
        for (index, run) in stretch.iter().enumerate() {
            let inner = lead..stretch.len() - tail;
            let trims = (index == inner.start, index + 1 == inner.end);
            for (piece, mut style, keep) in split_blanks(run, inner.contains(&index), trims) {
                if !keep {
                    *flag(&mut style) = false;
                }
                append(&mut out, (piece, style));
            }
        }
        at = end;
    }
    out
}

/// A run of a stretch in up to three: blanks that lose the mark, the inside that keeps it, blanks that lose it.
pub(super) fn split_blanks(
    (piece, style): &(Piece, Style),
    inside: bool,
    (first, last): (bool, bool),
) -> Vec<(Piece, Style, bool)> {
    let Piece::Text(text) = piece else {
        return vec![(piece.clone(), style.clone(), inside)];
    };
    if !inside {
        return vec![(piece.clone(), style.clone(), false)];
    }
    let start = if first {
        text.len() - text.trim_start().len()
    } else {
        0
    };
    let end = if last {
        text.trim_end().len()
    } else {
        text.len()
    };
    [
        (&text[..start], false),
        (&text[start..end], true),
        (&text[end..], false),
    ]
    .into_iter()
    .filter(|(part, _)| !part.is_empty())
    .map(|(part, keep)| (Piece::Text(part.to_owned()), style.clone(), keep))
    .collect()
}

pub(super) fn append(out: &mut Vec<(Piece, Style)>, (piece, style): (Piece, Style)) {
    match piece {
        Piece::Text(text) => push_text(out, &text, style),
        piece => out.push((piece, style)),
    }
}
