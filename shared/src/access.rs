//! Roles, and the questions they answer.

/// What someone may do with a document.
///
/// The greater one may all that the smaller one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May read.
    Viewer,
    /// May read and comment.
    Commenter,
    /// May read and write.
    Editor,
    /// May read, write, and decide who else may.
    Owner,
}

impl Role {
    /// Whether edits of this role are stored.
    #[must_use]
    pub const fn may_edit(self) -> bool {
        match self {
            Self::Owner | Self::Editor => true,
            Self::Commenter | Self::Viewer => false,
        }
    }
}
