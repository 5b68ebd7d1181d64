//! An open document: who is in it, what is stored, what everyone has been told.
//!
//! The write path: validate → gather → append to the log → **commit** → apply, fan out, acknowledge. Nothing
//! leaves a room before the store has answered that it is on disk. One append is under way at a time; what comes
//! meanwhile makes the next one, so an idle room commits at once and a busy one in large batches.
//!
//! A panic inside [`Room::handle`] (the replica may meet bytes that slipped through the gate) must end the room:
//! drop it, close its members with `CloseReason::Fault`, and open it afresh from the log. Run it on a
//! thread with a large stack.

mod audit;
mod catch_up;
mod contest;
mod copy;
mod departure;

pub mod effect;
mod frames;
pub mod input;
mod log;
mod member;
mod membership;
mod neighbours;
mod presence;
mod relay;
mod visits;
mod waking;
mod writers;

pub use audit::{COMPARE_EVERY_MS, LOOK_AFTER_MS};
pub use effect::{Effect, FrameClass};
pub use input::{
    Auditing, ClientKind, Input, Joining, Known, LineKey, Neighbour, Rows, Said, Speaks,
    StoreFault, Stored, Ticket, Verdict, Visit,
};

use bytes::Bytes;
use sheaf_shared::access::Role;
use sheaf_shared::gate;
use sheaf_shared::gate::update::{Checked, PartBytes};
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};
use sheaf_shared::time::MonotonicMs;

use audit::Audit;
use copy::Copy;
use departure::Departure;
use frames::StatusFrames;
use log::Log;
use member::Member;
use membership::turn_away;
use neighbours::Reach;
use presence::Gathering;
use visits::Visits;
use waking::sooner;
use writers::{NotAdmitted, Writers};

/// Longest time, in milliseconds, a member's queue may stand still.
pub const NO_PROGRESS_MS: u64 = 30_000;

/// Names one member of a room. Never reused while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u64);

/// What an operator may tune.
#[derive(Clone, Copy, Debug)]
pub struct RoomConfig {
    /// Bytes queued for one member before it counts as lagging.
    pub outgoing_bytes_soft: usize,
    /// Bytes of edits that wait for the store before senders are no longer read.
    pub waiting_bytes_soft: usize,
    /// Messages a second one member may send for long.
    pub messages_per_s: u32,
    /// Bytes a second one member may send for long.
    pub bytes_per_s: u32,
    /// Milliseconds of this room's work a second that one member may cause for long.
    pub work_ms_per_s: u32,
    /// Rows after the last snapshot that are always worth a new one.
    pub compact_rows: u64,
    /// Bytes of rows after the last snapshot that are worth a new one, if they are also as many as the snapshot's.
    pub compact_bytes: usize,
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            outgoing_bytes_soft: 1024 * 1024,
            waiting_bytes_soft: 4 * 1024 * 1024,
            messages_per_s: 50_000,
            bytes_per_s: 32 * 1024 * 1024,
            work_ms_per_s: 250,
            compact_rows: 500,
            compact_bytes: 256 * 1024,
        }
    }
}

impl RoomConfig {
    /// What is longer than a member's share of the queue goes out in parts.
    const fn part_bytes(&self) -> PartBytes {
        PartBytes::at_most(self.outgoing_bytes_soft)
    }
}

/// One open document.
#[derive(Debug)]
pub struct Room {
    config: RoomConfig,
    phase: Phase,
    departure: Departure,
    /// Sorted by id.
    members: Vec<Member>,
    /// Members to close at the end of this input: too much is queued for them.
    overflown: Vec<MemberId>,
    /// At most so many members wait for a look at the log. Nearly always none, and then nobody need be asked.
    contests: usize,
    copy: Copy,
    writers: Writers,
    log: Log,
    presence: Gathering,
    visits: Visits,
    reach: Reach,
    audit: Audit,
    status_frames: StatusFrames,
    /// Look at every member by then.
    check_at: Option<MonotonicMs>,
    wakes_at: Option<MonotonicMs>,
}

/// Where the document is.
#[derive(Debug)]
enum Phase {
    /// Nobody has asked for it.
    New,
    /// The store was asked; what members say meanwhile waits here.
    Loading(Early),
    /// In `copy`.
    Open,
    /// Nothing may happen any more.
    Ended,
}

#[derive(Debug, Default)]
struct Early {
    said: Vec<(MemberId, Said)>,
    bytes: usize,
}

impl Room {
    /// A room nobody has joined yet. It asks for its document with [`Effect::Load`] when the first member comes.
    #[must_use]
    pub fn new(config: RoomConfig) -> Self {
        Self {
            config,
            phase: Phase::New,
            departure: Departure::Stay,
            members: Vec::new(),
            overflown: Vec::new(),
            contests: 0,
            copy: Copy::default(),
            writers: Writers::default(),
            log: Log::default(),
            presence: Gathering::default(),
            visits: Visits::default(),
            reach: Reach::default(),
            audit: Audit::default(),
            status_frames: StatusFrames::default(),
            check_at: None,
            wakes_at: None,
        }
    }

    /// Takes one input; appends what is to be done to `out`, in order.
    pub fn handle(&mut self, input: Input, now: MonotonicMs, out: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Ended) {
            if let Input::Join(joining) = input {
                turn_away(joining, now, out);
            }
            return;
        }
        match input {
            Input::Join(joining) => self.join(joining, now, out),
            Input::Leave(id) => self.leave(id, now, out),
            Input::Parted(id) => self.part(id, now),
            Input::Said { member, said } => {
                if let Some(place) = self.place_of(member) {
                    self.hear(place, said, now, out);
                }
            }
            Input::RoleChanged { member, role } => self.change_role(member, role, now, out),
            Input::PutOut { member, reason } => self.put_out(member, reason, now, out),
            Input::Drained { member, bytes } => {
                if let Some(place) = self.place_of(member) {
                    self.drained(place, bytes, now, out);
                }
            }
            Input::Worked { member, micros } => {
                if let Some(place) = self.place_of(member) {
                    self.members[place].meter_work(micros, &self.config, now, out);
                    self.share_with_own(place);
                    self.check_resumption(place);
                }
            }
            Input::Loaded(stored) => self.loaded(stored, now, out),
            Input::NeverExisted => self.loaded(Stored::default(), now, out),
            Input::LoadFailed => self.load_failed(now, out),
            Input::Appended { ticket, last } => self.appended(ticket, last, now, out),
            Input::AppendFailed { ticket, fault } => self.append_failed(ticket, fault, now, out),
            Input::Read(rows) => self.read(rows, now, out),
            Input::ReadFolded => self.read_folded(out),
            Input::ReadFailed => self.read_failed(now),
            Input::Head(head) => self.heard_of(head),
            Input::HeadRead { head, asked_at } => self.head_read(head, asked_at, now),
            Input::Neighbour(news) => self.hear_neighbour(news, now, out),
            Input::Compacted {
                through,
                snapshot_bytes,
            } => self.compacted(through, snapshot_bytes, now, out),
            Input::CompactedElsewhere { through } => self.compacted_elsewhere(through, now, out),
            Input::CompactionPutOff => self.put_compaction_off(now),
            Input::CompactionFailed => self.compaction_failed(now),
            Input::Audit(input) => self.audit(input, now, out),
            Input::Drain { within_ms } => self.drain(within_ms, now, out),
            Input::Retire => self.retire(),
            Input::Tick => {}
            // Nothing else has changed.
            Input::Gather => return self.log.gather(),
            Input::Gathered => self.gathered(now, out),
        }
        self.notice_change(now);
        self.on_time(now, out);
        self.settle_contests(now, out);
        self.follow_log(now, out);
        self.close_overflown(now, out);
        self.end_if_done(now, out);
        self.wake(now, out);
    }

    /// An estimate of the memory this room holds, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let early = match &self.phase {
            Phase::Loading(early) => early.bytes,
            _ => 0,
        };
        let contested = self.members.iter().filter_map(|one| one.contest.as_ref());
        size_of::<Self>()
            + self.members.capacity() * size_of::<Member>()
            + self
                .members
                .iter()
                .map(Member::catch_up_bytes)
                .sum::<usize>()
            + early
            + self.copy.bytes()
            + self.writers.bytes()
            + self.log.bytes()
            + self.presence.bytes()
            + self.visits.bytes()
            + contested.map(|contest| contest.bytes()).sum::<usize>()
    }

    /// Members in it now.
    #[must_use]
    pub const fn members(&self) -> usize {
        self.members.len()
    }

    fn place_of(&self, id: MemberId) -> Option<usize> {
        self.members
            .binary_search_by_key(&id, |member| member.id)
            .ok()
    }

    /// Whatever one account does has one share of the room, over however many sockets.
    fn share_with_own(&mut self, place: usize) {
        let member = &self.members[place];
        let (whose, used) = (member.whose, member.used_until_us());
        if whose.is_account() {
            for own in &mut self.members {
                if own.whose == whose {
                    own.has_used(used);
                }
            }
        }
    }

    fn hear(&mut self, place: usize, said: Said, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.members[place].meter(said.len(), &self.config, now, out);
        self.share_with_own(place);
        self.check_resumption(place);
        let Phase::Loading(early) = &mut self.phase else {
            return self.take(place, said, now, out);
        };
        early.bytes += said.len() + size_of::<Said>();
        let member = &mut self.members[place];
        if early.bytes > self.config.waiting_bytes_soft {
            member.stop_for_store(out);
        }
        early.said.push((member.id, said));
        if early.bytes > self.config.waiting_bytes_soft * EARLY_HARD_FACTOR {
            self.close_member(place, CloseReason::Busy, now, out);
        }
    }

    fn take(&mut self, place: usize, said: Said, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.take_asked(place, said, Asked::First, now, out);
    }

    fn take_asked(
        &mut self,
        place: usize,
        said: Said,
        asked: Asked,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let Some(said) = self.wait_behind_contest(place, said, now, out) else {
            return;
        };
        match said {
            Said::Step1(version) => {
                if gate::state_vector::check(&version).is_err() {
                    return self.close_member(place, CloseReason::Refused, now, out);
                }
                self.answer_step1(place, &version, now, out);
            }
            Said::Step2(_) | Said::Update(_) => self.take_update(place, said, asked, now, out),
            Said::Awareness(payload) => self.take_presence(place, &payload, now, out),
            Said::QueryAwareness => self.send_everyones_presence(place, now, out),
        }
    }

    fn take_update(
        &mut self,
        place: usize,
        said: Said,
        asked: Asked,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let (Said::Step2(bytes) | Said::Update(bytes)) = &said else {
            return;
        };
        let update = bytes.clone();
        if update.len() > UPDATE_BYTES_MAX {
            return self.refuse(place, Refused::TooLarge, now, out);
        }
        // The one time it is asked: from here on the answer travels with the bytes.
        let Ok(update) = Checked::of(update) else {
            return self.take_invalid(place, Refused::Invalid, now, out);
        };
        // A returning client repeats every deletion it knows of: that need not be stored each time.
        let is_answer = matches!(said, Said::Step2(_));
        let brings_nothing =
            update.is_empty() || (is_answer && self.copy.holds(update.bytes()).unwrap_or(false));
        if brings_nothing {
            self.confirm(place, now, out);
        } else if !self.members[place].role.may_edit() {
            self.refuse(place, Refused::ReadOnly, now, out);
        } else if self.is_foreign(place, &update) {
            match asked {
                Asked::First => self.contest(place, said, now, out),
                Asked::Again => self.refuse_foreign(place, now, out),
            }
        } else {
            match self.writers.admit(&update) {
                Ok(new) => self.store(place, update, new, now, out),
                Err(NotAdmitted::TooMany) => {
                    self.take_invalid(place, Refused::DocumentFull, now, out);
                }
                Err(NotAdmitted::TooMuchAlike) => {
                    self.take_invalid(place, Refused::Invalid, now, out);
                }
            }
        }
    }

    /// Sheaf's client is told and keeps the edit; any other would go on as if nothing had happened.
    fn take_invalid(
        &mut self,
        place: usize,
        why: Refused,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        if self.members[place].is_sheaf() {
            self.refuse(place, why, now, out);
        } else {
            self.close_member(place, CloseReason::Refused, now, out);
        }
    }

    fn change_role(&mut self, id: MemberId, role: Role, now: MonotonicMs, out: &mut Vec<Effect>) {
        let Some(place) = self.place_of(id) else {
            return;
        };
        let member = &mut self.members[place];
        member.role = role;
        if let Some(frame) = member.fact_frame(ServerFact::Role(role)) {
            self.send_kept(place, frame, now, out);
        }
    }

    fn loaded(&mut self, stored: Stored, now: MonotonicMs, out: &mut Vec<Effect>) {
        let Phase::Loading(_) = self.phase else {
            return;
        };
        let snapshot_bytes = stored.snapshot.as_ref().map_or(0, Bytes::len);
        self.copy.seq = stored.snapshot_through;
        self.log.start(stored.snapshot_through, snapshot_bytes, 0);
        if let Some(snapshot) = &stored.snapshot
            && self.copy.take_snapshot(snapshot).is_err()
        {
            // Never an empty document: without its snapshot there is nothing to show.
            out.push(Effect::BadRow { at: self.copy.seq });
            return self.load_failed(now, out);
        }
        for row in &stored.rows {
            if self.take_row(Checked::of(row.clone()), out).is_err() {
                return self.break_down(now, out);
            }
        }
        let Phase::Loading(early) = std::mem::replace(&mut self.phase, Phase::Open) else {
            return;
        };
        self.writers.note(self.copy.writers());
        self.watch_waiting_rows(now);
        self.remember_from_here();
        for place in 0..self.members.len() {
            self.members[place].resume_for_store(out);
            self.welcome(place, now, out);
        }
        for (id, said) in early.said {
            if let Some(place) = self.place_of(id) {
                self.take(place, said, now, out);
            }
        }
        self.go_on(now, out);
        // The log may be as long as it was when the server fell.
        self.wish_compaction(now, out);
    }

    fn load_failed(&mut self, _now: MonotonicMs, out: &mut Vec<Effect>) {
        if let Phase::Loading(_) = self.phase {
            self.close_all(CloseReason::Unreadable, out);
            self.end(out);
        }
    }

    /// The copy cannot be used any more: everyone comes back, and a new room reads the log.
    fn break_down(&mut self, _now: MonotonicMs, out: &mut Vec<Effect>) {
        let at = self.copy.culprit();
        out.push(Effect::BadRow { at });
        self.close_all(CloseReason::Fault, out);
        self.end(out);
    }

    fn end(&mut self, out: &mut Vec<Effect>) {
        self.phase = Phase::Ended;
        out.push(Effect::Ended);
    }
}

/// How often the soft bound fits into what members may say before the document is there.
const EARLY_HARD_FACTOR: usize = 16;

/// Whether it was looked already at what a member said.
#[derive(Clone, Copy, Debug)]
enum Asked {
    First,
    Again,
}
