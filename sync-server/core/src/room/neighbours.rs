//! Other servers that have the document open: what they are told, and what is made of what they tell. A document is
//! right without any of this; it makes edits quick, and lets people at different servers see each other.

use bytes::Bytes;
use sheaf_shared::time::MonotonicMs;

use super::input::{Asks, HeardPresence, HeardRows, Neighbour};
use super::presence::NOBODY;
use super::{Effect, Phase, Room};

/// Whether other servers can be told things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reach {
    /// There are none, or they can't be reached.
    #[default]
    Alone,
    /// They hear what is told, as a rule.
    Reachable,
}

impl Room {
    pub(super) fn hear_neighbour(
        &mut self,
        news: Neighbour,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        match news {
            Neighbour::Reachable => self.reach_neighbours(now, out),
            Neighbour::Unreachable => self.reach = Reach::Alone,
            Neighbour::Rows(heard) => self.hear_rows(heard, now, out),
            Neighbour::Presence { by, presence } => {
                self.hear_presence(by, &presence, now, out);
            }
            Neighbour::State { seq, digest } => self.hear_state(seq, digest, out),
            Neighbour::Gone(server) => self.take_away_server(server, now, out),
        }
    }

    pub(super) fn is_reaching(&self) -> bool {
        self.reach == Reach::Reachable
    }

    /// They did not hear what was done here meanwhile, nor was heard what they did.
    fn reach_neighbours(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        self.reach = Reach::Reachable;
        if matches!(self.phase, Phase::New) {
            // The first who comes in asks.
            return;
        }
        self.ask_neighbours(out);
        self.answer_neighbours(now, out);
    }

    /// Asks who is at theirs.
    pub(super) fn ask_neighbours(&self, out: &mut Vec<Effect>) {
        if self.is_reaching() {
            out.push(Effect::TellPresence(HeardPresence {
                payload: Bytes::from_static(NOBODY),
                whose: Vec::new(),
                asks: Asks::ForOthers,
            }));
        }
    }

    /// Tells who is here, and how far the log reaches: once for many who ask within a moment.
    pub(super) fn answer_neighbours(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.is_reaching() {
            self.tell_all_presence_soon(now, out);
        }
    }

    /// Tells how far the log reaches.
    pub(super) fn tell_head(&self, out: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Open) {
            out.push(Effect::TellRows(HeardRows {
                after: self.copy.seq,
                through: self.copy.seq,
                rows: Vec::new(),
            }));
        }
    }
}
