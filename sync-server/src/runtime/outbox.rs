//! What waits for a socket: frames of all its documents in order, and what rooms want of it.
//!
//! The rooms bound it: a room counts what it queued for each member and stops before its budget is spent.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
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
}

/// Entries of an empty queue that are kept for the next time.
const QUEUE_KEPT: usize = 16;

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Outgoing>,
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

    pub(crate) fn send(&self, member: MemberId, frame: Bytes, class: FrameClass) {
        self.change(|waiting| {
            waiting.queue.push_back(Outgoing::Frame {
                member,
                frame,
                class,
            })
        });
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
                Outgoing::Frame { .. } | Outgoing::Close { .. } => true,
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
    /// is not taken yet can still be dropped by the room.
    pub(crate) fn poll(
        &self,
        context: &mut std::task::Context<'_>,
        bytes_max: usize,
        out: &mut Vec<Outgoing>,
    ) -> Poll<Found> {
        self.reader.register(context.waker());
        let mut waiting = self.waiting();
        let takes = bytes_max > 0 && !waiting.queue.is_empty();
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
        if waiting.queue.is_empty() && waiting.queue.capacity() > QUEUE_KEPT {
            waiting.queue = VecDeque::new();
        }
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
                Outgoing::Close { .. } => b"close",
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
