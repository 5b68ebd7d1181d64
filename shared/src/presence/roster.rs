//! Everybody in one document, as a server knows them.
//!
//! Takes entries as stock clients do (newer clock wins; at the same clock only a goodbye does) and forgets what
//! they never forget: clients that are long gone. It knows who stands behind each entry, so that a connection
//! that ends takes with it all it introduced.

use super::{Entry, Payload, encode, encode_all};
use crate::ids::ClientId;
use crate::limits::{
    PRESENCE_ENTRIES_MAX, PRESENCE_ENTRIES_PER_CONNECTION_MAX, PRESENCE_GONE_KEPT_MS,
    PRESENCE_STATE_BYTES_MAX, PRESENCE_STATE_KEPT_MS,
};
use crate::time::MonotonicMs;

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
    /// Takes what is news in `payload`, said by `by` at `now`.
    ///
    /// Not taken are entries with a state beyond [`PRESENCE_STATE_BYTES_MAX`] and new clients beyond the bounds.
    pub fn take(&mut self, payload: Payload<'_>, by: S, now: MonotonicMs) -> Taken {
        self.take_up_to(PRESENCE_ENTRIES_PER_CONNECTION_MAX, payload, by, now)
    }

    /// Like [`Roster::take`], from another server: it may stand behind as many clients as there is room for.
    pub fn take_relayed(&mut self, payload: Payload<'_>, by: S, now: MonotonicMs) -> Taken {
        self.take_up_to(PRESENCE_ENTRIES_MAX, payload, by, now)
    }

    fn take_up_to(&mut self, most: usize, payload: Payload<'_>, by: S, now: MonotonicMs) -> Taken {
        let mut news = Vec::new();
        let mut said = 0;
        for entry in payload.entries() {
            said += 1;
            if self.take_entry(most, entry, by, now) {
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

    fn take_entry(&mut self, most: usize, entry: Entry<'_>, by: S, now: MonotonicMs) -> bool {
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
                let is_goodbye = entry.state.is_none() && held.state.is_some();
                let is_news = entry.clock > held.clock || (entry.clock == held.clock && is_goodbye);
                if is_news && (held.said_by == by || self.stands_behind(by) < most) {
                    self.entries[place] = hold(entry, by, now);
                    return true;
                }
                false
            }
            // Who was never here need not be known to be gone.
            Err(_) if entry.state.is_none() => false,
            Err(place) => {
                let has_room = self.entries.len() < PRESENCE_ENTRIES_MAX;
                if has_room && self.stands_behind(by) < most {
                    self.entries.insert(place, hold(entry, by, now));
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
        self.say_goodbye(now, |held| {
            now.ms_since(held.said_at) >= PRESENCE_STATE_KEPT_MS
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

fn hold<S>(entry: Entry<'_>, said_by: S, said_at: MonotonicMs) -> Held<S> {
    Held {
        client: entry.client,
        clock: entry.clock,
        state: entry.state.map(Box::from),
        said_by,
        said_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: MonotonicMs = MonotonicMs(1_000);
    const ANN: u64 = 7;
    const BEN: u64 = 8;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Socket(u32);

    const FIRST: Socket = Socket(1);
    const SECOND: Socket = Socket(2);

    fn payload(entries: &[(u64, u32, Option<&str>)]) -> Vec<u8> {
        let entries: Vec<_> = entries
            .iter()
            .map(|&(client, clock, state)| Entry {
                client: ClientId(client),
                clock,
                state,
            })
            .collect();
        encode(&entries)
    }

    fn take(
        roster: &mut Roster<Socket>,
        by: Socket,
        entries: &[(u64, u32, Option<&str>)],
    ) -> Taken {
        roster.take(Payload::parse(&payload(entries)).unwrap(), by, START)
    }

    fn heard(bytes: &[u8]) -> Vec<(u64, u32, Option<String>)> {
        let entries = Payload::parse(bytes).unwrap().entries();
        entries
            .map(|e| (e.client.0, e.clock, e.state.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn a_newer_clock_wins_and_at_the_same_clock_only_a_goodbye_does() {
        let mut roster = Roster::default();
        assert_eq!(take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]), Taken::All);
        assert_eq!(
            take(&mut roster, FIRST, &[(ANN, 5, Some("2"))]),
            Taken::Nothing
        );
        assert_eq!(take(&mut roster, FIRST, &[(ANN, 4, None)]), Taken::Nothing);
        assert_eq!(take(&mut roster, FIRST, &[(ANN, 5, None)]), Taken::All);
        assert_eq!(take(&mut roster, FIRST, &[(ANN, 5, None)]), Taken::Nothing);
        assert_eq!(
            take(&mut roster, FIRST, &[(ANN, 5, Some("3"))]),
            Taken::Nothing
        );
        assert_eq!(take(&mut roster, FIRST, &[(ANN, 6, Some("4"))]), Taken::All);
        assert_eq!(roster.present().count(), 1);
    }

    #[test]
    fn only_news_is_passed_on() {
        let mut roster = Roster::default();
        take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
        let taken = take(
            &mut roster,
            SECOND,
            &[(ANN, 5, Some("1")), (BEN, 1, Some("2"))],
        );
        assert_eq!(taken, Taken::Some(payload(&[(BEN, 1, Some("2"))])));
    }

    #[test]
    fn a_connection_that_ends_takes_everyone_with_it_whom_it_introduced() {
        let mut roster = Roster::default();
        take(
            &mut roster,
            FIRST,
            &[(ANN, 5, Some("1")), (BEN, 9, Some("2"))],
        );
        take(&mut roster, SECOND, &[(20, 1, Some("3"))]);
        let goodbyes = roster.take_away(FIRST, START).unwrap();
        assert_eq!(heard(&goodbyes), [(ANN, 5, None), (BEN, 9, None)]);
        assert_eq!(roster.take_away(FIRST, START), None);
        assert_eq!(roster.present().count(), 1);
    }

    #[test]
    fn who_came_back_on_a_new_connection_stays_when_the_old_one_ends() {
        let mut roster = Roster::default();
        take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
        take(&mut roster, SECOND, &[(ANN, 6, Some("1"))]);
        assert_eq!(roster.take_away(FIRST, START), None);
    }

    #[test]
    fn who_is_said_to_be_here_is_contradicted_only_while_thought_gone_under_that_clock() {
        let mut roster = Roster::default();
        take(
            &mut roster,
            FIRST,
            &[(ANN, 5, Some("1")), (BEN, 1, Some("2"))],
        );
        let claim = |roster: &Roster<Socket>, clock| {
            let claim = payload(&[(ANN, clock, Some("1")), (BEN, 1, Some("2"))]);
            roster.contradictions(Payload::parse(&claim).unwrap())
        };
        assert_eq!(claim(&roster, 5), None, "she is here");
        roster.take_away(FIRST, START);
        take(&mut roster, SECOND, &[(BEN, 2, Some("2"))]);
        assert_eq!(claim(&roster, 4), Some(payload(&[(ANN, 5, None)])));
        assert_eq!(claim(&roster, 5), Some(payload(&[(ANN, 5, None)])));
        assert_eq!(claim(&roster, 6), None, "that is news");
        let said: Vec<_> = roster.said_by(|by| *by == SECOND).collect();
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].client, ClientId(BEN));
    }

    #[test]
    fn a_newcomer_hears_of_those_who_just_left() {
        let mut roster = Roster::default();
        take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
        take(&mut roster, SECOND, &[(BEN, 1, Some("2"))]);
        roster.take_away(FIRST, START);
        let all = roster.encode_all();
        assert_eq!(all.len(), 1);
        assert_eq!(heard(&all[0]), [(ANN, 5, None), (BEN, 1, Some("2".into()))]);
    }

    #[test]
    fn the_roster_forgets_those_long_gone_and_lets_the_silent_go() {
        let mut roster = Roster::default();
        take(&mut roster, FIRST, &[(ANN, 5, Some("1"))]);
        assert_eq!(roster.age(START.plus_ms(PRESENCE_STATE_KEPT_MS - 1)), None);
        let goodbyes = roster.age(START.plus_ms(PRESENCE_STATE_KEPT_MS)).unwrap();
        assert_eq!(heard(&goodbyes), [(ANN, 5, None)]);
        assert!(!roster.is_empty());
        roster.age(START.plus_ms(PRESENCE_STATE_KEPT_MS + PRESENCE_GONE_KEPT_MS));
        assert!(roster.is_empty());
    }

    #[test]
    fn a_thousand_people_who_come_and_go_leave_nothing_behind() {
        let mut roster = Roster::default();
        let mut now = START;
        for client in 0..10_000 {
            let bytes = payload(&[(client, 1, Some("{}"))]);
            roster.take(Payload::parse(&bytes).unwrap(), FIRST, now);
            roster.take_away(FIRST, now);
            now = now.plus_ms(1_000);
            roster.age(now);
            assert!(roster.entries.len() <= 1 + PRESENCE_GONE_KEPT_MS as usize / 1_000);
        }
    }

    #[test]
    fn one_connection_cannot_fill_the_roster() {
        let mut roster = Roster::default();
        for client in 0..1_000 {
            take(&mut roster, FIRST, &[(client, 1, Some("{}"))]);
        }
        assert_eq!(
            roster.present().count(),
            PRESENCE_ENTRIES_PER_CONNECTION_MAX
        );
        assert_eq!(
            take(&mut roster, FIRST, &[(3, 2, Some("{}"))]),
            Taken::All,
            "those it has go on"
        );
        assert_eq!(
            take(&mut roster, SECOND, &[(5_000, 1, Some("{}"))]),
            Taken::All
        );
        let crowd: Vec<_> = (6_000..6_100)
            .map(|client| (client, 1, Some("{}")))
            .collect();
        let relayed = payload(&crowd);
        assert_eq!(
            roster.take_relayed(Payload::parse(&relayed).unwrap(), Socket(3), START),
            Taken::All
        );
    }

    #[test]
    fn many_connections_cannot_fill_memory() {
        let mut roster = Roster::default();
        for client in 0..6_000_u64 {
            take(
                &mut roster,
                Socket(client as u32),
                &[(client, 1, Some("{}"))],
            );
        }
        assert_eq!(roster.present().count(), PRESENCE_ENTRIES_MAX);
    }

    #[test]
    fn a_state_that_is_too_long_is_not_shown_to_others() {
        let mut roster = Roster::default();
        let long = format!("\"{}\"", "x".repeat(PRESENCE_STATE_BYTES_MAX));
        assert_eq!(
            take(&mut roster, FIRST, &[(ANN, 1, Some(&long))]),
            Taken::Nothing
        );
    }

    #[test]
    fn a_full_house_is_told_in_payloads_that_pass_the_gate() {
        let mut roster = Roster::default();
        let state = format!("\"{}\"", "x".repeat(PRESENCE_STATE_BYTES_MAX - 2));
        for client in 0..200_u64 {
            take(
                &mut roster,
                Socket(client as u32),
                &[(client + (1 << 50), 1, Some(&state))],
            );
        }
        let all = roster.encode_all();
        assert!(all.len() > 1);
        let told: usize = all.iter().map(|bytes| heard(bytes).len()).sum();
        assert_eq!(told, 200);
    }
}
