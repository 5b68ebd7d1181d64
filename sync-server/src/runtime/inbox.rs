//! What waits for a room. Empty it holds no memory; full it makes senders wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use sheaf_core::room::{Input, Joining, MemberId, Neighbour};
use tokio::sync::Notify;

use super::outbox::Outbox;

/// Bytes waiting in one room's inbox from which on senders wait before they read on.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Letters that can wait for the next turn, from which on there is one.
const QUIET_LETTERS_MAX: usize = 512;

/// One thing for a room.
#[derive(Debug)]
pub(crate) enum Letter {
    /// Someone comes in, and this is where their frames go.
    Join(Joining, Arc<Outbox>),
    /// Anything else.
    Tell(Input),
}

#[derive(Debug, Default)]
struct Waiting {
    letters: Vec<Letter>,
    bytes: usize,
    /// The room was told then that there is something.
    told: Option<Instant>,
    closed: bool,
}

/// A room's inbox. Many write, one task reads.
#[derive(Debug, Default)]
pub struct Inbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
    emptied: Notify,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a letter in; gives it back if the room is gone.
    pub(crate) fn put(&self, letter: Letter) -> Result<(), Letter> {
        self.put_and_tell(letter, 1)
    }

    /// Tells the room something; a room that is gone does not mind.
    pub(crate) fn tell(&self, input: Input) {
        let _ = self.put(Letter::Tell(input));
    }

    /// Tells the room something that need not wake it: it hears of it at its next turn.
    pub(crate) fn tell_quietly(&self, input: Input) {
        let _ = self.put_and_tell(Letter::Tell(input), QUIET_LETTERS_MAX);
    }

    /// Wakes the room if so many letters wait.
    fn put_and_tell(&self, letter: Letter, from: usize) -> Result<(), Letter> {
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(letter);
        }
        waiting.bytes += weight(&letter);
        waiting.letters.push(letter);
        let tell = waiting.told.is_none() && waiting.letters.len() >= from;
        if tell {
            waiting.told = Some(Instant::now());
        }
        drop(waiting);
        if tell {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Says that a member is gone.
    pub(crate) fn leave(&self, member: MemberId) {
        self.tell(Input::Leave(member));
    }

    /// Waits while too much is waiting.
    pub(crate) async fn room_for_more(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            {
                let waiting = self.waiting();
                if waiting.closed || waiting.bytes < WAITING_BYTES_MAX {
                    return;
                }
            }
            emptied.await;
        }
    }

    /// Whether senders should wait.
    pub(crate) fn is_full(&self) -> bool {
        let waiting = self.waiting();
        !waiting.closed && waiting.bytes >= WAITING_BYTES_MAX
    }

    /// Waits until the room is told that there is something.
    pub(crate) async fn told(&self) {
        while self.waiting().told.is_none() {
            self.filled.notified().await;
        }
    }

    /// Everything that waits now, into `letters` (which is empty). Answers when the room was told of it, if it was.
    pub(crate) fn take_now(&self, letters: &mut Vec<Letter>) -> Option<Instant> {
        let mut waiting = self.waiting();
        std::mem::swap(&mut waiting.letters, letters);
        let was_full = waiting.bytes >= WAITING_BYTES_MAX;
        waiting.bytes = 0;
        let told = waiting.told.take();
        drop(waiting);
        if was_full {
            self.emptied.notify_waiters();
        }
        told
    }

    /// Takes no more letters, and gives what came last.
    pub(crate) fn close(&self) -> Vec<Letter> {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.bytes = 0;
        let letters = std::mem::take(&mut waiting.letters);
        drop(waiting);
        self.emptied.notify_waiters();
        letters
    }
}

fn weight(letter: &Letter) -> usize {
    use sheaf_shared::sync::peer::Said;
    match letter {
        Letter::Tell(Input::Said { said, .. }) => match said {
            Said::Step1(bytes)
            | Said::Step2(bytes)
            | Said::Update(bytes)
            | Said::Awareness(bytes) => bytes.len() + size_of::<Letter>(),
            Said::QueryAwareness => size_of::<Letter>(),
        },
        Letter::Tell(Input::Neighbour(Neighbour::Rows(heard))) => {
            heard.rows.iter().map(Bytes::len).sum::<usize>() + size_of::<Letter>()
        }
        Letter::Tell(Input::Neighbour(Neighbour::Presence { presence, .. })) => {
            presence.payload.len() + presence.whose.len() * 8 + size_of::<Letter>()
        }
        Letter::Join(..) | Letter::Tell(_) => size_of::<Letter>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: MemberId = MemberId(7);

    fn is_told(inbox: &Inbox) -> bool {
        let told = std::pin::pin!(inbox.told());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        told.poll(&mut context).is_ready()
    }

    #[test]
    fn quiet_letters_wake_nobody_until_there_are_many_and_come_with_the_next_loud_one() {
        let inbox = Inbox::default();
        let drained = || Input::Drained {
            member: MEMBER,
            bytes: 1,
        };
        inbox.tell_quietly(drained());
        assert!(!is_told(&inbox));
        inbox.leave(MEMBER);
        assert!(is_told(&inbox));
        let mut letters = Vec::new();
        inbox.take_now(&mut letters);
        assert_eq!(letters.len(), 2);
        assert!(!is_told(&inbox));
        for _ in 0..QUIET_LETTERS_MAX {
            inbox.tell_quietly(drained());
        }
        assert!(is_told(&inbox), "they must not pile up");
    }

    #[test]
    fn a_room_that_is_gone_takes_nothing_more() {
        let inbox = Inbox::default();
        inbox.leave(MEMBER);
        assert_eq!(inbox.close().len(), 1);
        assert!(inbox.put(Letter::Tell(Input::Tick)).is_err());
        assert!(!inbox.is_full());
    }
}
