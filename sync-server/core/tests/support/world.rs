//! A whole little internet in one thread: people with real clients and replicas, lines that are slow and break,
//! a server with real rooms, and a store that stalls, fails, forgets to answer, and outlives the server.
//!
//! Everything happens in one queue ordered by time; all chance comes from the plan's seed. What must always hold is
//! asserted where it happens, so a failure points at the first wrong step.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use sheaf_core::room::MemberId;
use sheaf_shared::ids::DocName;
use sheaf_shared::testing::Chance;
use sheaf_shared::time::MonotonicMs;

use crate::person::Person;
use crate::server::Server;
use crate::store::Store;

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) cuts: bool,
    pub(crate) slow_readers: bool,
    pub(crate) stalls: bool,
    pub(crate) store_fails: bool,
    pub(crate) lost_answers: bool,
    pub(crate) crashes: bool,
    pub(crate) reloads: bool,
    pub(crate) offline: bool,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        cuts: false,
        slow_readers: false,
        stalls: false,
        store_fails: false,
        lost_answers: false,
        crashes: false,
        reloads: false,
        offline: false,
    };
    pub(crate) const ALL: Self = Self {
        cuts: true,
        slow_readers: true,
        stalls: true,
        store_fails: true,
        lost_answers: true,
        crashes: true,
        reloads: true,
        offline: true,
    };
}

/// One run. The same plan gives the same run, on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// People with Sheaf's own client.
    pub(crate) people: usize,
    /// People with a y-websocket client.
    pub(crate) stock: usize,
    pub(crate) docs: usize,
    /// Things people and fate do.
    pub(crate) steps: usize,
    pub(crate) faults: Faults,
}

/// What comes to pass at its time.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The next thing the plan holds.
    Step(usize),
    /// A socket someone dialled opens, or does not.
    Dialled { person: usize, dial: u64, life: u32 },
    /// A frame arrives at the server.
    AtServer { line: LineId, frame: Bytes },
    /// A frame arrives at the person.
    AtPerson { line: LineId, frame: Bytes },
    /// The person's end learns that the line is gone.
    PersonCut { line: LineId, code: u16 },
    /// The server's end learns that the line is gone.
    ServerCut { line: LineId },
    /// The server's socket can take more.
    Pump { line: LineId },
    /// A person's timer.
    WakePerson { person: usize },
    /// A room's timer.
    WakeRoom { doc: DocName, life: u64 },
    /// The server looks after its rooms.
    Housekeeping { life: u64 },
    /// The store does what it was asked, and perhaps answers.
    Store { job: u64 },
    /// The store's answer arrives.
    Answer { job: u64 },
    /// The server is up again.
    Restart,
}

/// Names one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LineId(pub(crate) u64);

/// One connection. What is on it when it breaks is lost.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) person: usize,
    pub(crate) dial: u64,
    /// Frames queued at the server for this socket, as a runtime would hold them.
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) queued_bytes: usize,
    pub(crate) pumping: bool,
    pub(crate) slow: bool,
    pub(crate) last_up: u64,
    pub(crate) last_down: u64,
    /// The server does not read it; what arrives waits.
    pub(crate) unread: Option<VecDeque<Bytes>>,
    pub(crate) closing: Option<u16>,
}

#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) member: MemberId,
    pub(crate) frame: Bytes,
    pub(crate) droppable: bool,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) now: MonotonicMs,
    queue: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    pub(crate) chance: Chance,
    pub(crate) faults: Faults,
    pub(crate) people: Vec<Person>,
    pub(crate) lines: BTreeMap<LineId, Line>,
    pub(crate) next_line: u64,
    pub(crate) server: Option<Server>,
    pub(crate) lives: u64,
    pub(crate) store: Store,
    pub(crate) docs: Vec<DocName>,
    /// The server dies when it has done so many more things.
    pub(crate) dies_after: Option<u64>,
    pub(crate) trace: Trace,
    pub(crate) seen: Seen,
}

/// How often the rare things happened, so that a run which reached nothing is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) edits: u64,
    pub(crate) acknowledgements: u64,
    pub(crate) crashes: u64,
    pub(crate) cuts: u64,
    pub(crate) lags: u64,
    pub(crate) stops: u64,
    pub(crate) lost_answers: u64,
    pub(crate) store_failures: u64,
    pub(crate) gaps: u64,
    pub(crate) compactions: u64,
    pub(crate) retired: u64,
    pub(crate) reloads: u64,
    pub(crate) frames: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, other: Self) {
        self.edits += other.edits;
        self.acknowledgements += other.acknowledgements;
        self.crashes += other.crashes;
        self.cuts += other.cuts;
        self.lags += other.lags;
        self.stops += other.stops;
        self.lost_answers += other.lost_answers;
        self.store_failures += other.store_failures;
        self.gaps += other.gaps;
        self.compactions += other.compactions;
        self.retired += other.retired;
        self.reloads += other.reloads;
        self.frames += other.frames;
    }

    pub(crate) fn reached_everything(self) -> bool {
        let rarest = [
            self.acknowledgements,
            self.crashes,
            self.cuts,
            self.lags,
            self.stops,
            self.lost_answers,
            self.store_failures,
            self.gaps,
            self.compactions,
            self.retired,
            self.reloads,
        ];
        rarest.into_iter().all(|times| times > 0)
    }
}

/// A fingerprint of everything that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace(pub(crate) u64);

impl Trace {
    pub(crate) fn note(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.note(&number.to_le_bytes());
    }
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut chance = Chance::new(plan.seed);
        let docs: Vec<DocName> = (0..plan.docs)
            .map(|n| DocName::parse(&format!("page-{n}")).unwrap())
            .collect();
        let people = (0..plan.people + plan.stock)
            .map(|n| Person::new(n, n >= plan.people, &docs, chance.fork()))
            .collect();
        let mut world = Self {
            plan,
            now: MonotonicMs(1_000),
            queue: BTreeMap::new(),
            next_event: 0,
            chance,
            faults: plan.faults,
            people,
            lines: BTreeMap::new(),
            next_line: 0,
            server: None,
            lives: 0,
            store: Store::new(&docs),
            docs,
            dies_after: None,
            trace: Trace(0xcbf2_9ce4_8422_2325),
            seen: Seen::default(),
        };
        world.restart();
        for person in 0..world.people.len() {
            world.sit_down(person);
        }
        world.after(5, Event::Step(0));
        world
    }

    pub(crate) fn after(&mut self, ms: u64, event: Event) {
        self.at(self.now.plus_ms(ms), event);
    }

    pub(crate) fn at(&mut self, time: MonotonicMs, event: Event) {
        let key = (time.0.max(self.now.0), self.next_event);
        self.next_event += 1;
        self.queue.insert(key, event);
    }

    /// Runs the plan, heals everything, waits until all is quiet, and checks what must hold then.
    pub(crate) fn run(mut self) -> (Trace, Seen) {
        let mut healed_at = None;
        while let Some(((time, _), event)) = self.queue.pop_first() {
            self.now = MonotonicMs(time);
            self.trace.number(time);
            if let Event::Step(step) = event {
                if step < self.plan.steps {
                    self.step(step);
                } else {
                    self.heal();
                    healed_at = Some(self.now);
                }
                continue;
            }
            self.happen(event);
            if let Some(healed_at) = healed_at
                && self.now.ms_since(healed_at) > 5_000
                && self.people.iter().all(Person::is_content)
                && self.lines.values().all(|line| line.queue.is_empty())
                && self.store.is_quiet()
                && self.is_level()
            {
                break;
            }
            assert!(
                healed_at.is_none_or(|at| self.now.ms_since(at) < 240_000),
                "four minutes after everything was mended, somebody still waits: {:?}",
                self.people.iter().map(Person::describe).collect::<Vec<_>>()
            );
        }
        self.check_the_end();
        (self.trace, self.seen)
    }

    /// Whether everyone has what the store has. Deletions have no version, so whole states are compared.
    fn is_level(&self) -> bool {
        self.docs.iter().all(|doc| {
            let mut here = self.people.iter().filter(|person| person.has(doc));
            let stored = self.store.state(doc);
            here.all(|person| person.replica(doc).canonical() == stored)
        })
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step(_) => {}
            Event::Dialled { person, dial, life } => self.dialled(person, dial, life),
            Event::AtServer { line, frame } => self.at_server(line, frame),
            Event::AtPerson { line, frame } => self.at_person(line, &frame),
            Event::PersonCut { line, code } => self.person_cut(line, code),
            Event::ServerCut { line } => self.server_cut(line),
            Event::Pump { line } => self.pump(line),
            Event::WakePerson { person } => self.wake_person(person),
            Event::WakeRoom { doc, life } => self.wake_room(&doc, life),
            Event::Housekeeping { life } => self.housekeeping(life),
            Event::Store { job } => self.store_acts(job),
            Event::Answer { job } => self.store_answers(job),
            Event::Restart => self.restart(),
        }
    }

    /// One step of the plan. Its chance is its own, so a shorter plan begins like a longer one.
    fn step(&mut self, step: usize) {
        let mut chance = Chance::new(self.plan.seed ^ (step as u64 + 1).wrapping_mul(0x9e37_79b9));
        let person = chance.index_below(self.people.len());
        let doc = self.docs[chance.index_below(self.docs.len())].clone();
        let faults = self.faults;
        match chance.weighted(&[70, 10, 4, 3, 3, 2, 2, 1]) {
            0 => self.edit(person, &doc, &mut chance),
            1 => {
                // A burst, as from a paste tool or a held key.
                for _ in 0..chance.within(5..40) {
                    self.edit(person, &doc, &mut chance);
                }
            }
            2 if faults.cuts => self.cut_person(person),
            3 if faults.offline => self.toggle_network(person),
            4 if faults.slow_readers => self.make_slow(person, chance.chance(0.7)),
            5 if faults.stalls => {
                self.store.stalls_until = self.now.plus_ms(chance.within(10..6_000));
            }
            6 if faults.crashes => self.dies_after = Some(chance.below(60)),
            7 if faults.reloads => self.reload(person),
            _ => self.edit(person, &doc, &mut chance),
        }
        let pause = if chance.chance(0.05) {
            chance.within(1_000..40_000)
        } else {
            chance.below(120)
        };
        self.after(pause, Event::Step(step + 1));
    }

    fn heal(&mut self) {
        self.faults = Faults::NONE;
        self.dies_after = None;
        self.store.stalls_until = self.now;
        for line in self.lines.values_mut() {
            line.slow = false;
        }
        for person in 0..self.people.len() {
            self.network_back(person);
        }
    }

    fn check_the_end(&self) {
        for doc in &self.docs {
            let stored = self.store.state(doc);
            for person in self.people.iter().filter(|person| person.has(doc)) {
                let replica = person.replica(doc);
                assert_eq!(
                    replica.canonical(),
                    stored,
                    "{} differs from the store in {doc}",
                    person.describe()
                );
                let typed = person.typed(doc);
                let found = person.count_own_letters(doc);
                assert_eq!(
                    found,
                    typed,
                    "{} typed {typed} letters into {doc}; {found} are there",
                    person.describe()
                );
            }
        }
    }
}
