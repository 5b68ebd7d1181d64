//! What goes out on one socket: everything that waits in one write, and no buffer while nothing does.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use sheaf_core::room::MemberId;
use tokio::net::tcp::OwnedWriteHalf;

use super::websocket;
use crate::metrics::Metrics;
use crate::runtime::outbox::{Line, Rest, Written};

/// Bytes put together for one write.
pub(super) const WRITE_BYTES: usize = 64 * 1024;
/// Frames from this length on are written from where they are, not copied.
const LARGE_BYTES: usize = 8 * 1024;

thread_local! {
    /// Where writes are put together; empty between two. What the kernel does not take at once is kept by the connection.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(WRITE_BYTES + 1024));
}

/// The writing half of a connection, for the socket's task and for rooms.
#[derive(Debug)]
pub(super) struct Wire {
    half: OwnedWriteHalf,
    metrics: Arc<Metrics>,
}

impl Wire {
    pub(super) const fn new(half: OwnedWriteHalf, metrics: Arc<Metrics>) -> Self {
        Self { half, metrics }
    }

    /// Writes some of `bytes` as soon as the kernel takes any.
    fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.half.as_ref().poll_write_ready(context))?;
            match self.half.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl Line for Wire {
    fn write_now(&self, messages: &mut dyn Iterator<Item = &Bytes>) -> Written {
        let mut buffer = SCRATCH.take();
        let (mut count, mut payload) = (0, 0);
        for message in messages {
            count += 1;
            payload += message.len() as u64;
            websocket::put_message_header(&mut buffer, message.len());
            buffer.extend_from_slice(message);
        }
        // A failure is met again by the socket's task, which ends the connection.
        let written = self.half.try_write(&buffer).unwrap_or(0);
        let outcome = match buffer.get(written..) {
            _ if written == 0 => Written::Nothing,
            None | Some([]) => Written::All,
            Some(rest) => Written::Part(Bytes::copy_from_slice(rest)),
        };
        give_back(buffer);
        if written > 0 {
            self.metrics.frames_out.add(count);
            self.metrics.bytes_out.add(payload);
        }
        outcome
    }
}

/// Gives a buffer back to the thread, empty, for the next connection.
fn give_back(mut buffer: Vec<u8>) {
    buffer.clear();
    if buffer.capacity() >= WRITE_BYTES && buffer.capacity() <= 4 * WRITE_BYTES {
        SCRATCH.set(buffer);
    }
}

/// One socket's unwritten bytes.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// Pieces to write, in order: put together and not taken by the kernel yet, or large frames.
    pieces: std::collections::VecDeque<Bytes>,
    /// Small things to go out behind them.
    next: Vec<u8>,
    /// Frames among all that, by member, for the room's account.
    unwritten: Vec<(MemberId, usize)>,
    /// Bytes the kernel took since the connection began: shows whether a slow reader reads at all.
    pub(super) taken: u64,
}

impl Writer {
    /// Whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.next.is_empty()
    }

    /// Queues a member's frame as a binary message.
    pub(super) fn put_frame(&mut self, member: MemberId, frame: Bytes) {
        self.count(member, frame.len());
        self.put_message(frame);
    }

    /// Queues a binary message that is on nobody's account.
    pub(super) fn put_message(&mut self, frame: Bytes) {
        if self.next.capacity() == 0 {
            self.next = SCRATCH.take();
        }
        websocket::put_message_header(&mut self.next, frame.len());
        if frame.len() < LARGE_BYTES {
            self.next.extend_from_slice(&frame);
        } else {
            self.close_piece();
            self.pieces.push_back(frame);
        }
    }

    /// Puts the rest of what a room began to write before everything else.
    pub(super) fn put_rest(&mut self, rest: Rest) {
        self.count(rest.member, rest.owed);
        self.pieces.push_front(rest.bytes);
    }

    /// Queues something else.
    pub(super) fn put(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        put(&mut self.next);
    }

    fn count(&mut self, member: MemberId, bytes: usize) {
        match self
            .unwritten
            .iter_mut()
            .find(|(known, _)| *known == member)
        {
            Some((_, sum)) => *sum += bytes,
            None => self.unwritten.push((member, bytes)),
        }
    }

    fn close_piece(&mut self) {
        if !self.next.is_empty() {
            self.pieces.push_back(Bytes::copy_from_slice(&self.next));
            self.next.clear();
        }
    }

    /// Writes until all is written or the kernel takes no more.
    pub(super) fn poll_write(
        &mut self,
        wire: &Wire,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(piece) = self.pieces.front_mut() {
            let written = ready!(wire.poll_write(context, piece))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            piece.advance(written);
            self.taken += written as u64;
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
        if !self.next.is_empty() {
            match wire.poll_write(context, &self.next) {
                Poll::Ready(written) => {
                    let written = written?;
                    self.taken += written as u64;
                    if written < self.next.len() {
                        self.pieces
                            .push_back(Bytes::copy_from_slice(&self.next[written..]));
                    }
                }
                Poll::Pending => self.pieces.push_back(Bytes::copy_from_slice(&self.next)),
            }
            give_back(std::mem::take(&mut self.next));
            if !self.pieces.is_empty() {
                return self.poll_write(wire, context);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Bytes of frames that are all written, by member.
    pub(super) fn take_written(&mut self) -> Vec<(MemberId, usize)> {
        if self.is_empty() {
            std::mem::take(&mut self.unwritten)
        } else {
            Vec::new()
        }
    }
}
