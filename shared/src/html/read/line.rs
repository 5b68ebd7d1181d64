//! One line of a page while it is read: blanks folded as a browser folds them.

use yrs::Any;

use crate::flow::block::is_embed;
use crate::flow::compose::{BREAK, Composer, Style};
use crate::flow::delta::Attrs;

enum Piece {
    Text(String, Style),
    Embed(Any, Attrs),
}

/// Pieces of the line.
#[derive(Default)]
pub(super) struct Line {
    pieces: Vec<Piece>,
}

impl Line {
    pub(super) const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds text; a blank at the start of the line or after another shows nothing.
    pub(super) fn text(&mut self, text: &str, style: Style) {
        let mut folded = String::with_capacity(text.len());
        let mut after_blank = match self.pieces.last() {
            None => true,
            Some(Piece::Text(last, _)) => last.ends_with(' '),
            Some(Piece::Embed(value, _)) => is_embed(value, BREAK),
        };
        for character in text.chars() {
            let is_blank = matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{c}');
            if !(is_blank && after_blank) {
                folded.push(if is_blank { ' ' } else { character });
            }
            after_blank = is_blank;
        }
        if folded.is_empty() {
            return;
        }
        match self.pieces.last_mut() {
            Some(Piece::Text(last, last_style)) if *last_style == style => last.push_str(&folded),
            _ => self.pieces.push(Piece::Text(folded, style)),
        }
    }

    pub(super) fn embed(&mut self, value: Any, attrs: Attrs) {
        self.pieces.push(Piece::Embed(value, attrs));
    }

    /// A table's cell begins: cells of a row stand on one line, with bars between them.
    pub(super) fn cell(&mut self) {
        if !self.is_empty() {
            self.text(" | ", Style::default());
        }
    }

    /// Writes the line and is empty again. A break at the end shows nothing, nor do blanks there.
    pub(super) fn write_into(&mut self, out: &mut Composer) {
        let mut pieces = std::mem::take(&mut self.pieces);
        if matches!(pieces.last(), Some(Piece::Embed(value, _)) if is_embed(value, BREAK)) {
            pieces.pop();
        }
        if let Some(Piece::Text(last, _)) = pieces.last_mut() {
            last.truncate(last.trim_end_matches(' ').len());
        }
        pieces.pop_if(|piece| matches!(piece, Piece::Text(text, _) if text.is_empty()));
        let only_blank = pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Text(text, _) if text.trim().is_empty()));
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.into_iter().enumerate() {
            match piece {
                Piece::Text(..) if only_blank => {}
                Piece::Text(text, style) => {
                    out.text(&unfold(&text, at == last), &style.to_attrs());
                }
                Piece::Embed(value, attrs) => out.embed(value, attrs),
            }
        }
    }
}

/// No-break spaces that only keep blanks from being folded, or left out at the line's end, become blanks again.
fn unfold(text: &str, ends_line: bool) -> String {
    let characters: Vec<char> = text.chars().collect();
    let blank = |at: Option<&char>| matches!(at, Some(' ' | '\u{a0}'));
    characters
        .iter()
        .enumerate()
        .map(|(at, character)| {
            let before = at.checked_sub(1).and_then(|at| characters.get(at));
            let at_end = ends_line && at + 1 == characters.len();
            let folds = at == 0 || at_end || blank(before) || blank(characters.get(at + 1));
            if *character == '\u{a0}' && folds {
                ' '
            } else {
                *character
            }
        })
        .collect()
}
