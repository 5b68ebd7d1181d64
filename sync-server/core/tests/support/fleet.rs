//! Servers with one log between them and a bus that loses, doubles, delays and shuffles what goes by it; a store that is slow,
//! stalls, fails, or loses its answers, and whose log is compacted by whoever comes first; servers that lose the bus, stand
//! still, or die at any step, each with a clock of its own that goes wrong. Every chance comes from one seed.
//!
//! What must always hold is asserted where it happens: I1 in `check_acknowledged` and `check_told`, I3 in `Log`, I4 and I5 by
//! the tests that let it run.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sheaf_core::room::{ClientKind, Input, Neighbour, RoomConfig, Said};
use sheaf_core::servers::ServerId;
use sheaf_core::servers::roll::Roll;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, DocName, ReplicaId};
use sheaf_shared::limits::PRESENCE_RENEW_EVERY_MS;
use sheaf_shared::presence::{OwnPresence, Roster};
use sheaf_shared::replica::Ordered;
use sheaf_shared::time::MonotonicMs;

use crate::counts::Counts;
use crate::desk::{ANN, BEN, Desk, Writer, hocuspocus, y_websocket};
use crate::log::{Folded, Log};
use crate::seen::Trace;

#[path = "fleet_losses.rs"]
mod losses;
#[path = "fleet_steps.rs"]
mod steps;

/// Milliseconds of one step.
pub(crate) const STEP_MS: u64 = 10;
/// Small enough that runs of a few hundred edits are compacted.
const COMPACT_ROWS: u64 = 60;
/// Longest time, in milliseconds, that a snapshot takes from the reading of the log to the attempt to store it.
const FOLDING_MS: u64 = 400;
/// Longest time, in milliseconds, that a server which died is away.
const AWAY_MS: u64 = 3_000;

/// How bad things are. Chances are out of 256.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) lost: u8,
    pub(crate) doubled: u8,
    /// Longest time, in milliseconds, that a message is under way.
    pub(crate) delay_ms: u64,
    /// The store says no, or its answer is lost.
    pub(crate) store_fails: u8,
    /// Longest time, in milliseconds, that the store takes.
    pub(crate) store_ms: u64,
    /// Most thousandths by which a server's clock is fast or slow.
    pub(crate) clocks_off: u64,
}

impl Weather {
    pub(crate) const FINE: Self = Self {
        lost: 0,
        doubled: 0,
        delay_ms: 2,
        store_fails: 0,
        store_ms: 10,
        clocks_off: 0,
    };
}

/// A server's clock: begins anywhere, and is fast or slow.
#[derive(Clone, Copy, Debug)]
struct Clock {
    began: u64,
    per_mille: u64,
}

impl Clock {
    const RIGHT: Self = Self {
        began: 0,
        per_mille: 1_000,
    };

    const fn at(self, now: u64) -> u64 {
        self.began + now * self.per_mille / 1_000
    }
}

/// What may be gone for a while.
#[derive(Clone, Copy, Debug)]
enum Part {
    Server,
    Room,
}

pub(crate) struct Server {
    pub(crate) id: ServerId,
    /// `None` while it is down.
    pub(crate) desk: Option<Desk>,
    clock: Clock,
    /// It stands still until then.
    still_until: u64,
    /// It dies when it has done so many more things.
    dies_after: Option<u64>,
    /// What was gone is there again then, by itself.
    comes_back: Option<(u64, Part)>,
    is_reaching: bool,
    roll: Roll,
    /// Snapshots under way, with the time of the attempt to store them.
    folding: Vec<(u64, Folded)>,
    /// Answers of the store and messages of the bus on their way, with their time.
    answers: Vec<(u64, Input)>,
    messages: Vec<(u64, Bytes)>,
    /// By its own clock.
    beat_at: u64,
    poll_at: u64,
    renew_at: u64,
    changed: bool,
    /// Who writes here, and what it wrote that was not acknowledged.
    writer: Writer,
    own: OwnPresence,
    unanswered: VecDeque<Bytes>,
    pub(crate) written: usize,
    pub(crate) acknowledged: usize,
    pub(crate) reader: Writer,
    sees: Roster<u8>,
    /// What was asked of the store because it had not come by itself.
    pub(crate) reads: usize,
}

pub(crate) struct Fleet {
    pub(crate) servers: Vec<Server>,
    pub(crate) weather: Weather,
    pub(crate) now: u64,
    chance: fastrand::Rng,
    /// What the servers share, and every row that was ever in it.
    store: Log,
    log: Vec<Bytes>,
    truth: Ordered,
    true_rows: usize,
    lives: u64,
    /// The store answers nothing before.
    store_stalls_until: u64,
    /// What happened, and how much.
    pub(crate) trace: Trace,
    pub(crate) seen: Counts,
    /// The store has lost rows that were acknowledged.
    is_short: bool,
    /// It has lost some one day.
    has_lost: bool,
    /// How often a server has put rows back.
    pub(crate) mended: usize,
}

fn doc() -> DocName {
    DocName::parse("page").unwrap()
}

fn writer_of(server: usize) -> u32 {
    server as u32 + 1
}

impl Fleet {
    pub(crate) fn new(servers: usize, seed: u64, weather: Weather) -> Self {
        let server = |number: usize| Server {
            id: ServerId(0),
            desk: None,
            clock: Clock::RIGHT,
            still_until: 0,
            dies_after: None,
            comes_back: None,
            is_reaching: false,
            roll: Roll::default(),
            folding: Vec::new(),
            answers: Vec::new(),
            messages: Vec::new(),
            beat_at: 0,
            poll_at: 0,
            renew_at: 0,
            changed: false,
            writer: Writer::new(writer_of(number)),
            own: OwnPresence::new(ClientId(writer_of(number).into())),
            unanswered: VecDeque::new(),
            written: 0,
            acknowledged: 0,
            reader: Writer::new(writer_of(number) + 100),
            sees: Roster::default(),
            reads: 0,
        };
        let mut fleet = Self {
            servers: (0..servers).map(server).collect(),
            weather,
            now: 1_000,
            chance: fastrand::Rng::with_seed(seed),
            store: Log::new(),
            log: Vec::new(),
            truth: Ordered::keeping_all(ReplicaId(99)),
            true_rows: 0,
            lives: 0,
            store_stalls_until: 0,
            trace: Trace::NEW,
            seen: Counts::default(),
            is_short: false,
            has_lost: false,
            mended: 0,
        };
        for server in 0..servers {
            fleet.start(server);
        }
        fleet
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.chance.u64(..limit.max(1))
    }

    fn happens(&mut self, of_256: u8) -> bool {
        self.chance.u8(..) < of_256
    }

    /// A server comes up, under a new name and with a new clock, and its people come in.
    pub(crate) fn start(&mut self, number: usize) {
        self.lives += 1;
        let off = self.weather.clocks_off;
        let clock = Clock {
            began: self.below(1 + off * 1_000_000),
            per_mille: 1_000 - off + self.below(2 * off + 1),
        };
        let local = clock.at(self.now);
        let server = &mut self.servers[number];
        server.id = ServerId(self.lives);
        server.clock = clock;
        server.is_reaching = true;
        server.roll = Roll::default();
        server.messages.clear();
        server.dies_after = None;
        (server.beat_at, server.poll_at) = (local, local);
        server.renew_at = local + PRESENCE_RENEW_EVERY_MS;
        self.open_room(number);
    }

    /// The room is opened, and its people come in.
    fn open_room(&mut self, number: usize) {
        let loaded = self.store.stored();
        let server = &mut self.servers[number];
        let mut desk = Desk::with(RoomConfig {
            compact_rows: COMPACT_ROWS,
            ..RoomConfig::default()
        });
        desk.now = MonotonicMs(server.clock.at(self.now));
        desk.put(Input::Neighbour(if server.is_reaching {
            Neighbour::Reachable
        } else {
            Neighbour::Unreachable
        }));
        desk.join(ANN, hocuspocus(ClientKind::Stock), Role::Editor);
        desk.join(BEN, y_websocket(), Role::Editor);
        desk.put(loaded);
        for member in [ANN, BEN] {
            desk.say(member, Said::Step1(Bytes::from_static(&[0])));
        }
        for edit in &server.unanswered {
            desk.edit(ANN, edit);
        }
        server.sees = Roster::default();
        let hello = server.own.set(Some("{}".into()));
        desk.say(ANN, Said::Awareness(hello.into()));
        server.desk = Some(desk);
        server.answers.clear();
        server.folding.clear();
        server.comes_back = None;
    }

    /// A server is killed: nobody hears of it.
    pub(crate) fn kill(&mut self, number: usize) {
        self.seen.crashes += u64::from(self.servers[number].desk.is_some());
        self.servers[number].desk = None;
        self.servers[number].dies_after = None;
        self.servers[number].comes_back = None;
    }

    /// A server will be killed after so many more things it does, whatever it is doing then, and comes up again by itself.
    pub(crate) fn kill_after(&mut self, number: usize, things: u64) {
        self.servers[number].dies_after = Some(things);
    }

    /// A server that would have been killed is not.
    pub(crate) fn let_live(&mut self, number: usize) {
        self.servers[number].dies_after = None;
    }

    /// A server stands still for so long, and knows nothing of it afterwards.
    pub(crate) fn stop_for(&mut self, number: usize, ms: u64) {
        self.seen.stops += 1;
        self.servers[number].still_until = self.now + ms;
    }

    /// The store does what it is asked, and answers nobody for so long.
    pub(crate) fn stall_store_for(&mut self, ms: u64) {
        self.seen.stalls += 1;
        self.store_stalls_until = self.now + ms;
    }

    /// Counts a server down to its death. Returns whether it lives.
    fn one_more_thing(&mut self, number: usize) -> bool {
        self.seen.operations += 1;
        match &mut self.servers[number].dies_after {
            Some(0) => {
                self.kill(number);
                let away = self.below(AWAY_MS);
                self.servers[number].comes_back = Some((self.now + away, Part::Server));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        self.servers[number].desk.is_some()
    }

    /// Gives a room something, if its server lives on.
    fn put(&mut self, number: usize, input: Input) {
        if self.one_more_thing(number) {
            self.servers[number].desk.as_mut().unwrap().put(input);
        }
    }

    /// A server loses the bus, and all that was on its way to it; or finds it again.
    pub(crate) fn set_reach(&mut self, number: usize, is_reaching: bool) {
        let server = &mut self.servers[number];
        if server.is_reaching == is_reaching {
            return;
        }
        server.is_reaching = is_reaching;
        server.messages.clear();
        server.poll_at = server.clock.at(self.now);
        if let Some(desk) = &mut server.desk {
            desk.put(Input::Neighbour(if is_reaching {
                Neighbour::Reachable
            } else {
                Neighbour::Unreachable
            }));
        }
    }

    pub(crate) fn types(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let Some(desk) = &mut server.desk else { return };
        let edit = server.writer.types("a");
        server.written += 1;
        self.seen.edits += 1;
        self.seen.operations += 1;
        server.unanswered.push_back(edit.clone());
        desk.edit(ANN, &edit);
    }

    pub(crate) fn moves_caret(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let Some(desk) = &mut server.desk else { return };
        let moved = server.own.renew();
        desk.say(ANN, Said::Awareness(moved.into()));
    }

    pub(crate) fn run(&mut self, ms: u64) {
        for _ in 0..ms / STEP_MS {
            self.step();
        }
    }

    /// Whether everyone everywhere has the text that the log makes.
    pub(crate) fn is_equal(&self) -> bool {
        let truth = self.truth.replica().canonical();
        let readers = self.servers.iter().filter(|server| server.desk.is_some());
        readers
            .into_iter()
            .all(|server| server.reader.0.canonical() == truth)
    }

    /// Whom the people at each server that is up see, by writer.
    pub(crate) fn seen(&self) -> BTreeMap<usize, Vec<u64>> {
        let up = self.servers.iter().enumerate();
        up.filter(|(_, server)| server.desk.is_some())
            .map(|(number, server)| {
                let seen = server.sees.present().map(|entry| entry.client.0);
                (number, seen.collect())
            })
            .collect()
    }

    pub(crate) fn reads(&self) -> usize {
        self.servers.iter().map(|server| server.reads).sum()
    }

    /// The most memory a room takes.
    pub(crate) fn room_bytes(&self) -> usize {
        let desks = self
            .servers
            .iter()
            .filter_map(|server| server.desk.as_ref());
        desks.map(|desk| desk.room.bytes()).max().unwrap_or(0)
    }

    pub(crate) fn log_bytes(&self) -> usize {
        self.log.iter().map(Bytes::len).sum()
    }
}
