//! Flow → Markdown.
//!
//! Blocks are put back into the lists and quotes that their indent and `quoted` stand for: a stack of open
//! containers, of which each block keeps as many as hold it, and opens what it lacks.

use super::numbering::Numbering;
use super::source::Directive;
use super::spans::{self, Setting, longest_run};
use super::{FRONT_MATTER, HTML, TABLE, read};
use crate::flow::block::{Block, BlockKind, Inline, PLAIN};
use crate::flow::compose::{Composer, Embed, Place, embed_of};
use crate::flow::delta::Attrs;
use containers::{Item, Open, Plan, plan};

mod containers;

/// Writes a flow as Markdown. The same flow always gives the same text; an empty page gives an empty text.
#[must_use]
pub fn write(blocks: &[Block]) -> String {
    let shown = blocks.len()
        - blocks
            .iter()
            .rev()
            .take_while(|block| is_plain_and_empty(block))
            .count();
    let mut writer = Writer::default();
    let mut at = 0;
    while at < shown {
        let length = group_length(&blocks[at..shown]);
        let (group, rest) = blocks[at..shown].split_at(length);
        writer.block(group, rest.first());
        at += length;
    }
    writer.out
}

fn is_plain_and_empty(block: &Block) -> bool {
    block.kind == BlockKind::Paragraph
        && block.content.is_empty()
        && block.indent == 0
        && !block.quoted
        && block.align.is_none()
}

/// How many blocks are written as one: the lines of a code block.
fn group_length(blocks: &[Block]) -> usize {
    let Some(first) = blocks.first() else {
        return 0;
    };
    if !matches!(first.kind, BlockKind::Code { .. }) {
        return 1;
    }
    let joins = |block: &&Block| {
        block.kind == first.kind
            && block.indent == first.indent
            && block.quoted == first.quoted
            && block.align == first.align
    };
    blocks.iter().take_while(joins).count()
}

#[derive(Debug, Default)]
struct Writer {
    out: String,
    open: Vec<Open>,
    numbering: Numbering,
    /// The last block was an item of text only, so that the next item may follow without a blank line.
    after_item: bool,
}

impl Writer {
    fn block(&mut self, group: &[Block], next: Option<&Block>) {
        let Some(block) = group.first() else { return };
        let goes_on = self.numbering.goes_on(block.indent, block.quoted);
        let number = self.numbering.step(&block.kind, block.indent, block.quoted);
        let mut text = self.text(group, next);
        let mut plan = plan(
            &self.open,
            block,
            Item {
                number,
                goes_on,
                is_empty: text.is_empty(),
                after_item: self.after_item,
            },
        );
        if let BlockKind::Task { done } = block.kind {
            text = task_text(done, std::mem::take(&mut plan.inner), &text);
        }
        self.emit(&plan, &text);
        self.after_item = !plan.marker.is_empty() && !text.starts_with('<');
        self.open.truncate(plan.keep);
        self.open.extend(plan.opens);
        if footnote_label(block).is_some() && self.open.is_empty() {
            self.open.push(Open::Footnote { level: 1 });
        }
    }

    fn emit(&mut self, plan: &Plan, text: &str) {
        let mut prefix = String::new();
        for open in &self.open[..plan.keep] {
            open.continue_line(&mut prefix);
        }
        if !self.out.is_empty() && !plan.tight {
            self.line(&prefix, "");
        }
        if plan.outer.is_needed() {
            self.line(&prefix, &plan.outer.to_comment());
        }
        let mut lead = prefix.clone();
        for open in &plan.opens {
            open.continue_line(&mut prefix);
            match open {
                Open::Callout { kind, .. } => {
                    self.line(&lead, &format!("> [!{}]", kind.to_ascii_uppercase()));
                    lead.clone_from(&prefix);
                }
                Open::Item { .. } => {
                    lead.push_str(&plan.marker);
                    lead.push(' ');
                }
                Open::Quote { .. } | Open::Footnote { .. } => lead.push_str("> "),
            }
        }
        if plan.inner.is_needed() {
            self.line(&lead, &plan.inner.to_comment());
            lead.clone_from(&prefix);
        }
        for (at, line) in text.split('\n').enumerate() {
            self.line(if at == 0 { &lead } else { &prefix }, line);
        }
    }

    fn line(&mut self, prefix: &str, text: &str) {
        self.out.push_str(if text.is_empty() {
            prefix.trim_end()
        } else {
            prefix
        });
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// What stands after the marker.
    fn text(&self, group: &[Block], next: Option<&Block>) -> String {
        let Some(block) = group.first() else {
            return String::new();
        };
        match &block.kind {
            BlockKind::Heading(level) => {
                let text = spans::write(&block.content, Setting::Heading);
                let marks = "#".repeat(usize::from((*level).clamp(1, 6)));
                if text.is_empty() {
                    marks
                } else {
                    format!("{marks} {text}")
                }
            }
            BlockKind::Divider => "---".to_owned(),
            BlockKind::Code { language, .. } => self.code(language, group),
            BlockKind::Bullet | BlockKind::Ordered { .. } | BlockKind::Task { .. } => {
                // An item may begin with one line break at most, so one that holds more begins with `<br>`.
                let holds_more = next.is_some_and(|next| next.indent > block.indent);
                if block.content.is_empty() && !holds_more {
                    return String::new();
                }
                spans::write(&block.content, Setting::Lines)
            }
            BlockKind::Callout(_) => spans::write(&block.content, Setting::MoreLines),
            BlockKind::Paragraph => match footnote_label(block) {
                Some((label, content)) => {
                    format!("{label}{}", spans::write(&content, Setting::Lines))
                }
                None => spans::write(&block.content, Setting::Lines),
            },
        }
    }

    fn code(&self, language: &str, group: &[Block]) -> String {
        let text = group
            .iter()
            .map(|block| plain(&block.content))
            .collect::<Vec<_>>()
            .join("\n");
        let nested = group
            .iter()
            .any(|block| block.indent > 0 || block.quoted || block.align.is_some());
        // After a list, a blank at the start would put it into the last item.
        let indented = text.starts_with([' ', '\t']);
        let marked = text
            .split('\n')
            .any(|line| line.starts_with([' ', '\t', '>']));
        let raw = match language {
            FRONT_MATTER if self.out.is_empty() && !nested => Some(format!("---\n{text}\n---")),
            TABLE if !(indented || nested && marked) => Some(text.clone()),
            HTML if !indented => Some(text.clone()),
            _ => None,
        };
        if let Some(raw) = raw.filter(|raw| reads_as(raw, language, &text)) {
            return raw;
        }
        let mark = if language.contains('`') { '~' } else { '`' };
        let fence = String::from(mark).repeat((longest_run(&text, mark) + 1).max(3));
        let info = if language == PLAIN {
            String::new()
        } else {
            spans::escape::info(language)
        };
        format!("{fence}{info}\n{text}\n{fence}")
    }
}

/// A task's box must come before anything else, so what a comment says of it follows the box.
fn task_text(done: bool, directive: Directive, text: &str) -> String {
    let check = if done { "[x]" } else { "[ ]" };
    let comment = if directive.is_needed() {
        directive.to_comment()
    } else {
        String::new()
    };
    if comment.is_empty() && text.is_empty() {
        return check.to_owned();
    }
    format!("{check} {comment}{text}")
}

/// Splits `[^label]: ` off a paragraph that stands free: it reads as a footnote, and what is deeper as the rest of it.
fn footnote_label(block: &Block) -> Option<(&str, Vec<Inline>)> {
    if block.kind != BlockKind::Paragraph
        || block.indent > 0
        || block.quoted
        || block.align.is_some()
    {
        return None;
    }
    let (Inline::Text { text, attrs }, rest) = block.content.split_first()? else {
        return None;
    };
    let label = text.strip_prefix("[^")?;
    let length = label.find("]: ")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let split = 2 + length + 3;
    if !attrs.is_empty()
        || length == 0
        || !label[..length].chars().all(plain)
        || text[split..].trim_start() != &text[split..]
        || text.len() == split
    {
        return None;
    }
    let mut content = vec![Inline::Text {
        text: text[split..].to_owned(),
        attrs: attrs.clone(),
    }];
    content.extend_from_slice(rest);
    Some((&text[..split], content))
}

/// Characters only; breaks as line ends.
fn plain(content: &[Inline]) -> String {
    let mut out = String::new();
    for inline in content {
        match inline {
            Inline::Text { text, .. } => out.push_str(text),
            Inline::Embed { value, attrs } => {
                if embed_of(value, attrs) == Embed::Break {
                    out.push('\n');
                }
            }
        }
    }
    out.replace('\r', "\n").replace('\0', "\u{fffd}")
}

/// Whether raw source, with something after it, comes back as code lines of just this language and text.
fn reads_as(source: &str, language: &str, text: &str) -> bool {
    let mut wanted = Composer::new();
    let kind = BlockKind::Code {
        language: language.to_owned(),
        fence: Some("1".to_owned()),
    };
    for line in text.split('\n') {
        wanted.text(line, &Attrs::new());
        wanted.end_block(&kind, Place::default());
    }
    wanted.text("x", &Attrs::new());
    wanted.end_block(&BlockKind::Paragraph, Place::default());
    read(&format!("{source}\n\nx\n")).is_ok_and(|ops| ops == wanted.finish())
}
