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

    /// Bytes of frames that the kernel has taken since this was asked last, by member. Of a long frame on a slow line it is a
    /// part: a room that heard nothing until all of it is written would take its reader for one who has stopped.
    pub(super) fn take_written(&mut self) -> Vec<(MemberId, usize)> {
        let left = self.pieces.iter().map(Bytes::len).sum::<usize>() + self.next.len();
        if left == 0 {
            return std::mem::take(&mut self.unwritten);
        }
        let owed: usize = self.unwritten.iter().map(|(_, bytes)| bytes).sum();
        // Headers are among what is left and not among what is owed, so this is never too much.
        let mut taken = owed.saturating_sub(left);
        let mut written = Vec::new();
        for (member, bytes) in &mut self.unwritten {
            let part = taken.min(*bytes);
            if part > 0 {
                written.push((*member, part));
            }
            *bytes -= part;
            taken -= part;
        }
        self.unwritten.retain(|(_, bytes)| *bytes > 0);
        written
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const ONE: MemberId = MemberId(1);
    const OTHER: MemberId = MemberId(2);
    /// More than the kernel keeps for a reader.
    const LONG_BYTES: usize = 48 * 1024 * 1024;

    fn sum_of(written: &[(MemberId, usize)], member: MemberId) -> usize {
        let theirs = written.iter().filter(|(whose, _)| *whose == member);
        theirs.map(|(_, bytes)| bytes).sum()
    }

    #[tokio::test]
    async fn what_a_slow_reader_took_of_a_long_frame_is_told_before_all_of_it_is_written() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (near, _) = listener.accept().await.unwrap();
        let (back, half) = near.into_split();
        let wire = Wire::new(half, Arc::default());
        let mut writer = Writer::default();
        writer.put_frame(ONE, Bytes::from(vec![7; LONG_BYTES]));
        writer.put_frame(OTHER, Bytes::from_static(b"behind it"));
        let blocked = poll_fn(|context| Poll::Ready(writer.poll_write(&wire, context)));
        assert!(blocked.await.is_pending());
        let mut written = writer.take_written();
        let early = sum_of(&written, ONE);
        assert!(early > 0 && early < LONG_BYTES, "{early}");
        assert_eq!(sum_of(&written, OTHER), 0);
        assert_eq!(writer.take_written(), [], "told once");
        let reading = tokio::spawn(async move {
            let (mut far, mut all) = (far.unwrap(), Vec::new());
            far.read_to_end(&mut all).await.unwrap();
        });
        poll_fn(|context| writer.poll_write(&wire, context))
            .await
            .unwrap();
        written.extend(writer.take_written());
        assert_eq!(sum_of(&written, ONE), LONG_BYTES);
        assert_eq!(sum_of(&written, OTHER), "behind it".len());
        drop((wire, back));
        reading.await.unwrap();
    }
}
