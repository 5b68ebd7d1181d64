//! What a member lacks, as it goes out: in one message, or in parts, each when its queue has room for it.
//!
//! The parts of an answer are shared by all who get the same one. While a member is being sent parts it lags: what is
//! stored meanwhile is not told to it one by one, but behind the last part.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sheaf_shared::gate::update::{PartBytes, in_parts};
use sheaf_shared::replica::ReplicaError;

use super::frames::{Body, Frames};
use super::input::Speaks;
use super::member::Queued;

/// The messages of one catch-up, in order.
#[derive(Debug)]
pub(super) struct Parts {
    /// Made for each dialect when first needed. One room works on them at a time, so nobody waits.
    frames: Mutex<Vec<Frames>>,
    count: usize,
    /// Bytes of the updates in them.
    bytes: usize,
    /// What a member holds after the last, as a state vector. Empty if there is only one.
    leads_to: Bytes,
}

/// What the last message of a catch-up is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The answer to a step 1: it ends with a step 2.
    Answer,
    /// Unasked.
    Update,
}

impl Parts {
    /// Cuts `update`, after which a member holds what `version` says.
    ///
    /// # Errors
    /// [`ReplicaError::Refused`] if it can't be cut, which no update of a whole replica does.
    pub(super) fn of(
        update: Vec<u8>,
        purpose: Purpose,
        bytes: PartBytes,
        version: impl FnOnce() -> Vec<u8>,
    ) -> Result<Arc<Self>, ReplicaError> {
        let parts = in_parts(update, bytes)?;
        let (count, bytes) = (parts.len(), parts.iter().map(Vec::len).sum());
        let leads_to = if count > 1 {
            version().into()
        } else {
            Bytes::new()
        };
        let frames = parts.into_iter().enumerate().map(|(nth, part)| {
            let is_answer = purpose == Purpose::Answer && nth + 1 == count;
            Frames::new(if is_answer {
                Body::Step2(part.into())
            } else {
                Body::Update(part.into())
            })
        });
        Ok(Arc::new(Self {
            frames: Mutex::new(frames.collect()),
            count,
            bytes,
            leads_to,
        }))
    }

    /// How many there are; at least one.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// Bytes of the updates in them.
    pub(super) const fn update_bytes(&self) -> usize {
        self.bytes
    }

    /// The message at this place, for a member that speaks so.
    pub(super) fn frame(&self, nth: usize, speaks: &Speaks) -> Option<Bytes> {
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        Some(frames.get_mut(nth)?.for_member(speaks))
    }

    /// An estimate of the memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        frames.iter().map(Frames::bytes).sum()
    }
}

/// A catch-up that is on its way to one member.
#[derive(Debug)]
pub(super) struct CatchingUp {
    parts: Arc<Parts>,
    /// How many of them were queued.
    queued: usize,
    /// Answers to what the member said meanwhile, for behind the last part.
    held: Vec<Bytes>,
}

/// Answers that are held for one member. It has sent as many messages while it read hardly anything.
const HELD_MAX: usize = 4_096;

impl CatchingUp {
    /// `held` go out behind the last of `parts`.
    pub(super) const fn new(parts: Arc<Parts>, held: Vec<Bytes>) -> Self {
        Self {
            parts,
            queued: 0,
            held,
        }
    }

    /// Keeps an answer for behind the last part.
    pub(super) fn hold(&mut self, answer: Bytes) -> Queued {
        if self.held.len() >= HELD_MAX {
            return Queued::Overflow;
        }
        self.held.push(answer);
        Queued::Fine
    }

    /// The answers that were held.
    pub(super) fn into_held(self) -> Vec<Bytes> {
        self.held
    }

    /// The next message; `None` after the last.
    pub(super) fn next(&mut self, speaks: &Speaks) -> Option<Bytes> {
        let frame = self.parts.frame(self.queued, speaks)?;
        self.queued += 1;
        Some(frame)
    }

    /// What the member holds after the last part, if all are queued.
    pub(super) fn leads_to(&self) -> Option<Bytes> {
        (self.queued == self.parts.count).then(|| self.parts.leads_to.clone())
    }

    /// This member's share of the memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.parts.bytes() / Arc::strong_count(&self.parts).max(1)
    }
}
