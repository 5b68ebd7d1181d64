//! The model of the store: rows that survive every crash, answers that may not.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sheaf_core::room::{Input, Rows, StoreFault, Stored, Ticket};
use sheaf_shared::gate::update::{self, Run};
use sheaf_shared::ids::{ClientId, DocName, ReplicaId, Seq};
use sheaf_shared::replica::Ordered;
use sheaf_shared::time::MonotonicMs;

use crate::world::{Event, World};

pub(crate) struct Store {
    docs: BTreeMap<DocName, Log>,
    jobs: BTreeMap<u64, Job>,
    next_job: u64,
    pub(crate) stalls_until: MonotonicMs,
}

struct Log {
    snapshot: Option<Bytes>,
    through: u64,
    rows: Vec<Bytes>,
    /// Everything ever committed, applied as it came: what acknowledgements are checked against.
    oracle: Ordered,
    /// Every clock of every writer that was committed, also those whose predecessors are still to come.
    clocks: BTreeSet<(ClientId, u32)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    doc: DocName,
    life: u64,
    what: What,
    answer: Option<Input>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Load,
    Append { ticket: Ticket, rows: Vec<Bytes> },
    ReadSince(Seq),
    Compact(Seq),
}

impl Store {
    pub(crate) fn new(docs: &[DocName]) -> Self {
        Self {
            docs: docs
                .iter()
                .map(|doc| {
                    let log = Log {
                        snapshot: None,
                        through: 0,
                        rows: Vec::new(),
                        oracle: Ordered::new(ReplicaId(0)),
                        clocks: BTreeSet::new(),
                    };
                    (doc.clone(), log)
                })
                .collect(),
            jobs: BTreeMap::new(),
            next_job: 0,
            stalls_until: MonotonicMs(0),
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Whether everything in `update` is committed.
    pub(crate) fn has(&self, doc: &DocName, update: &[u8]) -> bool {
        let log = &self.docs[doc];
        let is_committed = |run: &Run| {
            (run.from..run.until).all(|clock| log.clocks.contains(&(run.client, clock)))
        };
        log.oracle.replica().holds(update).unwrap()
            || (log.oracle.waiting() > 0
                && update::inspect(update)
                    .unwrap()
                    .runs()
                    .iter()
                    .all(is_committed))
    }

    /// What a newcomer would read from disk.
    pub(crate) fn state(&self, doc: &DocName) -> String {
        self.docs[doc].reopen(u64::MAX).replica().canonical()
    }
}

impl Log {
    fn head(&self) -> u64 {
        self.through + self.rows.len() as u64
    }

    fn reopen(&self, through: u64) -> Ordered {
        let mut copy = Ordered::new(ReplicaId(0));
        if let Some(snapshot) = &self.snapshot {
            copy.take_snapshot(snapshot).unwrap();
        }
        let rows = through
            .saturating_sub(self.through)
            .min(self.rows.len() as u64) as usize;
        for row in &self.rows[..rows] {
            copy.take(row, |_| {}).unwrap();
        }
        copy
    }

    fn append(&mut self, rows: &[Bytes]) -> Seq {
        for row in rows {
            self.oracle.take(row, |_| {}).unwrap();
            for run in update::inspect(row).unwrap().runs() {
                self.clocks
                    .extend((run.from..run.until).map(|clock| (run.client, clock)));
            }
            self.rows.push(row.clone());
        }
        Seq(self.head())
    }

    fn state(&self) -> String {
        self.reopen(u64::MAX).replica().canonical()
    }

    fn stored(&self) -> Input {
        if self.head() == 0 {
            return Input::NeverExisted;
        }
        Input::Loaded(Stored {
            snapshot: self.snapshot.clone(),
            snapshot_through: Seq(self.through),
            rows: self.rows.clone(),
        })
    }

    fn since(&self, after: Seq) -> Input {
        // Rows that are folded into a snapshot can't be read one by one any more.
        let Some(skip) = after.0.checked_sub(self.through) else {
            return self.stored();
        };
        Input::Read(Rows {
            after,
            rows: self.rows[skip as usize..].to_vec(),
        })
    }

    /// Invariant I3: rows go only when a snapshot that was read back holds them.
    fn compact(&mut self, through: u64) -> Input {
        let before = self.state();
        let through = through.min(self.head());
        let folded = self.reopen(through);
        if through <= self.through || folded.waiting() > 0 {
            return Input::CompactionFailed;
        }
        let snapshot: Bytes = folded.replica().encode().into();
        let snapshot_bytes = snapshot.len();
        self.rows.drain(..(through - self.through) as usize);
        self.snapshot = Some(snapshot);
        self.through = through;
        assert_eq!(self.state(), before, "compaction lost something");
        Input::Compacted {
            through: Seq(through),
            snapshot_bytes,
        }
    }
}

impl World {
    pub(crate) fn ask_store(&mut self, doc: &DocName, what: What) {
        let job = self.store.next_job;
        self.store.next_job += 1;
        self.store.jobs.insert(
            job,
            Job {
                doc: doc.clone(),
                life: self.lives,
                what,
                answer: None,
            },
        );
        let latency = self.chance.within(1..6);
        let at = self.now.plus_ms(latency).max(self.store.stalls_until);
        self.at(at, Event::Store { job });
    }

    /// The store does its work. The server may be dead by now: the work is done all the same.
    pub(crate) fn store_acts(&mut self, id: u64) {
        let Some(job) = self.store.jobs.get(&id).cloned() else {
            return;
        };
        let fails = self.faults.store_fails && self.chance.chance(0.03);
        let forgets = self.faults.lost_answers && self.chance.chance(0.03);
        let log = self.store.docs.get_mut(&job.doc).unwrap();
        let answer = match job.what {
            What::Load if fails => Input::LoadFailed,
            What::Load => log.stored(),
            What::ReadSince(_) if fails => Input::ReadFailed,
            What::ReadSince(after) => log.since(after),
            What::Append { ticket, rows } => {
                let last = (!fails).then(|| log.append(&rows));
                match last.filter(|_| !forgets) {
                    Some(last) => Input::Appended { ticket, last },
                    None => {
                        self.seen.store_failures += u64::from(fails);
                        self.seen.lost_answers += u64::from(!fails);
                        Input::AppendFailed {
                            ticket,
                            fault: StoreFault::Unavailable,
                        }
                    }
                }
            }
            What::Compact(_) if fails => Input::CompactionFailed,
            What::Compact(through) => {
                self.seen.compactions += 1;
                log.compact(through.0)
            }
        };
        if let Some(job) = self.store.jobs.get_mut(&id) {
            job.answer = Some(answer);
        }
        let wait = self.chance.below(3);
        self.after(wait, Event::Answer { job: id });
    }

    pub(crate) fn store_answers(&mut self, id: u64) {
        let Some(job) = self.store.jobs.remove(&id) else {
            return;
        };
        // An answer to a server that died meanwhile reaches nobody.
        if job.life == self.lives
            && let Some(answer) = job.answer
        {
            self.tell_room(&job.doc, answer);
        }
    }
}
