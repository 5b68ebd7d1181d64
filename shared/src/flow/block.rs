//! A flow read as blocks: what each newline says about the line it ends.

use yrs::{Any, Number};

use super::delta::{self, Attrs, Content, DeltaOp};
use super::marks::is_on;

/// Deepest indent.
pub const INDENT_MAX: u8 = 8;
/// Name of the embed that makes its line a divider.
pub const DIVIDER: &str = "divider";
/// Language of a code block that names none.
pub const PLAIN: &str = "plain";
/// Kind of a callout that names none.
pub const CALLOUT_BY_DEFAULT: &str = "info";
/// Newline attributes that say what kind a block is, or belong to one kind alone.
pub const KIND_KEYS: [&str; 6] = ["code-block", "fence", "header", "list", "start", "callout"];

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

impl Inline {
    /// Plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            attrs: Attrs::new(),
        }
    }

    /// Length in UTF-16 units.
    #[must_use]
    pub fn length(&self) -> u32 {
        match self {
            Self::Text { text, .. } => delta::utf16_length(text),
            Self::Embed { .. } => 1,
        }
    }
}

impl BlockKind {
    /// The newline attributes that make a block this kind, and no others.
    #[must_use]
    pub fn to_attrs(&self) -> Attrs {
        let number = |n: u32| Any::Number(Number::Int(i64::from(n)));
        match self {
            Self::Paragraph | Self::Divider => Attrs::new(),
            Self::Heading(level) => delta::attrs([("header", number(u32::from(*level)))]),
            Self::Bullet => delta::attrs([("list", "bullet".into())]),
            Self::Ordered { start } => {
                let mut attrs = delta::attrs([("list", "ordered".into())]);
                attrs.extend(start.map(|first| ("start".to_owned(), number(first))));
                attrs
            }
            Self::Task { done: true } => delta::attrs([("list", "checked".into())]),
            Self::Task { done: false } => delta::attrs([("list", "unchecked".into())]),
            Self::Code { language, fence } => {
                let mut attrs = delta::attrs([("code-block", language.as_str().into())]);
                attrs.extend(fence.as_deref().map(|id| ("fence".to_owned(), id.into())));
                attrs
            }
            Self::Callout(kind) => delta::attrs([("callout", kind.as_str().into())]),
        }
    }

    /// The change that turns a block of any kind into this one: [`to_attrs`](Self::to_attrs), and every other
    /// [kind key](KIND_KEYS) taken away.
    #[must_use]
    pub fn to_change(&self) -> Attrs {
        let mut change = self.to_attrs();
        for key in KIND_KEYS {
            change.entry(key.to_owned()).or_insert(Any::Null);
        }
        change
    }

    /// What a newline with `attrs` makes of its line, dividers apart.
    ///
    /// People who change a block's kind at the same moment leave it with several; then code comes before heading,
    /// heading before list, list before callout. A value that makes no sense counts as absent.
    #[must_use]
    pub fn from_attrs(attrs: &Attrs) -> Self {
        read_code(attrs)
            .or_else(|| read_heading(attrs))
            .or_else(|| read_list(attrs))
            .or_else(|| read_callout(attrs))
            .unwrap_or(Self::Paragraph)
    }
}

fn read_code(attrs: &Attrs) -> Option<BlockKind> {
    let language = match attrs.get("code-block")? {
        Any::String(language) if !language.is_empty() => language.to_string(),
        other if is_on(other) => PLAIN.to_owned(),
        _ => return None,
    };
    let fence = match attrs.get("fence") {
        Some(Any::String(id)) => Some(id.to_string()),
        _ => None,
    };
    Some(BlockKind::Code { language, fence })
}

fn read_heading(attrs: &Attrs) -> Option<BlockKind> {
    let level = whole_number(attrs.get("header")?)?;
    let level = u8::try_from(level)
        .ok()
        .filter(|level| (1..=6).contains(level))?;
    Some(BlockKind::Heading(level))
}

fn read_list(attrs: &Attrs) -> Option<BlockKind> {
    let Any::String(list) = attrs.get("list")? else {
        return None;
    };
    Some(match &**list {
        "ordered" => BlockKind::Ordered {
            start: attrs
                .get("start")
                .and_then(whole_number)
                .and_then(|n| u32::try_from(n).ok()),
        },
        "checked" => BlockKind::Task { done: true },
        "unchecked" => BlockKind::Task { done: false },
        // Some other program's list is still a list.
        _ => BlockKind::Bullet,
    })
}

fn read_callout(attrs: &Attrs) -> Option<BlockKind> {
    match attrs.get("callout")? {
        Any::String(kind) if !kind.is_empty() => Some(BlockKind::Callout(kind.to_string())),
        other => is_on(other).then(|| BlockKind::Callout(CALLOUT_BY_DEFAULT.to_owned())),
    }
}

impl Align {
    /// The attribute's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Center => "center",
            Self::Right => "right",
            Self::Justify => "justify",
        }
    }

    /// Reads the attribute's value; anything unknown stands at the left.
    #[must_use]
    pub fn read(value: &Any) -> Option<Self> {
        let Any::String(side) = value else {
            return None;
        };
        [Self::Center, Self::Right, Self::Justify]
            .into_iter()
            .find(|align| align.as_str() == &**side)
    }
}

impl Block {
    /// A block of `kind` that stands at the left, unquoted.
    #[must_use]
    pub fn new(kind: BlockKind, content: Vec<Inline>) -> Self {
        let newline = kind.to_attrs();
        Self {
            kind,
            indent: 0,
            quoted: false,
            align: None,
            content,
            newline,
        }
    }

    /// Reads a line and the newline that ends it. Attributes a newline should not carry are kept and ignored.
    #[must_use]
    pub fn from_line(content: Vec<Inline>, newline: Attrs) -> Self {
        let kind = if is_divider_line(&content) {
            BlockKind::Divider
        } else {
            BlockKind::from_attrs(&newline)
        };
        let indent = newline.get("indent").and_then(whole_number).unwrap_or(0);
        Self {
            kind,
            indent: u8::try_from(indent.clamp(0, i64::from(INDENT_MAX))).unwrap_or(0),
            quoted: newline.get("blockquote").is_some_and(is_on),
            align: newline.get("align").and_then(Align::read),
            content,
            newline,
        }
    }

    /// Length in UTF-16 units, the newline included.
    #[must_use]
    pub fn length(&self) -> u32 {
        self.content.iter().map(Inline::length).sum::<u32>() + 1
    }

    /// The attributes its newline gets when it is written: what the fields say, and what they do not know of.
    #[must_use]
    pub fn newline_attrs(&self) -> Attrs {
        let mut attrs = self.newline.clone();
        for key in KIND_KEYS
            .into_iter()
            .chain(["indent", "blockquote", "align"])
        {
            attrs.remove(key);
        }
        attrs.extend(self.kind.to_attrs());
        if self.indent > 0 {
            let indent = Any::Number(Number::Int(i64::from(self.indent.min(INDENT_MAX))));
            attrs.insert("indent".to_owned(), indent);
        }
        if self.quoted {
            attrs.insert("blockquote".to_owned(), Any::Bool(true));
        }
        if let Some(align) = self.align {
            attrs.insert("align".to_owned(), align.as_str().into());
        }
        attrs
    }

    /// Whether this and the block after it are lines of one code block.
    #[must_use]
    pub fn joins(&self, next: &Self) -> bool {
        match (&self.kind, &next.kind) {
            (
                BlockKind::Code { fence, language },
                BlockKind::Code {
                    fence: next_fence,
                    language: next_language,
                },
            ) => {
                fence == next_fence
                    && language == next_language
                    && self.quoted == next.quoted
                    && self.indent == next.indent
            }
            _ => false,
        }
    }
}

/// Whether `value` is an embed of type `name`.
#[must_use]
pub fn is_embed(value: &Any, name: &str) -> bool {
    matches!(value, Any::Map(entries) if entries.contains_key(name))
}

fn is_divider_line(content: &[Inline]) -> bool {
    matches!(content, [Inline::Embed { value, .. }] if is_embed(value, DIVIDER))
}

/// A whole number, however the other program stored it.
fn whole_number(value: &Any) -> Option<i64> {
    match value {
        Any::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// Cuts a flow at its newlines. Always gives at least one block; what follows the last newline is a block only if
/// there is something, so that a flow with and one without its last newline read the same.
///
/// Anything in `delta` but inserts is passed over.
#[must_use]
pub fn from_delta(delta: &[DeltaOp]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut line = Vec::new();
    for op in delta {
        let DeltaOp::Insert(content, attrs) = op else {
            continue;
        };
        match content {
            Content::Embed(value) => {
                line.push(Inline::Embed {
                    value: value.clone(),
                    attrs: attrs.clone(),
                });
            }
            Content::Text(text) => {
                let mut rest = text.as_str();
                while let Some((before, after)) = rest.split_once('\n') {
                    push_text(&mut line, before, attrs);
                    blocks.push(Block::from_line(std::mem::take(&mut line), attrs.clone()));
                    rest = after;
                }
                push_text(&mut line, rest, attrs);
            }
        }
    }
    if !line.is_empty() || blocks.is_empty() {
        blocks.push(Block::from_line(line, Attrs::new()));
    }
    blocks
}

fn push_text(line: &mut Vec<Inline>, text: &str, attrs: &Attrs) {
    if text.is_empty() {
        return;
    }
    if let Some(Inline::Text {
        text: last,
        attrs: last_attrs,
    }) = line.last_mut()
        && last_attrs == attrs
    {
        last.push_str(text);
        return;
    }
    line.push(Inline::Text {
        text: text.to_owned(),
        attrs: attrs.clone(),
    });
}

/// Writes blocks as a flow; every block ends with its newline. Newlines inside a run would cut the block: they become spaces.
#[must_use]
pub fn to_delta(blocks: &[Block]) -> Vec<DeltaOp> {
    let mut delta = Vec::new();
    for block in blocks {
        if block.kind == BlockKind::Divider && !is_divider_line(&block.content) {
            delta::push(&mut delta, DeltaOp::embed(DIVIDER, true));
        } else {
            for inline in &block.content {
                let (content, attrs) = match inline {
                    Inline::Text { text, attrs } => (Content::Text(text.replace('\n', " ")), attrs),
                    Inline::Embed { value, attrs } => (Content::Embed(value.clone()), attrs),
                };
                delta::push(&mut delta, DeltaOp::Insert(content, attrs.clone()));
            }
        }
        delta::push(&mut delta, DeltaOp::text_with("\n", block.newline_attrs()));
    }
    delta
}

#[cfg(test)]
mod tests;
