//! The room's own copy of the document: nothing while it is empty, a replica afterwards, and what was encoded of it lately.

use std::collections::VecDeque;

use bytes::Bytes;
use sheaf_shared::ids::{ReplicaId, Seq};
use sheaf_shared::replica::{self, EMPTY_UPDATE, Origin, Replica, ReplicaError};

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
    replica: Option<Box<Replica>>,
    /// The last row that was applied.
    pub(super) seq: Seq,
    /// Bytes of all that was applied.
    applied_bytes: usize,
    answers: Vec<Answer>,
    recent: VecDeque<(Seq, Bytes)>,
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
    /// Applies one row. Returns whether something waits for rows that have not come.
    ///
    /// # Errors
    /// As [`Replica::apply`]; the place counts as taken all the same, so a row that cannot be applied is passed over.
    pub(super) fn apply(&mut self, update: &[u8]) -> Result<bool, ReplicaError> {
        self.answers = Vec::new();
        self.applied_bytes += update.len();
        let replica = self
            .replica
            .get_or_insert_with(|| Box::new(Replica::new(NOBODY)));
        Ok(replica.apply(update, Origin::Remote)?.has_missing)
    }

    /// The state vector.
    pub(super) fn version(&self) -> Vec<u8> {
        self.replica
            .as_ref()
            .map_or_else(|| EMPTY_VERSION.to_vec(), |replica| replica.version())
    }

    /// Whether `update` brings nothing new.
    pub(super) fn holds(&self, update: &[u8]) -> Result<bool, ReplicaError> {
        match &self.replica {
            None => Ok(update == EMPTY_UPDATE),
            Some(replica) => replica.holds(update),
        }
    }

    /// What a member at `version` lacks.
    pub(super) fn missing_for(&self, version: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        match &self.replica {
            None => Ok(EMPTY_UPDATE.to_vec()),
            Some(replica) => replica.missing_for(version),
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

    /// Remembers a commit for those who lag.
    pub(super) fn remember(&mut self, seq: Seq, update: Bytes) {
        self.recent_bytes += update.len();
        self.recent.push_back((seq, update));
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

    /// One update with everything after `seq`, and maybe more.
    pub(super) fn since(&self, seq: Seq) -> Result<Bytes, ReplicaError> {
        let reaches_back = self
            .recent
            .front()
            .is_some_and(|(first, _)| first.0 <= seq.0 + 1);
        if reaches_back {
            let missed: Vec<&Bytes> = self
                .recent
                .iter()
                .filter(|(place, _)| *place > seq)
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
        let replica = self.replica.as_ref().map_or(0, |_| 4 * 1024);
        let answers: usize = self
            .answers
            .iter()
            .map(|answer| answer.frames.bytes())
            .sum();
        replica + self.applied_bytes * 10 + self.recent_bytes + answers
    }
}
