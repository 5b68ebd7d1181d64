//! Edits under an id by which somebody else is here, or was a moment ago.
//!
//! Where people are told apart, two who write under one id hide each other's words for good, so only one of them may. But
//! who brings something under another's id need not have made it: an honest client passes on all that a server seems to
//! lack, and this copy may be behind the log (the client comes from another server), or have the same edit under way to the
//! store. So before anyone is refused, the copy catches up with what is stored; what is no news then is fine. Meanwhile
//! everything else this member says waits behind it, as answers are counted in order.

use std::collections::VecDeque;

use sheaf_shared::gate::update::Checked;
use sheaf_shared::ids::Holder;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::Refused;
use sheaf_shared::time::MonotonicMs;

use super::input::{Said, Ticket};
use super::{Asked, Effect, Phase, Room};

/// Longest time, in milliseconds, that it may take to look. Then the member is asked to come again.
const PATIENCE_MS: u64 = 10_000;
/// Work, in microseconds, that a contest counts for: the store is asked.
const CONTEST_US: u64 = 20_000;

/// What waits until it is known whether it is news. The first of it is an update.
#[derive(Debug)]
pub(super) struct Contest {
    said: VecDeque<Said>,
    bytes: usize,
    since: MonotonicMs,
    /// The last append that was asked for before.
    behind: Ticket,
    look: Look,
}

/// Whether the log was looked at since the contest began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Wanted,
    UnderWay,
    /// All that the log held then is here, once nothing of ours is under way any more.
    Done,
    /// An append that began later is through, and everything before it.
    Passed,
}

impl Contest {
    /// By then it must be settled.
    pub(super) const fn gives_up_at(&self) -> MonotonicMs {
        self.since.plus_ms(PATIENCE_MS)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Room {
    /// Whether an update brings something new under an id that is another's than this member's.
    pub(super) fn is_foreign(&self, place: usize, update: &Checked) -> bool {
        let whose = self.members[place].whose;
        let roster = &self.presence.roster;
        let is_told_apart = whose != Holder::ANYONE;
        is_told_apart
            && update.runs().iter().any(|run| {
                !whose.may_speak_for(roster.whose(run.client))
                    && run.until > self.copy.clock_of(run.client)
            })
    }

    /// Looks before anything is said about this update.
    pub(super) fn contest(
        &mut self,
        place: usize,
        said: Said,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let behind = self.log.last_ticket();
        let member = &mut self.members[place];
        let contest = Contest {
            bytes: said.len() + size_of::<Said>(),
            said: VecDeque::from([said]),
            since: now,
            behind,
            look: Look::Wanted,
        };
        let until = contest.gives_up_at();
        member.contest = Some(Box::new(contest));
        self.contests += 1;
        self.members[place].meter_work(CONTEST_US, &self.config, now, out);
        self.check_resumption(place);
        self.check_by(until);
    }

    /// Keeps what a member says behind what is contested. Gives it back if nothing is.
    pub(super) fn wait_behind_contest(
        &mut self,
        place: usize,
        said: Said,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) -> Option<Said> {
        let Some(contest) = &mut self.members[place].contest else {
            return Some(said);
        };
        contest.bytes += said.len() + size_of::<Said>();
        contest.said.push_back(said);
        if contest.bytes > self.config.waiting_bytes_soft {
            self.close_member(place, CloseReason::Busy, now, out);
        }
        None
    }

    fn contested(&mut self) -> impl Iterator<Item = &mut Contest> {
        let members = self.members.iter_mut();
        members.filter_map(|member| member.contest.as_deref_mut())
    }

    /// Whether somebody waits for a look at the log.
    pub(super) fn wants_look(&self) -> bool {
        let mut contests = self.members.iter().filter_map(|one| one.contest.as_ref());
        self.contests > 0 && contests.any(|contest| contest.look == Look::Wanted)
    }

    /// The log is being looked at.
    pub(super) fn look_begins(&mut self) {
        self.change_look(Look::Wanted, Look::UnderWay);
    }

    /// What was found is here.
    pub(super) fn look_is_done(&mut self) {
        self.change_look(Look::UnderWay, Look::Done);
    }

    /// The store could not say.
    pub(super) fn look_failed(&mut self) {
        self.change_look(Look::UnderWay, Look::Wanted);
    }

    fn change_look(&mut self, from: Look, to: Look) {
        if self.contests == 0 {
            return;
        }
        for contest in self.contested().filter(|contest| contest.look == from) {
            contest.look = to;
        }
    }

    /// An append is through: all rows before it are here.
    pub(super) fn passed(&mut self, ticket: Ticket) {
        if self.contests == 0 {
            return;
        }
        for contest in self.contested().filter(|contest| contest.behind < ticket) {
            contest.look = Look::Passed;
        }
    }

    /// Says about those who wait what can be said now.
    pub(super) fn settle_contests(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.contests == 0 || !matches!(self.phase, Phase::Open) {
            return;
        }
        let is_idle = self.log.is_idle();
        self.contests = self.contested().count();
        let is_settled = |contest: &mut Box<Contest>| match contest.look {
            Look::Wanted | Look::UnderWay => false,
            Look::Done => is_idle,
            Look::Passed => true,
        };
        let mut settled = Vec::new();
        for member in &mut self.members {
            if let Some(contest) = member.contest.take_if(is_settled) {
                settled.push((member.id, contest.said));
            }
        }
        for (id, said) in settled {
            let mut asked = Asked::Again;
            for said in said {
                if let Some(place) = self.place_of(id) {
                    self.take_asked(place, said, asked, now, out);
                }
                asked = Asked::First;
            }
        }
    }

    /// It is another's, and it is news: it is not taken. Sheaf's client is told and keeps the edit; any other would go on as
    /// if nothing had happened.
    pub(super) fn refuse_foreign(&mut self, place: usize, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.members[place].is_sheaf() {
            self.refuse(place, Refused::NotYours, now, out);
        } else {
            self.close_member(place, CloseReason::NotYours, now, out);
        }
    }
}
