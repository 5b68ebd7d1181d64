//! Servers with one log between them and a bus that loses, doubles, delays and shuffles what goes by it; a store that is slow,
//! fails, or loses its answers; servers that lose the bus, or are killed. One clock for all, and every chance from one seed.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sheaf_core::room::{ClientKind, Effect, Input, Neighbour, Rows, Said, StoreFault, Stored};
use sheaf_core::servers::ServerId;
use sheaf_core::servers::message::{self, HeardRows, Message};
use sheaf_core::servers::roll::{BEAT_EVERY_MS, Roll};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, DocName, ReplicaId, Seq};
use sheaf_shared::limits::PRESENCE_RENEW_EVERY_MS;
use sheaf_shared::presence::{OwnPresence, Payload, Roster};
use sheaf_shared::replica::Ordered;
use sheaf_shared::time::MonotonicMs;

use crate::desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, y_websocket};

/// Milliseconds of one step.
pub(crate) const STEP_MS: u64 = 10;

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
}

impl Weather {
    pub(crate) const FINE: Self = Self {
        lost: 0,
        doubled: 0,
        delay_ms: 2,
        store_fails: 0,
        store_ms: 10,
    };
}

pub(crate) struct Server {
    pub(crate) id: ServerId,
    /// `None` while it is down.
    pub(crate) desk: Option<Desk>,
    is_reaching: bool,
    roll: Roll,
    /// Answers of the store and messages of the bus on their way, with their time.
    answers: Vec<(u64, Input)>,
    messages: Vec<(u64, Bytes)>,
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
    log: Vec<Bytes>,
    truth: Ordered,
    true_rows: usize,
    lives: u64,
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
            is_reaching: false,
            roll: Roll::default(),
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
            log: Vec::new(),
            truth: Ordered::keeping_all(ReplicaId(99)),
            true_rows: 0,
            lives: 0,
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

    /// A server comes up, under a new name, and its people come in.
    pub(crate) fn start(&mut self, number: usize) {
        self.lives += 1;
        let stored = Stored {
            rows: self.log.clone(),
            ..Stored::default()
        };
        let server = &mut self.servers[number];
        let mut desk = Desk::new();
        desk.now = MonotonicMs(self.now);
        desk.put(Input::Neighbour(Neighbour::Reachable));
        desk.join(ANN, hocuspocus(ClientKind::Stock), Role::Editor);
        desk.join(BEN, y_websocket(), Role::Editor);
        desk.put(Input::Loaded(stored));
        for member in [ANN, BEN] {
            desk.say(member, Said::Step1(Bytes::from_static(&[0])));
        }
        for edit in &server.unanswered {
            desk.edit(ANN, edit);
        }
        server.sees = Roster::default();
        let hello = server.own.set(Some("{}".into()));
        desk.say(ANN, Said::Awareness(hello.into()));
        server.id = ServerId(self.lives);
        server.desk = Some(desk);
        server.is_reaching = true;
        server.roll = Roll::default();
        server.answers.clear();
        server.messages.clear();
        (server.beat_at, server.poll_at) = (self.now, self.now);
        server.renew_at = self.now + PRESENCE_RENEW_EVERY_MS;
    }

    /// A server is killed: nobody hears of it.
    pub(crate) fn kill(&mut self, number: usize) {
        self.servers[number].desk = None;
    }

    /// A server loses the bus, and all that was on its way to it; or finds it again.
    pub(crate) fn set_reach(&mut self, number: usize, is_reaching: bool) {
        let server = &mut self.servers[number];
        let Some(desk) = &mut server.desk else { return };
        if server.is_reaching == is_reaching {
            return;
        }
        server.is_reaching = is_reaching;
        server.messages.clear();
        server.poll_at = self.now;
        desk.put(Input::Neighbour(if is_reaching {
            Neighbour::Reachable
        } else {
            Neighbour::Unreachable
        }));
    }

    pub(crate) fn types(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let Some(desk) = &mut server.desk else { return };
        let edit = server.writer.types("a");
        server.written += 1;
        server.unanswered.push_back(edit.clone());
        desk.edit(ANN, &edit);
    }

    pub(crate) fn moves_caret(&mut self, number: usize) {
        let server = &mut self.servers[number];
        let Some(desk) = &mut server.desk else { return };
        let moved = server.own.renew();
        desk.say(ANN, Said::Awareness(moved.into()));
    }

    /// Time passes, and everything that is due happens.
    pub(crate) fn step(&mut self) {
        self.now += STEP_MS;
        for number in 0..self.servers.len() {
            if self.servers[number].desk.is_none() {
                continue;
            }
            self.deliver(number);
            self.keep_time(number);
            self.carry_out(number);
            self.hear(number);
            self.carry_out(number);
        }
        self.check_acknowledged();
    }

    pub(crate) fn run(&mut self, ms: u64) {
        for _ in 0..ms / STEP_MS {
            self.step();
        }
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
        let now = MonotonicMs(self.now);
        let server = &mut self.servers[number];
        let desk = server.desk.as_mut().unwrap();
        desk.now = now;
        desk.put(Input::Tick);
        for answer in answers {
            desk.put(answer);
        }
        for bytes in messages {
            let Message { from, said } = Message::decode(&bytes).unwrap();
            server.roll.heard(from, now);
            let input = match said {
                message::Said::Rows { rows, .. } => Input::Neighbour(Neighbour::Rows(rows)),
                message::Said::Presence { payload, asks, .. } => {
                    let by = from;
                    Input::Neighbour(Neighbour::Presence { by, payload, asks })
                }
                message::Said::Heads(heads) => Input::Head(heads[0].1),
                message::Said::Beat(_) | message::Said::Goodbye => continue,
            };
            desk.put(input);
        }
        for gone in server.roll.silent(now) {
            desk.put(Input::Neighbour(Neighbour::Gone(gone)));
        }
    }

    /// Signs of life and lists of heads each second; the store is asked seldom, or often while nobody is heard. Clients
    /// renew their presence.
    fn keep_time(&mut self, number: usize) {
        if self.now >= self.servers[number].renew_at {
            self.servers[number].renew_at = self.now + PRESENCE_RENEW_EVERY_MS;
            self.moves_caret(number);
        }
        let head = Seq(self.log.len() as u64);
        if self.now >= self.servers[number].beat_at {
            self.servers[number].beat_at = self.now + BEAT_EVERY_MS;
            self.broadcast(number, message::Said::Beat(1));
            if std::mem::take(&mut self.servers[number].changed) {
                self.broadcast(number, message::Said::Heads(vec![(doc(), head)]));
            }
        }
        if self.now >= self.servers[number].poll_at {
            let pause = if self.servers[number].is_reaching {
                4_000 + self.below(2_000)
            } else {
                300 + self.below(200)
            };
            let server = &mut self.servers[number];
            server.poll_at = self.now + pause;
            server.desk.as_mut().unwrap().put(Input::Head(head));
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
            for _ in 0..copies {
                let at = self.now + self.below(self.weather.delay_ms);
                self.servers[other].messages.push((at, bytes.clone()));
            }
        }
    }

    /// The store does at once what it is asked, but its answer takes its time, or is lost.
    fn carry_out(&mut self, number: usize) {
        let is_asked = |effect: &Effect| {
            matches!(
                effect,
                Effect::Append { .. }
                    | Effect::ReadSince { .. }
                    | Effect::TellRows(_)
                    | Effect::TellPresence { .. }
            )
        };
        let desk = self.servers[number].desk.as_mut().unwrap();
        let effects = std::mem::take(&mut desk.effects);
        let (asked, others): (Vec<_>, Vec<_>) = effects.into_iter().partition(is_asked);
        desk.effects = others;
        for effect in asked {
            match effect {
                Effect::TellRows(rows) => {
                    self.check_told(&rows);
                    self.servers[number].changed = true;
                    self.broadcast(number, message::Said::Rows { doc: doc(), rows });
                }
                Effect::TellPresence { payload, asks } => {
                    let doc = doc();
                    self.broadcast(number, message::Said::Presence { doc, payload, asks });
                }
                asked => {
                    let answer = self.ask_store(number, asked);
                    let at = self.now + self.below(self.weather.store_ms);
                    self.servers[number].answers.push((at, answer));
                }
            }
        }
    }

    fn ask_store(&mut self, number: usize, asked: Effect) -> Input {
        let fails = self.happens(self.weather.store_fails);
        match asked {
            Effect::Append { ticket, rows } => {
                let is_refused = fails && self.chance.bool();
                if !is_refused {
                    self.log.extend(rows);
                }
                let last = Seq(self.log.len() as u64);
                if fails {
                    let fault = StoreFault::Unavailable;
                    Input::AppendFailed { ticket, fault }
                } else {
                    Input::Appended { ticket, last }
                }
            }
            Effect::ReadSince { .. } if fails => Input::ReadFailed,
            Effect::ReadSince { after } => {
                self.servers[number].reads += 1;
                let rows = self.log[after.0 as usize..].to_vec();
                Input::Read(Rows { after, rows })
            }
            other => panic!("the store is not asked this: {other:?}"),
        }
    }

    fn hear(&mut self, number: usize) {
        let now = MonotonicMs(self.now);
        let server = &mut self.servers[number];
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
        for (number, server) in self.servers.iter().enumerate() {
            let stored = self.truth.clock_of(ClientId(writer_of(number).into())) as usize;
            assert!(
                stored >= server.acknowledged,
                "server {number} acknowledged what is not in the log"
            );
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
