//! A flow read as blocks: what each newline says about the line it ends.

use yrs::Any;

use super::delta::Attrs;

/// One block as it should be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What it is, after normalising.
    pub kind: BlockKind,
    /// 0 to 8 steps to the right.
    pub indent: u8,
    /// Inside a quotation.
    pub quoted: bool,
    /// Where its text stands.
    pub align: Option<Align>,
    /// Text and embeds, without the newline. Neighbouring runs differ in their marks.
    pub content: Vec<Inline>,
    /// Every attribute of the newline as it is stored, unknown ones included.
    pub newline: Attrs,
}

/// Kinds of block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Plain text.
    Paragraph,
    /// Level 1 to 6.
    Heading(u8),
    /// `-`
    Bullet,
    /// `1.`; where the count starts, if it says so.
    Ordered {
        /// First number.
        start: Option<u32>,
    },
    /// A box to tick.
    Task {
        /// Ticked.
        done: bool,
    },
    /// One line of a code block; neighbours with the same `fence` join.
    Code {
        /// `"plain"` when none was named.
        language: String,
        /// Tells two neighbouring code blocks apart.
        fence: Option<String>,
    },
    /// A boxed remark of some kind (`"info"`, `"warning"` …).
    Callout(String),
    /// A line that holds exactly one divider embed.
    Divider,
}

/// Where a block's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// In the middle.
    Center,
    /// At the right.
    Right,
    /// At both edges.
    Justify,
}

/// A piece of a block's content.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Characters with the same marks.
    Text {
        /// No newline in it.
        text: String,
        /// As stored; `flow::marks` reads them.
        attrs: Attrs,
    },
    /// An embed, known or not.
    Embed {
        /// As stored.
        value: Any,
        /// As stored.
        attrs: Attrs,
    },
}
