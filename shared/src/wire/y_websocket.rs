//! The y-websocket dialect: one document a socket.
//!
//! Clients before version 4 put one message into a frame and read no more than one; version 4 may pack
//! several. So a server reads with [`messages`], and both ends write one message a frame.

use super::{OVERHEAD_BYTES, SyncMessage, WireError, expect_end};
use crate::bytes::{Reader, put_piece, put_text, put_var_uint};

/// Longest pause, in milliseconds, without a frame *to* a client of this dialect: it hangs up after 30 s of
/// silence, and WebSocket pings do not count for it. [`NOTHING_NEW`] breaks the silence.
pub const QUIET_MS_MAX: u64 = 20_000;

/// A presence message about nobody: a sign of life that changes nothing.
pub const NOTHING_NEW: &[u8] = &[1, 1, 0];

const SYNC: u64 = 0;
const AWARENESS: u64 = 1;
const AUTH: u64 = 2;
const QUERY_AWARENESS: u64 = 3;

const PERMISSION_DENIED: u64 = 0;

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
    /// Reads a frame that holds exactly one message.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are no message of this dialect; [`WireError::Trailing`] if they are more.
    pub fn decode(frame: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(frame);
        let message = Self::read(&mut reader)?;
        expect_end(&reader)?;
        Ok(message)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        match reader.var_uint()? {
            SYNC => Ok(Self::Sync(SyncMessage::read(reader)?)),
            AWARENESS => Ok(Self::Awareness(reader.piece()?)),
            AUTH => match reader.var_uint()? {
                PERMISSION_DENIED => Ok(Self::PermissionDenied(reader.text()?)),
                other => Err(WireError::UnknownType(other)),
            },
            QUERY_AWARENESS => Ok(Self::QueryAwareness),
            other => Err(WireError::UnknownType(other)),
        }
    }

    /// Appends the frame's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Sync(sync) => {
                put_var_uint(out, SYNC);
                sync.put(out);
            }
            Self::Awareness(payload) => {
                put_var_uint(out, AWARENESS);
                put_piece(out, payload);
            }
            Self::PermissionDenied(reason) => {
                put_var_uint(out, AUTH);
                put_var_uint(out, PERMISSION_DENIED);
                put_text(out, reason);
            }
            Self::QueryAwareness => put_var_uint(out, QUERY_AWARENESS),
        }
    }

    /// The frame's bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let payload = match *self {
            Self::Sync(sync) => sync.payload_len(),
            Self::Awareness(payload) => payload.len(),
            Self::PermissionDenied(reason) => reason.len(),
            Self::QueryAwareness => 0,
        };
        let mut out = Vec::with_capacity(payload + OVERHEAD_BYTES);
        self.encode(&mut out);
        out
    }
}

/// Every message of a frame, in order. See [`Messages`].
#[must_use]
pub const fn messages(frame: &[u8]) -> Messages<'_> {
    Messages {
        reader: Some(Reader::new(frame)),
    }
}

/// Yields each message of a frame; the first that does not read is the last yielded, as an error.
///
/// An empty frame yields one error, so every frame yields at least one item.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    reader: Option<Reader<'a>>,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        let message = Message::read(&mut reader);
        if message.is_ok() && reader.left() > 0 {
            self.reader = Some(reader);
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SILENCE_DEADLINE_MS;

    const _: () = assert!(QUIET_MS_MAX < SILENCE_DEADLINE_MS);

    const ALL: [(Message<'_>, &[u8]); 6] = [
        (Message::Sync(SyncMessage::Step1(&[0])), &[0, 0, 1, 0]),
        (Message::Sync(SyncMessage::Step2(&[0, 0])), &[0, 1, 2, 0, 0]),
        (
            Message::Sync(SyncMessage::Update(&[0, 0])),
            &[0, 2, 2, 0, 0],
        ),
        (Message::Awareness(&[0]), NOTHING_NEW),
        (Message::PermissionDenied("no"), &[2, 0, 2, b'n', b'o']),
        (Message::QueryAwareness, &[3]),
    ];

    #[test]
    fn each_message_has_exactly_its_bytes() {
        for (message, bytes) in ALL {
            assert_eq!(message.to_vec(), bytes);
            assert_eq!(Message::decode(bytes), Ok(message));
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_refused() {
        for (_, bytes) in ALL {
            for end in 0..bytes.len() {
                assert_eq!(Message::decode(&bytes[..end]), Err(WireError::CutShort));
            }
        }
    }

    #[test]
    fn a_frame_of_several_messages_yields_each_in_order() {
        let frame: Vec<u8> = ALL
            .iter()
            .flat_map(|(_, bytes)| bytes.iter().copied())
            .collect();
        let read: Result<Vec<_>, _> = messages(&frame).collect();
        assert_eq!(read.unwrap(), ALL.map(|(message, _)| message));
        assert_eq!(Message::decode(&frame), Err(WireError::Trailing));
    }

    #[test]
    fn reading_a_frame_stops_at_the_first_bad_message() {
        let read: Vec<_> = messages(&[3, 102, 3]).collect();
        assert_eq!(
            read,
            [
                Ok(Message::QueryAwareness),
                Err(WireError::UnknownType(102))
            ]
        );
        assert_eq!(
            messages(&[]).collect::<Vec<_>>(),
            [Err(WireError::CutShort)]
        );
    }
}
