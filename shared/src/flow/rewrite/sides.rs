//! The page as it is and as it shall be, cut into pieces: for comparing, and for walking along both.

use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation as _;
use yrs::Any;

use super::alike::Sign;
use super::meaning;
use crate::flow::block::{Block, Inline};
use crate::flow::delta::{Attrs, utf16_length};

/// One piece of a flow that is alike throughout.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    Text(&'a str, &'a Attrs),
    Embed(&'a Any, &'a Attrs),
    /// The newline of this block.
    End(usize),
}

/// What is compared: a word with the blanks behind it, a sign, an embed, or the end of a block.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) sign: Sign,
    pub(super) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    Text(String),
    Embed,
    /// The newline of this block.
    End(usize),
}

/// Numbers for what is equal.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, u32>);

impl Names {
    pub(super) fn of(&mut self, text: String) -> u32 {
        // Fewer than the bytes of two flows.
        let next = self.0.len() as u32;
        *self.0.entry(text).or_insert(next)
    }
}

/// All pieces of a flow in order. A last newline that is not stored is among them.
pub(super) fn pieces(blocks: &[Block]) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        pieces.extend(block.content.iter().map(|inline| match inline {
            Inline::Text { text, attrs } => Piece::Text(text, attrs),
            Inline::Embed { value, attrs } => Piece::Embed(value, attrs),
        }));
        pieces.push(Piece::End(number));
    }
    pieces
}

/// The tokens of some blocks, of which the first is the `first`th of its page.
pub(super) fn tokens(blocks: &[Block], first: usize, names: &mut Names) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let mut text = String::new();
        for inline in &block.content {
            match inline {
                Inline::Text { text: more, .. } => text.push_str(more),
                Inline::Embed { value, .. } => {
                    push_words(&mut tokens, &std::mem::take(&mut text), names);
                    let name = names.of(format!("embed {}", meaning::of_embed(value)));
                    tokens.push(Token {
                        sign: Sign { name, weight: 1 },
                        what: What::Embed,
                    });
                }
            }
        }
        push_words(&mut tokens, &text, names);
        let name = names.of("end".to_owned());
        tokens.push(Token {
            sign: Sign { name, weight: 1 },
            what: What::End(first + number),
        });
    }
    tokens
}

fn push_words(tokens: &mut Vec<Token>, text: &str, names: &mut Names) {
    let mut words: Vec<String> = Vec::new();
    for piece in text.split_word_bounds() {
        match words.last_mut() {
            Some(word) if piece.chars().all(char::is_whitespace) => word.push_str(piece),
            _ => words.push(piece.to_owned()),
        }
    }
    tokens.extend(words.into_iter().map(|word| Token {
        sign: Sign {
            name: names.of(format!("text {word}")),
            weight: utf16_length(&word),
        },
        what: What::Text(word),
    }));
}

/// Walks along pieces.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pieces: std::slice::Iter<'a, Piece<'a>>,
    /// What is left of the piece it stands in.
    rest: Option<Piece<'a>>,
}

impl<'a> Cursor<'a> {
    pub(super) fn at_start(pieces: &'a [Piece<'a>]) -> Self {
        let mut pieces = pieces.iter();
        let rest = pieces.next().copied();
        Self { pieces, rest }
    }

    /// Goes on within the piece it stands in, by at most so many units, and gives what it passed and its length.
    pub(super) fn pass(&mut self, units_max: u32) -> Option<(Piece<'a>, u32)> {
        let piece = self.rest?;
        let Piece::Text(text, attrs) = piece else {
            self.rest = self.pieces.next().copied();
            return Some((piece, 1));
        };
        let (mut bytes, mut units) = (0, 0);
        for character in text.chars() {
            let more = character.len_utf16() as u32;
            // Steps end between characters; one that did not would go on for ever if it were cut.
            if units > 0 && units + more > units_max {
                break;
            }
            bytes += character.len_utf8();
            units += more;
        }
        let (passed, left) = text.split_at(bytes);
        self.rest = if left.is_empty() {
            self.pieces.next().copied()
        } else {
            Some(Piece::Text(left, attrs))
        };
        Some((Piece::Text(passed, attrs), units))
    }
}
