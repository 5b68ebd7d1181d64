//! The Hocuspocus dialect: many documents over one socket. Sheaf's own client speaks this one.
//!
//! Versions 2, 3 and 4 of the provider share these bytes. A frame is one message. Two things are read
//! leniently, so that newer providers can still come in: what follows the provider's version in a token
//! message is skipped, and a scope that is not `read-write` means reading only.

use super::{OVERHEAD_BYTES, SyncMessage, WireError, expect_end};
use crate::bytes::{Reader, put_piece, put_text, put_var_uint};

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
    /// One byte without an address: "are you there?" Providers before version 4 cannot read it.
    Ping,
    /// The answer to a ping.
    Pong,
}

/// Which opening of which document: `name`, or `name \0 session`. Replies carry it unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address<'a>(pub &'a str);

impl<'a> Address<'a> {
    /// The document's name. May be empty or unfit: [`DocName::parse`](crate::ids::DocName::parse) judges it.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.0.split_once('\0').map_or(self.0, |(name, _)| name)
    }

    /// The client's own mark for one of several openings of the document.
    #[must_use]
    pub fn session(self) -> Option<&'a str> {
        self.0.split_once('\0').map(|(_, session)| session)
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

const SYNC: u64 = 0;
const AWARENESS: u64 = 1;
const AUTH: u64 = 2;
const QUERY_AWARENESS: u64 = 3;
const SYNC_REPLY: u64 = 4;
const STATELESS: u64 = 5;
const BROADCAST_STATELESS: u64 = 6;
const CLOSE: u64 = 7;
const SYNC_STATUS: u64 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Client: a token. Server: please send one.
const AUTH_TOKEN: u64 = 0;
const AUTH_DENIED: u64 = 1;
const AUTH_GRANTED: u64 = 2;

const SCOPE_READ_WRITE: &str = "read-write";
const SCOPE_READ_ONLY: &str = "readonly";

impl<'a> Frame<'a> {
    /// Reads one frame written by `from`.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are no message of this dialect.
    pub fn decode(frame: &'a [u8], from: From) -> Result<Self, WireError> {
        // An address of 9 or 10 bytes begins the same way, but a message follows it.
        match *frame {
            [PING] => return Ok(Self::Ping),
            [PONG] => return Ok(Self::Pong),
            _ => {}
        }
        let mut reader = Reader::new(frame);
        let address = Address(reader.text()?);
        let message = Message::read(&mut reader, from)?;
        expect_end(&reader)?;
        Ok(Self::Document { address, message })
    }

    /// Appends the frame's bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Document { address, message } => {
                put_text(out, address.0);
                message.encode(out);
            }
            Self::Ping => out.push(PING),
            Self::Pong => out.push(PONG),
        }
    }

    /// The frame's bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let content = match self {
            Self::Document { address, message } => address.0.len() + message.payload_len(),
            Self::Ping | Self::Pong => 0,
        };
        let mut out = Vec::with_capacity(content + OVERHEAD_BYTES);
        self.encode(&mut out);
        out
    }
}

impl<'a> Message<'a> {
    /// The message with its address in front, ready to be encoded.
    #[must_use]
    pub const fn to(self, address: Address<'a>) -> Frame<'a> {
        Frame::Document {
            address,
            message: self,
        }
    }

    fn read(reader: &mut Reader<'a>, from: From) -> Result<Self, WireError> {
        match reader.var_uint()? {
            SYNC => Ok(Self::Sync(SyncMessage::read(reader)?)),
            AWARENESS => Ok(Self::Awareness(reader.piece()?)),
            AUTH => Ok(Self::Auth(Auth::read(reader, from)?)),
            QUERY_AWARENESS => Ok(Self::QueryAwareness),
            SYNC_REPLY => Ok(Self::SyncReply(SyncMessage::read(reader)?)),
            STATELESS => Ok(Self::Stateless(reader.text()?)),
            BROADCAST_STATELESS => Ok(Self::BroadcastStateless(reader.text()?)),
            CLOSE => match from {
                From::Client => Ok(Self::Close(None)),
                From::Server => Ok(Self::Close(Some(reader.text()?))),
            },
            SYNC_STATUS => match reader.var_uint()? {
                0 => Ok(Self::SyncStatus(false)),
                1 => Ok(Self::SyncStatus(true)),
                _ => Err(WireError::BadNumber),
            },
            other => Err(WireError::UnknownType(other)),
        }
    }

    /// Appends the message without an address: what all readers of a document have in common.
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
            Self::Auth(auth) => {
                put_var_uint(out, AUTH);
                auth.put(out);
            }
            Self::QueryAwareness => put_var_uint(out, QUERY_AWARENESS),
            Self::SyncReply(sync) => {
                put_var_uint(out, SYNC_REPLY);
                sync.put(out);
            }
            Self::Stateless(payload) => {
                put_var_uint(out, STATELESS);
                put_text(out, payload);
            }
            Self::BroadcastStateless(payload) => {
                put_var_uint(out, BROADCAST_STATELESS);
                put_text(out, payload);
            }
            Self::Close(reason) => {
                put_var_uint(out, CLOSE);
                if let Some(reason) = reason {
                    put_text(out, reason);
                }
            }
            Self::SyncStatus(stored) => {
                put_var_uint(out, SYNC_STATUS);
                put_var_uint(out, u64::from(stored));
            }
        }
    }

    /// Bytes of the payload, to reserve room for.
    const fn payload_len(&self) -> usize {
        match *self {
            Self::Sync(sync) | Self::SyncReply(sync) => sync.payload_len(),
            Self::Awareness(payload) => payload.len(),
            Self::Stateless(text)
            | Self::BroadcastStateless(text)
            | Self::Close(Some(text))
            | Self::Auth(Auth::Denied(text)) => text.len(),
            Self::Auth(Auth::Token {
                token,
                provider: Some(version),
            }) => token.len() + version.len(),
            Self::Auth(Auth::Token {
                token,
                provider: None,
            }) => token.len(),
            Self::Auth(Auth::TokenWanted | Auth::Granted { .. })
            | Self::QueryAwareness
            | Self::Close(None)
            | Self::SyncStatus(_) => 0,
        }
    }
}

impl<'a> Auth<'a> {
    fn read(reader: &mut Reader<'a>, from: From) -> Result<Self, WireError> {
        match (from, reader.var_uint()?) {
            (From::Client, AUTH_TOKEN) => {
                let token = reader.text()?;
                let provider = if reader.left() > 0 {
                    Some(reader.text()?)
                } else {
                    None
                };
                let _from_a_newer_provider = reader.take(reader.left())?;
                Ok(Self::Token { token, provider })
            }
            (From::Server, AUTH_TOKEN) => Ok(Self::TokenWanted),
            (From::Server, AUTH_DENIED) => Ok(Self::Denied(reader.text()?)),
            (From::Server, AUTH_GRANTED) => Ok(Self::Granted {
                read_only: reader.text()? != SCOPE_READ_WRITE,
            }),
            (From::Client | From::Server, other) => Err(WireError::UnknownType(other)),
        }
    }

    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Token { token, provider } => {
                put_var_uint(out, AUTH_TOKEN);
                put_text(out, token);
                if let Some(version) = provider {
                    put_text(out, version);
                }
            }
            Self::TokenWanted => put_var_uint(out, AUTH_TOKEN),
            Self::Denied(reason) => {
                put_var_uint(out, AUTH_DENIED);
                put_text(out, reason);
            }
            Self::Granted { read_only } => {
                put_var_uint(out, AUTH_GRANTED);
                put_text(
                    out,
                    if read_only {
                        SCOPE_READ_ONLY
                    } else {
                        SCOPE_READ_WRITE
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message, who may write it, and its bytes behind the address `d`.
    const ALL: [(From, Message<'_>, &[u8]); 18] = [
        (
            From::Client,
            Message::Sync(SyncMessage::Step1(&[0])),
            &[0, 0, 1, 0],
        ),
        (
            From::Server,
            Message::Sync(SyncMessage::Step2(&[0, 0])),
            &[0, 1, 2, 0, 0],
        ),
        (
            From::Client,
            Message::Sync(SyncMessage::Update(&[0, 0])),
            &[0, 2, 2, 0, 0],
        ),
        (From::Client, Message::Awareness(&[0]), &[1, 1, 0]),
        (
            From::Client,
            Message::Auth(Auth::Token {
                token: "t",
                provider: None,
            }),
            &[2, 0, 1, b't'],
        ),
        (
            From::Client,
            Message::Auth(Auth::Token {
                token: "",
                provider: Some("4.8.0"),
            }),
            &[2, 0, 0, 5, b'4', b'.', b'8', b'.', b'0'],
        ),
        (From::Server, Message::Auth(Auth::TokenWanted), &[2, 0]),
        (
            From::Server,
            Message::Auth(Auth::Denied("no")),
            &[2, 1, 2, b'n', b'o'],
        ),
        (
            From::Server,
            Message::Auth(Auth::Granted { read_only: true }),
            b"\x02\x02\x08readonly",
        ),
        (
            From::Server,
            Message::Auth(Auth::Granted { read_only: false }),
            b"\x02\x02\x0aread-write",
        ),
        (From::Client, Message::QueryAwareness, &[3]),
        (
            From::Server,
            Message::SyncReply(SyncMessage::Step1(&[0])),
            &[4, 0, 1, 0],
        ),
        (From::Client, Message::Stateless("hi"), &[5, 2, b'h', b'i']),
        (
            From::Server,
            Message::BroadcastStateless("hi"),
            &[6, 2, b'h', b'i'],
        ),
        (From::Client, Message::Close(None), &[7]),
        (
            From::Server,
            Message::Close(Some("bye")),
            &[7, 3, b'b', b'y', b'e'],
        ),
        (From::Server, Message::SyncStatus(true), &[8, 1]),
        (From::Server, Message::SyncStatus(false), &[8, 0]),
    ];

    const DOC: Address<'_> = Address("d");

    fn addressed(body: &[u8]) -> Vec<u8> {
        [&[1, b'd'], body].concat()
    }

    #[test]
    fn each_message_has_exactly_its_bytes() {
        for (from, message, body) in ALL {
            let bytes = addressed(body);
            assert_eq!(message.to(DOC).to_vec(), bytes, "{message:?}");
            assert_eq!(
                Frame::decode(&bytes, from),
                Ok(message.to(DOC)),
                "{message:?}"
            );
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_refused_or_is_a_shorter_message_of_the_dialect() {
        for (from, message, body) in ALL {
            let bytes = addressed(body);
            for end in 0..bytes.len() {
                let read = Frame::decode(&bytes[..end], from);
                // A token without a version, and an empty version cut off, are whole messages.
                let shorter = matches!(
                    read,
                    Ok(Frame::Document {
                        message: Message::Auth(Auth::Token { .. }),
                        ..
                    })
                );
                assert!(
                    shorter || read == Err(WireError::CutShort),
                    "{message:?} to {end}: {read:?}"
                );
            }
        }
    }

    #[test]
    fn bytes_behind_a_message_are_refused() {
        for (from, message, body) in ALL {
            let longer = addressed(&[body, &[0]].concat());
            let read = Frame::decode(&longer, from);
            match message {
                Message::Auth(Auth::Token { .. }) => assert!(read.is_ok()),
                _ => assert_eq!(read, Err(WireError::Trailing), "{message:?}"),
            }
        }
    }

    #[test]
    fn a_ping_is_one_byte_and_an_address_of_nine_bytes_is_no_ping() {
        assert_eq!(Frame::decode(&[9], From::Client), Ok(Frame::Ping));
        assert_eq!(Frame::decode(&[10], From::Server), Ok(Frame::Pong));
        let long = Message::QueryAwareness.to(Address("nine char"));
        assert_eq!(long.to_vec()[0], 9);
        assert_eq!(Frame::decode(&long.to_vec(), From::Client), Ok(long));
    }

    #[test]
    fn an_address_may_carry_which_opening_of_the_document_is_meant() {
        let twice = Address("team/notes\0k3x9");
        assert_eq!(
            (twice.name(), twice.session()),
            ("team/notes", Some("k3x9"))
        );
        assert_eq!((DOC.name(), DOC.session()), ("d", None));
        let frame = Message::SyncStatus(true).to(twice);
        assert_eq!(Frame::decode(&frame.to_vec(), From::Server), Ok(frame));
    }

    #[test]
    fn a_status_other_than_stored_or_refused_is_no_status() {
        assert_eq!(
            Frame::decode(&addressed(&[8, 2]), From::Server),
            Err(WireError::BadNumber)
        );
    }

    #[test]
    fn types_the_dialect_does_not_have_are_refused() {
        for kind in [9, 10, 11, 102] {
            let bytes = addressed(&[kind]);
            let read = Frame::decode(&bytes, From::Client);
            assert_eq!(read, Err(WireError::UnknownType(u64::from(kind))));
        }
        let granted_by_a_client = addressed(b"\x02\x02\x08readonly");
        let read = Frame::decode(&granted_by_a_client, From::Client);
        assert_eq!(read, Err(WireError::UnknownType(2)));
    }
}
