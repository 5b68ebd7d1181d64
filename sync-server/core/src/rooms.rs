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
}

/// What is known of one room.
#[derive(Debug)]
struct Standing {}

impl Rooms {
    /// No room is open.
    #[must_use]
    pub fn new(config: RoomsConfig) -> Self {
        Self {
            config,
            open: BTreeMap::new(),
        }
    }

    /// Someone wants into `doc`. Anything but [`Admission::Open`] and [`Admission::Enter`] lets nobody in.
    pub fn join(&mut self, _doc: &DocName, _now: MonotonicMs) -> Admission {
        let _ = self.config;
        Admission::Open
    }

    /// Someone who was let in is gone: it left, or the room closed it.
    pub fn left(&mut self, _doc: &DocName, _now: MonotonicMs) {}

    /// A room's memory was measured.
    pub fn measured(&mut self, _doc: &DocName, _bytes: usize) {}

    /// The room has ended (`room::Effect::Ended`, or a fault) and was dropped.
    pub fn ended(&mut self, doc: &DocName) {
        self.open.remove(doc);
    }

    /// The server goes away. Nobody is let in from now on.
    pub fn drain(&mut self, _within_ms: u64, _out: &mut Vec<Order>) {}

    /// Time has passed: which idle rooms should end? Call about once a second.
    pub fn tick(&mut self, _now: MonotonicMs, _out: &mut Vec<Order>) {}

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
}
