//! A flow written down block by block: what import from Markdown and HTML makes, as one delta.
//!
//! It also holds the readable form of inline attributes that export works with. It knows no file format.

use std::sync::Arc;

use yrs::{Any, Number};

use super::block::{Align, Block, BlockKind, DIVIDER, is_embed};
use super::delta::{self, Attrs, Content, DeltaOp};
use super::marks::{self, Mark};

/// Key of the embed that is a line break inside a block: `{break: true}`.
pub const BREAK: &str = "break";
/// Key of the embed that is a picture: `{image: url}`; `alt` and `width` are attributes beside it.
pub const IMAGE: &str = "image";

/// Where a block stands, apart from what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// 0 to [`INDENT_MAX`](super::block::INDENT_MAX) steps to the right.
    pub indent: u8,
    /// Inside a quotation.
    pub quoted: bool,
    /// Where its text stands, unless at the left.
    pub align: Option<Align>,
}

/// The inline attributes of some characters, as far as they have a meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// `bold`
    pub bold: bool,
    /// `italic`
    pub italic: bool,
    /// `underline`
    pub underline: bool,
    /// `strike`
    pub strike: bool,
    /// `code`
    pub code: bool,
    /// `link`: where to.
    pub link: Option<Arc<str>>,
    /// `highlight`: the colour.
    pub highlight: Option<Arc<str>>,
}

impl Style {
    /// Reads what is known of `attrs` and leaves the rest out.
    #[must_use]
    pub fn from_attrs(attrs: &Attrs) -> Self {
        let mut style = Self::default();
        for mark in marks::read(attrs) {
            match mark {
                Mark::Link(address) => style.link = Some(address.into()),
                Mark::Highlight(colour) => style.highlight = Some(colour.into()),
                Mark::Bold => style.bold = true,
                Mark::Italic => style.italic = true,
                Mark::Underline => style.underline = true,
                Mark::Strike => style.strike = true,
                Mark::Code => style.code = true,
            }
        }
        style
    }

    /// As attributes of a character.
    #[must_use]
    pub fn to_attrs(&self) -> Attrs {
        let mut marks = Vec::new();
        marks.extend(
            self.link
                .as_deref()
                .map(|address| Mark::Link(address.to_owned())),
        );
        marks.extend(
            self.highlight
                .as_deref()
                .map(|colour| Mark::Highlight(colour.to_owned())),
        );
        marks.extend(self.bold.then_some(Mark::Bold));
        marks.extend(self.italic.then_some(Mark::Italic));
        marks.extend(self.underline.then_some(Mark::Underline));
        marks.extend(self.strike.then_some(Mark::Strike));
        marks.extend(self.code.then_some(Mark::Code));
        marks::write(&marks)
    }
}

/// What an embed is, as far as export knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Embed<'a> {
    /// A line break inside a block.
    Break,
    /// A rule across the page.
    Divider,
    /// A picture.
    Image {
        /// Where it is.
        url: &'a str,
        /// Said instead of it.
        alt: String,
        /// In pixels, if someone chose one.
        width: Option<u32>,
    },
    /// Something else.
    Other(&'a Any),
}

/// Reads an embed. `alt` and `width` of a picture are looked for beside it, then inside.
#[must_use]
pub fn embed_of<'a>(value: &'a Any, attrs: &'a Attrs) -> Embed<'a> {
    let Any::Map(map) = value else {
        return Embed::Other(value);
    };
    if is_embed(value, BREAK) {
        return Embed::Break;
    }
    if is_embed(value, DIVIDER) {
        return Embed::Divider;
    }
    let Some(Any::String(url)) = map.get(IMAGE) else {
        return Embed::Other(value);
    };
    let fact = |name: &str| attrs.get(name).or_else(|| map.get(name));
    let alt = match fact("alt") {
        Some(Any::String(alt)) => alt.to_string(),
        _ => String::new(),
    };
    let width = match fact("width") {
        Some(Any::Number(number)) => number.as_i64().and_then(|width| u32::try_from(width).ok()),
        Some(Any::String(text)) => text.trim_end_matches("px").parse().ok(),
        _ => None,
    };
    Embed::Image { url, alt, width }
}

/// A picture and the attributes that stand beside it, `style` included.
#[must_use]
pub fn image_embed(url: &str, alt: &str, width: Option<u32>, style: &Style) -> (Any, Attrs) {
    let value = delta::embed(IMAGE, url);
    let mut attrs = style.to_attrs();
    if !alt.is_empty() {
        attrs.insert("alt".to_owned(), Any::from(alt));
    }
    if let Some(width) = width {
        attrs.insert(
            "width".to_owned(),
            Any::Number(Number::Int(i64::from(width))),
        );
    }
    (value, attrs)
}

/// Collects a flow as a list of inserts.
#[derive(Debug, Default)]
pub struct Composer {
    ops: Vec<DeltaOp>,
}

impl Composer {
    /// An empty flow.
    #[must_use]
    pub const fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Appends characters. A newline in `text` becomes a space: only [`Composer::end_block`] ends a block.
    pub fn text(&mut self, text: &str, attrs: &Attrs) {
        if text.contains('\n') {
            self.push(&text.replace('\n', " "), attrs);
        } else {
            self.push(text, attrs);
        }
    }

    /// Appends an embed.
    pub fn embed(&mut self, value: Any, attrs: Attrs) {
        self.ops.push(DeltaOp::Insert(Content::Embed(value), attrs));
    }

    /// Ends the block whose content was appended since the last one ended.
    pub fn end_block(&mut self, kind: &BlockKind, place: Place) {
        if matches!(kind, BlockKind::Divider) {
            self.embed(delta::embed(DIVIDER, true), Attrs::new());
        }
        let block = Block {
            indent: place.indent,
            quoted: place.quoted,
            align: place.align,
            ..Block::new(kind.clone(), Vec::new())
        };
        self.push("\n", &block.newline_attrs());
    }

    /// The flow.
    #[must_use]
    pub fn finish(self) -> Vec<DeltaOp> {
        self.ops
    }

    fn push(&mut self, text: &str, attrs: &Attrs) {
        delta::push(&mut self.ops, DeltaOp::text_with(text, attrs.clone()));
    }
}
