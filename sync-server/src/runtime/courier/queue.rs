//! What waits to be said to other servers. It has a bound, and the oldest goes first when that is reached: what was lost is
//! found by the list of heads, or by asking the store.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sheaf_core::servers::message::Said;
use tokio::sync::Notify;

use crate::ports::Channel;

/// Most messages that wait.
const MESSAGES_MAX: usize = 16_384;
/// Bytes of them, about.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most messages, and bytes of them, that go out together.
const BATCH_MESSAGES_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 512 * 1024;
/// What a message costs beside its rows or its payload.
const OVERHEAD_BYTES: usize = 64;

/// See the module.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    /// Goes before everything else: how the way is found to work must not depend on how much there is to say.
    first: Option<(Channel, Said)>,
    messages: VecDeque<(Channel, Said)>,
    bytes: usize,
}

impl Waiting {
    fn pop(&mut self) -> Option<(Channel, Said)> {
        let oldest = self.messages.pop_front()?;
        self.bytes = self.bytes.saturating_sub(weight(&oldest.1));
        Some(oldest)
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message last. Answers how many of the oldest were dropped for it.
    pub(super) fn put(&self, channel: Channel, said: Said) -> u64 {
        let mut waiting = self.waiting();
        waiting.bytes += weight(&said);
        waiting.messages.push_back((channel, said));
        let mut dropped = 0;
        while waiting.messages.len() > MESSAGES_MAX || waiting.bytes > BYTES_MAX {
            waiting.pop();
            dropped += 1;
        }
        drop(waiting);
        self.filled.notify_one();
        dropped
    }

    /// Puts a message before all others; there is one such at a time.
    pub(super) fn put_first(&self, channel: Channel, said: Said) {
        self.waiting().first = Some((channel, said));
        self.filled.notify_one();
    }

    /// Wakes whoever takes from it: there is something else to do.
    pub(super) fn look(&self) {
        self.filled.notify_one();
    }

    /// Waits until something was put in since the last time.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// The oldest messages, as many as go out together.
    pub(super) fn take(&self) -> Vec<(Channel, Said)> {
        let mut waiting = self.waiting();
        let mut batch: Vec<_> = waiting.first.take().into_iter().collect();
        let before = waiting.bytes;
        while batch.len() < BATCH_MESSAGES_MAX && before - waiting.bytes < BATCH_BYTES_MAX {
            let Some(oldest) = waiting.pop() else { break };
            batch.push(oldest);
        }
        batch
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.waiting() = Waiting::default();
    }
}

fn weight(said: &Said) -> usize {
    let more = match said {
        Said::Rows { rows, .. } => rows.rows.iter().map(|row| row.len() + 32).sum(),
        Said::Presence { presence, .. } => presence.payload.len() + presence.whose.len() * 8,
        Said::Heads(heads) => heads.len() * OVERHEAD_BYTES,
        Said::Beat(_) | Said::Goodbye | Said::State { .. } | Said::Rights(_) => 0,
    };
    more + OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use sheaf_core::servers::message::{Asks, HeardPresence};
    use sheaf_shared::ids::DocName;

    const HERE: Channel = Channel::Group(1);

    fn said(bytes: usize) -> Said {
        Said::Presence {
            doc: DocName::parse("page").unwrap(),
            presence: HeardPresence {
                payload: vec![0; bytes].into(),
                whose: Vec::new(),
                asks: Asks::Nothing,
            },
        }
    }

    fn length(said: &Said) -> usize {
        match said {
            Said::Presence { presence, .. } => presence.payload.len(),
            _ => 0,
        }
    }

    #[test]
    fn the_oldest_make_room_for_the_newest() {
        let queue = Queue::default();
        let mut dropped = 0;
        for nth in 0..MESSAGES_MAX + 10 {
            dropped += queue.put(HERE, said(nth % 7));
        }
        assert_eq!(dropped, 10);
        assert_eq!(length(&queue.take()[0].1), 10 % 7);
        assert!(queue.put(HERE, said(BYTES_MAX - 100)) > 10_000);
        assert!(queue.waiting().bytes <= BYTES_MAX);
    }

    #[test]
    fn a_batch_is_bounded_and_what_was_put_first_comes_first() {
        let queue = Queue::default();
        for _ in 0..2_000 {
            queue.put(HERE, said(1_000));
        }
        queue.put_first(Channel::Servers, Said::Beat(1));
        let batch = queue.take();
        assert_eq!(batch[0].1, Said::Beat(1));
        assert!(batch.len() <= BATCH_MESSAGES_MAX);
        let mut taken = batch.len();
        while let more @ 1.. = queue.take().len() {
            taken += more;
        }
        assert_eq!(taken, 2_001);
        assert_eq!(queue.waiting().bytes, 0);
    }
}
