//! Who is here: caret, name, colour, expiry. Data only; presence is never stored.
//!
//! On the wire, presence is a list of entries: client, clock, state as JSON text (`null`: gone). A [`Payload`]
//! has passed the gate; the [`Roster`] is a server's view of everybody; [`OwnPresence`] is a client's own entry;
//! [`Person`] is the shape Sheaf's client puts into the state. To a server a state is text like any other.

pub mod person;
pub mod roster;

pub use person::{Caret, Person, User};
pub use roster::{Roster, Says, Taken};

use crate::bytes::{Reader, put_text, put_var_uint};
use crate::gate::{self, Refusal};
use crate::ids::ClientId;

/// One entry of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Whose state it is.
    pub client: ClientId,
    /// Grows with each change; what has the higher clock is newer.
    pub clock: u32,
    /// The state as JSON text; none when the client is gone.
    pub state: Option<&'a str>,
}

/// How JSON says that a client is gone.
const GONE: &str = "null";

impl Entry<'_> {
    /// Appends the entry's bytes.
    fn put(&self, out: &mut Vec<u8>) {
        put_var_uint(out, self.client.0);
        put_var_uint(out, u64::from(self.clock));
        put_text(out, self.state.unwrap_or(GONE));
    }
}

/// Writes `entries` as one payload.
#[must_use]
pub fn encode(entries: &[Entry<'_>]) -> Vec<u8> {
    let states: usize = entries
        .iter()
        .map(|entry| entry.state.map_or(4, str::len) + 16)
        .sum();
    let mut out = Vec::with_capacity(states + 4);
    put_var_uint(&mut out, entries.len() as u64);
    for entry in entries {
        entry.put(&mut out);
    }
    out
}

/// Writes `entries` as payloads of at most [`PRESENCE_BYTES_MAX`](crate::limits::PRESENCE_BYTES_MAX) bytes; none for
/// nobody.
#[must_use]
pub fn encode_all<'a>(entries: impl Iterator<Item = Entry<'a>>) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    for entry in entries {
        let entry_bytes = entry.state.map_or(4, str::len) + 24;
        if batch_bytes + entry_bytes > crate::limits::PRESENCE_BYTES_MAX {
            payloads.push(encode(&batch));
            batch.clear();
            batch_bytes = 0;
        }
        batch.push(entry);
        batch_bytes += entry_bytes;
    }
    if !batch.is_empty() {
        payloads.push(encode(&batch));
    }
    payloads
}

/// An awareness payload that passed the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a>(&'a [u8]);

impl<'a> Payload<'a> {
    /// Takes bytes that pass the [gate](gate::presence).
    ///
    /// # Errors
    /// [`Refusal`] as the gate says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        gate::presence::check(bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes as they came.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Each entry, in order.
    pub fn entries(self) -> impl Iterator<Item = Entry<'a>> {
        let mut reader = Reader::new(self.0);
        let count = reader.var_uint().unwrap_or(0);
        (0..count).map_while(move |_| {
            let client = ClientId(reader.var_uint().ok()?);
            let clock = reader.var_u32().ok()?;
            let state = reader.text().ok()?;
            let state = if state.trim_matches(JSON_SPACE) == GONE {
                None
            } else {
                Some(state)
            };
            Some(Entry {
                client,
                clock,
                state,
            })
        })
    }
}

/// What JSON allows around a value.
const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A client's own entry: its clock, its state, and when to say it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPresence {
    client: ClientId,
    clock: u32,
    state: Option<String>,
}

impl OwnPresence {
    /// Nothing is said of `client` yet.
    #[must_use]
    pub const fn new(client: ClientId) -> Self {
        Self {
            client,
            clock: 0,
            state: None,
        }
    }

    /// Sets the state (JSON text; none to leave) and gives the payload that tells the others.
    pub fn set(&mut self, state: Option<String>) -> Vec<u8> {
        self.state = state;
        self.renew()
    }

    /// Says the same again under a new clock: every
    /// [`PRESENCE_RENEW_EVERY_MS`](crate::limits::PRESENCE_RENEW_EVERY_MS), and after each reconnection, so that
    /// peers who think this client gone take it back.
    pub fn renew(&mut self) -> Vec<u8> {
        // Past the gate's highest clock peers refuse it; a client gets there by being lied about, not by moving.
        self.clock = self
            .clock
            .saturating_add(1)
            .min(crate::limits::PRESENCE_CLOCK_MAX);
        encode(&[Entry {
            client: self.client,
            clock: self.clock,
            state: self.state.as_deref(),
        }])
    }

    /// Looks for news about itself in what was heard. Someone may believe this client gone, or know of a higher
    /// clock: then this gives the payload that puts it right.
    pub fn hear(&mut self, heard: Payload<'_>) -> Option<Vec<u8>> {
        let about_me = heard.entries().filter(|entry| entry.client == self.client);
        let newest = about_me.max_by_key(|entry| (entry.clock, entry.state.is_none()))?;
        let is_newer = newest.clock > self.clock;
        let is_gone = newest.clock == self.clock && newest.state.is_none() && self.state.is_some();
        if !is_newer && !is_gone {
            return None;
        }
        self.clock = newest.clock;
        Some(self.renew())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: ClientId = ClientId(7);

    fn entry(clock: u32, state: Option<&str>) -> Vec<u8> {
        encode(&[Entry {
            client: ANN,
            clock,
            state,
        }])
    }

    #[test]
    fn entries_read_back_as_written() {
        let entries = [
            Entry {
                client: ClientId((1 << 53) - 1),
                clock: 300,
                state: Some("{\"a\":1}"),
            },
            Entry {
                client: ANN,
                clock: 0,
                state: None,
            },
        ];
        let bytes = encode(&entries);
        let read: Vec<_> = Payload::parse(&bytes).unwrap().entries().collect();
        assert_eq!(read, entries);
    }

    #[test]
    fn a_null_with_space_around_it_is_a_goodbye_too() {
        let bytes = entry(1, Some(" null\n"));
        assert_eq!(
            Payload::parse(&bytes)
                .unwrap()
                .entries()
                .next()
                .unwrap()
                .state,
            None
        );
    }

    #[test]
    fn a_client_that_hears_of_its_own_departure_announces_itself_again() {
        let mut own = OwnPresence::new(ANN);
        assert_eq!(own.set(Some("{}".into())), entry(1, Some("{}")));
        let heard = entry(1, None);
        assert_eq!(
            own.hear(Payload::parse(&heard).unwrap()),
            Some(entry(2, Some("{}")))
        );
        assert_eq!(own.hear(Payload::parse(&heard).unwrap()), None, "old news");
        let echo = entry(2, Some("{}"));
        assert_eq!(
            own.hear(Payload::parse(&echo).unwrap()),
            None,
            "its own echo"
        );
    }

    #[test]
    fn a_client_overtakes_a_clock_that_others_believe_in() {
        let mut own = OwnPresence::new(ANN);
        own.set(Some("{}".into()));
        let forged = entry(50, Some("{\"user\":{\"name\":\"not Ann\"}}"));
        assert_eq!(
            own.hear(Payload::parse(&forged).unwrap()),
            Some(entry(51, Some("{}")))
        );
    }

    #[test]
    fn leaving_is_said_under_a_new_clock() {
        let mut own = OwnPresence::new(ANN);
        own.set(Some("{}".into()));
        assert_eq!(own.set(None), entry(2, None));
        let late = entry(1, None);
        assert_eq!(own.hear(Payload::parse(&late).unwrap()), None);
    }
}
