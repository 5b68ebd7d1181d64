//! HTML → flow: as far as blocks go, by an allow-list. An unknown tag is left out, its text stays.

use std::collections::BTreeMap;

use super::entity::decode;
use super::tags::{self, Active, Effect, Mark};
use super::token::{Tag, Token, Tokens};
use crate::flow::block::{Align, BlockKind, INDENT_MAX, PLAIN};
use crate::flow::compose::{BREAK, Composer, Place, Style, image_embed};
use crate::flow::delta::{Attrs, DeltaOp, embed};
use line::Line;

mod line;

/// Longest HTML source, in bytes, that is read.
pub const HTML_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Elements whose content is no text of the page.
const UNSEEN: [&str; 12] = [
    "script", "style", "template", "title", "iframe", "object", "svg", "math", "noscript",
    "select", "textarea", "canvas",
];
/// Elements that begin and end a line.
const BLOCKS: [&str; 24] = [
    "p",
    "div",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "nav",
    "figure",
    "figcaption",
    "address",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "tr",
    "caption",
    "form",
    "fieldset",
    "body",
];

/// Why a source was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is longer than [`HTML_BYTES_MAX`].
    #[error("the page has {bytes} bytes; at most {HTML_BYTES_MAX} can be read at once")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// Reads HTML as a flow: a list of inserts that ends with a newline. Any text is HTML.
///
/// Scripts, styles and unsafe addresses are left out. The shapes that Word and Google Docs copy are understood: lists
/// made of paragraphs, marks made of styles.
///
/// # Errors
/// [`ReadError::TooLong`] when `source` has more than [`HTML_BYTES_MAX`] bytes.
pub fn read(source: &str) -> Result<Vec<DeltaOp>, ReadError> {
    if source.len() > HTML_BYTES_MAX {
        return Err(ReadError::TooLong {
            bytes: source.len(),
        });
    }
    let mut reader = Reader::default();
    let mut tokens = Tokens::new(source);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => reader.text(&decode(text)),
            Token::Open(tag) if UNSEEN.contains(&tag.name.as_str()) => {
                tokens.skip_to_close(&tag.name)
            }
            Token::Open(tag) => reader.open(&tag),
            Token::Close(name) => reader.close(&name),
            Token::Comment(_) => {}
        }
    }
    reader.end_line();
    if reader.out.is_empty() {
        reader
            .out
            .end_block(&BlockKind::Paragraph, Place::default());
    }
    Ok(reader.out.finish())
}

/// What closing an element takes back.
enum Undo {
    Nothing,
    Marks(Vec<Mark>),
    Line,
    Heading,
    /// A list, and how many steps to the right it began.
    List(u8),
    Item,
    Quote,
    Callout,
    Pre,
    /// A list marker that Word writes as text.
    WordMarker,
}

#[derive(Default)]
struct Reader {
    out: Composer,
    line: Line,
    active: Active,
    open: Vec<(String, Undo)>,
    /// How many of each name are open, so that a stray closing tag costs nothing.
    counts: BTreeMap<String, usize>,
    /// Open lists: what their next item is.
    lists: Vec<BlockKind>,
    /// Steps to the right that all open lists began with.
    list_shift: u32,
    /// Open items: what they are, until their own line is written.
    items: Vec<Option<BlockKind>>,
    heading: Option<u8>,
    quotes: u32,
    callouts: Vec<String>,
    pre: Option<Pre>,
    align: Option<Align>,
    shift: u8,
    /// A paragraph that Word means as an item: its level from 0.
    word_item: Option<u8>,
    word_marker: Option<String>,
    fences: u32,
}

#[derive(Default)]
struct Pre {
    language: Option<String>,
    /// A `<code>` began: what stands in it counts to the letter.
    has_code: bool,
    text: String,
}

impl Reader {
    fn text(&mut self, text: &str) {
        if let Some(marker) = &mut self.word_marker {
            marker.push_str(text);
        } else if let Some(pre) = &mut self.pre {
            pre.text.push_str(text);
        } else {
            let mut style = self.active.over(&Style::default());
            // Every program underlines its links; nobody means it.
            style.underline &= style.link.is_none();
            self.line.text(text, style);
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        let undo = match tag.name.as_str() {
            name if BLOCKS.contains(&name) => {
                self.start_line(tag);
                Undo::Line
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.start_line(tag);
                self.heading = tag.name[1..].parse().ok();
                Undo::Heading
            }
            "ul" | "ol" => {
                self.start_line(tag);
                self.lists.push(list_kind(tag));
                let shift = std::mem::take(&mut self.shift);
                self.list_shift += u32::from(shift);
                Undo::List(shift)
            }
            "li" => {
                self.start_item(tag);
                Undo::Item
            }
            "blockquote" => {
                self.end_line();
                self.quotes += 1;
                Undo::Quote
            }
            "aside" => {
                self.end_line();
                self.callouts
                    .push(tag.attr("data-callout").unwrap_or("info").to_owned());
                Undo::Callout
            }
            "pre" => {
                self.start_line(tag);
                self.pre = Some(Pre::default());
                Undo::Pre
            }
            "br" | "hr" | "img" | "input" | "meta" | "link" | "col" | "wbr" => {
                return self.void(tag);
            }
            "code" if self.pre.is_some() => {
                self.language(tag);
                Undo::Nothing
            }
            "td" | "th" => {
                self.line.cell();
                Undo::Nothing
            }
            _ => self.open_inline(tag),
        };
        *self.counts.entry(tag.name.clone()).or_default() += 1;
        self.open.push((tag.name.clone(), undo));
    }

    fn open_inline(&mut self, tag: &Tag<'_>) -> Undo {
        let css = tag.attr("style").unwrap_or_default().to_ascii_lowercase();
        if tag.name == "span" && css.contains("mso-list:ignore") {
            self.word_marker = Some(String::new());
            return Undo::WordMarker;
        }
        let mut marks = Vec::new();
        match tags::effect(tag) {
            Some(Effect::Mark(mark)) => marks.push(mark),
            Some(Effect::Embed(value)) => {
                let attrs = self.active.over(&Style::default()).to_attrs();
                self.line.embed(value, attrs);
            }
            _ => {}
        }
        apply_css(&css, &mut marks);
        for mark in &marks {
            self.active.open(mark);
        }
        Undo::Marks(marks)
    }

    fn void(&mut self, tag: &Tag<'_>) {
        match (tag.name.as_str(), tags::effect(tag)) {
            ("hr", _) => {
                self.start_line(tag);
                let place = self.place();
                self.out.end_block(&BlockKind::Divider, place);
                self.align = None;
                self.shift = 0;
            }
            ("input", _) if tag.attr("type") == Some("checkbox") => {
                if let Some(Some(kind)) = self.items.last_mut() {
                    *kind = BlockKind::Task {
                        done: tag.attr("checked").is_some(),
                    };
                }
            }
            (_, Some(Effect::Break)) => match &mut self.pre {
                Some(pre) => pre.text.push('\n'),
                None => self.line.embed(embed(BREAK, true), Attrs::new()),
            },
            (_, Some(Effect::Image { url, alt, width })) => {
                let (value, attrs) =
                    image_embed(&url, &alt, width, &self.active.over(&Style::default()));
                self.line.embed(value, attrs);
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match self.counts.get_mut(name) {
            Some(count) if *count > 0 => {}
            _ => return,
        }
        while let Some((top, undo)) = self.open.pop() {
            if let Some(count) = self.counts.get_mut(&top) {
                *count -= 1;
            }
            self.undo(undo);
            if top == name {
                return;
            }
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Nothing => {}
            Undo::Marks(marks) => marks.iter().for_each(|mark| self.active.close(mark)),
            Undo::Line => self.end_line(),
            Undo::Heading => {
                self.end_line();
                self.heading = None;
            }
            Undo::List(shift) => {
                self.end_line();
                self.lists.pop();
                self.list_shift -= u32::from(shift);
            }
            Undo::Item => {
                self.end_item_line();
                self.items.pop();
            }
            Undo::Quote => {
                self.end_line();
                self.quotes -= 1;
            }
            Undo::Callout => {
                self.end_line();
                self.callouts.pop();
            }
            Undo::Pre => self.end_pre(),
            Undo::WordMarker => {
                let marker = self.word_marker.take().unwrap_or_default();
                let numbered = marker
                    .trim_start()
                    .starts_with(|c: char| c.is_ascii_alphanumeric());
                if let (Some(level), true) = (self.word_item, numbered && marker.trim_end() != "o")
                {
                    self.word_item = Some(level | WORD_NUMBERED);
                }
            }
        }
    }

    fn start_line(&mut self, tag: &Tag<'_>) {
        self.end_line();
        if let Some(side) = tag.attr("align") {
            self.align = Align::read(&side.to_ascii_lowercase().as_str().into());
        }
        let css = tag.attr("style").unwrap_or_default().to_ascii_lowercase();
        for (name, value) in declarations(&css) {
            match name {
                "text-align" => self.align = Align::read(&value.into()),
                "margin-left" => {
                    let steps = value
                        .strip_suffix("em")
                        .and_then(|ems| ems.parse::<u8>().ok());
                    self.shift = steps.map_or(0, |ems| (ems / 2).min(INDENT_MAX));
                }
                "mso-list" => {
                    let level = value
                        .split("level")
                        .nth(1)
                        .and_then(|rest| rest.get(..1)?.parse::<u8>().ok());
                    self.word_item = level.map(|level| level.saturating_sub(1).min(INDENT_MAX));
                }
                _ => {}
            }
        }
    }

    fn start_item(&mut self, tag: &Tag<'_>) {
        // An item that was not closed ends where the next begins.
        if self.items.len() >= self.lists.len().max(1) {
            self.close("li");
        }
        self.start_line(tag);
        let kind = self.lists.last_mut().map_or(BlockKind::Bullet, |next| {
            let mut kind = next.clone();
            if let BlockKind::Ordered { start } = next {
                *start = None;
            }
            if let BlockKind::Ordered { start } = &mut kind {
                let value = tag.attr("value").and_then(|value| value.parse().ok());
                *start = value.or(*start);
            }
            kind
        });
        self.items.push(Some(kind));
    }

    fn language(&mut self, tag: &Tag<'_>) {
        let class = tag.attr("class").unwrap_or_default();
        let Some(pre) = &mut self.pre else { return };
        if pre.text == "\n" {
            pre.text.clear();
        }
        pre.has_code = true;
        if let Some(at) = class.find("language-") {
            pre.language = Some(class[at + "language-".len()..].trim().to_owned())
                .filter(|name| !name.is_empty());
        }
    }

    fn end_pre(&mut self) {
        let Some(pre) = self.pre.take() else { return };
        self.fences += 1;
        let kind = BlockKind::Code {
            language: pre.language.unwrap_or_else(|| PLAIN.to_owned()),
            fence: Some(self.fences.to_string()),
        };
        let place = self.place();
        let text = pre.text.replace("\r\n", "\n").replace('\r', "\n");
        let text = match text.strip_prefix('\n') {
            Some(rest) if !pre.has_code => rest,
            _ => &text,
        };
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.out.text(line, &Attrs::new());
            self.out.end_block(&kind, place);
        }
        self.align = None;
        self.shift = 0;
    }

    fn end_item_line(&mut self) {
        if matches!(self.items.last(), Some(Some(_))) {
            self.write_line();
        }
        self.end_line();
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() {
            self.write_line();
        }
        self.align = None;
        self.shift = 0;
        self.word_item = None;
    }

    fn write_line(&mut self) {
        let own = self.items.last_mut().and_then(Option::take);
        // An item stands where its list does; what is below it, one step further.
        let mut place = self.place_in(self.items.len() - usize::from(own.is_some()));
        let kind = match (self.heading, own, self.word_item, self.callouts.last()) {
            (Some(level), None, ..) => BlockKind::Heading(level),
            (_, Some(kind), ..) => kind,
            (.., Some(level), _) => {
                place.indent = (level & !WORD_NUMBERED).min(INDENT_MAX);
                if level & WORD_NUMBERED == 0 {
                    BlockKind::Bullet
                } else {
                    BlockKind::Ordered { start: None }
                }
            }
            (.., Some(kind)) => BlockKind::Callout(kind.clone()),
            _ => BlockKind::Paragraph,
        };
        self.line.write_into(&mut self.out);
        self.out.end_block(&kind, place);
    }

    fn place(&self) -> Place {
        self.place_in(self.items.len())
    }

    /// Where a block inside so many items stands.
    fn place_in(&self, items: usize) -> Place {
        let shift = self.list_shift as usize + usize::from(self.shift);
        let steps = items + shift + (self.quotes as usize).saturating_sub(1);
        Place {
            indent: u8::try_from(steps).unwrap_or(INDENT_MAX).min(INDENT_MAX),
            quoted: self.quotes > 0,
            align: self.align,
        }
    }
}

/// Set in the level of Word's items that bear a number.
const WORD_NUMBERED: u8 = 0x80;

fn list_kind(tag: &Tag<'_>) -> BlockKind {
    if tag.name == "ul" {
        return BlockKind::Bullet;
    }
    let start = tag.attr("start").and_then(|start| start.parse().ok());
    BlockKind::Ordered {
        start: start.filter(|start| *start != 1),
    }
}

fn declarations(css: &str) -> impl Iterator<Item = (&str, &str)> {
    css.split(';')
        .filter_map(|rule| rule.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
}

/// Marks that a style adds or, as Google Docs does around everything it copies, takes away.
fn apply_css(css: &str, marks: &mut Vec<Mark>) {
    for (name, value) in declarations(css) {
        match name {
            "font-weight" => {
                marks.retain(|mark| *mark != Mark::Bold);
                let heavy = value
                    .parse::<u32>()
                    .map_or(value.starts_with("bold"), |weight| weight >= 600);
                marks.extend(heavy.then_some(Mark::Bold));
            }
            "font-style" => {
                marks.retain(|mark| *mark != Mark::Italic);
                marks.extend((value == "italic").then_some(Mark::Italic));
            }
            "text-decoration" | "text-decoration-line" => {
                marks.extend(value.contains("underline").then_some(Mark::Underline));
                marks.extend(value.contains("line-through").then_some(Mark::Strike));
            }
            _ => {}
        }
    }
}
