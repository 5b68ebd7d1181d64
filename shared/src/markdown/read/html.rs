//! HTML blocks of which a flow can hold everything: read as what they mean. Others keep their source.

use super::Reader;
use crate::flow::block::{self, Block, BlockKind, Inline};
use crate::flow::compose::{Place, Style};
use crate::html;
use crate::html::tags::{self, Effect};
use crate::html::token::{Tag, Token, Tokens};
use crate::markdown::inline::write_linked;

/// Elements that are a block of their own and hold nothing but a line.
const LINES: [&str; 8] = ["p", "div", "h1", "h2", "h3", "h4", "h5", "h6"];
/// Attributes that a flow keeps, or that say nothing a reader sees.
const ATTRS: [&str; 10] = [
    "align",
    "href",
    "src",
    "alt",
    "width",
    "rel",
    "target",
    tags::COLOUR_ATTR,
    tags::EMBED_ATTR,
    "dir",
];

/// The blocks of an HTML block, if nothing of it would be lost but blanks.
pub(super) fn understood(source: &str) -> Option<Vec<Block>> {
    if !is_known(source) {
        return None;
    }
    let blocks = block::from_delta(&html::read(source).ok()?);
    blocks
        .iter()
        .any(|block| !block.content.is_empty())
        .then_some(blocks)
}

/// Whether all its tags are known with all their attributes, and each is closed where it should be.
fn is_known(source: &str) -> bool {
    let mut open: Vec<String> = Vec::new();
    for token in Tokens::new(source) {
        match token {
            // What only looks like a tag is safest as it is.
            Token::Text(text) if text.contains('<') => return false,
            Token::Text(_) => {}
            Token::Comment(_) => return false,
            Token::Open(tag) => {
                let is_line = LINES.contains(&tag.name.as_str());
                let effect = tags::effect(&tag);
                if !(is_line && open.is_empty() || effect.is_some()) || !has_known_attrs(&tag) {
                    return false;
                }
                if !matches!(effect, Some(Effect::Break | Effect::Image { .. })) {
                    open.push(tag.name);
                }
            }
            Token::Close(name) => {
                if open.pop().as_deref() != Some(name.as_str()) {
                    return false;
                }
            }
        }
    }
    open.is_empty()
}

fn has_known_attrs(tag: &Tag<'_>) -> bool {
    tag.attrs
        .iter()
        .all(|(name, _)| ATTRS.contains(&name.as_str()))
}

impl Reader<'_> {
    /// Writes blocks that were read from HTML, at the place where it stood.
    pub(super) fn html_lines(&mut self, blocks: &[Block]) {
        self.before_block();
        let around = self.place(self.quotes + self.callouts);
        for block in blocks {
            let kind = match block.kind {
                BlockKind::Heading(level) => BlockKind::Heading(level),
                _ => BlockKind::Paragraph,
            };
            for inline in &block.content {
                match inline {
                    Inline::Text { text, attrs } => {
                        let style = Style::from_attrs(attrs);
                        if style.code || style.link.is_some() {
                            self.out.text(text, attrs);
                        } else {
                            write_linked(&mut self.out, text, &style);
                        }
                    }
                    Inline::Embed { value, attrs } => self.out.embed(value.clone(), attrs.clone()),
                }
            }
            let place = Place {
                align: block.align.or(around.align),
                ..around
            };
            self.emit(&kind, place);
        }
    }
}
