//! Plain text out, and what can be counted or listed of a page without drawing it.

use crate::flow::block::{Block, BlockKind, Inline};
use crate::flow::compose::{Embed, embed_of};
use crate::markdown::numbering::Numbering;

/// A heading and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Its characters, without outer blanks.
    pub text: String,
    /// Offset of its first unit in the flow, in UTF-16 units.
    pub offset: u32,
}

/// How much a page holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stretches of letters and digits; a letter of a script written without blanks counts alone.
    pub words: usize,
    /// Characters, blanks included, ends of blocks not.
    pub characters: usize,
    /// Blocks that hold something.
    pub blocks: usize,
}

/// Writes a flow as plain text: a line a block, lists with their markers, quotes with `>`.
#[must_use]
pub fn write(blocks: &[Block]) -> String {
    let mut out = String::new();
    let mut numbering = Numbering::default();
    for block in blocks {
        let number = numbering.step(&block.kind, block.indent, block.quoted);
        let marker = match &block.kind {
            BlockKind::Bullet => "• ".to_owned(),
            BlockKind::Ordered { .. } => format!("{}. ", number.unwrap_or(1)),
            BlockKind::Task { done: false } => "[ ] ".to_owned(),
            BlockKind::Task { done: true } => "[x] ".to_owned(),
            BlockKind::Divider => "———".to_owned(),
            BlockKind::Paragraph
            | BlockKind::Heading(_)
            | BlockKind::Code { .. }
            | BlockKind::Callout(_) => String::new(),
        };
        let mut lead = "  ".repeat(block.indent.into());
        lead.push_str(if block.quoted { "> " } else { "" });
        let further = format!("{lead}{}", " ".repeat(marker.chars().count()));
        for (at, line) in of_block(block).split('\n').enumerate() {
            let whole = if at == 0 {
                format!("{lead}{marker}{line}")
            } else {
                format!("{further}{line}")
            };
            out.push_str(whole.trim_end());
            out.push('\n');
        }
    }
    out
}

/// The characters of one block; breaks as `\n`, pictures as what is said instead of them.
#[must_use]
pub fn of_block(block: &Block) -> String {
    let mut out = String::new();
    for inline in &block.content {
        match inline {
            Inline::Text { text, .. } => out.push_str(text),
            Inline::Embed { value, attrs } => match embed_of(value, attrs) {
                Embed::Break => out.push('\n'),
                Embed::Image { alt, .. } => out.push_str(&alt),
                Embed::Divider | Embed::Other(_) => {}
            },
        }
    }
    out
}

/// The headings of a flow, in order; those without text are left out.
#[must_use]
pub fn outline(blocks: &[Block]) -> Vec<Heading> {
    let mut offset = 0;
    let mut out = Vec::new();
    for block in blocks {
        if let BlockKind::Heading(level) = block.kind {
            let text = of_block(block).replace('\n', " ").trim().to_owned();
            if !text.is_empty() {
                out.push(Heading {
                    level,
                    text,
                    offset,
                });
            }
        }
        offset += block.length();
    }
    out
}

/// Counts words, characters and blocks.
#[must_use]
pub fn count(blocks: &[Block]) -> Counts {
    let mut counts = Counts::default();
    for block in blocks {
        let text = of_block(block);
        counts.blocks += usize::from(!block.content.is_empty());
        counts.characters += text.chars().filter(|c| *c != '\n').count();
        counts.words += words_in(&text);
    }
    counts
}

fn words_in(text: &str) -> usize {
    let mut words = 0;
    let mut in_word = false;
    for character in text.chars() {
        let alone = is_written_without_blanks(character);
        // An apostrophe or a hyphen between letters does not end a word.
        let joins = in_word && matches!(character, '\'' | '’' | '-' | '_' | '\u{ad}');
        let is_letter = character.is_alphanumeric() || (in_word && is_mark(character));
        words += usize::from(alone || (is_letter && !in_word));
        in_word = !alone && (is_letter || joins);
    }
    words
}

/// Combining accents, which belong to the letter before.
const fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}')
}

/// Chinese characters and Japanese kana.
const fn is_written_without_blanks(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::block::from_delta;
    use crate::markdown;

    fn page(source: &str) -> Vec<Block> {
        from_delta(&markdown::read(source).unwrap())
    }

    #[test]
    fn plain_text_keeps_every_word_and_shows_lists_and_quotes() {
        let source = "# Title\n\nOne **two**\\\nthree\n\n3. a\n   - [x] b\n4. c\n\n> q ![alt](x.png)\n\n```\n  code\n```\n\n---\n";
        let text = "Title\nOne two\nthree\n3. a\n  [x] b\n4. c\n> q alt\n  code\n———\n";
        assert_eq!(write(&page(source)), text);
    }

    #[test]
    fn the_outline_leads_to_each_heading() {
        let outline = outline(&page("# Ä 🎉\n\ntext\n\n##\n\n### *Three*\n"));
        let wanted = [
            Heading {
                level: 1,
                text: "Ä 🎉".to_owned(),
                offset: 0,
            },
            Heading {
                level: 3,
                text: "Three".to_owned(),
                offset: 5 + 5 + 1,
            },
        ];
        assert_eq!(outline, wanted);
    }

    #[test]
    fn words_are_counted_as_people_would() {
        for (text, words) in [
            ("", 0),
            ("One, two — three.", 3),
            ("it's well-known snake_case", 3),
            ("e\u{301}te\u{301} naïve", 2),
            ("日本語 text", 4),
            ("- - 🎉", 0),
            ("3.14 a-", 3),
        ] {
            let block = Block::new(BlockKind::Paragraph, vec![Inline::text(text)]);
            assert_eq!(count(&[block]).words, words, "{text:?}");
        }
        let counts = count(&page("# A b\n\n- c\\\n  d\n"));
        assert_eq!(
            counts,
            Counts {
                words: 4,
                characters: 5,
                blocks: 2
            }
        );
    }
}
