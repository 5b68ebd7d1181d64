//! What members say to their rooms, and which programs say it.

use bytes::Bytes;

/// What a member says to its room, in either dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// "This is what I have": a state vector.
    Step1(Bytes),
    /// What the server lacked: one update.
    Step2(Bytes),
    /// A new edit: one update.
    Update(Bytes),
    /// An awareness payload.
    Awareness(Bytes),
    /// "Send me everybody's presence."
    QueryAwareness,
}

impl Said {
    /// Bytes of what was said.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Step1(bytes)
            | Self::Step2(bytes)
            | Self::Update(bytes)
            | Self::Awareness(bytes) => bytes.len(),
            Self::QueryAwareness => 0,
        }
    }

    /// Whether nothing but the kind was said.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a client shows to be let in by. It is told to no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Whose program is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A Yjs program that does not say which: `@hocuspocus/provider` before 4. Version 2 throws at a message that
    /// closes a document, so for these the socket is closed instead, as their own server does.
    Unnamed,
    /// Any other Yjs program: knows the dialect and no more.
    Stock,
    /// Sheaf's own: understands [`crate::sync::facts::ServerFact`].
    Sheaf,
}

impl ClientKind {
    /// Whether one document can be closed without closing the socket.
    #[must_use]
    pub const fn understands_close(self) -> bool {
        match self {
            Self::Unnamed => false,
            Self::Stock | Self::Sheaf => true,
        }
    }
}
