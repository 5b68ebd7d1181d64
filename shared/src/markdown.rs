//! Markdown in and out: CommonMark with GitHub's tables, task lists, strike-through, footnotes and bare addresses.
//!
//! What a flow can't hold yet keeps its source, so that it leaves as it came: a table, an HTML block and front matter become
//! code lines whose language is [`TABLE`], [`HTML`] or [`FRONT_MATTER`], and are written raw again. What Markdown
//! can't hold is written as HTML that reads back: underline, highlight, picture width, unknown embeds, empty
//! blocks (`<br>`), alignment and free indent (a comment before the block). Two things are not written: what
//! nothing shows (unknown attributes), and empty paragraphs at the very end.

mod inline;
pub(crate) mod numbering;
mod read;
mod source;
mod spans;
mod write;

pub use read::read;
pub use write::write;

/// Longest Markdown source, in bytes, that is read: several long novels.
pub const MARKDOWN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Language of the code lines that hold the source of a table.
pub const TABLE: &str = "table";
/// Language of the code lines that hold an HTML block as it was written.
pub const HTML: &str = "raw-html";
/// Language of the code lines that hold the facts some files begin with between two `---`.
pub const FRONT_MATTER: &str = "front-matter";

/// Why a source was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is longer than [`MARKDOWN_BYTES_MAX`].
    #[error("the text has {bytes} bytes; at most {MARKDOWN_BYTES_MAX} can be read at once")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

#[cfg(test)]
pub(crate) mod tests;
