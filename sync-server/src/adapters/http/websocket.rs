//! The WebSocket framing (RFC 6455), the server's side: bytes in, messages out, and back. No I/O.
//!
//! Our own because of memory: between two frames a connection holds no buffer at all, and what is sent to many is
//! never copied into each one's. Only binary messages are taken; no extensions are offered.

use bytes::Bytes;
use sheaf_shared::limits::FRAME_BYTES_MAX;

/// Longest header of a frame: two bytes, eight of length, four of mask.
const HEADER_BYTES_MAX: usize = 14;
/// Longest payload of a ping, pong or close.
const CONTROL_BYTES_MAX: u64 = 125;
/// Bytes reserved for a message before any of it has come; the rest is reserved as it comes, so that announcing
/// sixteen megabytes costs sixty-four kilobytes.
const RESERVED_BYTES_MAX: usize = 64 * 1024;
/// Most fragments of one message.
const FRAGMENTS_MAX: u32 = 65_536;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// What a peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A whole binary message.
    Message(Bytes),
    /// Wants a pong with the same bytes.
    Ping(Bytes),
    /// An answer to a ping.
    Pong,
    /// The peer is done.
    Close,
}

/// What a peer must not send. Ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// Not a frame as the standard has it.
    Malformed(&'static str),
    /// A text message; the dialects are binary.
    Text,
    /// A message longer than [`FRAME_BYTES_MAX`].
    TooLong,
}

impl Violation {
    /// The close code and the reason to send.
    pub(super) const fn close(self) -> (u16, &'static str) {
        match self {
            Self::Malformed(why) => (1002, why),
            Self::Text => (1003, "only binary messages are understood"),
            Self::TooLong => (1009, "message is too long"),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: u8,
    last: bool,
    left: u64,
    mask: [u8; 4],
    /// Where in the mask the next byte stands.
    mask_at: usize,
}

/// Reads frames from bytes that come in any pieces.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    header: [u8; HEADER_BYTES_MAX],
    header_len: usize,
    frame: Option<Frame>,
    /// Of the message under way, when it has several fragments or came in several pieces.
    message: Vec<u8>,
    in_message: bool,
    fragments: u32,
    control: Vec<u8>,
}

impl Decoder {
    /// Takes bytes (and unmasks them where they are); what they complete goes to `events`.
    ///
    /// # Errors
    /// [`Violation`]: the connection must end, and the decoder must not be used again.
    pub(super) fn feed(
        &mut self,
        mut bytes: &mut [u8],
        events: &mut Vec<Event>,
    ) -> Result<(), Violation> {
        loop {
            let frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.read_header(&mut bytes)? {
                    Some(frame) => frame,
                    None => return Ok(()),
                },
            };
            let here = usize::try_from(frame.left)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            let (payload, rest) = bytes.split_at_mut(here);
            bytes = rest;
            let frame = self.take_payload(frame, payload);
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(());
            }
            if let Some(event) = self.finish(frame) {
                events.push(event);
            }
        }
    }

    /// Reads on in the header; `None` if the bytes end before it does.
    fn read_header(&mut self, bytes: &mut &mut [u8]) -> Result<Option<Frame>, Violation> {
        loop {
            let needed = self.header_needed();
            if self.header_len == needed && needed > 2 {
                break;
            }
            let wanted = needed - self.header_len;
            let here = wanted.min(bytes.len());
            let taken = std::mem::take(bytes);
            let (part, rest) = taken.split_at_mut(here);
            self.header[self.header_len..self.header_len + here].copy_from_slice(part);
            self.header_len += here;
            *bytes = rest;
            if here < wanted {
                return Ok(None);
            }
            if self.header_len == 2 && self.header[1] & 0x80 == 0 {
                return Err(Violation::Malformed("frame is not masked"));
            }
        }
        let frame = self.parse_header()?;
        self.header_len = 0;
        Ok(Some(frame))
    }

    /// Bytes the header has, as far as one can tell by now.
    fn header_needed(&self) -> usize {
        if self.header_len < 2 {
            return 2;
        }
        match self.header[1] & 0x7f {
            126 => 8,
            127 => 14,
            _ => 6,
        }
    }

    fn parse_header(&mut self) -> Result<Frame, Violation> {
        let [first, second, ..] = self.header;
        if first & 0x70 != 0 {
            return Err(Violation::Malformed("reserved bits are set"));
        }
        let (left, mask_at) = match second & 0x7f {
            126 => (
                u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
                4,
            ),
            127 => {
                let mut length = [0; 8];
                length.copy_from_slice(&self.header[2..10]);
                (u64::from_be_bytes(length), 10)
            }
            short => (u64::from(short), 2),
        };
        let mut mask = [0; 4];
        mask.copy_from_slice(&self.header[mask_at..mask_at + 4]);
        let (opcode, last) = (first & 0x0f, first & 0x80 != 0);
        match opcode {
            CLOSE | PING | PONG => {
                if !last || left > CONTROL_BYTES_MAX {
                    return Err(Violation::Malformed(
                        "control frame is too long or in pieces",
                    ));
                }
                self.control.clear();
            }
            BINARY if self.in_message => {
                return Err(Violation::Malformed("message inside a message"));
            }
            CONTINUATION if !self.in_message => {
                return Err(Violation::Malformed("continuation of nothing"));
            }
            BINARY | CONTINUATION => self.open_fragment(left)?,
            TEXT => return Err(Violation::Text),
            _ => return Err(Violation::Malformed("unknown kind of frame")),
        }
        Ok(Frame {
            opcode,
            last,
            left,
            mask,
            mask_at: 0,
        })
    }

    fn open_fragment(&mut self, left: u64) -> Result<(), Violation> {
        self.in_message = true;
        self.fragments += 1;
        if self.fragments > FRAGMENTS_MAX {
            return Err(Violation::Malformed("message is in too many pieces"));
        }
        let room = FRAME_BYTES_MAX - self.message.len();
        match usize::try_from(left) {
            Ok(left) if left <= room => {
                self.message.reserve_exact(left.min(RESERVED_BYTES_MAX));
                Ok(())
            }
            Ok(_) | Err(_) => Err(Violation::TooLong),
        }
    }

    fn take_payload(&mut self, mut frame: Frame, payload: &mut [u8]) -> Frame {
        frame.mask.rotate_left(frame.mask_at);
        unmask(payload, frame.mask);
        frame.mask_at = payload.len() % 4;
        frame.left -= payload.len() as u64;
        match frame.opcode {
            BINARY | CONTINUATION => self.message.extend_from_slice(payload),
            _ => self.control.extend_from_slice(payload),
        }
        frame
    }

    fn finish(&mut self, frame: Frame) -> Option<Event> {
        match frame.opcode {
            PING => Some(Event::Ping(std::mem::take(&mut self.control).into())),
            PONG => {
                self.control = Vec::new();
                Some(Event::Pong)
            }
            CLOSE => Some(Event::Close),
            _ if !frame.last => None,
            _ => {
                self.in_message = false;
                self.fragments = 0;
                Some(Event::Message(std::mem::take(&mut self.message).into()))
            }
        }
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (chunks, rest) = payload.as_chunks_mut::<4>();
    for chunk in chunks {
        *chunk = (u32::from_ne_bytes(*chunk) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

/// Appends the header of a binary message of `length` bytes.
pub(super) fn put_message_header(out: &mut Vec<u8>, length: usize) {
    put_header(out, BINARY, length);
}

/// Appends a ping.
pub(super) fn put_ping(out: &mut Vec<u8>) {
    put_header(out, PING, 0);
}

/// Appends the answer to a ping.
pub(super) fn put_pong(out: &mut Vec<u8>, payload: &[u8]) {
    put_header(out, PONG, payload.len());
    out.extend_from_slice(payload);
}

/// Appends a close with code and reason.
pub(super) fn put_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    // Two bytes of code beside it; all reasons of ours are short.
    let reason = &reason.as_bytes()[..reason.len().min(123)];
    put_header(out, CLOSE, 2 + reason.len());
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason);
}

fn put_header(out: &mut Vec<u8>, opcode: u8, length: usize) {
    out.push(0x80 | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => out.push(short),
        (_, Ok(middle)) => {
            out.push(126);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
