//! The room's own copy of the document: nothing while it is empty, a replica afterwards, and what was encoded of it lately.

use std::collections::VecDeque;

use bytes::Bytes;
use sheaf_shared::ids::{ClientId, ReplicaId, Seq};
use sheaf_shared::replica::{self, EMPTY_UPDATE, Ordered, ReplicaError, Taken};

use super::frames::{Body, Frames};

/// Answers to state vectors kept while the document does not change: a crowd that comes back asks few questions.
const ANSWERS_MAX: usize = 4;
/// Bytes of commits kept for members that lag a little.
const RECENT_BYTES_MAX: usize = 256 * 1024;
/// The state vector of an empty document.
const EMPTY_VERSION: &[u8] = &[0];
/// The server never writes into a document, so its own name in it does not matter.
const NOBODY: ReplicaId = ReplicaId(0);

/// See the module.
#[derive(Default)]
pub(super) struct Copy {
    /// `None` while nothing was ever written: an open empty document costs next to nothing.
    replica: Option<Box<Ordered>>,
    /// The last row that was taken.
    pub(super) seq: Seq,
    /// How many updates were told to the members. Not the same as `seq`: what comes too early is told when it fits.
    pub(super) told: u64,
    /// Bytes of all that was applied.
    applied_bytes: usize,
    answers: Vec<Answer>,
    recent: VecDeque<(u64, Bytes)>,
    recent_bytes: usize,
}

/// A step 2 at the current place.
struct Answer {
    to: Bytes,
    frames: Frames,
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copy")
            .field("seq", &self.seq)
            .field("applied_bytes", &self.applied_bytes)
            .finish_non_exhaustive()
    }
}

impl Copy {
    /// Takes one row. Gives what is in the document by that: the row, and rows that had waited for it; or nothing,
    /// if it builds on rows that have not come.
    ///
    /// # Errors
    /// As [`Ordered::take`].
    pub(super) fn take(&mut self, update: &Bytes) -> Result<Vec<Bytes>, ReplicaError> {
        self.answers = Vec::new();
        self.applied_bytes += update.len();
        let mut applied = Vec::with_capacity(1);
        match self
            .replica()
            .take(update, |update| applied.push(update.clone()))?
        {
            Taken::Applied | Taken::Waits => Ok(applied),
        }
    }

    /// Takes the snapshot the log starts from.
    ///
    /// # Errors
    /// As [`Ordered::take_snapshot`].
    pub(super) fn take_snapshot(&mut self, snapshot: &Bytes) -> Result<(), ReplicaError> {
        self.answers = Vec::new();
        self.applied_bytes += snapshot.len();
        self.replica().take_snapshot(snapshot)
    }

    fn replica(&mut self) -> &mut Ordered {
        self.replica
            .get_or_insert_with(|| Box::new(Ordered::keeping_all(NOBODY)))
    }

    /// How many clocks of a writer are there.
    pub(super) fn clock_of(&self, client: ClientId) -> u32 {
        self.replica
            .as_ref()
            .map_or(0, |replica| replica.clock_of(client))
    }

    /// Whether every row that was taken is in the document.
    pub(super) fn is_whole(&self) -> bool {
        self.replica
            .as_ref()
            .is_none_or(|replica| replica.waiting() == 0)
    }

    /// How many updates wait for what they build on.
    pub(super) fn waiting(&self) -> usize {
        self.replica.as_ref().map_or(0, |replica| replica.waiting())
    }

    /// Bytes of the updates that wait.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.replica
            .as_ref()
            .map_or(0, |replica| replica.waiting_bytes())
    }

    /// The state vector.
    pub(super) fn version(&self) -> Vec<u8> {
        self.replica.as_ref().map_or_else(
            || EMPTY_VERSION.to_vec(),
            |replica| replica.replica().version(),
        )
    }

    /// Whether `update` brings nothing new.
    pub(super) fn holds(&self, update: &[u8]) -> Result<bool, ReplicaError> {
        match &self.replica {
            None => Ok(update == EMPTY_UPDATE),
            Some(replica) => replica.replica().holds(update),
        }
    }

    /// What a member at `version` lacks.
    pub(super) fn missing_for(&self, version: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        match &self.replica {
            None => Ok(EMPTY_UPDATE.to_vec()),
            Some(replica) => replica.replica().missing_for(version),
        }
    }

    /// The step 2 for a member at `version`, made once for all who ask the same.
    pub(super) fn answer(&mut self, version: &Bytes) -> Result<&mut Frames, ReplicaError> {
        let place = match self.answers.iter().position(|answer| answer.to == *version) {
            Some(place) => place,
            None => {
                let update = self.missing_for(version)?.into();
                if self.answers.len() >= ANSWERS_MAX {
                    // Never the first: it is the one for fresh clients if there is one.
                    self.answers.remove(1);
                }
                let place = if **version == *EMPTY_VERSION {
                    0
                } else {
                    self.answers.len()
                };
                let answer = Answer {
                    // Not a part of the frame it came in, which would be kept alive whole.
                    to: Bytes::copy_from_slice(version),
                    frames: Frames::new(Body::Step2(update)),
                };
                self.answers.insert(place, answer);
                place
            }
        };
        Ok(&mut self.answers[place].frames)
    }

    /// Remembers what was told last, for those who lag.
    pub(super) fn remember(&mut self, update: Bytes) {
        self.recent_bytes += update.len();
        self.recent.push_back((self.told, update));
        while self.recent_bytes > RECENT_BYTES_MAX {
            let Some((_, oldest)) = self.recent.pop_front() else {
                break;
            };
            self.recent_bytes -= oldest.len();
        }
    }

    /// Nobody lags.
    pub(super) fn forget_recent(&mut self) {
        if !self.recent.is_empty() {
            self.recent = VecDeque::new();
            self.recent_bytes = 0;
        }
    }

    /// One update with everything that was told after the first `told`, and maybe more.
    pub(super) fn since(&self, told: u64) -> Result<Bytes, ReplicaError> {
        let reaches_back = self
            .recent
            .front()
            .is_some_and(|(first, _)| *first <= told + 1);
        if reaches_back {
            let missed: Vec<&Bytes> = self
                .recent
                .iter()
                .filter(|(place, _)| *place > told)
                .map(|(_, update)| update)
                .collect();
            if let [one] = missed[..] {
                return Ok(one.clone());
            }
            if let Ok(merged) = replica::merge(&missed) {
                return Ok(merged.into());
            }
        }
        Ok(self.missing_for(EMPTY_VERSION)?.into())
    }

    /// An estimate of the memory held, in bytes. A replica takes several times its encoded size.
    pub(super) fn bytes(&self) -> usize {
        let replica = self
            .replica
            .as_ref()
            .map_or(0, |replica| 4 * 1024 + replica.waiting_bytes());
        let answers: usize = self
            .answers
            .iter()
            .map(|answer| answer.frames.bytes())
            .sum();
        replica + self.applied_bytes * 10 + self.recent_bytes + answers
    }
}
