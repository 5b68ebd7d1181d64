//! The model of the store: work that takes its time, fails, is outrun by others, or whose answer is lost.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use sheaf_core::audit::StateDigest;
use sheaf_core::room::{Auditing, Input, StoreFault, Ticket, Verdict};
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::time::MonotonicMs;

use crate::log::{Folded, Log};
use crate::plan::Fault;
use crate::world::{Event, World};

pub(crate) struct Store {
    logs: BTreeMap<DocName, Log>,
    jobs: BTreeMap<u64, Job>,
    next_job: u64,
    pub(crate) stalls_until: MonotonicMs,
}

#[derive(Clone, Debug)]
struct Job {
    doc: DocName,
    /// The server that asked. An answer to a dead one reaches nobody.
    life: u64,
    what: What,
    answer: Option<Input>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Load,
    Append { ticket: Ticket, rows: Vec<Bytes> },
    ReadSince(Seq),
    Compact,
    Swap(Folded),
    PutAside(Seq),
    Compare(Seq, StateDigest),
}

impl Store {
    pub(crate) fn new(docs: &[DocName]) -> Self {
        Self {
            logs: docs.iter().map(|doc| (doc.clone(), Log::new())).collect(),
            jobs: BTreeMap::new(),
            next_job: 0,
            stalls_until: MonotonicMs(0),
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Whether this server waits for an append of the document.
    pub(crate) fn is_appending(&self, life: u64) -> bool {
        self.jobs
            .values()
            .any(|job| job.life == life && matches!(job.what, What::Append { .. }))
    }

    /// Somebody asks for this document; it may be new.
    pub(crate) fn know(&mut self, doc: &DocName) {
        if !self.logs.contains_key(doc) {
            self.logs.insert(doc.clone(), Log::new());
        }
    }

    pub(crate) fn log(&self, doc: &DocName) -> &Log {
        &self.logs[doc]
    }

    pub(crate) fn log_mut(&mut self, doc: &DocName) -> &mut Log {
        self.logs.get_mut(doc).unwrap()
    }
}

impl World {
    pub(crate) fn ask_store(&mut self, doc: &DocName, what: What) {
        let id = self.store.next_job;
        self.store.next_job += 1;
        let job = Job {
            doc: doc.clone(),
            life: self.lives,
            what,
            answer: None,
        };
        self.store.jobs.insert(id, job);
        let latency = self.chance.within(1..6);
        let at = self.now.plus_ms(latency).max(self.store.stalls_until);
        self.at(at, Event::Store { job: id });
    }

    /// The store does its work. The server may be dead by now: what was on its way is done all the same, or not.
    pub(crate) fn store_acts(&mut self, id: u64) {
        let Some(job) = self.store.jobs.get(&id).cloned() else {
            return;
        };
        if job.life != self.lives && self.chance.coin() {
            self.store.jobs.remove(&id);
            return;
        }
        let fails = self.faults.has(Fault::StoreFails) && self.chance.chance(0.03);
        let answer = if fails {
            self.seen.store_failures += 1;
            failure_of(&job.what)
        } else {
            self.work(id, &job)
        };
        let wait = self.chance.below(3);
        match answer {
            Some(answer) => {
                self.store.jobs.get_mut(&id).unwrap().answer = Some(answer);
                self.after(wait, Event::Answer { job: id });
            }
            // A snapshot is being made.
            None if matches!(self.store.jobs[&id].what, What::Swap(_)) => {}
            None => drop(self.store.jobs.remove(&id)),
        }
    }

    /// `None` when there is nothing to answer, now or ever.
    fn work(&mut self, id: u64, job: &Job) -> Option<Input> {
        let log = self.store.logs.get_mut(&job.doc).unwrap();
        match job.what.clone() {
            What::Load => Some(log.stored()),
            What::ReadSince(after) => Some(log.since(after).unwrap_or_else(|| {
                self.seen.folded_gaps += 1;
                Input::ReadFolded
            })),
            What::Append { ticket, rows } => {
                let last = log.append(&rows);
                self.seen.early_rows += u64::from(log.waiting() > 0);
                let forgets = self.faults.has(Fault::LostAnswers) && self.chance.chance(0.03);
                if !forgets {
                    return Some(Input::Appended { ticket, last });
                }
                self.seen.lost_answers += 1;
                // Those rows may be folded before the room has asked what became of them.
                if self.faults.has(Fault::Rivals) && self.chance.chance(0.3) {
                    self.rival(&job.doc);
                }
                Some(append_failed(ticket))
            }
            What::Compare(seq, digest) => {
                Some(Input::Audit(Auditing::Compared(log.compare(seq, digest))))
            }
            What::Compact => match log.fold() {
                Some(folded) => {
                    let job = self.store.jobs.get_mut(&id).unwrap();
                    job.what = What::Swap(folded);
                    let takes = self.chance.within(1..400);
                    self.after(takes, Event::Store { job: id });
                    if self.faults.has(Fault::Rivals) && self.chance.chance(0.2) {
                        let doc = self.store.jobs[&id].doc.clone();
                        self.rival(&doc);
                    }
                    None
                }
                None => Some(Input::CompactionFailed),
            },
            What::Swap(folded) => {
                let Some(done) = log.swap(folded) else {
                    self.seen.outrun += 1;
                    return Some(Input::CompactionFailed);
                };
                self.seen.compactions += 1;
                // The process may end between the two.
                if self.chance.chance(0.8) {
                    log.trim();
                }
                Some(done)
            }
            What::PutAside(at) => {
                log.put_aside(at);
                None
            }
        }
    }

    pub(crate) fn store_answers(&mut self, id: u64) {
        let Some(job) = self.store.jobs.remove(&id) else {
            return;
        };
        if job.life == self.lives
            && let Some(answer) = job.answer
        {
            let gathers = matches!(answer, Input::Appended { .. }) && self.chance.coin();
            if gathers {
                self.tell_room(&job.doc, Input::Gather);
            }
            self.tell_room(&job.doc, answer);
            if gathers {
                self.seen.gatherings += 1;
                let wait = self.chance.below(4);
                let (doc, life) = (job.doc, self.lives);
                self.after(wait, Event::Gathered { doc, life });
            }
        }
    }

    /// What came while a room stored nothing further goes to the store.
    pub(crate) fn gathered(&mut self, doc: &DocName, life: u64) {
        if life == self.lives {
            self.tell_room(doc, Input::Gathered);
        }
    }

    /// Somebody else works on the same log: another process, or a person with the command line.
    pub(crate) fn rival(&mut self, doc: &DocName) {
        let log = self.store.log_mut(doc);
        if let Some(folded) = log.fold() {
            log.swap(folded);
            log.trim();
        }
    }
}

const fn append_failed(ticket: Ticket) -> Input {
    Input::AppendFailed {
        ticket,
        fault: StoreFault::Unavailable,
    }
}

fn failure_of(what: &What) -> Option<Input> {
    match what {
        What::Load => Some(Input::LoadFailed),
        What::ReadSince(_) => Some(Input::ReadFailed),
        What::Append { ticket, .. } => Some(append_failed(*ticket)),
        What::Compact | What::Swap(_) => Some(Input::CompactionFailed),
        What::PutAside(_) => None,
        What::Compare(..) => Some(Input::Audit(Auditing::Compared(Verdict::Unknown))),
    }
}
