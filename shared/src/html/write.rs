//! Flow → HTML.

use super::entity::{escape, escape_into};
use super::tags::{COLOUR_ATTR, EMBED_ATTR, embed_to_json, image_address};
use crate::flow::block::{Block, BlockKind, Inline, PLAIN};
use crate::flow::compose::{Embed, Style, embed_of};
use crate::flow::marks::{COLOUR_BY_DEFAULT, is_safe_link};
use crate::markdown::numbering::Numbering;

/// How a page on its own looks: readable on any screen and on paper, in light and in dark.
const STYLE_SHEET: &str = "\
:root{color-scheme:light dark}
body{max-width:45rem;margin:2.5rem auto;padding:0 1.25rem;font:1rem/1.6 system-ui,sans-serif}
h1,h2,h3,h4,h5,h6{line-height:1.25;margin:1.6em 0 .5em}
pre{padding:.9rem 1rem;overflow-x:auto;border-radius:.4rem;background:#8881}
code{font:.9em ui-monospace,monospace}
blockquote{margin:1em 0;padding-left:1rem;border-left:.2rem solid #8886}
aside{margin:1em 0;padding:.6rem 1rem;border-radius:.4rem;background:#8882}
img{max-width:100%;height:auto}
hr{border:0;border-top:1px solid #8886;margin:2em 0}
ul.tasks{list-style:none;padding-left:1.2rem}
a{color:LinkText}
@media print{body{margin:0;max-width:none}a{color:inherit}}
";

/// Writes a flow as HTML for the inside of a `<body>`. Indent outside lists and alignment are inline styles.
#[must_use]
pub fn write(blocks: &[Block]) -> String {
    let mut writer = Writer::default();
    let mut at = 0;
    while at < blocks.len() {
        let first = &blocks[at];
        let length = match first.kind {
            BlockKind::Code { .. } => {
                1 + blocks[at..]
                    .windows(2)
                    .take_while(|pair| pair[0].joins(&pair[1]))
                    .count()
            }
            _ => 1,
        };
        writer.block(first, &blocks[at..at + length]);
        at += length;
    }
    writer.close_to(0);
    writer.out
}

/// Writes a flow as an HTML file of its own, with a small style sheet and no other file needed.
#[must_use]
pub fn write_document(title: &str, blocks: &[Block]) -> String {
    format!(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE_SHEET}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
        escape(title),
        write(blocks)
    )
}

/// An element that is open around the current place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Open {
    Quote,
    Callout(String),
    /// A list at an indent; its last item is open.
    List {
        indent: u8,
        tag: ListTag,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListTag {
    Bullets,
    Numbers,
    Tasks,
}

#[derive(Debug, Default)]
struct Writer {
    out: String,
    open: Vec<Open>,
    numbering: Numbering,
}

impl Writer {
    fn block(&mut self, block: &Block, group: &[Block]) {
        let goes_on = self.numbering.goes_on(block.indent, block.quoted);
        let number = self.numbering.step(&block.kind, block.indent, block.quoted);
        let list = match block.kind {
            BlockKind::Bullet => Some(ListTag::Bullets),
            BlockKind::Ordered { .. } => Some(ListTag::Numbers),
            BlockKind::Task { .. } => Some(ListTag::Tasks),
            _ => None,
        };
        let keep = self.kept(block, list);
        self.close_to(keep);
        if block.quoted && !self.open.contains(&Open::Quote) {
            self.out.push_str("<blockquote>\n");
            self.open.push(Open::Quote);
        }
        if let BlockKind::Callout(kind) = &block.kind
            && self.open.last() != Some(&Open::Callout(kind.clone()))
        {
            self.out
                .push_str(&format!("<aside data-callout=\"{}\">\n", escape(kind)));
            self.open.push(Open::Callout(kind.clone()));
        }
        match list {
            Some(tag) => self.item(block, tag, number.unwrap_or(1), goes_on),
            None => self.plain(block, group),
        }
    }

    /// How many open elements hold the block.
    fn kept(&self, block: &Block, list: Option<ListTag>) -> usize {
        let mut in_quote = false;
        for (at, open) in self.open.iter().enumerate() {
            let holds = match open {
                Open::Quote => block.quoted,
                Open::Callout(kind) => {
                    matches!(&block.kind, BlockKind::Callout(own) if own == kind)
                        && in_quote == block.quoted
                        && self.steps_at(at) == block.indent
                }
                Open::List { indent, .. } if *indent < block.indent => true,
                Open::List { indent, tag } => {
                    *indent == block.indent && Some(*tag) == list && in_quote == block.quoted
                }
            };
            if !holds {
                return at;
            }
            in_quote |= *open == Open::Quote;
        }
        self.open.len()
    }

    /// The indent that the lists around the first `length` open elements give.
    fn steps_at(&self, length: usize) -> u8 {
        let lists = self.open[..length].iter().rev();
        lists
            .filter_map(|open| match open {
                Open::List { indent, .. } => Some(indent + 1),
                _ => None,
            })
            .next()
            .unwrap_or(0)
    }

    fn close_to(&mut self, keep: usize) {
        while self.open.len() > keep {
            self.out.push_str(match self.open.pop() {
                Some(Open::Quote) => "</blockquote>\n",
                Some(Open::Callout(_)) => "</aside>\n",
                Some(Open::List {
                    tag: ListTag::Numbers,
                    ..
                }) => "</li>\n</ol>\n",
                Some(Open::List { .. }) => "</li>\n</ul>\n",
                None => "",
            });
        }
    }

    fn item(&mut self, block: &Block, tag: ListTag, number: u32, goes_on: bool) {
        let is_next =
            matches!(self.open.last(), Some(Open::List { indent, .. }) if *indent == block.indent);
        if is_next {
            self.out.push_str("</li>\n");
        } else {
            let shift = block.indent.saturating_sub(self.steps_at(self.open.len()));
            let style = style_of(shift, None);
            self.out.push_str(&match tag {
                ListTag::Bullets => format!("<ul{style}>\n"),
                ListTag::Tasks => format!("<ul class=\"tasks\"{style}>\n"),
                ListTag::Numbers if number != 1 => format!("<ol start=\"{number}\"{style}>\n"),
                ListTag::Numbers => format!("<ol{style}>\n"),
            });
            self.open.push(Open::List {
                indent: block.indent,
                tag,
            });
        }
        let style = style_of(0, Some(block));
        let value = match block.kind {
            BlockKind::Ordered { start: Some(start) } if goes_on && is_next => {
                format!(" value=\"{start}\"")
            }
            _ => String::new(),
        };
        self.out.push_str(&format!("<li{value}{style}>"));
        if let BlockKind::Task { done } = block.kind {
            let checked = if done { " checked" } else { "" };
            self.out
                .push_str(&format!("<input type=\"checkbox\" disabled{checked}> "));
        }
        self.content(&block.content);
    }

    fn plain(&mut self, block: &Block, group: &[Block]) {
        // Inside an item, what follows its text starts on a line of its own.
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        let shift = block.indent.saturating_sub(self.steps_at(self.open.len()));
        let style = style_of(shift, Some(block));
        match &block.kind {
            BlockKind::Divider => self.out.push_str(&format!("<hr{style}>")),
            BlockKind::Code { language, .. } => {
                let class = match language.as_str() {
                    PLAIN => String::new(),
                    language => format!(" class=\"language-{}\"", escape(language)),
                };
                self.out.push_str(&format!("<pre{style}><code{class}>"));
                for (at, line) in group.iter().enumerate() {
                    self.out.push_str(if at == 0 { "" } else { "\n" });
                    self.code_text(&line.content);
                }
                // Readers drop one line end at the end, so an empty last line needs another.
                if group.len() > 1 && group.last().is_some_and(|line| line.content.is_empty()) {
                    self.out.push('\n');
                }
                self.out.push_str("</code></pre>");
            }
            BlockKind::Heading(level) => {
                let level = (*level).clamp(1, 6);
                self.out.push_str(&format!("<h{level}{style}>"));
                self.content(&block.content);
                self.out.push_str(&format!("</h{level}>"));
            }
            _ => {
                self.out.push_str(&format!("<p{style}>"));
                self.content(&block.content);
                self.out.push_str("</p>");
            }
        }
        self.out.push('\n');
    }

    fn code_text(&mut self, content: &[Inline]) {
        for inline in content {
            if let Inline::Text { text, .. } = inline {
                escape_into(&mut self.out, text);
            }
        }
    }

    fn content(&mut self, content: &[Inline]) {
        if content.is_empty() {
            self.out.push_str("<br>");
        }
        for (at, inline) in content.iter().enumerate() {
            let (attrs, is_text) = match inline {
                Inline::Text { attrs, .. } => (attrs, true),
                Inline::Embed { attrs, .. } => (attrs, false),
            };
            let style = Style::from_attrs(attrs);
            let tags = tags_of(&style, is_text);
            for (open, _) in &tags {
                self.out.push_str(open);
            }
            match inline {
                Inline::Text { text, .. } => self.text(text, at + 1 == content.len()),
                Inline::Embed { value, attrs } => {
                    self.out.push_str(&embed(&embed_of(value, attrs)))
                }
            }
            for (_, close) in tags.iter().rev() {
                self.out.push_str(&format!("</{close}>"));
            }
        }
        // A break at the very end shows only if something follows it.
        if let Some(Inline::Embed { value, attrs }) = content.last()
            && embed_of(value, attrs) == Embed::Break
        {
            self.out.push_str("<br>");
        }
    }

    /// Blanks that a browser would fold, or leave out at the block's end, become ones that it keeps.
    fn text(&mut self, text: &str, ends_block: bool) {
        let mut blank = self.out.ends_with(['>', '\n', ' ']);
        let mut kept = String::with_capacity(text.len());
        for (at, character) in text.char_indices() {
            let is_blank = character == ' ';
            let is_last = ends_block && at + 1 == text.len();
            kept.push(if is_blank && (blank || is_last) {
                '\u{a0}'
            } else {
                character
            });
            blank = is_blank && !blank;
        }
        escape_into(&mut self.out, &kept);
    }
}

fn style_of(shift: u8, block: Option<&Block>) -> String {
    let mut rules = Vec::new();
    if shift > 0 {
        rules.push(format!("margin-left:{}em", u32::from(shift) * 2));
    }
    if let Some(align) = block.and_then(|block| block.align) {
        rules.push(format!("text-align:{}", align.as_str()));
    }
    if rules.is_empty() {
        String::new()
    } else {
        format!(" style=\"{}\"", rules.join(";"))
    }
}

/// Opening tags and the names of their closing ones, outermost first.
fn tags_of(style: &Style, is_text: bool) -> Vec<(String, &'static str)> {
    let mut tags = Vec::new();
    if let Some(address) = style
        .link
        .as_deref()
        .filter(|address| is_safe_link(address))
    {
        tags.push((
            format!(
                "<a href=\"{}\" rel=\"noopener noreferrer\">",
                escape(address)
            ),
            "a",
        ));
    }
    if let Some(colour) = &style.highlight {
        let attr = match &**colour {
            COLOUR_BY_DEFAULT => String::new(),
            // Only names and hex digits come through `Style`, so that it can stand in a style.
            colour => format!(
                " {COLOUR_ATTR}=\"{0}\" style=\"background-color:{0}\"",
                escape(colour)
            ),
        };
        tags.push((format!("<mark{attr}>"), "mark"));
    }
    for (on, name) in [
        (style.bold, "strong"),
        (style.italic, "em"),
        (style.underline, "u"),
        (style.strike, "s"),
        (style.code && is_text, "code"),
    ] {
        if on {
            tags.push((format!("<{name}>"), name));
        }
    }
    tags
}

fn embed(embed: &Embed<'_>) -> String {
    match embed {
        Embed::Break => "<br>".to_owned(),
        Embed::Divider => String::new(),
        Embed::Image { url, alt, width } => {
            let Some(url) = image_address(url) else {
                return escape(alt);
            };
            let width = width.map_or(String::new(), |width| format!(" width=\"{width}\""));
            format!(
                "<img src=\"{}\" alt=\"{}\"{width}>",
                escape(&url),
                escape(alt)
            )
        }
        Embed::Other(value) => match embed_to_json(value) {
            Some(json) => format!("<span {EMBED_ATTR}=\"{}\"></span>", escape(&json)),
            None => String::new(),
        },
    }
}
