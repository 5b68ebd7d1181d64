//! The room's own copy of the document: nothing while it is empty, a replica afterwards, and what was encoded of it lately.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use sheaf_shared::gate::update::{Checked, PartBytes};
use sheaf_shared::ids::{ClientId, ReplicaId, Seq};
use sheaf_shared::replica::{self, EMPTY_UPDATE, Ordered, ReplicaError, Taken};

use super::catch_up::{Parts, Purpose};
use crate::audit::{StateDigest, Whole};

/// Answers to state vectors kept while the document does not change: a crowd that comes back asks few questions.
const ANSWERS_MAX: usize = 4;
/// How often what one member may have queued fits into the catch-ups in parts that are on their way at a time. One may be
/// longer, if it is alone.
const ON_THEIR_WAY_FACTOR: usize = 256;
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
    /// The snapshot as it was read, as long as the copy is just that and nobody has asked.
    as_stored: Option<Bytes>,
    answers: Vec<Answer>,
    /// Catch-ups in parts, as long as some member is still taking them.
    on_their_way: Vec<Weak<Parts>>,
    recent: VecDeque<(u64, Bytes)>,
    recent_bytes: usize,
}

/// An answer to a step 1 at the current place.
struct Answer {
    to: Bytes,
    parts: Arc<Parts>,
}

/// Why there is no catch-up.
#[derive(Debug)]
pub(super) enum NoCatchUp {
    /// The member's state vector does not decode.
    BadVersion,
    /// Too much is on its way to others.
    Busy,
    /// The document does not come apart, which a sound one does.
    Fault,
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
    /// Takes the row at `seq`. Gives what is in the document by that: the row, and rows that had waited for it; or nothing,
    /// if it builds on rows that have not come.
    ///
    /// # Errors
    /// As [`Ordered::take`].
    pub(super) fn take(&mut self, update: &Checked) -> Result<Vec<Bytes>, ReplicaError> {
        self.answers = Vec::new();
        self.as_stored = None;
        self.applied_bytes += update.bytes().len();
        let mut applied = Vec::with_capacity(1);
        let row = self.seq;
        let taken = self.replica().take_checked(row, update, |update| {
            applied.push(update.clone());
        })?;
        match taken {
            Taken::Applied | Taken::Waits => Ok(applied),
        }
    }

    /// The row to blame when [`take`](Self::take) failed: the one given, or one that had waited for it.
    pub(super) fn culprit(&self) -> Seq {
        let culprit = self.replica.as_ref().and_then(|replica| replica.culprit());
        culprit.unwrap_or(self.seq)
    }

    /// The first row that waits for what it builds on.
    pub(super) fn first_waiting(&self) -> Option<Seq> {
        let replica = self.replica.as_ref()?;
        replica.waiting_rows().map(|(row, _)| row).min()
    }

    /// Takes the snapshot the log starts from.
    ///
    /// # Errors
    /// As [`Ordered::take_snapshot`].
    pub(super) fn take_snapshot(&mut self, snapshot: &Bytes) -> Result<(), ReplicaError> {
        self.answers = Vec::new();
        self.applied_bytes += snapshot.len();
        let is_first = self.replica.is_none();
        let replica = self.replica();
        replica.take_snapshot(snapshot)?;
        let is_all = is_first && replica.waiting() == 0 && !replica.replica().has_missing();
        self.as_stored = is_all.then(|| snapshot.clone());
        Ok(())
    }

    fn replica(&mut self) -> &mut Ordered {
        self.replica
            .get_or_insert_with(|| Box::new(Ordered::keeping_all(NOBODY)))
    }

    /// Who has written what is there.
    pub(super) fn writers(&self) -> Vec<ClientId> {
        let replica = self.replica.as_ref();
        replica.map_or_else(Vec::new, |replica| replica.writers().collect())
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

    /// What it holds, in few bytes. Takes time with its size.
    pub(super) fn digest(&self) -> StateDigest {
        match &self.replica {
            None => StateDigest::of(&Ordered::new(NOBODY)),
            Some(replica) => StateDigest::of(replica),
        }
    }

    /// All it holds.
    pub(super) fn whole(&self) -> Whole {
        let replica = self.replica.as_ref();
        Whole {
            document: replica.map_or_else(
                || EMPTY_UPDATE.to_vec().into(),
                |replica| replica.replica().encode().into(),
            ),
            waiting: replica.map_or_else(Vec::new, |replica| {
                replica.waiting_updates().cloned().collect()
            }),
        }
    }

    /// Whether `update` brings nothing new.
    pub(super) fn holds(&self, update: &[u8]) -> Result<bool, ReplicaError> {
        match &self.replica {
            None => Ok(update == EMPTY_UPDATE),
            Some(replica) => replica.replica().holds(update),
        }
    }

    /// Whether a member at `version` has all that was ever written. Not if that is no version at all.
    pub(super) fn is_all_known_at(&self, version: &[u8]) -> bool {
        let replica = self.replica.as_ref();
        replica.is_none_or(|replica| {
            let replica = replica.replica();
            replica.is_all_known_at(version).unwrap_or(false)
        })
    }

    /// What a member at `version` lacks.
    fn missing_for(&self, version: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        match &self.replica {
            None => Ok(EMPTY_UPDATE.to_vec()),
            Some(replica) => replica.replica().missing_for(version),
        }
    }

    /// The answer for a member at `version`, made once for all who ask the same.
    pub(super) fn answer(
        &mut self,
        version: &Bytes,
        bytes: PartBytes,
    ) -> Result<Arc<Parts>, NoCatchUp> {
        if let Some(answer) = self.answers.iter().find(|answer| answer.to == *version) {
            return Ok(Arc::clone(&answer.parts));
        }
        let missing = match self.as_stored.take() {
            // Who opens a document for the first time is most often the reason why it was read: no need to encode it again.
            Some(stored) if **version == *EMPTY_VERSION => stored.into(),
            _ => {
                let missing = self.missing_for(version);
                missing.map_err(|_| NoCatchUp::BadVersion)?
            }
        };
        let parts = self.cut(missing, Purpose::Answer, bytes)?;
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
            parts: Arc::clone(&parts),
        };
        self.answers.insert(place, answer);
        Ok(parts)
    }

    /// All that one at `version` lacks, unasked.
    pub(super) fn update_for(
        &mut self,
        version: &[u8],
        bytes: PartBytes,
    ) -> Result<Arc<Parts>, NoCatchUp> {
        let missing = self.missing_for(version);
        let missing = missing.map_err(|_| NoCatchUp::BadVersion)?;
        self.cut(missing, Purpose::Update, bytes)
    }

    /// An update as it goes out.
    pub(super) fn parts_of(
        &mut self,
        update: Vec<u8>,
        bytes: PartBytes,
    ) -> Result<Arc<Parts>, NoCatchUp> {
        self.cut(update, Purpose::Update, bytes)
    }

    fn cut(
        &mut self,
        update: Vec<u8>,
        purpose: Purpose,
        bytes: PartBytes,
    ) -> Result<Arc<Parts>, NoCatchUp> {
        let parts = Parts::of(update, purpose, bytes, || self.version());
        let parts = parts.map_err(|_| NoCatchUp::Fault)?;
        if parts.count() > 1 {
            self.on_their_way.retain(|parts| parts.strong_count() > 0);
            let others = self.on_their_way.iter().filter_map(Weak::upgrade);
            let others: usize = others.map(|parts| parts.update_bytes()).sum();
            if others > 0 && others + parts.update_bytes() > bytes.whole_max * ON_THEIR_WAY_FACTOR {
                return Err(NoCatchUp::Busy);
            }
            self.on_their_way.push(Arc::downgrade(&parts));
        }
        Ok(parts)
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

    /// Everything that was told after the first `told`, and maybe more. Where that is not remembered: all that one at
    /// `version` lacks, or one who has nothing.
    pub(super) fn since(
        &mut self,
        told: u64,
        version: Option<&Bytes>,
        bytes: PartBytes,
    ) -> Result<Arc<Parts>, NoCatchUp> {
        let reaches_back = self
            .recent
            .front()
            .is_some_and(|(first, _)| *first <= told + 1);
        if reaches_back {
            let missed = self.recent.iter().filter(|(place, _)| *place > told);
            let missed: Vec<&Bytes> = missed.map(|(_, update)| update).collect();
            let merged = match missed[..] {
                [one] => Ok(one.to_vec()),
                _ => replica::merge(&missed),
            };
            if let Ok(merged) = merged
                && let Ok(parts) = self.cut(merged, Purpose::Update, bytes)
            {
                return Ok(parts);
            }
        }
        self.update_for(version.map_or(EMPTY_VERSION, |version| version), bytes)
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
            .map(|answer| answer.parts.bytes() / Arc::strong_count(&answer.parts).max(1))
            .sum();
        let as_stored = self.as_stored.as_ref().map_or(0, Bytes::len);
        replica + self.applied_bytes * 10 + self.recent_bytes + answers + as_stored
    }
}
