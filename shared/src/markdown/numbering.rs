//! Which number an item of an ordered list bears: counted through a flow, block by block.
//!
//! A list goes on through what stands deeper than its items, and ends at anything else.

use crate::flow::block::{BlockKind, INDENT_MAX};

/// Counts the ordered lists of one flow.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    /// By indent: whether the open list is quoted, and its last number.
    open: [Option<(bool, u32)>; INDENT_MAX as usize + 1],
}

impl Numbering {
    /// Whether an ordered item here goes on with a list that is open.
    pub(crate) fn goes_on(&self, indent: u8, quoted: bool) -> bool {
        self.open[usize::from(indent.min(INDENT_MAX))].is_some_and(|(was, _)| was == quoted)
    }

    /// Steps over one block, and gives its number if it is an ordered item.
    pub(crate) fn step(&mut self, kind: &BlockKind, indent: u8, quoted: bool) -> Option<u32> {
        let at = usize::from(indent.min(INDENT_MAX));
        let before = self.open[at];
        for (level, slot) in self.open.iter_mut().enumerate() {
            if level >= at || (!quoted && slot.is_some_and(|(was_quoted, _)| was_quoted)) {
                *slot = None;
            }
        }
        let BlockKind::Ordered { start } = kind else {
            return None;
        };
        let number = match (start, before) {
            (Some(start), _) => *start,
            (None, Some((was_quoted, last))) if was_quoted == quoted => last.saturating_add(1),
            (None, _) => 1,
        };
        self.open[at] = Some((quoted, number));
        Some(number)
    }
}
