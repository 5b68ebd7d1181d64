//! Who comes for one exchange at a time: what is remembered of them between two, for a while and within bounds.
//!
//! Nothing that is right depends on it. What is forgotten here costs a longer answer, a moment in which somebody is
//! not shown, or a share that has grown back early.

use std::collections::VecDeque;

use bytes::Bytes;
use sheaf_shared::gate::update::PartBytes;
use sheaf_shared::ids::Seq;
use sheaf_shared::limits::PRESENCE_OF_CUT_VISITOR_KEPT_MS;
use sheaf_shared::replica;
use sheaf_shared::time::MonotonicMs;

use super::Room;
use super::effect::{Effect, FrameClass};
use super::input::LineKey;
use super::member::Member;

/// Bytes of rows that are kept for those who come back.
const ROWS_BYTES_MAX: usize = 256 * 1024;
/// Milliseconds without a visit after which none are.
const ROWS_KEPT_MS: u64 = 60_000;
/// Lines whose used shares are remembered.
const SHARES_MAX: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Visits {
    rows: Option<Rows>,
    /// Lines of which an exchange was cut off, and when they count as gone.
    cut: Vec<(LineKey, MonotonicMs)>,
    /// Lines whose share is used up until then, in microseconds.
    shares: Vec<(LineKey, u64)>,
}

/// All that was told after `after`.
#[derive(Debug)]
struct Rows {
    after: Seq,
    visited_at: MonotonicMs,
    told: VecDeque<(Seq, Bytes)>,
    bytes: usize,
}

impl Visits {
    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        self.cut.iter().map(|(_, at)| *at).min()
    }

    /// Memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let rows = self.rows.as_ref().map_or(0, |rows| rows.bytes);
        rows + (self.cut.capacity() + self.shares.capacity()) * 16
    }

    /// An update was told, after the row at `place` was taken.
    pub(super) fn remember(&mut self, place: Seq, update: &Bytes, now: MonotonicMs) {
        let is_stale = |rows: &mut Rows| now.ms_since(rows.visited_at) >= ROWS_KEPT_MS;
        if self.rows.take_if(is_stale).is_some() {
            return;
        }
        let Some(rows) = &mut self.rows else { return };
        rows.bytes += update.len();
        rows.told.push_back((place, update.clone()));
        while rows.bytes > ROWS_BYTES_MAX
            && let Some((oldest, update)) = rows.told.pop_front()
        {
            rows.bytes -= update.len();
            // Several may have been told at one place: then none of them is whole any more.
            rows.after = oldest;
        }
    }

    /// What one lacks who has all up to `place`, as one update: nothing, or `None` if that is not remembered.
    fn since(&self, place: Seq, head: Seq) -> Option<Option<Vec<u8>>> {
        if place == head {
            return Some(None);
        }
        if place > head {
            // This server is behind, or the log went back: what comes next may stand where other rows stood.
            return None;
        }
        let rows = self.rows.as_ref().filter(|rows| rows.after <= place)?;
        let missed = rows.told.iter().filter(|(told, _)| *told > place);
        let missed: Vec<&Bytes> = missed.map(|(_, update)| update).collect();
        match missed[..] {
            [] => Some(None),
            [one] => Some(Some(one.to_vec())),
            _ => replica::merge(&missed).ok().map(Some),
        }
    }

    /// A visit is over. What its line may send is not more because it comes in pieces.
    pub(super) fn note_share(&mut self, member: &Member, now: MonotonicMs) {
        let now_us = now.0.saturating_mul(1_000);
        self.shares.retain(|(_, until_us)| *until_us > now_us);
        let used = member.used_until_us();
        if let Some(line) = member.line()
            && used > now_us
            && self.shares.len() < SHARES_MAX
        {
            self.shares.push((line, used));
        }
    }
}

impl Room {
    /// A member came in; if it comes for one exchange, what is known of its line is known of it.
    pub(super) fn receive_visit(&mut self, place: usize, now: MonotonicMs) {
        let Some(line) = self.members[place].line() else {
            return;
        };
        self.visits.cut.retain(|(cut, _)| *cut != line);
        let head = self.copy.seq;
        let rows = self.visits.rows.get_or_insert_with(|| Rows {
            after: head,
            visited_at: now,
            told: VecDeque::new(),
            bytes: 0,
        });
        rows.visited_at = now;
        let others = self.members.iter().filter(|one| one.line() == Some(line));
        let here = others.map(Member::used_until_us).max().unwrap_or(0);
        let shares = self.visits.shares.iter();
        let before = shares.filter(|(known, _)| *known == line);
        let before = before.map(|(_, until_us)| *until_us).max().unwrap_or(0);
        self.members[place].has_used(here.max(before));
    }

    /// The document was loaded: only what is told from here on is remembered.
    pub(super) fn remember_from_here(&mut self) {
        if let Some(rows) = &mut self.visits.rows {
            rows.after = self.copy.seq;
        }
    }

    /// An exchange was cut off: its line may be at an end, or come again in a moment.
    pub(super) fn visit_was_cut(&mut self, line: LineKey, now: MonotonicMs) {
        let until = now.plus_ms(PRESENCE_OF_CUT_VISITOR_KEPT_MS);
        if !self.visits.cut.iter().any(|(cut, _)| *cut == line) {
            self.visits.cut.push((line, until));
        }
    }

    pub(super) fn visits_on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let over = self.visits.cut.iter().filter(|(_, until)| now >= *until);
        let over: Vec<LineKey> = over.map(|(line, _)| *line).collect();
        self.visits.cut.retain(|(_, until)| now < *until);
        for line in over {
            self.take_away_visitor(line, now, out);
        }
    }

    /// Answers the step 1 of a visit that said how far it has come, if that is remembered. Answers whether it was.
    ///
    /// A log that went back and grew again has other rows at places that were told. So one who has nothing to learn by her
    /// place is believed only if she has, by `version`, whatever is here.
    pub(super) fn visitor_is_answered(
        &mut self,
        place: usize,
        version: &[u8],
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) -> bool {
        let visit = self.members[place].visit.as_mut();
        // Only the first: who asks again wants to be asked, too.
        let Some(has) = visit.and_then(|visit| visit.place.take()) else {
            return false;
        };
        let Some(missed) = self.visits.since(has, self.copy.seq) else {
            return false;
        };
        if missed.is_none() && !self.copy.is_all_known_at(version) {
            return false;
        }
        let part_bytes: PartBytes = self.config.part_bytes();
        if let Some(missed) = missed {
            let parts = self.copy.parts_of(missed, part_bytes);
            let id = self.members[place].id;
            self.members[place].is_synced = true;
            self.catch_up(place, parts, now, out);
            if self.place_of(id).is_none() {
                return true;
            }
        }
        let member = &mut self.members[place];
        member.is_synced = true;
        member.delivered = self.copy.told;
        self.send_everyones_presence(place, now, out);
        // Said also where nothing is new: so it is known that this was all.
        let at = if self.copy.is_whole() {
            self.copy.seq
        } else {
            has
        };
        self.say_place(place, at.max(has), now, out);
        true
    }

    /// Tells a visit how far it has come, if it has everything.
    pub(super) fn send_place(&mut self, place: usize, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.copy.is_whole() {
            self.say_place(place, self.copy.seq, now, out);
        }
    }

    fn say_place(&mut self, place: usize, at: Seq, now: MonotonicMs, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(place) else {
            return;
        };
        if let Some(frame) = member.place_frame(at) {
            let _ = member.send(frame, FrameClass::Droppable, &self.config, now, out);
            self.check_by(now.plus_ms(super::NO_PROGRESS_MS));
        }
    }
}
