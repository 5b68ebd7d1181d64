//! Frames over plain HTTP, for networks that let no WebSocket through: what a request and its answer hold.
//!
//! An exchange is whole in itself, so that any server can take any of them: the frames inside begin with the token, and what
//! a socket would remember stands before them: how far the client follows each document, and whom it knows to be
//! there. The frames are those of the [Hocuspocus dialect](super::hocuspocus). What they hold is for its reader to judge.

use super::WireError;
use crate::bytes::{Reader, put_piece, put_text, put_var_uint};
use crate::ids::{ClientId, Seq};
use crate::limits::{EXCHANGE_FOLLOWED_MAX, EXCHANGE_FRAMES_MAX, PRESENCE_ENTRIES_MAX};

/// The form of requests that this release writes and reads.
const FORM: u8 = 1;

/// Names one client's line of exchanges. Drawn by the client, by chance, each time it begins one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineKey(pub u64);

/// What the client knows of somebody's presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whose.
    pub client: ClientId,
    /// The clock last heard.
    pub clock: u32,
    /// Whether it was a state, or a goodbye.
    pub is_here: bool,
}

/// A document of which the client wants to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed<'a> {
    /// Its address, as in the frames.
    pub address: &'a str,
    /// The client has all rows of the log up to here; `None` if it does not know how far it has come.
    pub place: Option<Seq>,
    /// Whom it knows, in ascending order of clients.
    pub known: Vec<Known>,
}

/// What stands before the frames of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Whose it is.
    pub line: LineKey,
    /// Longest wait, in milliseconds, for something to tell; 0: answer as soon as everything is answered.
    pub hold_ms: u64,
    /// Documents of which the client wants to hear.
    pub followed: Vec<Followed<'a>>,
    /// The frames, in order.
    pub frames: Vec<&'a [u8]>,
}

/// Bytes that are no exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// They don't come apart.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// More documents, people or frames than one exchange may hold.
    #[error("the exchange holds too many documents, people or frames")]
    TooMany,
    /// A form of another release.
    #[error("the exchange is of form {0}, and only form {FORM} is spoken")]
    Form(u8),
}

impl From<crate::bytes::ReadError> for ExchangeError {
    fn from(error: crate::bytes::ReadError) -> Self {
        Self::Wire(error.into())
    }
}

impl<'a> Request<'a> {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`ExchangeError`]; what was claimed and is not there was not allocated for.
    pub fn decode(body: &'a [u8]) -> Result<Self, ExchangeError> {
        let mut reader = Reader::new(body);
        let form = reader.byte()?;
        if form != FORM {
            return Err(ExchangeError::Form(form));
        }
        let mut line = [0; 8];
        line.copy_from_slice(reader.take(8)?);
        let hold_ms = reader.var_uint()?;
        let mut followed = Vec::new();
        for _ in 0..counted(&mut reader, EXCHANGE_FOLLOWED_MAX)? {
            followed.push(read_followed(&mut reader)?);
        }
        Ok(Self {
            line: LineKey(u64::from_le_bytes(line)),
            hold_ms,
            followed,
            frames: read_frames(&mut reader, EXCHANGE_FRAMES_MAX)?,
        })
    }

    /// The body of a request.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let frames: usize = self.frames.iter().map(|frame| frame.len() + 4).sum();
        let mut out = Vec::with_capacity(frames + 64);
        out.push(FORM);
        out.extend_from_slice(&self.line.0.to_le_bytes());
        put_var_uint(&mut out, self.hold_ms);
        put_var_uint(&mut out, self.followed.len() as u64);
        for followed in &self.followed {
            put_text(&mut out, followed.address);
            put_var_uint(&mut out, followed.place.map_or(0, |place| place.0 + 1));
            put_var_uint(&mut out, followed.known.len() as u64);
            for known in &followed.known {
                put_var_uint(&mut out, known.client.0);
                put_var_uint(&mut out, u64::from(known.clock));
                out.push(u8::from(known.is_here));
            }
        }
        for frame in &self.frames {
            put_piece(&mut out, frame);
        }
        out
    }
}

/// A count that is within bounds; whoever claims more than is there runs out of bytes.
fn counted(reader: &mut Reader<'_>, max: usize) -> Result<usize, ExchangeError> {
    usize::try_from(reader.var_uint()?)
        .ok()
        .filter(|count| *count <= max)
        .ok_or(ExchangeError::TooMany)
}

fn read_followed<'a>(reader: &mut Reader<'a>) -> Result<Followed<'a>, ExchangeError> {
    let address = reader.text()?;
    let place = reader.var_uint()?.checked_sub(1).map(Seq);
    let mut known = Vec::<Known>::new();
    for _ in 0..counted(reader, PRESENCE_ENTRIES_MAX)? {
        let next = Known {
            client: ClientId(reader.var_uint()?),
            clock: reader.var_u32()?,
            is_here: match reader.byte()? {
                0 => false,
                1 => true,
                _ => return Err(WireError::BadNumber.into()),
            },
        };
        // In order, each once: then a search finds the one that was meant.
        if known.last().is_some_and(|last| last.client >= next.client) {
            return Err(WireError::BadNumber.into());
        }
        known.push(next);
    }
    Ok(Followed {
        address,
        place,
        known,
    })
}

fn read_frames<'a>(reader: &mut Reader<'a>, max: usize) -> Result<Vec<&'a [u8]>, ExchangeError> {
    let mut frames = Vec::new();
    while reader.left() > 0 {
        if frames.len() >= max {
            return Err(ExchangeError::TooMany);
        }
        frames.push(reader.piece()?);
    }
    Ok(frames)
}

/// The answer to an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The code with which a socket would be closed now; `None` as a rule.
    pub closed: Option<u16>,
    /// What the server says, in order.
    pub frames: Vec<&'a [u8]>,
}

impl<'a> Answer<'a> {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// [`ExchangeError`] if it is none, as from something on the way that answers by itself.
    pub fn decode(body: &'a [u8]) -> Result<Self, ExchangeError> {
        let mut reader = Reader::new(body);
        let form = reader.byte()?;
        if form != FORM {
            return Err(ExchangeError::Form(form));
        }
        let closed = reader.var_uint()?;
        let closed = u16::try_from(closed).map_err(|_| WireError::BadNumber)?;
        Ok(Self {
            closed: (closed != 0).then_some(closed),
            // It is the server's own, so its length bounds it.
            frames: read_frames(&mut reader, usize::MAX)?,
        })
    }
}

/// The body of an answer.
#[must_use]
pub fn encode_answer<F: AsRef<[u8]>>(closed: Option<u16>, frames: &[F]) -> Vec<u8> {
    let bytes: usize = frames.iter().map(|frame| frame.as_ref().len() + 4).sum();
    let mut out = Vec::with_capacity(bytes + 4);
    out.push(FORM);
    put_var_uint(&mut out, u64::from(closed.unwrap_or(0)));
    for frame in frames {
        put_piece(&mut out, frame.as_ref());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request<'static> {
        let known = |client, is_here| Known {
            client: ClientId(client),
            clock: 300,
            is_here,
        };
        Request {
            line: LineKey(0x0102_0304_0506_0708),
            hold_ms: 25_000,
            followed: vec![
                Followed {
                    address: "notes",
                    place: Some(Seq(0)),
                    known: vec![known(7, true), known(1 << 32, false)],
                },
                Followed {
                    address: "plans",
                    place: None,
                    known: Vec::new(),
                },
            ],
            frames: vec![b"one", b""],
        }
    }

    #[test]
    fn an_exchange_has_exactly_these_bytes_and_reads_back() {
        let bytes = request().encode();
        let mut expected = vec![1, 8, 7, 6, 5, 4, 3, 2, 1];
        expected.extend([0xa8, 0xc3, 1, 2]);
        expected.extend(b"\x05notes\x01\x02");
        expected.extend([7, 0xac, 2, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 0xac, 2, 0]);
        expected.extend(b"\x05plans\x00\x00\x03one\x00");
        assert_eq!(bytes, expected);
        assert_eq!(Request::decode(&bytes), Ok(request()));
        let answer = encode_answer(Some(1012), &[b"ab"]);
        assert_eq!(answer, [1, 0xf4, 7, 2, b'a', b'b']);
        let read = Answer::decode(&answer).unwrap();
        assert_eq!((read.closed, read.frames), (Some(1012), vec![&b"ab"[..]]));
        let nothing: [&[u8]; 0] = [];
        assert_eq!(encode_answer(None, &nothing), [1, 0]);
    }

    #[test]
    fn an_exchange_cut_short_anywhere_is_refused_or_holds_only_whole_frames() {
        let bytes = request().encode();
        for length in 0..bytes.len() {
            if let Ok(read) = Request::decode(&bytes[..length]) {
                assert!(request().frames.starts_with(&read.frames), "{length}");
            }
        }
    }

    #[test]
    fn counts_beyond_the_bounds_and_beyond_the_bytes_are_refused() {
        let head = |rest: &[u8]| {
            let mut body = vec![1; 9];
            body.push(0);
            body.extend_from_slice(rest);
            body
        };
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(Request::decode(&head(&most)), Err(ExchangeError::TooMany));
        let mut people = vec![1, 1, b'a', 0];
        people.extend(most);
        assert_eq!(Request::decode(&head(&people)), Err(ExchangeError::TooMany));
        let frames = vec![0; EXCHANGE_FRAMES_MAX + 2];
        assert_eq!(Request::decode(&head(&frames)), Err(ExchangeError::TooMany));
        let twice = [1, 1, b'a', 0, 2, 5, 1, 1, 5, 2, 1];
        assert!(Request::decode(&head(&twice)).is_err(), "one person twice");
        let cut = [1, 1, b'a', 0, 0xff, 1];
        assert!(Request::decode(&head(&cut)).is_err());
        assert_eq!(Request::decode(b"\x02"), Err(ExchangeError::Form(2)));
        assert!(Answer::decode(b"<html>").is_err());
    }

    #[test]
    fn no_bytes_hurt_the_reader() {
        let mut chance = crate::sync::backoff::Backoff::new(5);
        let bytes = request().encode();
        for _ in 0..20_000 {
            let mut hurt = bytes.clone();
            for _ in 0..=chance.below(3) {
                let at = chance.below(hurt.len() as u64) as usize;
                hurt[at] = chance.below(256) as u8;
            }
            hurt.truncate(chance.below(hurt.len() as u64 + 1) as usize);
            let _ = Request::decode(&hurt);
            let _ = Answer::decode(&hurt);
        }
    }
}
