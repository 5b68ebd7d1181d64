//! The y-websocket dialect: one document a socket.

use super::{SyncMessage, WireError};

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Type 0.
    Sync(SyncMessage<'a>),
    /// Type 1: an awareness payload.
    Awareness(&'a [u8]),
    /// Type 2, sub-type 0: the server denies, with a reason.
    PermissionDenied(&'a str),
    /// Type 3: "send me everybody's presence."
    QueryAwareness,
}

impl<'a> Message<'a> {
    /// Reads one frame.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are no message of this dialect.
    pub fn decode(_frame: &'a [u8]) -> Result<Self, WireError> {
        todo!()
    }

    /// Appends the frame's bytes to `out`.
    pub fn encode(&self, _out: &mut Vec<u8>) {
        todo!()
    }
}
