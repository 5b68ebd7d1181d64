//! The least that a server can do, to hold a figure against on the same machine in the same minute: one thread passes each
//! update on to everyone else in the room, in one write a turn. It keeps no document, checks nothing, stores nothing.

#![expect(clippy::print_stderr, reason = "why it ends goes to the error output")]

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use sha1::{Digest as _, Sha1};
use sheaf_bench::ydoc::{self, Said, frame};

/// Passes messages of y-websocket clients on, and does nothing else.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; only on this machine
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
}

/// What RFC 6455 puts behind the client's key.
const HANDSHAKE_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const LISTENER: Token = Token(usize::MAX);
const BINARY: u8 = 0x82;
const PONG: u8 = 0x8a;

struct Connection {
    stream: TcpStream,
    /// Begun and not yet whole.
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// `None` until it has asked for a document.
    room: Option<usize>,
    is_over: bool,
}

#[derive(Default)]
struct Floor {
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    rooms: Vec<Vec<usize>>,
    names: HashMap<String, usize>,
    /// Who has something to be written.
    touched: Vec<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.listen.ip().is_loopback() {
        eprintln!("it checks nothing, so it listens on this machine only");
        return ExitCode::FAILURE;
    }
    match serve(arguments.listen) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(listen: SocketAddr) -> io::Result<std::convert::Infallible> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(listen)?;
    let registry = poll.registry();
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1_024);
    let mut floor = Floor::default();
    let mut scratch = vec![0; 64 * 1024];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &events {
            if event.token() == LISTENER {
                floor.accept(&listener, poll.registry())?;
            } else {
                floor.read(event.token().0, &mut scratch);
                floor.touched.push(event.token().0);
            }
        }
        floor.write_out();
    }
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, registry: &mio::Registry) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let interest = Interest::READABLE | Interest::WRITABLE;
            registry.register(&mut stream, Token(place), interest)?;
            self.connections[place] = Some(Connection {
                stream,
                inbox: Vec::new(),
                outbox: Vec::new(),
                room: None,
                is_over: false,
            });
        }
    }

    fn read(&mut self, place: usize, scratch: &mut [u8]) {
        loop {
            let Some(connection) = &mut self.connections[place] else {
                return;
            };
            let length = match connection.stream.read(scratch) {
                Ok(0) => 0,
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => 0,
            };
            if length == 0 {
                connection.is_over = true;
                return;
            }
            connection.inbox.extend_from_slice(&scratch[..length]);
            let inbox = std::mem::take(&mut connection.inbox);
            let used = if connection.room.is_none() {
                self.greet(place, &inbox)
            } else {
                0
            };
            let used = used + self.frames(place, &inbox[used..]);
            if let Some(connection) = &mut self.connections[place] {
                connection.inbox.extend_from_slice(&inbox[used..]);
            }
            if length < scratch.len() {
                return;
            }
        }
    }

    /// Opens the socket once the request is whole; says how many bytes that took.
    fn greet(&mut self, place: usize, bytes: &[u8]) -> usize {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return 0;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_key = name.eq_ignore_ascii_case("sec-websocket-key");
            is_key.then(|| value.trim().to_owned())
        });
        let Some(connection) = &mut self.connections[place] else {
            return 0;
        };
        let Some(key) = key else {
            // What only looks whether somebody listens.
            connection.is_over = true;
            return bytes.len();
        };
        let mut hash = Sha1::new();
        hash.update(key);
        hash.update(HANDSHAKE_GUID);
        let proof = STANDARD.encode(hash.finalize());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {proof}\r\n\r\n"
        );
        connection.outbox.extend_from_slice(answer.as_bytes());
        put_frame(&mut connection.outbox, BINARY, &frame::step1(&[0]));
        let next = self.rooms.len();
        let room = *self.names.entry(path).or_insert(next);
        if room == next {
            self.rooms.push(Vec::new());
        }
        self.rooms[room].push(place);
        connection.room = Some(room);
        end + 4
    }

    /// Handles the whole frames; says how many bytes they took.
    fn frames(&mut self, place: usize, bytes: &[u8]) -> usize {
        let mut used = 0;
        while let Some((opcode, payload, length)) = one_frame(&bytes[used..]) {
            used += length;
            match opcode {
                2 => self.take(place, &payload),
                8 => self.end(place),
                9 => self.put(place, PONG, &payload),
                _ => {}
            }
        }
        used
    }

    fn take(&mut self, place: usize, payload: &[u8]) {
        match ydoc::read(payload) {
            Said::Step1(_) => self.put(place, BINARY, &frame::empty_step2()),
            Said::Update(_) => {
                let Some(Some(room)) = self.connections[place].as_ref().map(|one| one.room) else {
                    return;
                };
                for at in 0..self.rooms[room].len() {
                    let member = self.rooms[room][at];
                    if member != place {
                        self.put(member, BINARY, payload);
                    }
                }
            }
            Said::Step2(_) | Said::Other => {}
        }
    }

    fn put(&mut self, place: usize, head: u8, payload: &[u8]) {
        if let Some(connection) = &mut self.connections[place] {
            if connection.outbox.is_empty() {
                self.touched.push(place);
            }
            put_frame(&mut connection.outbox, head, payload);
        }
    }

    fn end(&mut self, place: usize) {
        if let Some(connection) = &mut self.connections[place] {
            connection.is_over = true;
            self.touched.push(place);
        }
    }

    /// Writes what waits, in one go for each receiver.
    fn write_out(&mut self) {
        for place in std::mem::take(&mut self.touched) {
            let Some(connection) = &mut self.connections[place] else {
                continue;
            };
            while !connection.outbox.is_empty() && !connection.is_over {
                match connection.stream.write(&connection.outbox) {
                    Ok(written) => drop(connection.outbox.drain(..written)),
                    // It is writable again by an event of its own.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(_) => connection.is_over = true,
                }
            }
            if connection.is_over {
                if let Some(room) = connection.room {
                    self.rooms[room].retain(|&member| member != place);
                }
                self.connections[place] = None;
                self.free.push(place);
            }
        }
    }
}

fn put_frame(out: &mut Vec<u8>, head: u8, payload: &[u8]) {
    out.push(head);
    match payload.len() {
        length @ 0..126 => out.push(length as u8),
        length @ 126..65_536 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// The first frame of a client, unmasked, and how many bytes it took; `None` while it is not whole.
fn one_frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (&head, &short) = (bytes.first()?, bytes.get(1)?);
    let (start, length) = match short & 0x7f {
        126 => {
            let length = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
            (4, usize::from(length))
        }
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            (10, usize::try_from(length).ok()?)
        }
        length => (2, usize::from(length)),
    };
    let key: [u8; 4] = bytes.get(start..start + 4)?.try_into().ok()?;
    let end = (start + 4).checked_add(length)?;
    let mut payload = bytes.get(start + 4..end)?.to_vec();
    for (byte, mask) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= mask;
    }
    Some((head & 0x0f, payload, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_when_it_is_whole_and_unmasked() {
        let masked = [0x82, 0x83, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3];
        assert_eq!(one_frame(&masked), Some((2, b"abc".to_vec(), 9)));
        for length in 0..masked.len() {
            assert_eq!(one_frame(&masked[..length]), None);
        }
    }
}
