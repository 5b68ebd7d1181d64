//! Which documents are open on this server, and the bounds on all of them together.
//!
//! Holds names and numbers only; the rooms themselves run wherever the server runs them. Every join and leave
//! passes here first, so a room is only ended when nobody is on the way to it.

use std::collections::BTreeMap;

use sheaf_shared::ids::DocName;
use sheaf_shared::time::MonotonicMs;

/// What an operator may tune.
#[derive(Clone, Copy, Debug)]
pub struct RoomsConfig {
    /// Rooms open at once.
    pub rooms_max: usize,
    /// Bytes of memory of all rooms together.
    pub bytes_max: usize,
    /// Milliseconds without a member after which a room ends.
    pub idle_ms: u64,
}

impl Default for RoomsConfig {
    fn default() -> Self {
        Self {
            rooms_max: 50_000,
            bytes_max: 1024 * 1024 * 1024,
            idle_ms: 30_000,
        }
    }
}

/// What to do with someone who wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Make the room, then send it the join.
    Open,
    /// Send the join to the room that is there.
    Enter,
    /// The room is just ending: keep the join until it has, then ask again.
    AfterEnd,
    /// Turn it away with `CloseReason::Busy`.
    Full,
    /// Turn it away with `CloseReason::Moving`.
    Draining,
}

/// Something to do about a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Give this room `room::Input::Retire`.
    Retire(DocName),
    /// Give this room `room::Input::Drain`.
    Drain {
        /// Which.
        doc: DocName,
        /// Over how many milliseconds.
        within_ms: u64,
    },
}

/// All rooms of this server.
#[derive(Debug, Default)]
pub struct Rooms {
    config: RoomsConfig,
    open: BTreeMap<DocName, Standing>,
    /// Memory of all of them, as last measured.
    bytes: usize,
    is_draining: bool,
}

/// What is known of one room.
#[derive(Debug)]
struct Standing {
    /// Those let in and not gone.
    members: usize,
    bytes: usize,
    life: Life,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Open,
    /// Nobody is in it since then.
    Idle(MonotonicMs),
    /// It was told to end.
    Ending,
}

/// The part of what is allowed, as a fraction, from which on it is nearly used up: above the part that idle rooms are
/// ended from.
const NEARLY_FULL: (usize, usize) = (19, 20);
const _: () = assert!(NEARLY_FULL.0 * 10 > NEARLY_FULL.1 * 9);

/// Bytes a room is taken for until it is measured.
const UNMEASURED_BYTES: usize = 2 * 1024;

impl Rooms {
    /// No room is open.
    #[must_use]
    pub const fn new(config: RoomsConfig) -> Self {
        Self {
            config,
            open: BTreeMap::new(),
            bytes: 0,
            is_draining: false,
        }
    }

    /// Someone wants into `doc`. Anything but [`Admission::Open`] and [`Admission::Enter`] lets nobody in.
    pub fn join(&mut self, doc: &DocName) -> Admission {
        if self.is_draining {
            return Admission::Draining;
        }
        if let Some(standing) = self.open.get_mut(doc) {
            if standing.life == Life::Ending {
                return Admission::AfterEnd;
            }
            standing.members += 1;
            standing.life = Life::Open;
            return Admission::Enter;
        }
        let is_full = self.open.len() >= self.config.rooms_max
            || self.bytes.saturating_add(UNMEASURED_BYTES) > self.config.bytes_max;
        if is_full {
            return Admission::Full;
        }
        self.bytes += UNMEASURED_BYTES;
        self.open.insert(
            doc.clone(),
            Standing {
                members: 1,
                bytes: UNMEASURED_BYTES,
                life: Life::Open,
            },
        );
        Admission::Open
    }

    /// Someone who was let in is gone: it left, or the room closed it. Once for each who was let in.
    pub fn left(&mut self, doc: &DocName, now: MonotonicMs) {
        if let Some(standing) = self.open.get_mut(doc) {
            standing.members = standing.members.saturating_sub(1);
            if standing.members == 0 && standing.life == Life::Open {
                standing.life = Life::Idle(now);
            }
        }
    }

    /// A room's memory was measured ([`Room::bytes`](crate::room::Room::bytes)).
    pub fn measured(&mut self, doc: &DocName, bytes: usize) {
        if let Some(standing) = self.open.get_mut(doc) {
            self.bytes = self.bytes - standing.bytes + bytes;
            standing.bytes = bytes;
        }
    }

    /// The room has ended (`room::Effect::Ended`, or a fault) and was dropped. Those who waited may ask again.
    pub fn ended(&mut self, doc: &DocName) {
        if let Some(standing) = self.open.remove(doc) {
            self.bytes -= standing.bytes;
        }
    }

    /// The server goes away. Nobody is let in from now on.
    pub fn drain(&mut self, within_ms: u64, out: &mut Vec<Order>) {
        if std::mem::replace(&mut self.is_draining, true) {
            return;
        }
        out.extend(self.open.keys().map(|doc| Order::Drain {
            doc: doc.clone(),
            within_ms,
        }));
    }

    /// Time has passed: which idle rooms should end? Call about once a second.
    ///
    /// Those that were idle for long; and when memory is short, any idle ones, largest first.
    pub fn tick(&mut self, now: MonotonicMs, out: &mut Vec<Order>) {
        let mut idle: Vec<(&DocName, &mut Standing)> = self
            .open
            .iter_mut()
            .filter(|(_, standing)| matches!(standing.life, Life::Idle(_)))
            .collect();
        idle.sort_by_key(|(_, standing)| std::cmp::Reverse(standing.bytes));
        let mut to_free = self.bytes.saturating_sub(self.config.bytes_max / 10 * 9);
        for (doc, standing) in idle {
            let is_old = matches!(standing.life, Life::Idle(since)
                if now.ms_since(since) >= self.config.idle_ms);
            if is_old || to_free > 0 {
                to_free = to_free.saturating_sub(standing.bytes);
                standing.life = Life::Ending;
                out.push(Order::Retire(doc.clone()));
            }
        }
    }

    /// Rooms open, those just ending among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether no room is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Memory of all rooms, as last measured, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether newcomers had better go to another server: soon no further room could be opened, though all idle ones
    /// were asked to end.
    #[must_use]
    pub fn is_nearly_full(&self) -> bool {
        let RoomsConfig {
            rooms_max,
            bytes_max,
            ..
        } = self.config;
        is_nearly(self.bytes, bytes_max) || is_nearly(self.open.len(), rooms_max)
    }
}

fn is_nearly(used: usize, max: usize) -> bool {
    let (part, whole) = NEARLY_FULL;
    used.saturating_mul(whole) >= max.saturating_mul(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: MonotonicMs = MonotonicMs(0);

    fn doc(name: &str) -> DocName {
        DocName::parse(name).unwrap()
    }

    #[test]
    fn a_room_ends_only_after_it_was_empty_for_long_and_nobody_is_on_the_way() {
        let mut rooms = Rooms::new(RoomsConfig::default());
        let page = doc("page");
        let mut out = Vec::new();
        assert_eq!(rooms.join(&page), Admission::Open);
        rooms.left(&page, START);
        rooms.tick(START.plus_ms(29_999), &mut out);
        assert_eq!(out, []);
        assert_eq!(rooms.join(&page), Admission::Enter);
        rooms.tick(START.plus_ms(90_000), &mut out);
        assert_eq!(out, [], "someone came back");
        rooms.left(&page, START.plus_ms(90_000));
        rooms.tick(START.plus_ms(120_000), &mut out);
        assert_eq!(out, [Order::Retire(page.clone())]);
        assert_eq!(rooms.join(&page), Admission::AfterEnd);
        rooms.ended(&page);
        assert_eq!(rooms.join(&page), Admission::Open);
    }

    #[test]
    fn newcomers_had_better_go_elsewhere_before_they_must_be_turned_away() {
        let mut rooms = Rooms::new(RoomsConfig {
            bytes_max: 100_000,
            ..RoomsConfig::default()
        });
        let (page, other) = (doc("page"), doc("other"));
        rooms.join(&page);
        rooms.measured(&page, 94_000);
        assert!(!rooms.is_nearly_full());
        rooms.measured(&page, 95_000);
        assert!(rooms.is_nearly_full());
        assert_eq!(rooms.join(&page), Admission::Enter);
        assert_eq!(rooms.join(&other), Admission::Open);
        rooms.measured(&other, 6_000);
        assert_eq!(rooms.join(&doc("third")), Admission::Full);
        rooms.ended(&other);
        rooms.measured(&page, 90_000);
        assert!(!rooms.is_nearly_full());
    }

    #[test]
    fn the_largest_idle_room_goes_first_when_memory_is_short_and_busy_ones_stay() {
        let mut rooms = Rooms::new(RoomsConfig {
            bytes_max: 100_000,
            ..RoomsConfig::default()
        });
        for (name, bytes) in [("busy", 60_000), ("small", 10_000), ("large", 29_000)] {
            rooms.join(&doc(name));
            rooms.measured(&doc(name), bytes);
        }
        rooms.left(&doc("small"), START);
        rooms.left(&doc("large"), START);
        assert_eq!(rooms.join(&doc("more")), Admission::Full);
        let mut out = Vec::new();
        rooms.tick(START, &mut out);
        assert_eq!(out, [Order::Retire(doc("large"))]);
        rooms.ended(&doc("large"));
        assert_eq!(rooms.bytes(), 70_000);
        assert_eq!(rooms.join(&doc("more")), Admission::Open);
    }

    #[test]
    fn nobody_is_let_in_while_the_server_drains() {
        let mut rooms = Rooms::new(RoomsConfig::default());
        rooms.join(&doc("page"));
        let mut out = Vec::new();
        rooms.drain(500, &mut out);
        assert_eq!(
            out,
            [Order::Drain {
                doc: doc("page"),
                within_ms: 500
            }]
        );
        assert_eq!(rooms.join(&doc("page")), Admission::Draining);
    }
}
