//! A page's body: one flow of text in Delta form (DOCUMENT.md), read as blocks and runs.
//!
//! Characters carry inline attributes; each block ends with one `"\n"` whose attributes say what kind of block
//! it is; what is not text is an embed of length 1. Offsets count UTF-16 units. Reading normalises, and never writes.

pub mod anchor;
pub mod block;
pub mod compose;
pub mod delta;
pub mod marks;

/// Name of the root text that holds a page's body.
pub const CONTENT: &str = "content";
/// Name of the root map that holds facts about a page.
pub const META: &str = "meta";
/// Name of the root map that holds a page's tables.
pub const TABLES: &str = "tables";
