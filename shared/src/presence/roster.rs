//! Everybody in one document, as a server knows them.
//!
//! Takes entries as stock clients do (newer clock wins; at the same clock only a goodbye does) and forgets what
//! they never forget: clients that are long gone. It knows who stands behind each entry, so that a connection
//! that ends takes with it all it introduced.

use super::{Entry, Payload, encode, encode_all};
use crate::ids::{ClientId, Holder};
use crate::limits::{
    PRESENCE_ENTRIES_MAX, PRESENCE_ENTRIES_PER_CONNECTION_MAX, PRESENCE_GONE_KEPT_MS,
    PRESENCE_STATE_BYTES_MAX, PRESENCE_STATE_KEPT_MS,
};
use crate::time::MonotonicMs;
use crate::wire::exchange::Known;

/// Who is here and who just left. `S` names who says so: a connection, or another server.
///
/// Memory is bounded: [`PRESENCE_ENTRIES_MAX`] entries of at most [`PRESENCE_STATE_BYTES_MAX`] bytes, and
/// [`PRESENCE_ENTRIES_PER_CONNECTION_MAX`] entries for each `S`.
#[derive(Clone, Debug)]
pub struct Roster<S> {
    /// Sorted by client: a document alone costs a few bytes, and order never depends on chance.
    entries: Vec<Held<S>>,
}

#[derive(Clone, Debug)]
struct Held<S> {
    client: ClientId,
    clock: u32,
    state: Option<Box<str>>,
    said_by: S,
    said_at: MonotonicMs,
    whose: Holder,
}

impl<S> Held<S> {
    fn entry(&self) -> Entry<'_> {
        Entry {
            client: self.client,
            clock: self.clock,
            state: self.state.as_deref(),
        }
    }
}

/// On whose behalf an entry is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Says {
    /// Who says it.
    pub whose: Holder,
    /// They say it of themselves, and not of others they heard of: from then on the client is theirs.
    pub is_own: bool,
}

impl Says {
    /// By somebody who is not told apart from others.
    pub const ANYONE: Self = Self {
        whose: Holder::ANYONE,
        is_own: false,
    };
}

/// What became of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All of it is news: pass the payload on as it came.
    All,
    /// Some of it is news: pass on these bytes.
    Some(Vec<u8>),
    /// Nothing new.
    Nothing,
}

impl<S> Default for Roster<S> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<S: Copy + Eq> Roster<S> {
    /// Takes what is news in `payload`, said by `by` at `now`, where nobody is told apart.
    ///
    /// Not taken are entries with a state beyond [`PRESENCE_STATE_BYTES_MAX`] and new clients beyond the bounds.
    pub fn take(&mut self, payload: Payload<'_>, by: S, now: MonotonicMs) -> Taken {
        self.take_as(payload, by, |_| Says::ANYONE, now)
    }

    /// Like [`Roster::take`], where people are told apart: `says` tells on whose behalf each client's entry is. What is said
    /// of a client that is somebody else's is not taken, nor is it a reason for anything.
    pub fn take_as(
        &mut self,
        payload: Payload<'_>,
        by: S,
        says: impl Fn(ClientId) -> Says,
        now: MonotonicMs,
    ) -> Taken {
        let most = PRESENCE_ENTRIES_PER_CONNECTION_MAX;
        self.take_up_to(most, payload, by, |_, client| says(client), now)
    }

    /// Like [`Roster::take`], from another server: it may stand behind as many clients as there is room for, and tells whose
    /// each is; `whose` ends early if the rest is anyone's.
    pub fn take_relayed(
        &mut self,
        payload: Payload<'_>,
        by: S,
        whose: &[Holder],
        now: MonotonicMs,
    ) -> Taken {
        let says = |nth: usize, _| Says {
            whose: whose.get(nth).copied().unwrap_or_default(),
            is_own: true,
        };
        self.take_up_to(PRESENCE_ENTRIES_MAX, payload, by, says, now)
    }

    /// Whose a client is who is here, or left of late.
    #[must_use]
    pub fn whose(&self, client: ClientId) -> Holder {
        let place = self
            .entries
            .binary_search_by_key(&client, |held| held.client);
        let held = place.ok().and_then(|place| self.entries.get(place));
        held.map_or(Holder::ANYONE, |held| held.whose)
    }

    fn take_up_to(
        &mut self,
        most: usize,
        payload: Payload<'_>,
        by: S,
        says: impl Fn(usize, ClientId) -> Says,
        now: MonotonicMs,
    ) -> Taken {
        let mut news = Vec::new();
        let mut said = 0;
        for entry in payload.entries() {
            let says = says(said, entry.client);
            said += 1;
            if self.take_entry(most, entry, by, says, now) {
                news.push(entry);
            }
        }
        if news.is_empty() {
            Taken::Nothing
        } else if news.len() == said {
            Taken::All
        } else {
            Taken::Some(encode(&news))
        }
    }

    fn take_entry(
        &mut self,
        most: usize,
        entry: Entry<'_>,
        by: S,
        says: Says,
        now: MonotonicMs,
    ) -> bool {
        if entry
            .state
            .is_some_and(|state| state.len() > PRESENCE_STATE_BYTES_MAX)
        {
            return false;
        }
        match self
            .entries
            .binary_search_by_key(&entry.client, |held| held.client)
        {
            Ok(place) => {
                let held = &self.entries[place];
                if !says.whose.may_speak_for(held.whose) {
                    return false;
                }
                let is_goodbye = entry.state.is_none() && held.state.is_some();
                let is_news = entry.clock > held.clock || (entry.clock == held.clock && is_goodbye);
                if is_news && (held.said_by == by || self.stands_behind(by) < most) {
                    // Once it is somebody's, it stays theirs until it is forgotten.
                    let whose = if held.whose == Holder::ANYONE && says.is_own {
                        says.whose
                    } else {
                        held.whose
                    };
                    self.entries[place] = hold(entry, by, whose, now);
                    return true;
                }
                let is_same = entry.clock == held.clock && entry.state.is_some();
                if is_same && held.said_by == by && held.state.is_some() {
                    // Nothing new, and still a sign of life.
                    self.entries[place].said_at = now;
                }
                false
            }
            // Who was never here need not be known to be gone.
            Err(_) if entry.state.is_none() => false,
            Err(place) => {
                // Who passes on others takes nobody's own place.
                let is_hearsay = says.whose != Holder::ANYONE && !says.is_own;
                let has_room = if is_hearsay {
                    let is_anyones = |held: &&Held<S>| held.whose == Holder::ANYONE;
                    self.entries.iter().filter(is_anyones).count() < PRESENCE_ENTRIES_MAX / 2
                } else {
                    self.entries.len() < PRESENCE_ENTRIES_MAX
                };
                if has_room && self.stands_behind(by) < most {
                    let whose = if says.is_own {
                        says.whose
                    } else {
                        Holder::ANYONE
                    };
                    self.entries.insert(place, hold(entry, by, whose, now));
                    return true;
                }
                false
            }
        }
    }

    fn stands_behind(&self, by: S) -> usize {
        self.entries
            .iter()
            .filter(|held| held.said_by == by)
            .count()
    }

    /// `by` is gone, and with it every client it stands behind. Gives the goodbyes to pass on, if any.
    pub fn take_away(&mut self, by: S, now: MonotonicMs) -> Option<Vec<u8>> {
        self.say_goodbye(now, |held| held.said_by == by)
    }

    /// Lets go of states not renewed for [`PRESENCE_STATE_KEPT_MS`] (their goodbyes are given to pass on) and of
    /// goodbyes older than [`PRESENCE_GONE_KEPT_MS`]. Call every few seconds.
    pub fn age(&mut self, now: MonotonicMs) -> Option<Vec<u8>> {
        self.entries.retain(|held| {
            held.state.is_some() || now.ms_since(held.said_at) < PRESENCE_GONE_KEPT_MS
        });
        if self.entries.is_empty() {
            // A room full of people may have been here.
            self.entries = Vec::new();
        }
        self.let_go(now, |_, silent_ms| silent_ms >= PRESENCE_STATE_KEPT_MS)
    }

    /// Lets go of states of which `is_over` says so, given who stands behind them and for how many milliseconds that one has
    /// not said them. Gives the goodbyes to pass on, if any.
    pub fn let_go(
        &mut self,
        now: MonotonicMs,
        is_over: impl Fn(&S, u64) -> bool,
    ) -> Option<Vec<u8>> {
        self.say_goodbye(now, |held| {
            is_over(&held.said_by, now.ms_since(held.said_at))
        })
    }

    fn say_goodbye(
        &mut self,
        now: MonotonicMs,
        is_leaving: impl Fn(&Held<S>) -> bool,
    ) -> Option<Vec<u8>> {
        let mut goodbyes = Vec::new();
        for held in &mut self.entries {
            if held.state.is_some() && is_leaving(held) {
                // At the clock it had: its owner, if it lives, hears of it and announces itself one higher.
                // A goodbye under a higher clock would hide the owner until it has counted past it.
                held.state = None;
                held.said_at = now;
                goodbyes.push(Entry {
                    client: held.client,
                    clock: held.clock,
                    state: None,
                });
            }
        }
        if goodbyes.is_empty() {
            None
        } else {
            Some(encode(&goodbyes))
        }
    }

    /// Everything a newcomer should hear, in payloads of at most [`PRESENCE_BYTES_MAX`](crate::limits::PRESENCE_BYTES_MAX) bytes.
    ///
    /// Recent goodbyes are among it: a client that comes back quickly learns that it is thought gone.
    #[must_use]
    pub fn encode_all(&self) -> Vec<Vec<u8>> {
        encode_all(self.entries.iter().map(Held::entry))
    }

    /// What is new to one who knows so much, which is in ascending order of clients; in payloads as
    /// [`encode_all`](Self::encode_all) makes them.
    #[must_use]
    pub fn news_for(&self, known: &[Known]) -> Vec<Vec<u8>> {
        let is_news = |held: &&Held<S>| {
            let place = known.binary_search_by_key(&held.client, |one| one.client);
            match place.ok().and_then(|place| known.get(place)) {
                None => held.state.is_some(),
                Some(known) => {
                    let is_goodbye = held.state.is_none() && known.is_here;
                    held.clock > known.clock || (held.clock == known.clock && is_goodbye)
                }
            }
        };
        encode_all(self.entries.iter().filter(is_news).map(Held::entry))
    }

    /// Those of `entries` that are new to `by`: goodbyes, and what others say.
    #[must_use]
    pub fn not_said_by<'a>(&self, entries: &[Entry<'a>], by: &S) -> Vec<Entry<'a>> {
        let is_theirs = |entry: &Entry<'_>| {
            let client = entry.client;
            let place = self
                .entries
                .binary_search_by_key(&client, |held| held.client);
            let held = place.ok().and_then(|place| self.entries.get(place));
            held.is_some_and(|held| held.said_by == *by)
        };
        let others = entries.iter().copied();
        others
            .filter(|entry| entry.state.is_none() || !is_theirs(entry))
            .collect()
    }

    /// Goodbyes to those whom `payload` says to be here and who are thought gone under that clock or a later one. To
    /// pass back: who is told of its own departure counts on, and is here again.
    #[must_use]
    pub fn contradictions(&self, payload: Payload<'_>) -> Option<Vec<u8>> {
        let goodbyes: Vec<Entry<'_>> = payload
            .entries()
            .filter(|entry| entry.state.is_some())
            .filter_map(|entry| {
                let place = self
                    .entries
                    .binary_search_by_key(&entry.client, |held| held.client)
                    .ok()?;
                let held = &self.entries[place];
                (held.state.is_none() && held.clock >= entry.clock).then(|| held.entry())
            })
            .collect();
        (!goodbyes.is_empty()).then(|| encode(&goodbyes))
    }

    /// What is known from such an `S`: who is here, and who left of late.
    pub fn said_by(&self, is_asked: impl Fn(&S) -> bool) -> impl Iterator<Item = Entry<'_>> {
        self.entries
            .iter()
            .filter(move |held| is_asked(&held.said_by))
            .map(Held::entry)
    }

    /// Everyone who is here, with clock and state, by client id.
    pub fn present(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries
            .iter()
            .map(Held::entry)
            .filter(|entry| entry.state.is_some())
    }

    /// Nobody is here, and nobody was lately.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn hold<S>(entry: Entry<'_>, said_by: S, whose: Holder, said_at: MonotonicMs) -> Held<S> {
    Held {
        client: entry.client,
        clock: entry.clock,
        state: entry.state.map(Box::from),
        said_by,
        said_at,
        whose,
    }
}

#[cfg(test)]
mod tests;
