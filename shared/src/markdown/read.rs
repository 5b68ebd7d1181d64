//! Markdown → flow.
//!
//! The parser's events are folded into blocks. Lists and quotes around a block become its indent and its `quoted`;
//! everything is bounded by the source: no recursion, no work that grows with depth.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use super::inline::Line;
use super::numbering::Numbering;
use super::source::{Directive, bound_nesting, callout_kind, split_front_matter, tidy};
use super::{FRONT_MATTER, MARKDOWN_BYTES_MAX, ReadError, TABLE};
use crate::flow::block::BlockKind;
use crate::flow::compose::{Composer, Place};
use crate::flow::delta::DeltaOp;
use crate::html::tags::Mark;

mod blocks;
mod html;

/// Reads a Markdown document as a flow: a list of inserts that ends with a newline.
///
/// Any text is Markdown. Code blocks get a `fence` that counts them. Unsafe addresses lose their link, not their text.
///
/// # Errors
/// [`ReadError::TooLong`] when `source` has more than [`MARKDOWN_BYTES_MAX`] bytes.
pub fn read(source: &str) -> Result<Vec<DeltaOp>, ReadError> {
    if source.len() > MARKDOWN_BYTES_MAX {
        return Err(ReadError::TooLong {
            bytes: source.len(),
        });
    }
    let tidied = tidy(source);
    let (facts, body) = split_front_matter(&tidied);
    let bounded = bound_nesting(body);
    let mut reader = Reader::new(&bounded);
    if let Some(facts) = facts {
        reader.code_lines(FRONT_MATTER, facts);
    }
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS;
    for (event, range) in Parser::new_ext(&bounded, options).into_offset_iter() {
        reader.take(event, range);
    }
    reader.end_text();
    if reader.out.is_empty() {
        reader
            .out
            .end_block(&BlockKind::Paragraph, Place::default());
    }
    Ok(reader.out.finish())
}

/// A container that is open.
enum Holder {
    /// `shift`: what a comment before it added to the indent.
    Quote {
        shift: u32,
    },
    /// A quote that began with `[!KIND]`, and how many blocks there were before it.
    Callout {
        kind: String,
        shift: u32,
        blocks_before: usize,
    },
    List {
        number: Option<u64>,
        shift: u32,
    },
    /// `opened` once its own block was written.
    Item {
        kind: BlockKind,
        opened: bool,
    },
    Footnote {
        label: String,
        opened: bool,
    },
}

/// What text events mean at the moment.
enum Mode {
    Inline,
    Code {
        language: String,
        text: String,
    },
    Html(String),
    /// Inside a picture's description; how many pictures deep.
    Alt {
        url: String,
        text: String,
        depth: u32,
    },
    /// Inside a table, whose source is kept instead.
    Table,
    /// The line of a callout that names its kind.
    CalloutLine,
}

struct Reader<'a> {
    source: &'a str,
    out: Composer,
    numbering: Numbering,
    holders: Vec<Holder>,
    /// Opened items, footnotes and shifts around the current place.
    levels: u32,
    quotes: u32,
    callouts: u32,
    line: Line,
    heading: Option<u8>,
    directive: Option<Directive>,
    fences: u32,
    /// Written so far.
    blocks: usize,
    mode: Mode,
}

impl<'a> Reader<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            out: Composer::new(),
            numbering: Numbering::default(),
            holders: Vec::new(),
            levels: 0,
            quotes: 0,
            callouts: 0,
            line: Line::default(),
            heading: None,
            directive: None,
            fences: 0,
            blocks: 0,
            mode: Mode::Inline,
        }
    }

    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match &mut self.mode {
            Mode::Inline => self.take_block(event, range),
            Mode::Code { language, text } => match event {
                Event::Text(more) => text.push_str(&more),
                Event::End(TagEnd::CodeBlock) => {
                    let (language, text) = (std::mem::take(language), std::mem::take(text));
                    self.mode = Mode::Inline;
                    self.code_lines(&language, text.strip_suffix('\n').unwrap_or(&text));
                }
                _ => {}
            },
            Mode::Html(text) => match event {
                Event::Html(more) | Event::Text(more) => text.push_str(&more),
                Event::End(TagEnd::HtmlBlock) => {
                    let text = std::mem::take(text);
                    self.mode = Mode::Inline;
                    self.html_block(text.trim_start_matches(' ').trim_end_matches('\n'));
                }
                _ => {}
            },
            Mode::Alt { url, text, depth } => match event {
                Event::Start(Tag::Image { .. }) => *depth += 1,
                Event::End(TagEnd::Image) if *depth > 0 => *depth -= 1,
                Event::End(TagEnd::Image) => {
                    let (url, text) = (std::mem::take(url), std::mem::take(text));
                    self.mode = Mode::Inline;
                    self.line.image(&url, text);
                }
                Event::Text(more) | Event::Code(more) | Event::InlineHtml(more) => {
                    text.push_str(&more)
                }
                Event::SoftBreak | Event::HardBreak => text.push(' '),
                _ => {}
            },
            Mode::Table => {
                if let Event::End(TagEnd::Table) = event {
                    self.mode = Mode::Inline;
                }
            }
            Mode::CalloutLine => match event {
                Event::SoftBreak | Event::HardBreak => self.mode = Mode::Inline,
                Event::End(TagEnd::Paragraph) => self.mode = Mode::Inline,
                _ => {}
            },
        }
    }

    fn take_block(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.line.text(&text),
            Event::Code(text) => self.line.code(&text),
            Event::InlineHtml(raw) | Event::Html(raw) => self.inline_html(&raw),
            Event::FootnoteReference(label) => self.line.text(&format!("[^{label}]")),
            Event::SoftBreak => self.line.text(" "),
            Event::HardBreak => self.line.line_break(),
            Event::Rule => {
                self.before_block();
                let place = self.place(self.quotes + self.callouts);
                self.emit(&BlockKind::Divider, place);
            }
            Event::TaskListMarker(done) => {
                if let Some(Holder::Item { kind, .. }) = self.holders.last_mut() {
                    *kind = BlockKind::Task { done };
                }
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => self.line.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Paragraph => self.start_paragraph(&range),
            Tag::Heading { level, .. } => {
                self.before_block();
                self.heading = Some(heading_number(level));
            }
            Tag::BlockQuote(_) => {
                self.before_block();
                let shift = self.take_shift();
                self.quotes += 1;
                self.holders.push(Holder::Quote { shift });
            }
            Tag::CodeBlock(kind) => {
                self.before_block();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.trim().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.mode = Mode::Code {
                    language,
                    text: String::new(),
                };
            }
            Tag::HtmlBlock => {
                self.end_text();
                self.mode = Mode::Html(String::new());
            }
            Tag::List(number) => {
                self.before_block();
                let shift = self.take_shift();
                self.holders.push(Holder::List { number, shift });
            }
            Tag::Item => {
                let kind = self.next_item_kind();
                self.holders.push(Holder::Item {
                    kind,
                    opened: false,
                });
            }
            Tag::FootnoteDefinition(label) => {
                self.before_block();
                self.holders.push(Holder::Footnote {
                    label: label.to_string(),
                    opened: false,
                });
            }
            Tag::Table(_) => {
                self.before_block();
                let source = self.table_source(range);
                self.code_lines(TABLE, &source);
                self.mode = Mode::Table;
            }
            inline => self.start_inline(inline),
        }
    }

    fn start_inline(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Emphasis => self.line.open(&Mark::Italic),
            Tag::Strong => self.line.open(&Mark::Bold),
            Tag::Strikethrough => self.line.open(&Mark::Strike),
            Tag::Link {
                link_type: LinkType::Email,
                dest_url,
                ..
            } => {
                self.line.open_link(&format!("mailto:{dest_url}"));
            }
            Tag::Link { dest_url, .. } => self.line.open_link(&dest_url),
            Tag::Image { dest_url, .. } => {
                self.mode = Mode::Alt {
                    url: dest_url.to_string(),
                    text: String::new(),
                    depth: 0,
                };
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.text_block(),
            TagEnd::Heading(_) => {
                let level = self.heading.take().unwrap_or(1);
                self.line.write_into(&mut self.out);
                let place = self.place(self.quotes + self.callouts);
                self.emit(&BlockKind::Heading(level), place);
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item | TagEnd::FootnoteDefinition => {
                self.close_holder()
            }
            TagEnd::Emphasis => self.line.close(&Mark::Italic),
            TagEnd::Strong => self.line.close(&Mark::Bold),
            TagEnd::Strikethrough => self.line.close(&Mark::Strike),
            TagEnd::Link => self.line.close_link(),
            _ => {}
        }
    }

    fn start_paragraph(&mut self, range: &Range<usize>) {
        self.end_text();
        // Only as the first thing in a quote: its range then starts where the quote's inside does.
        if let Some(Holder::Quote { shift }) = self.holders.last()
            && let Some(kind) = self.source.get(range.clone()).and_then(callout_kind)
        {
            let shift = *shift;
            self.holders.pop();
            self.holders.push(Holder::Callout {
                kind,
                shift,
                blocks_before: self.blocks,
            });
            self.quotes -= 1;
            self.callouts += 1;
            self.mode = Mode::CalloutLine;
        }
    }
}

const fn heading_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
