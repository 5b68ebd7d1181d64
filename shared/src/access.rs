//! Roles, and the questions they answer.

/// What someone may do with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// May read, write, and decide who else may.
    Owner,
    /// May read and write.
    Editor,
    /// May read and comment.
    Commenter,
    /// May read.
    Viewer,
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
