//! What happens to servers in one step of time: what is on its way arrives, what is due is done, what a room asks for is carried
//! out, and what must hold is asserted.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use bytes::Bytes;
use sheaf_core::room::{Auditing, Effect, Input, Neighbour, Said, StoreFault, Verdict};
use sheaf_core::servers::message::{self, HeardRows, Message};
use sheaf_core::servers::roll::BEAT_EVERY_MS;
use sheaf_shared::ids::{ClientId, Seq};
use sheaf_shared::limits::PRESENCE_RENEW_EVERY_MS;
use sheaf_shared::presence::Payload;
use sheaf_shared::time::MonotonicMs;

use super::{FOLDING_MS, Fleet, Part, STEP_MS, doc, writer_of};
use crate::desk::{ANN, BEN, Heard};

impl Fleet {
    /// Time passes, and everything that is due happens.
    pub(crate) fn step(&mut self) {
        self.now += STEP_MS;
        for number in 0..self.servers.len() {
            match self.servers[number].comes_back {
                Some((at, Part::Server)) if at <= self.now => self.start(number),
                Some((at, Part::Room)) if at <= self.now => self.open_room(number),
                _ => {}
            }
            if self.now < self.servers[number].still_until {
                continue;
            }
            for act in [
                Self::deliver,
                Self::keep_time,
                Self::store_snapshots,
                Self::carry_out,
                Self::hear,
                Self::carry_out,
            ] {
                if self.servers[number].desk.is_some() {
                    act(self, number);
                }
            }
        }
        self.check_acknowledged();
    }

    /// Takes what is due out of what is on its way, in any order.
    fn due<T>(&mut self, mut waiting: Vec<(u64, T)>) -> (Vec<T>, Vec<(u64, T)>) {
        self.chance.shuffle(&mut waiting);
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(at, _)| *at <= now);
        (due.into_iter().map(|(_, what)| what).collect(), later)
    }

    fn deliver(&mut self, number: usize) {
        let answers = std::mem::take(&mut self.servers[number].answers);
        let (answers, later) = self.due(answers);
        self.servers[number].answers = later;
        let messages = std::mem::take(&mut self.servers[number].messages);
        let (messages, later) = self.due(messages);
        self.servers[number].messages = later;
        let server = &mut self.servers[number];
        let now = MonotonicMs(server.clock.at(self.now));
        let desk = server.desk.as_mut().unwrap();
        desk.now = now;
        desk.put(Input::Tick);
        for answer in answers {
            self.put(number, answer);
        }
        for bytes in messages {
            self.trace.note(&bytes);
            let Message { from, said } = Message::decode(&bytes).unwrap();
            self.servers[number].roll.heard(from, now);
            let input = match said {
                message::Said::Rows { rows, .. } => Input::Neighbour(Neighbour::Rows(rows)),
                message::Said::Presence { presence, .. } => {
                    let by = from;
                    Input::Neighbour(Neighbour::Presence { by, presence })
                }
                message::Said::State { seq, digest, .. } => {
                    Input::Neighbour(Neighbour::State { seq, digest })
                }
                message::Said::Heads(heads) => Input::Head(heads[0].1),
                message::Said::Beat(_) | message::Said::Goodbye | message::Said::Rights(_) => {
                    continue;
                }
            };
            self.put(number, input);
        }
        for gone in self.servers[number].roll.silent(now) {
            self.put(number, Input::Neighbour(Neighbour::Gone(gone)));
        }
    }

    /// Signs of life and lists of heads each second; the store is asked seldom, or often while nobody is heard. Clients
    /// renew their presence.
    fn keep_time(&mut self, number: usize) {
        let local = self.servers[number].clock.at(self.now);
        if local >= self.servers[number].renew_at {
            self.servers[number].renew_at = local + PRESENCE_RENEW_EVERY_MS;
            self.moves_caret(number);
        }
        let head = Seq(self.log.len() as u64);
        if local >= self.servers[number].beat_at {
            self.servers[number].beat_at = local + BEAT_EVERY_MS;
            self.broadcast(number, message::Said::Beat(1));
            if std::mem::take(&mut self.servers[number].changed) {
                self.broadcast(number, message::Said::Heads(vec![(doc(), head)]));
            }
        }
        if local >= self.servers[number].poll_at {
            let pause = if self.servers[number].is_reaching {
                4_000 + self.below(2_000)
            } else {
                300 + self.below(200)
            };
            self.servers[number].poll_at = local + pause;
            let asked_at = MonotonicMs(local);
            self.put(number, Input::HeadRead { head, asked_at });
        }
    }

    /// Snapshots whose time has come are stored, unless somebody else's was faster.
    fn store_snapshots(&mut self, number: usize) {
        let folding = std::mem::take(&mut self.servers[number].folding);
        let (due, later): (Vec<_>, Vec<_>) =
            folding.into_iter().partition(|(at, _)| *at <= self.now);
        self.servers[number].folding = later;
        for (_, folded) in due {
            let swapped = self.store.swap(folded);
            self.seen.compactions += u64::from(swapped.is_some());
            self.seen.outrun += u64::from(swapped.is_none());
            // The process may end between the two.
            if swapped.is_some() && self.happens(200) {
                self.store.trim();
            }
            self.put(number, swapped.unwrap_or(Input::CompactionFailed));
        }
    }

    fn broadcast(&mut self, number: usize, said: message::Said) {
        if !self.servers[number].is_reaching {
            return;
        }
        let from = self.servers[number].id;
        let bytes = Bytes::from(Message { from, said }.encode());
        for other in 0..self.servers.len() {
            let is_there = self.servers[other].desk.is_some() && self.servers[other].is_reaching;
            if other == number || !is_there {
                continue;
            }
            let copies = match () {
                () if self.happens(self.weather.lost) => 0,
                () if self.happens(self.weather.doubled) => 2,
                () => 1,
            };
            self.seen.lost += u64::from(copies == 0);
            self.seen.doubled += u64::from(copies == 2);
            for _ in 0..copies {
                let at = self.now + self.below(self.weather.delay_ms);
                self.servers[other].messages.push((at, bytes.clone()));
            }
        }
    }

    /// The store does at once what it is asked, but its answer takes its time, or is lost.
    fn carry_out(&mut self, number: usize) {
        let desk = self.servers[number].desk.as_mut().unwrap();
        let effects = std::mem::take(&mut desk.effects);
        let is_sent =
            |effect: &Effect| matches!(effect, Effect::Send { .. } | Effect::DropQueued { .. });
        let (sent, asked): (Vec<_>, Vec<_>) = effects.into_iter().partition(is_sent);
        desk.effects = sent;
        for effect in asked {
            if matches!(effect, Effect::WakeAt(_)) {
                continue;
            }
            if !self.one_more_thing(number) {
                return;
            }
            let is_alarm = matches!(
                effect,
                Effect::Disagree { .. } | Effect::LogWentBack { .. } | Effect::Mend { .. }
            );
            assert!(!is_alarm || self.has_lost, "nothing was lost: {effect:?}");
            match effect {
                Effect::TellRows(rows) => {
                    self.check_told(&rows);
                    self.servers[number].changed = true;
                    self.broadcast(number, message::Said::Rows { doc: doc(), rows });
                }
                Effect::TellPresence(presence) => {
                    let doc = doc();
                    self.broadcast(number, message::Said::Presence { doc, presence });
                }
                Effect::TellState { seq, digest } => {
                    let doc = doc();
                    self.broadcast(number, message::Said::State { doc, seq, digest });
                }
                Effect::TakeStock => self.put(number, Input::Audit(Auditing::TakeStock)),
                Effect::Ended => {
                    self.seen.folded_gaps += 1;
                    self.servers[number].desk = None;
                    let at = self.now + STEP_MS;
                    self.servers[number].comes_back = Some((at, Part::Room));
                    return;
                }
                Effect::Append { .. }
                | Effect::ReadSince { .. }
                | Effect::Compare { .. }
                | Effect::Mend { .. }
                | Effect::Compact { .. } => {
                    let Some(answer) = self.ask_store(number, effect) else {
                        continue;
                    };
                    let takes = self.below(self.weather.store_ms);
                    let at = (self.now + takes).max(self.store_stalls_until);
                    self.servers[number].answers.push((at, answer));
                }
                // It was answered when the server came up; and what is said to people while a room ends.
                Effect::Load
                | Effect::Close { .. }
                | Effect::RowsWait { .. }
                | Effect::Disagree { .. }
                | Effect::LogWentBack { .. } => {}
                other => panic!("nobody here does this: {other:?}"),
            }
        }
    }

    /// `None`: the answer comes by itself.
    fn ask_store(&mut self, number: usize, asked: Effect) -> Option<Input> {
        let fails = self.happens(self.weather.store_fails);
        self.seen.store_failures += u64::from(fails);
        match asked {
            Effect::Append { ticket, rows } => {
                let is_refused = fails && self.chance.bool();
                if !is_refused {
                    rows.iter().for_each(|row| self.trace.note(row));
                    self.store.append(&rows);
                    self.log.extend(rows);
                }
                let last = Seq(self.log.len() as u64);
                Some(if fails {
                    let fault = StoreFault::Unavailable;
                    Input::AppendFailed { ticket, fault }
                } else {
                    Input::Appended { ticket, last }
                })
            }
            Effect::ReadSince { .. } if fails => Some(Input::ReadFailed),
            Effect::ReadSince { after } => {
                self.servers[number].reads += 1;
                Some(self.store.since(after).unwrap_or(Input::ReadFolded))
            }
            Effect::Compare { .. } if fails => {
                Some(Input::Audit(Auditing::Compared(Verdict::Unknown)))
            }
            Effect::Compare { seq, digest } => {
                let verdict = self.store.compare(seq, digest);
                Some(Input::Audit(Auditing::Compared(verdict)))
            }
            Effect::Mend { .. } if fails => Some(Input::Audit(Auditing::MendFailed)),
            Effect::Mend { whole, .. } => Some(self.mend(&whole)),
            Effect::Compact { .. } => {
                let Some(folded) = self.store.fold().filter(|_| !fails) else {
                    return Some(Input::CompactionFailed);
                };
                let at = self.now + self.below(FOLDING_MS);
                self.servers[number].folding.push((at, folded));
                None
            }
            other => panic!("the store is not asked this: {other:?}"),
        }
    }

    fn hear(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let now = MonotonicMs(server.clock.at(self.now));
        let desk = server.desk.as_mut().unwrap();
        for heard in desk.heard(ANN) {
            match heard {
                Heard::Stored => {
                    server.acknowledged += 1;
                    server.unanswered.pop_front();
                }
                Heard::Awareness(payload) => {
                    let payload = Payload::parse(&payload).unwrap();
                    if let Some(again) = server.own.hear(payload) {
                        desk.say(ANN, Said::Awareness(again.into()));
                    }
                }
                _ => {}
            }
        }
        let heard = desk.heard(BEN);
        server.reader.hears(&heard);
        for heard in heard {
            if let Heard::Awareness(payload) = heard {
                server.sees.take(Payload::parse(&payload).unwrap(), 0, now);
            }
        }
    }

    /// I1 and I5: nobody is told of a row that is not in the log, at this place.
    fn check_told(&self, told: &HeardRows) {
        // A server that was further than a log that went back says so until it notices.
        if self.is_short || (self.mended > 0 && told.rows.is_empty()) {
            return;
        }
        assert!(told.through.0 <= self.log.len() as u64, "{told:?}");
        for (nth, row) in told.rows.iter().enumerate() {
            assert_eq!(*row, self.log[told.after.0 as usize + nth], "{told:?}");
        }
    }

    /// I1: what was acknowledged is in the log.
    fn check_acknowledged(&mut self) {
        for row in &self.log[self.true_rows..] {
            self.truth.take(row, |_| ()).unwrap();
        }
        self.true_rows = self.log.len();
        if self.is_short {
            return;
        }
        for (number, server) in self.servers.iter().enumerate() {
            let stored = self.truth.clock_of(ClientId(writer_of(number).into())) as usize;
            assert!(
                stored >= server.acknowledged,
                "server {number} acknowledged what is not in the log"
            );
        }
    }
}
