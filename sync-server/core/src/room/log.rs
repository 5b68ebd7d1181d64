//! The write path: what waits for the store, what is under way to it, and when the log is worth compacting.

mod ahead;
mod batch;
mod compaction;
mod elsewhere;
mod stuck;

use bytes::Bytes;
use sheaf_shared::gate::Refusal;
use sheaf_shared::gate::update::Checked;
use sheaf_shared::ids::Seq;
use sheaf_shared::replica::ReplicaError;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::hocuspocus::Message;

use ahead::Ahead;
use compaction::LogSize;
use elsewhere::Reading;
use stuck::Stuck;

use super::effect::Effect;
use super::input::{StoreFault, Ticket};
use super::{MemberId, Room};

/// What a waiting message costs beside its bytes.
const WAITING_OVERHEAD_BYTES: usize = 96;
/// How often the soft bound fits into what may wait for the store at all.
const WAITING_HARD_FACTOR: usize = 16;
/// First and longest pause, in milliseconds, before a failed append is tried again.
const RETRY_FIRST_MS: u64 = 50;
const RETRY_CAP_MS: u64 = 1_000;
/// An append that takes so many milliseconds is worth telling people about.
const STALLED_AFTER_MS: u64 = 2_000;
/// Work, in microseconds, that each new writer counts for, beside what it takes at once: every later edit is slower for it.
const NEW_WRITER_US: u64 = 200;

#[derive(Debug, Default)]
pub(super) struct Log {
    gathering: Vec<Waiting>,
    gathering_bytes: usize,
    /// More comes soon.
    is_held: bool,
    under_way: Option<Box<Commit>>,
    last_ticket: u64,
    told_stalled: bool,
    some_stopped: bool,
    size: LogSize,
    stuck: Stuck,
    reading: Reading,
    ahead: Ahead,
    /// The furthest place the log is known to reach.
    reaches: Seq,
    readings_failed: u32,
}

/// A message that awaits its answer.
#[derive(Debug)]
struct Waiting {
    member: MemberId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// To be stored.
    Store(Checked),
    /// Its answer is known, and must not overtake the ones before it.
    Answer(Answer),
}

/// What a sender is told.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Stored,
    Refused(Refused),
}

/// One append.
#[derive(Debug)]
struct Commit {
    ticket: Ticket,
    waiting: Vec<Waiting>,
    rows: Vec<Row>,
    stage: Stage,
    /// How far the log was known to reach when the store was asked.
    behind: Seq,
    failures: u32,
    started_at: MonotonicMs,
}

/// One row, and the one member who wrote all of it, if it was one.
#[derive(Clone, Debug)]
struct Row {
    update: Checked,
    author: Option<MemberId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The store has it.
    Appending,
    /// Ask the store again then.
    RetryAt(MonotonicMs),
    /// Stored, the last row at this place; but so are rows before it that this room has not seen yet.
    Behind(Seq),
}

impl Log {
    /// Nothing waits, nothing is under way.
    pub(super) const fn is_idle(&self) -> bool {
        self.under_way.is_none() && self.gathering.is_empty()
    }

    /// The last append that was asked for.
    pub(super) const fn last_ticket(&self) -> Ticket {
        Ticket(self.last_ticket)
    }

    /// Hands the store nothing further for now.
    pub(super) const fn gather(&mut self) {
        self.is_held = true;
    }

    pub(super) fn bytes(&self) -> usize {
        let under_way = self.under_way.as_ref().map_or(0, |commit| {
            commit
                .rows
                .iter()
                .map(|row| row.update.bytes().len())
                .sum::<usize>()
                + commit.waiting.len() * WAITING_OVERHEAD_BYTES
        });
        self.gathering_bytes + under_way + self.ahead.bytes()
    }

    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        let of_commit = self
            .under_way
            .as_ref()
            .and_then(|commit| match commit.stage {
                Stage::RetryAt(at) => Some(at),
                Stage::Appending | Stage::Behind(_) if self.told_stalled => None,
                Stage::Appending | Stage::Behind(_) => {
                    Some(commit.started_at.plus_ms(STALLED_AFTER_MS))
                }
            });
        match (of_commit, self.reading.deadline()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }
}

impl Room {
    /// Takes an update that passed every test. It brings so many writers whom nobody knew.
    pub(super) fn store(
        &mut self,
        place: usize,
        update: Checked,
        new_writers: usize,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let soft = self.config.waiting_bytes_soft;
        let member = &mut self.members[place];
        if self.log.gathering_bytes > soft * WAITING_HARD_FACTOR {
            // Its socket should not have been read any more. The edits are safe where they come from.
            return self.close_member(place, CloseReason::Busy, now, out);
        }
        member.unanswered += 1;
        self.log.gathering_bytes += update.bytes().len() + WAITING_OVERHEAD_BYTES;
        if self.log.gathering_bytes > soft {
            member.stop_for_store(out);
            self.log.some_stopped = true;
        }
        self.log.gathering.push(Waiting {
            member: member.id,
            what: What::Store(update),
        });
        if new_writers > 0 {
            let micros = (new_writers as u64).saturating_mul(NEW_WRITER_US);
            member.meter_work(micros, &self.config, now, out);
            self.check_resumption(place);
        }
        self.begin_commit(now, out);
    }

    /// Tells a sender that its message needed no storing.
    pub(super) fn confirm(&mut self, place: usize, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.answer_in_turn(place, Answer::Stored, now, out);
    }

    /// Tells a sender that its edit was not stored.
    pub(super) fn refuse(
        &mut self,
        place: usize,
        why: Refused,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        self.answer_in_turn(place, Answer::Refused(why), now, out);
    }

    /// Clients count answers in the order of their messages, so one that is known early waits its turn.
    fn answer_in_turn(
        &mut self,
        place: usize,
        answer: Answer,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = &mut self.members[place];
        if member.unanswered == 0 {
            self.send_answer(place, answer, now, out);
            return;
        }
        member.unanswered += 1;
        self.log.gathering_bytes += WAITING_OVERHEAD_BYTES;
        self.log.gathering.push(Waiting {
            member: member.id,
            what: What::Answer(answer),
        });
    }

    fn send_answer(
        &mut self,
        place: usize,
        answer: Answer,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let member = &self.members[place];
        let frames = match answer {
            Answer::Stored => [None, self.status_frames.stored(member)],
            Answer::Refused(why) => [
                member.fact_frame(ServerFact::Refused(why)),
                member.hocuspocus_frame(Message::SyncStatus(false)),
            ],
        };
        for frame in frames.into_iter().flatten() {
            self.send_status(place, frame, now, out);
        }
    }

    /// All that came soon has come.
    pub(super) fn gathered(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.log.is_held = false;
        self.begin_commit(now, out);
    }

    /// Hands the store what has gathered, if it has nothing of this room yet and no more is to come at once.
    fn begin_commit(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        // What is stored while it is mended would have to be read again by everyone.
        if self.log.is_held || self.audit.is_mending() {
            return;
        }
        while self.log.under_way.is_none() && !self.log.gathering.is_empty() {
            let mut waiting = self.log.take_batch();
            self.turn_early_ones_away(&mut waiting, now, out);
            let rows = self.rows_of(&waiting);
            if rows.is_empty() {
                self.answer_all(waiting, now, out);
                continue;
            }
            self.log.last_ticket += 1;
            let commit = Commit {
                ticket: Ticket(self.log.last_ticket),
                waiting,
                rows,
                stage: Stage::Appending,
                behind: self.copy.seq,
                failures: 0,
                started_at: now,
            };
            out.push(commit.append());
            self.log.under_way = Some(Box::new(commit));
        }
    }

    /// The store says that the rows are on disk.
    pub(super) fn appended(
        &mut self,
        ticket: Ticket,
        last: Seq,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let Some(mut commit) = self
            .log
            .under_way
            .take_if(|commit| commit.ticket == ticket && commit.stage == Stage::Appending)
        else {
            return;
        };
        commit.stage = Stage::Behind(last);
        self.tell_rows(&commit, last, out);
        let known = commit.behind;
        if last.0 < known.0 + commit.rows.len() as u64 {
            // It is stored, and not where it can be: the store has lost what was there. Nobody is told anything of it;
            // they all come back, and send what was not acknowledged again.
            self.log.under_way = Some(commit);
            out.push(Effect::LogWentBack { known, given: last });
            return self.begin_mending(now, out);
        }
        // If it is further than expected, rows came in between: an append of ours whose answer was lost, or another
        // server's.
        self.heard_of(last);
        self.log.under_way = Some(commit);
        self.go_on(now, out);
    }

    /// The store took nothing, or its answer was lost.
    pub(super) fn append_failed(
        &mut self,
        ticket: Ticket,
        fault: StoreFault,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let Some(commit) = self
            .log
            .under_way
            .as_mut()
            .filter(|commit| commit.ticket == ticket)
        else {
            return;
        };
        match fault {
            StoreFault::Unavailable => {
                commit.stage = Stage::RetryAt(now.plus_ms(commit.pause_ms()));
                self.tell_stalled(now, out);
            }
            StoreFault::Full => {
                let Some(commit) = self.log.under_way.take() else {
                    return;
                };
                let refused = commit.waiting.into_iter().map(|waiting| Waiting {
                    member: waiting.member,
                    what: match waiting.what {
                        What::Store(_) => What::Answer(Answer::Refused(Refused::DocumentFull)),
                        known @ What::Answer(_) => known,
                    },
                });
                self.answer_all(refused.collect(), now, out);
                self.begin_commit(now, out);
            }
        }
    }

    /// Retries what is due, and says so when the store takes long.
    pub(super) fn log_on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.tell_if_stuck(now, out);
        self.compact_on_time(now, out);
        let Some(commit) = &mut self.log.under_way else {
            return;
        };
        match commit.stage {
            Stage::RetryAt(at) if now >= at => {
                commit.stage = Stage::Appending;
                commit.behind = self.copy.seq;
                out.push(commit.append());
            }
            _ => {}
        }
        if now.ms_since(commit.started_at) >= STALLED_AFTER_MS {
            self.tell_stalled(now, out);
        }
    }

    fn tell_stalled(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if !self.log.told_stalled {
            self.log.told_stalled = true;
            self.tell_all(ServerFact::StoreStalled, now, out);
        }
    }

    /// A commit is through: answer its senders, read those who were stopped, go on with what has gathered.
    fn committed(
        &mut self,
        ticket: Ticket,
        waiting: Vec<Waiting>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        self.passed(ticket);
        self.watch_waiting_rows(now);
        self.answer_all(waiting, now, out);
        if self.log.told_stalled {
            self.log.told_stalled = false;
            self.tell_all(ServerFact::StoreBack, now, out);
        }
        self.begin_commit(now, out);
        if self.log.some_stopped && self.log.gathering_bytes <= self.config.waiting_bytes_soft / 2 {
            self.log.some_stopped = false;
            for member in &mut self.members {
                member.resume_for_store(out);
            }
        }
        self.wish_compaction(now, out);
    }

    fn answer_all(&mut self, waiting: Vec<Waiting>, now: MonotonicMs, out: &mut Vec<Effect>) {
        for Waiting { member, what } in waiting {
            let Some(place) = self.place_of(member) else {
                continue;
            };
            let member = &mut self.members[place];
            member.unanswered = member.unanswered.saturating_sub(1);
            let answer = match what {
                What::Store(_) => Answer::Stored,
                What::Answer(answer) => answer,
            };
            self.send_answer(place, answer, now, out);
        }
    }

    /// Applies committed rows and tells everyone.
    fn take_rows(
        &mut self,
        rows: impl Iterator<Item = (Result<Checked, Refusal>, Option<MemberId>)>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) -> Result<(), ReplicaError> {
        for (update, author) in rows {
            if let (Ok(update), None) = (&update, author) {
                // Another server let them in.
                let runs = update.runs().iter();
                self.writers.note(runs.map(|run| run.client));
            }
            let applied = self.take_row(update, out)?;
            for (nth, update) in applied.iter().enumerate() {
                // Those behind the first had waited; whose they are is forgotten by now.
                let author = author.filter(|_| nth == 0);
                self.fan_out(update, author, now, out);
            }
            if let Some(author) = author {
                self.repair(author, applied.is_empty(), now, out);
            }
        }
        Ok(())
    }

    /// Takes the next row. One that can't be applied is passed over and reported; it stays in the log.
    pub(super) fn take_row(
        &mut self,
        update: Result<Checked, Refusal>,
        out: &mut Vec<Effect>,
    ) -> Result<Vec<Bytes>, ReplicaError> {
        self.copy.seq = self.copy.seq.plus(1);
        let taken = update.map_err(ReplicaError::Refused).and_then(|update| {
            self.log.size.bytes += update.bytes().len();
            self.copy.take(&update)
        });
        match taken {
            Ok(applied) => Ok(applied),
            Err(ReplicaError::Broken) => Err(ReplicaError::Broken),
            Err(ReplicaError::Refused(_) | ReplicaError::Undecodable) => {
                out.push(Effect::BadRow { at: self.copy.seq });
                Ok(Vec::new())
            }
        }
    }
}

impl Commit {
    fn append(&self) -> Effect {
        Effect::Append {
            ticket: self.ticket,
            rows: self
                .rows
                .iter()
                .map(|row| row.update.bytes().clone())
                .collect(),
        }
    }

    fn pause_ms(&mut self) -> u64 {
        self.failures += 1;
        pause_ms(self.failures)
    }
}

/// How long to wait after so many failures in a row.
fn pause_ms(failures: u32) -> u64 {
    RETRY_CAP_MS.min(RETRY_FIRST_MS << failures.min(10))
}
