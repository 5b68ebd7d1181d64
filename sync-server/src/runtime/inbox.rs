//! What waits for a room. Empty it holds no memory; full it makes senders wait.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sheaf_core::room::{Input, Joining, MemberId};
use tokio::sync::Notify;

use super::outbox::Outbox;

/// Bytes waiting in one room's inbox from which on senders wait before they read on.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

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
        let mut waiting = self.waiting();
        if waiting.closed {
            return Err(letter);
        }
        waiting.bytes += weight(&letter);
        waiting.letters.push(letter);
        let first = waiting.letters.len() == 1;
        drop(waiting);
        if first {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Tells the room something; a room that is gone does not mind.
    pub(crate) fn tell(&self, input: Input) {
        let _ = self.put(Letter::Tell(input));
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

    /// Everything that waits, into `letters` (which is empty); waits until there is something.
    pub(crate) async fn take(&self, letters: &mut Vec<Letter>) {
        loop {
            self.take_now(letters);
            if !letters.is_empty() {
                return;
            }
            self.filled.notified().await;
        }
    }

    /// Everything that waits now.
    pub(crate) fn take_now(&self, letters: &mut Vec<Letter>) {
        let mut waiting = self.waiting();
        std::mem::swap(&mut waiting.letters, letters);
        let was_full = waiting.bytes >= WAITING_BYTES_MAX;
        waiting.bytes = 0;
        drop(waiting);
        if was_full {
            self.emptied.notify_waiters();
        }
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
        Letter::Join(..) | Letter::Tell(_) => size_of::<Letter>(),
    }
}
