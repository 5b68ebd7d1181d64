//! A WebSocket client that costs the generator next to nothing: non-blocking, no allocation per frame.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;

/// Where to connect: `ws://HOST:PORT/PREFIX`; the document's name is appended after a slash.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address to dial.
    pub address: SocketAddr,
    /// Path before the document's name, without a slash at its end.
    pub prefix: String,
    /// Shown with each request to connect.
    pub token: Option<String>,
}

/// A URL the generator cannot use.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is not ws://127.0.0.1:PORT[/path]")]
pub struct TargetError(String);

impl Target {
    /// Reads a URL. Only numeric addresses: the generator drives servers on this machine.
    ///
    /// # Errors
    /// [`TargetError`] when `url` has another shape.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let refuse = || TargetError(url.to_owned());
        let rest = url.strip_prefix("ws://").ok_or_else(refuse)?;
        let (host, path) = rest
            .split_once('/')
            .map_or((rest, ""), |(host, path)| (host, path));
        let address: SocketAddr = host.parse().map_err(|_| refuse())?;
        if !address.ip().is_loopback() {
            return Err(refuse());
        }
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        };
        Ok(Self {
            address,
            prefix,
            token: None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Handshake,
    Open,
    Closed,
}

/// What a turn of reading found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// The handshake ended in this turn.
    pub opened: bool,
    /// The socket is gone.
    pub closed: bool,
}

/// One connection.
pub struct Socket {
    /// The stream, for registering with a poll.
    pub stream: TcpStream,
    phase: Phase,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

impl Socket {
    /// Dials, and queues the upgrade request for `document`.
    ///
    /// # Errors
    /// Any I/O error of opening a socket.
    pub fn dial(target: &Target, document: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(target.address)?;
        stream.set_nodelay(true)?;
        let shown = target.token.as_ref().map_or_else(String::new, |token| {
            format!("Authorization: Bearer {token}\r\n")
        });
        let request = format!(
            "GET {}/{document} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{shown}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            target.prefix, target.address
        );
        Ok(Self {
            stream,
            phase: Phase::Handshake,
            inbox: Vec::new(),
            outbox: request.into_bytes(),
        })
    }

    /// Whether frames can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Sends one binary frame, or queues what the kernel does not take.
    pub fn send(&mut self, payload: &[u8]) {
        self.queue(0x82, payload);
        self.flush();
    }

    /// Queues one binary frame without writing.
    pub fn feed(&mut self, payload: &[u8]) {
        self.queue(0x82, payload);
    }

    // The masking key is zero, so masking changes nothing; a server cannot tell and the generator saves the work.
    fn queue(&mut self, head: u8, payload: &[u8]) {
        self.outbox.push(head);
        match payload.len() {
            length @ 0..126 => self.outbox.push(0x80 | length as u8),
            length @ 126..65_536 => {
                self.outbox.push(0x80 | 126);
                self.outbox
                    .extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                self.outbox.push(0x80 | 127);
                self.outbox
                    .extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        self.outbox.extend_from_slice(&[0; 4]);
        self.outbox.extend_from_slice(payload);
    }

    /// Writes what is queued.
    pub fn flush(&mut self) {
        let mut done = 0;
        while done < self.outbox.len() && self.phase != Phase::Closed {
            match self.stream.write(&self.outbox[done..]) {
                Ok(0) => self.phase = Phase::Closed,
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.phase = Phase::Closed,
            }
        }
        self.outbox.drain(..done);
    }

    /// Reads all there is and calls `each` with the payload of every binary frame.
    pub fn read(&mut self, scratch: &mut [u8], mut each: impl FnMut(&[u8])) -> Turn {
        let mut turn = Turn::default();
        while self.phase != Phase::Closed {
            match self.stream.read(scratch) {
                Ok(0) => self.phase = Phase::Closed,
                Ok(length) => {
                    let full = length == scratch.len();
                    self.take(&scratch[..length], &mut turn, &mut each);
                    if !full {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.phase = Phase::Closed,
            }
        }
        turn.closed = self.phase == Phase::Closed;
        turn
    }

    fn take(&mut self, fresh: &[u8], turn: &mut Turn, each: &mut impl FnMut(&[u8])) {
        if self.inbox.is_empty() && self.phase == Phase::Open {
            let used = self.frames(fresh, each);
            self.inbox.extend_from_slice(&fresh[used..]);
            return;
        }
        let mut inbox = std::mem::take(&mut self.inbox);
        inbox.extend_from_slice(fresh);
        let mut used = 0;
        if self.phase == Phase::Handshake {
            let Some(end) = inbox.windows(4).position(|four| four == b"\r\n\r\n") else {
                self.inbox = inbox;
                return;
            };
            if !inbox.starts_with(b"HTTP/1.1 101") {
                self.phase = Phase::Closed;
                return;
            }
            self.phase = Phase::Open;
            turn.opened = true;
            used = end + 4;
        }
        used += self.frames(&inbox[used..], each);
        inbox.drain(..used);
        inbox.shrink_to(64 * 1024);
        self.inbox = inbox;
    }

    /// Handles whole frames at the start of `bytes`; returns how many bytes they took.
    fn frames(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8])) -> usize {
        let mut used = 0;
        while let Some((head, payload, length)) = one_frame(&bytes[used..]) {
            used += length;
            match head & 0x0f {
                2 => each(payload),
                8 => self.phase = Phase::Closed,
                9 => {
                    self.queue(0x8a, payload);
                    self.flush();
                }
                _ => {}
            }
        }
        used
    }
}

fn one_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&head, &short) = (bytes.first()?, bytes.get(1)?);
    let (start, length) = match short & 0x7f {
        126 => (
            4,
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        ),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?,
        ),
        length => (2, usize::from(length)),
    };
    let end = start + length;
    Some((head, bytes.get(start..end)?, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_targets_are_taken() {
        assert!(Target::parse("ws://127.0.0.1:8080/sync").is_ok());
        for url in [
            "ws://10.0.0.1:80/x",
            "http://127.0.0.1:1",
            "ws://localhost:8080",
            "ws://[2001:db8::1]:80",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_frame_is_read_only_when_all_of_it_is_there() {
        let mut bytes = vec![0x82, 126, 1, 0];
        bytes.extend_from_slice(&[7; 256]);
        assert!(one_frame(&bytes[..200]).is_none());
        assert_eq!(one_frame(&bytes), Some((0x82, &[7_u8; 256][..], 260)));
    }
}
