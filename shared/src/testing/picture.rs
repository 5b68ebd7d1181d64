//! Blocks as a few lines of text, for tests that compare what people would see.

use crate::flow::block::{Block, BlockKind, Inline};
use crate::flow::marks::{self, Mark};

/// One line a block: how it starts says its kind, one `>` that it is quoted, two spaces a step of indent.
///
/// Marks stand around their text: `*bold*`, `/italic/`, `_underline_`, `~strike~`, `` `code` ``, `<address|link>`, `=highlight=`.
/// An embed is `{}`.
#[must_use]
pub fn draw(blocks: &[Block]) -> String {
    let mut lines = Vec::new();
    for block in blocks {
        let mut line = "  ".repeat(usize::from(block.indent));
        if block.quoted {
            line.push_str("> ");
        }
        match &block.kind {
            BlockKind::Paragraph => {}
            BlockKind::Heading(level) => {
                line.push_str(&"#".repeat(usize::from(*level)));
                line.push(' ');
            }
            BlockKind::Bullet => line.push_str("- "),
            BlockKind::Ordered { start: None } => line.push_str("1. "),
            BlockKind::Ordered { start: Some(first) } => line.push_str(&format!("{first}.. ")),
            BlockKind::Task { done: false } => line.push_str("[ ] "),
            BlockKind::Task { done: true } => line.push_str("[x] "),
            BlockKind::Code { language, .. } => line.push_str(&format!("```{language} ")),
            BlockKind::Callout(kind) => line.push_str(&format!("!{kind} ")),
            BlockKind::Divider => line.push_str("--- "),
        }
        for inline in &block.content {
            match inline {
                Inline::Embed { .. } => line.push_str("{}"),
                Inline::Text { text, attrs } => line.push_str(&marked(text, &marks::read(attrs))),
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn marked(text: &str, marks: &[Mark]) -> String {
    let mut drawn = text.to_owned();
    for mark in marks.iter().rev() {
        drawn = match mark {
            Mark::Bold => format!("*{drawn}*"),
            Mark::Italic => format!("/{drawn}/"),
            Mark::Underline => format!("_{drawn}_"),
            Mark::Strike => format!("~{drawn}~"),
            Mark::Code => format!("`{drawn}`"),
            Mark::Link(address) => format!("<{address}|{drawn}>"),
            Mark::Highlight(_) => format!("={drawn}="),
        };
    }
    drawn
}
