//! What waits for a socket: frames of all its documents in order, and what rooms want of it.
//!
//! The rooms bound it: a room counts what it queued for each member and stops before its budget is spent.
//!
//! While nothing waits and the kernel takes bytes, a room writes to the socket by itself (`Outbox::flush`): waking
//! the socket's task costs as much as the write. Only one of them writes at a time: the room under the lock, or the
//! task from when it takes something until all of that is written.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use sheaf_core::room::{FrameClass, MemberId};
use sheaf_shared::sync::close::CloseReason;

/// One thing for a socket to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// Write this.
    Frame {
        member: MemberId,
        frame: Bytes,
        class: FrameClass,
    },
    /// The member's room let it go.
    Close {
        member: MemberId,
        reason: CloseReason,
    },
    /// Write this before all else.
    Rest(Rest),
}

/// What the kernel did not take of a room's write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) member: MemberId,
    /// As they go over the wire.
    pub(crate) bytes: Bytes,
    /// Bytes of the frames in that write. They have drained when the rest is written.
    pub(crate) owed: usize,
}

/// What became of messages that were to be written at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    All,
    /// This is left, as it goes over the wire.
    Part(Bytes),
    Nothing,
}

/// A socket as rooms see it: it takes what goes without waiting.
pub(crate) trait Line: Send + Sync + std::fmt::Debug {
    /// Writes these messages as far as the kernel takes them now.
    fn write_now(&self, messages: &mut dyn Iterator<Item = &Bytes>) -> Written;
}

/// Entries of an empty queue that are kept for the next time.
const QUEUE_KEPT: usize = 16;
/// Most bytes that a room writes by itself. More goes through the socket's task, which writes in pieces.
const FLUSH_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Outgoing>,
    /// The socket, while rooms may write to it.
    line: Option<Arc<dyn Line>>,
    /// The socket's task is writing, or has a rest to write.
    is_taken: bool,
    /// Bytes of each member that were dropped and not reported yet.
    dropped: Vec<(MemberId, usize)>,
    /// Members whose rooms want nothing to be read for now.
    silenced: BTreeSet<MemberId>,
    changed: bool,
}

/// A socket's outbox. Rooms write, the socket's task reads.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    reader: AtomicWaker,
}

impl Waiting {
    /// Writes the queue to the socket, if nobody else writes and it holds only frames of this member.
    fn write_now(&mut self, member: MemberId) -> usize {
        let Some(line) = self.line.as_ref().filter(|_| !self.is_taken) else {
            return 0;
        };
        let mut bytes = 0;
        for outgoing in &self.queue {
            match outgoing {
                Outgoing::Frame {
                    member: of, frame, ..
                } if *of == member => bytes += frame.len(),
                Outgoing::Frame { .. } | Outgoing::Close { .. } | Outgoing::Rest(_) => return 0,
            }
        }
        if bytes > FLUSH_BYTES_MAX {
            return 0;
        }
        let mut frames = self.queue.iter().filter_map(|outgoing| match outgoing {
            Outgoing::Frame { frame, .. } => Some(frame),
            Outgoing::Close { .. } | Outgoing::Rest(_) => None,
        });
        let written = line.write_now(&mut frames);
        if written == Written::Nothing {
            return 0;
        }
        self.queue.clear();
        self.shrink();
        let Written::Part(rest) = written else {
            return bytes;
        };
        self.is_taken = true;
        self.queue.push_back(Outgoing::Rest(Rest {
            member,
            bytes: rest,
            owed: bytes,
        }));
        0
    }

    fn shrink(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > QUEUE_KEPT {
            self.queue = VecDeque::new();
        }
    }
}

/// What the socket's task found in the outbox.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// To be reported as drained.
    pub(crate) dropped: Vec<(MemberId, usize)>,
    /// Whether the socket may be read.
    pub(crate) may_read: bool,
}

impl Outbox {
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.waiting();
        change(&mut waiting);
        let wake = !waiting.changed;
        waiting.changed = true;
        drop(waiting);
        if wake {
            self.reader.wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rooms may write to the socket by themselves from now on.
    pub(crate) fn connect(&self, line: Arc<dyn Line>) {
        self.waiting().line = Some(line);
    }

    /// They may not any more.
    pub(crate) fn disconnect(&self) {
        self.waiting().line = None;
    }

    pub(crate) fn send(&self, member: MemberId, frame: Bytes, class: FrameClass) {
        self.queue(member, frame, class);
        self.leave_to_task();
    }

    /// Queues a frame and wakes nobody: [`flush`](Self::flush) or [`leave_to_task`](Self::leave_to_task) follows.
    pub(crate) fn queue(&self, member: MemberId, frame: Bytes, class: FrameClass) {
        self.waiting().queue.push_back(Outgoing::Frame {
            member,
            frame,
            class,
        });
    }

    /// Writes what is queued if that goes at once, and wakes the socket's task if not. Answers how many bytes of the
    /// member's frames are written.
    pub(crate) fn flush(&self, member: MemberId) -> usize {
        let mut waiting = self.waiting();
        let written = waiting.write_now(member);
        let wake = !waiting.queue.is_empty() && !waiting.changed;
        waiting.changed |= wake;
        drop(waiting);
        if wake {
            self.reader.wake();
        }
        written
    }

    /// Wakes the socket's task for what is queued.
    pub(crate) fn leave_to_task(&self) {
        self.change(|_| {});
    }

    /// The socket's task is about to write something of its own. What a room began to write comes first.
    pub(crate) fn take_line(&self) -> Option<Rest> {
        let mut waiting = self.waiting();
        waiting.is_taken = true;
        let Some(Outgoing::Rest(_)) = waiting.queue.front() else {
            return None;
        };
        match waiting.queue.pop_front() {
            Some(Outgoing::Rest(rest)) => Some(rest),
            _ => None,
        }
    }

    pub(crate) fn close(&self, member: MemberId, reason: CloseReason) {
        self.change(|waiting| {
            waiting.silenced.remove(&member);
            waiting.queue.push_back(Outgoing::Close { member, reason });
        });
    }

    pub(crate) fn drop_queued(&self, of: MemberId) {
        self.change(|waiting| {
            let mut bytes = 0;
            waiting.queue.retain(|outgoing| match outgoing {
                Outgoing::Frame {
                    member,
                    frame,
                    class: FrameClass::Droppable,
                } if *member == of => {
                    bytes += frame.len();
                    false
                }
                Outgoing::Frame { .. } | Outgoing::Close { .. } | Outgoing::Rest(_) => true,
            });
            waiting.dropped.push((of, bytes));
        });
    }

    pub(crate) fn stop_reading(&self, of: MemberId) {
        self.change(|waiting| {
            waiting.silenced.insert(of);
        });
    }

    pub(crate) fn resume_reading(&self, of: MemberId) {
        self.change(|waiting| {
            waiting.silenced.remove(&of);
        });
    }

    /// What changed since the last call; wakes the task when something has.
    ///
    /// Moves about `bytes_max` bytes of the queue to `out` (at least one entry if `bytes_max` is not 0). What
    /// is not taken yet can still be dropped by the room. Whoever asks for some has written all that it had: if there
    /// is nothing more, rooms may write again.
    pub(crate) fn poll(
        &self,
        context: &mut std::task::Context<'_>,
        bytes_max: usize,
        out: &mut Vec<Outgoing>,
    ) -> Poll<Found> {
        self.reader.register(context.waker());
        let mut waiting = self.waiting();
        let takes = bytes_max > 0 && !waiting.queue.is_empty();
        if bytes_max > 0 {
            waiting.is_taken = takes;
        }
        if !waiting.changed && !takes {
            return Poll::Pending;
        }
        waiting.changed = false;
        let mut bytes = 0;
        while bytes < bytes_max
            && let Some(outgoing) = waiting.queue.pop_front()
        {
            if let Outgoing::Frame { frame, .. } = &outgoing {
                bytes += frame.len();
            }
            out.push(outgoing);
        }
        waiting.shrink();
        Poll::Ready(Found {
            dropped: std::mem::take(&mut waiting.dropped),
            may_read: waiting.silenced.is_empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    const A: MemberId = MemberId(1);
    const B: MemberId = MemberId(2);

    fn found(outbox: &Outbox) -> (Vec<Outgoing>, Found) {
        let mut queue = Vec::new();
        match outbox.poll(
            &mut Context::from_waker(Waker::noop()),
            usize::MAX,
            &mut queue,
        ) {
            Poll::Ready(found) => (queue, found),
            Poll::Pending => (
                queue,
                Found {
                    may_read: true,
                    ..Found::default()
                },
            ),
        }
    }

    #[test]
    fn dropping_takes_one_members_droppable_frames_and_reports_their_bytes() {
        let outbox = Outbox::default();
        outbox.send(A, Bytes::from_static(b"edit"), FrameClass::Droppable);
        outbox.send(A, Bytes::from_static(b"ack"), FrameClass::Kept);
        outbox.send(B, Bytes::from_static(b"other"), FrameClass::Droppable);
        outbox.drop_queued(A);
        outbox.send(A, Bytes::from_static(b"catch-up"), FrameClass::Droppable);
        let (queue, found) = found(&outbox);
        let frames: Vec<&[u8]> = queue
            .iter()
            .map(|outgoing| match outgoing {
                Outgoing::Frame { frame, .. } => &frame[..],
                Outgoing::Close { .. } | Outgoing::Rest(_) => b"",
            })
            .collect();
        assert_eq!(frames, [&b"ack"[..], b"other", b"catch-up"]);
        assert_eq!(found.dropped, [(A, 4)]);
    }

    #[test]
    fn a_socket_is_read_only_while_no_room_objects() {
        let outbox = Outbox::default();
        outbox.stop_reading(A);
        outbox.stop_reading(B);
        outbox.resume_reading(A);
        assert!(!found(&outbox).1.may_read);
        outbox.close(B, CloseReason::Busy);
        assert!(
            found(&outbox).1.may_read,
            "a member that is gone objects no more"
        );
    }

    #[test]
    fn nothing_is_found_twice() {
        let outbox = Outbox::default();
        outbox.send(A, Bytes::from_static(b"x"), FrameClass::Kept);
        assert_eq!(found(&outbox).0.len(), 1);
        assert!(found(&outbox).0.is_empty());
    }

    /// A socket of which the kernel takes so many bytes at each write.
    #[derive(Debug, Default)]
    struct Takes {
        at_a_time: usize,
        taken: Mutex<Vec<u8>>,
    }

    impl Takes {
        fn connected(at_a_time: usize) -> (Outbox, Arc<Self>) {
            let line = Arc::new(Self {
                at_a_time,
                taken: Mutex::default(),
            });
            let outbox = Outbox::default();
            outbox.connect(Arc::clone(&line) as Arc<dyn Line>);
            (outbox, line)
        }

        fn taken(&self) -> Vec<u8> {
            self.taken.lock().unwrap().clone()
        }
    }

    impl Line for Takes {
        fn write_now(&self, messages: &mut dyn Iterator<Item = &Bytes>) -> Written {
            let all: Vec<u8> = messages.flatten().copied().collect();
            let (now, rest) = all.split_at(all.len().min(self.at_a_time));
            self.taken.lock().unwrap().extend(now);
            match (now, rest) {
                ([], _) => Written::Nothing,
                (_, []) => Written::All,
                (_, rest) => Written::Part(Bytes::copy_from_slice(rest)),
            }
        }
    }

    fn queue(outbox: &Outbox, member: MemberId, frame: &'static str) {
        outbox.queue(
            member,
            Bytes::from_static(frame.as_bytes()),
            FrameClass::Droppable,
        );
    }

    #[test]
    fn what_a_free_socket_takes_at_once_is_written_by_the_room_and_its_task_sleeps_on() {
        let (outbox, line) = Takes::connected(100);
        queue(&outbox, A, "one");
        queue(&outbox, A, "two");
        assert_eq!(outbox.flush(A), 6);
        assert_eq!(line.taken(), b"onetwo");
        assert!(found(&outbox).0.is_empty());
    }

    #[test]
    fn what_the_kernel_does_not_take_is_finished_by_the_task_before_anything_else() {
        let (outbox, line) = Takes::connected(2);
        queue(&outbox, A, "one");
        assert_eq!(outbox.flush(A), 0, "it has not drained yet");
        queue(&outbox, A, "two");
        assert_eq!(outbox.flush(A), 0);
        assert_eq!(
            line.taken(),
            b"on",
            "no second write into the middle of a frame"
        );
        let rest = Rest {
            member: A,
            bytes: Bytes::from_static(b"e"),
            owed: 3,
        };
        assert_eq!(outbox.take_line(), Some(rest));
        assert_eq!(found(&outbox).0.len(), 1);
        assert!(found(&outbox).0.is_empty(), "all of it is written now");
        queue(&outbox, A, "up");
        assert_eq!(outbox.flush(A), 2, "so the room may write again");
    }

    #[test]
    fn while_the_task_has_something_to_say_rooms_wait_for_it() {
        let (outbox, line) = Takes::connected(100);
        assert_eq!(outbox.take_line(), None);
        queue(&outbox, A, "one");
        assert_eq!(outbox.flush(A), 0);
        assert_eq!(line.taken(), b"");
        assert_eq!(found(&outbox).0.len(), 1);
    }

    #[test]
    fn a_room_writes_no_other_rooms_frames_and_nothing_behind_a_close() {
        let (outbox, line) = Takes::connected(100);
        queue(&outbox, B, "other");
        queue(&outbox, A, "one");
        assert_eq!(outbox.flush(A), 0);
        assert_eq!(found(&outbox).0.len(), 2);
        assert!(found(&outbox).0.is_empty());
        outbox.disconnect();
        queue(&outbox, A, "late");
        assert_eq!(outbox.flush(A), 0);
        assert_eq!(line.taken(), b"");
    }

    #[test]
    fn only_so_much_is_taken_at_a_time_so_that_the_rest_can_still_be_dropped() {
        let outbox = Outbox::default();
        for _ in 0..3 {
            outbox.send(A, Bytes::from_static(b"1234"), FrameClass::Droppable);
        }
        let mut queue = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        assert!(outbox.poll(&mut context, 5, &mut queue).is_ready());
        assert_eq!(queue.len(), 2);
        assert!(outbox.poll(&mut context, 0, &mut queue).is_pending());
        outbox.drop_queued(A);
        assert_eq!(found(&outbox).1.dropped, [(A, 4)]);
    }
}
