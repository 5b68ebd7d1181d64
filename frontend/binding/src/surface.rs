//! What the editing surface shows and reports: blocks side by side, and steps that change them.
//!
//! Positions are ProseMirror's. A text block of `n` units takes `n + 2` positions, a divider takes 1; so within a
//! block a position and an offset in the flow differ by a constant, and blocks and newlines stand one to one.

use std::rc::Rc;

pub use sheaf_shared::flow::block::{Align, BlockKind, Inline};
use yrs::Any;

/// How a block is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Kind of block.
    pub kind: BlockKind,
    /// 0 to 8 steps to the right.
    pub indent: u8,
    /// Inside a quotation.
    pub quoted: bool,
    /// Where its text stands.
    pub align: Option<Align>,
    /// A code line that goes on with the code block above it. Derived, never stored.
    pub joined: bool,
}

impl Look {
    /// A plain block of this kind.
    #[must_use]
    pub const fn plain(kind: BlockKind) -> Self {
        Self {
            kind,
            indent: 0,
            quoted: false,
            align: None,
            joined: false,
        }
    }

    /// Whether the surface draws it as one thing without text in it.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.kind == BlockKind::Divider
    }
}

/// A block with its content. A divider's content is its one embed.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceBlock {
    /// How it is drawn.
    pub look: Rc<Look>,
    /// Text without newlines, and embeds. Attributes are marks under their stored names.
    pub content: Vec<Inline>,
}

/// A piece of a surface document, perhaps cut inside its first and last block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// The first block continues the one it is put into (whose look stays).
    pub open_start: bool,
    /// The last block goes on with what follows.
    pub open_end: bool,
    /// Blocks; text without any block boundary is one block open on both sides.
    pub blocks: Vec<SurfaceBlock>,
}

/// One change to a surface document. Positions refer to the document just before the step.
#[derive(Clone, Debug, PartialEq)]
pub enum SurfaceStep {
    /// Puts `slice` in place of everything between two positions.
    Replace {
        /// First position.
        from: u32,
        /// Last position.
        to: u32,
        /// What comes there.
        slice: Slice,
    },
    /// Draws the block that begins at position `at` differently.
    SetBlock {
        /// Position before the block.
        at: u32,
        /// The new look.
        look: Rc<Look>,
    },
    /// Sets (or, with null, takes away) one mark on all text and embeds between two positions.
    Mark {
        /// First position.
        from: u32,
        /// Last position.
        to: u32,
        /// Stored name.
        key: String,
        /// Stored value.
        value: Any,
    },
}
