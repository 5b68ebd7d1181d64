//! A page's body as other programs write it, and back.

use sheaf_shared::flow::block::Block;
use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp};
use sheaf_shared::{html, markdown, text};

/// Markdown, the title as its first heading.
pub(super) fn to_markdown(title: &str, blocks: &[Block]) -> String {
    format!("# {title}\n\n{}", markdown::write(blocks))
}

/// A web page of its own.
pub(super) fn to_html(title: &str, blocks: &[Block]) -> String {
    html::write_document(title, blocks)
}

/// Words only.
pub(super) fn to_text(title: &str, blocks: &[Block]) -> String {
    format!("{title}\n\n{}", text::write(blocks))
}

/// Reads Markdown.
///
/// # Errors
/// Why it can't be read, in words.
pub(super) fn of_markdown(source: &str) -> Result<Vec<DeltaOp>, String> {
    markdown::read(source).map_err(|error| error.to_string())
}

/// Reads HTML; what could run or spy is left out.
///
/// # Errors
/// Why it can't be read, in words.
pub(super) fn of_html(source: &str) -> Result<Vec<DeltaOp>, String> {
    html::read(source).map_err(|error| error.to_string())
}

/// Reads plain text: a block a line.
pub(super) fn of_text(source: &str) -> Vec<DeltaOp> {
    let mut text = source
        .trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    vec![DeltaOp::Insert(Content::Text(text), Attrs::new())]
}
