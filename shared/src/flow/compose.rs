//! A flow written down block by block: what import from Markdown and HTML makes, as one delta.
//!
//! It also holds the readable form of inline attributes that export works with. It knows no file format.

use std::sync::Arc;

use yrs::Any;

use super::block::{Align, BlockKind};
use super::delta::{Attrs, Content, DeltaOp};

/// Furthest a block can stand to the right, in steps.
pub const INDENT_MAX: u8 = 8;
/// Key of the embed that is a line break inside a block: `{break: true}`.
pub const BREAK: &str = "break";
/// Key of the embed that is a divider: `{divider: true}`.
pub const DIVIDER: &str = "divider";
/// Key of the embed that is a picture: `{image: url}`; `alt` and `width` are attributes beside it.
pub const IMAGE: &str = "image";

/// Where a block stands, apart from what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// 0 to [`INDENT_MAX`] steps to the right.
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
        let on = |name: &str| matches!(attrs.get(name), Some(Any::Bool(true)));
        let text = |name: &str| match attrs.get(name) {
            Some(Any::String(text)) if !text.is_empty() => Some(Arc::clone(text)),
            _ => None,
        };
        Self {
            bold: on("bold"),
            italic: on("italic"),
            underline: on("underline"),
            strike: on("strike"),
            code: on("code"),
            link: text("link"),
            highlight: text("highlight"),
        }
    }

    /// As attributes of a character.
    #[must_use]
    pub fn to_attrs(&self) -> Attrs {
        let mut attrs = Attrs::new();
        for (name, on) in [
            ("bold", self.bold),
            ("italic", self.italic),
            ("underline", self.underline),
            ("strike", self.strike),
            ("code", self.code),
        ] {
            if on {
                attrs.insert(name.to_owned(), Any::Bool(true));
            }
        }
        for (name, text) in [("link", &self.link), ("highlight", &self.highlight)] {
            if let Some(text) = text {
                attrs.insert(name.to_owned(), Any::String(Arc::clone(text)));
            }
        }
        attrs
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
    if map.len() == 1 && map.get(BREAK) == Some(&Any::Bool(true)) {
        return Embed::Break;
    }
    if map.len() == 1 && map.get(DIVIDER) == Some(&Any::Bool(true)) {
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

/// The embed `{name: true}`.
#[must_use]
pub fn flag_embed(name: &str) -> Any {
    Any::Map(Arc::new([(name.to_owned(), Any::Bool(true))].into()))
}

/// A picture and the attributes that stand beside it, `style` included.
#[must_use]
pub fn image_embed(url: &str, alt: &str, width: Option<u32>, style: &Style) -> (Any, Attrs) {
    let value = Any::Map(Arc::new([(IMAGE.to_owned(), Any::from(url))].into()));
    let mut attrs = style.to_attrs();
    if !alt.is_empty() {
        attrs.insert("alt".to_owned(), Any::from(alt));
    }
    if let Some(width) = width {
        attrs.insert("width".to_owned(), Any::from(width));
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
            self.embed(flag_embed(DIVIDER), Attrs::new());
        }
        self.push("\n", &newline_attrs(kind, place));
    }

    /// The flow.
    #[must_use]
    pub fn finish(self) -> Vec<DeltaOp> {
        self.ops
    }

    fn push(&mut self, text: &str, attrs: &Attrs) {
        if text.is_empty() {
            return;
        }
        if let Some(DeltaOp::Insert(Content::Text(last), last_attrs)) = self.ops.last_mut()
            && last_attrs == attrs
        {
            last.push_str(text);
            return;
        }
        self.ops.push(DeltaOp::Insert(
            Content::Text(text.to_owned()),
            attrs.clone(),
        ));
    }
}

/// What the newline that ends a block says.
#[must_use]
pub fn newline_attrs(kind: &BlockKind, place: Place) -> Attrs {
    let mut attrs = Attrs::new();
    let mut put = |name: &str, value: Any| {
        attrs.insert(name.to_owned(), value);
    };
    match kind {
        BlockKind::Paragraph | BlockKind::Divider => {}
        BlockKind::Heading(level) => put("header", Any::from(u32::from(*level))),
        BlockKind::Bullet => put("list", Any::from("bullet")),
        BlockKind::Ordered { start } => {
            put("list", Any::from("ordered"));
            if let Some(start) = start {
                put("start", Any::from(*start));
            }
        }
        BlockKind::Task { done: true } => put("list", Any::from("checked")),
        BlockKind::Task { done: false } => put("list", Any::from("unchecked")),
        BlockKind::Code { language, fence } => {
            put("code-block", Any::from(language.as_str()));
            if let Some(fence) = fence {
                put("fence", Any::from(fence.as_str()));
            }
        }
        BlockKind::Callout(kind) => put("callout", Any::from(kind.as_str())),
    }
    if place.indent > 0 {
        put("indent", Any::from(u32::from(place.indent)));
    }
    if place.quoted {
        put("blockquote", Any::Bool(true));
    }
    if let Some(align) = place.align {
        put("align", Any::from(align_name(align)));
    }
    attrs
}

/// The word for an alignment, in the flow as in style sheets.
#[must_use]
pub const fn align_name(align: Align) -> &'static str {
    match align {
        Align::Center => "center",
        Align::Right => "right",
        Align::Justify => "justify",
    }
}

/// The alignment a word stands for; left is none.
#[must_use]
pub fn align_named(name: &str) -> Option<Align> {
    match name {
        "center" => Some(Align::Center),
        "right" => Some(Align::Right),
        "justify" => Some(Align::Justify),
        _ => None,
    }
}
