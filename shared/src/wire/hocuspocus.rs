//! The Hocuspocus dialect: many documents over one socket. Sheaf's own client speaks this one.

use super::{SyncMessage, WireError};

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A message of one document.
    Document {
        /// The document and, if the client opened it more than once, which opening.
        address: Address<'a>,
        /// What is said.
        message: Message<'a>,
    },
    /// One byte without an address: "are you there?"
    Ping,
    /// The answer to a ping.
    Pong,
}

/// Which opening of which document: `name`, or `name \0 session`. Replies carry it unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address<'a>(pub &'a str);

impl<'a> Address<'a> {
    /// The document's name.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.0.split_once('\0').map_or(self.0, |(name, _)| name)
    }
}

/// What is said of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Type 0.
    Sync(SyncMessage<'a>),
    /// Type 1: an awareness payload.
    Awareness(&'a [u8]),
    /// Type 2.
    Auth(Auth<'a>),
    /// Type 3: "send me everybody's presence."
    QueryAwareness,
    /// Type 4: between servers only.
    SyncReply(SyncMessage<'a>),
    /// Type 5: an application's own words.
    Stateless(&'a str),
    /// Type 6: between servers only.
    BroadcastStateless(&'a str),
    /// Type 7: the document is closed; the server says why.
    Close(Option<&'a str>),
    /// Type 8: an edit was stored (`true`) or refused (`false`).
    SyncStatus(bool),
}

/// The authentication messages of type 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth<'a> {
    /// Client: here is my token (and, from version 4 on, the provider's version).
    Token {
        /// The token; may be empty.
        token: &'a str,
        /// The provider's version, if it says so.
        provider: Option<&'a str>,
    },
    /// Server: please send a token.
    TokenWanted,
    /// Server: no, because.
    Denied(&'a str),
    /// Server: yes; may write or not.
    Granted {
        /// Whether edits are refused.
        read_only: bool,
    },
}

/// Which end wrote a frame: some types mean different things in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// A client wrote it.
    Client,
    /// A server wrote it.
    Server,
}

impl<'a> Frame<'a> {
    /// Reads one frame written by `from`.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are no message of this dialect.
    pub fn decode(_frame: &'a [u8], _from: From) -> Result<Self, WireError> {
        todo!()
    }

    /// Appends the frame's bytes to `out`.
    pub fn encode(&self, _out: &mut Vec<u8>) {
        todo!()
    }
}
