//! A whole little internet in one thread: people with real clients and replicas, lines that are slow and break,
//! programs that mean harm, a server with real rooms, and a store that stalls, fails, forgets to answer, and
//! outlives the server.
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

use crate::person::{Kind, Person};
use crate::plan::{Fault, Faults, Plan};
use crate::seen::{Seen, Trace};
use crate::server::Server;
use crate::store::Store;

/// Longest time, in milliseconds, from the moment everything works again until everyone has everything.
const HEALED_WITHIN_MS: u64 = 240_000;
/// Milliseconds after everything works again before a newcomer opens each document.
const NEWCOMER_AFTER_MS: u64 = 3_000;
/// Pause, in milliseconds, between two looks at whether all is quiet.
const LOOK_EVERY_MS: u64 = 100;

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
    /// A server that was asked to go has had its time.
    DrainIsOver { life: u64 },
    /// The store does what it was asked, and perhaps answers.
    Store { job: u64 },
    /// The store's answer arrives.
    Answer { job: u64 },
    /// A room has had its moment to gather what goes to the store together.
    Gathered { doc: DocName, life: u64 },
    /// A server is up again.
    Restart,
    /// A program that means harm does some.
    Mischief { person: usize },
    /// Those who come last sit down.
    Newcomers,
    /// Is everyone content?
    Look,
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
    /// Bytes of the longest frame that ever went out on it.
    pub(crate) longest_frame: usize,
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
    /// Things that came to pass at this very moment: a world that does not move on is a fault.
    at_once: u64,
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

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut chance = Chance::new(plan.seed);
        let docs: Vec<DocName> = (0..plan.docs)
            .map(|n| DocName::parse(&format!("page-{n}")).unwrap())
            .collect();
        let kinds = [
            (Kind::Sheaf, plan.people),
            (Kind::Stock, plan.stock),
            (Kind::Reader, plan.readers),
            (Kind::Hostile, plan.hostile),
            (Kind::Forger, plan.forgers),
            (Kind::Newcomer, plan.docs),
        ];
        let mut people: Vec<Person> = Vec::new();
        for (kind, count) in kinds {
            for nth in 0..count {
                people.push(Person::new(people.len(), nth, kind, &docs, chance.fork()));
            }
        }
        let mut world = Self {
            plan,
            now: MonotonicMs(1_000),
            queue: BTreeMap::new(),
            next_event: 0,
            at_once: 0,
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
            trace: Trace::NEW,
            seen: Seen::default(),
        };
        world.restart();
        for person in 0..world.people.len() {
            if world.people[person].kind() != Kind::Newcomer {
                world.sit_down(person);
            }
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
            self.move_on(MonotonicMs(time));
            match event {
                Event::Step(step) if step < self.plan.steps => self.step(step),
                Event::Step(_) => {
                    self.heal();
                    healed_at = Some(self.now);
                    self.after(NEWCOMER_AFTER_MS, Event::Newcomers);
                }
                Event::Look => {
                    if self.is_quiet() && self.is_level() {
                        break;
                    }
                    self.after(LOOK_EVERY_MS, Event::Look);
                }
                event => self.happen(event),
            }
            assert!(
                healed_at.is_none_or(|at| self.now.ms_since(at) < HEALED_WITHIN_MS),
                "long after everything was mended, somebody still waits: {:?}",
                self.people.iter().map(Person::describe).collect::<Vec<_>>()
            );
        }
        self.check_the_end();
        (self.trace, self.seen)
    }

    fn move_on(&mut self, time: MonotonicMs) {
        self.at_once = if time == self.now {
            self.at_once + 1
        } else {
            0
        };
        assert!(self.at_once < 50_000, "time stands still");
        self.now = time;
        self.seen.events += 1;
        self.trace.number(time.0);
    }

    fn is_quiet(&self) -> bool {
        self.people.iter().all(Person::is_content)
            && self.lines.values().all(|line| line.queue.is_empty())
            && self.store.is_quiet()
    }

    /// Whether everyone has what the store has. Deletions have no version, so whole states are compared.
    fn is_level(&self) -> bool {
        self.docs.iter().all(|doc| {
            let stored = self.store.log(doc).encoded();
            let state = self.store.log(doc).state();
            let mut here = self.people.iter().filter(|person| person.has(doc));
            here.all(|person| person.is_level(doc, &stored, &state))
        })
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step(_) | Event::Look => {}
            Event::Dialled { person, dial, life } => self.dialled(person, dial, life),
            Event::AtServer { line, frame } => self.at_server(line, frame),
            Event::AtPerson { line, frame } => self.at_person(line, &frame),
            Event::PersonCut { line, code } => self.person_cut(line, code),
            Event::ServerCut { line } => self.server_cut(line),
            Event::Pump { line } => self.pump(line),
            Event::WakePerson { person } => self.wake_person(person),
            Event::WakeRoom { doc, life } => self.wake_room(&doc, life),
            Event::Housekeeping { life } => self.housekeeping(life),
            Event::DrainIsOver { life } => self.drain_is_over(life),
            Event::Store { job } => self.store_acts(job),
            Event::Answer { job } => self.store_answers(job),
            Event::Gathered { doc, life } => self.gathered(&doc, life),
            Event::Restart => self.restart(),
            Event::Mischief { person } => self.do_mischief(person),
            Event::Newcomers => self.newcomers(),
        }
    }

    /// One step of the plan. Its chance is its own, so a shorter plan begins like a longer one.
    fn step(&mut self, step: usize) {
        let mut chance = Chance::new(self.plan.seed ^ (step as u64 + 1).wrapping_mul(0x9e37_79b9));
        let writers = self.plan.people + self.plan.stock + self.plan.readers;
        let person = chance.index_below(writers);
        let doc = self.docs[chance.index_below(self.docs.len())].clone();
        let faults = self.faults;
        match chance.weighted(&[70, 10, 4, 3, 3, 2, 2, 1, 2, 3, 1, 2]) {
            0 => self.edit(person, &doc, &mut chance),
            1 => {
                // A burst, as from a paste tool or a held key.
                for _ in 0..chance.within(5..40) {
                    self.edit(person, &doc, &mut chance);
                }
            }
            2 if faults.has(Fault::Cuts) => self.cut_person(person),
            3 if faults.has(Fault::Offline) => self.toggle_network(person),
            4 if faults.has(Fault::SlowReaders) => self.make_slow(person, chance.chance(0.7)),
            5 if faults.has(Fault::Stalls) => {
                self.store.stalls_until = self.now.plus_ms(chance.within(10..6_000));
            }
            6 if faults.has(Fault::Crashes) => self.dies_after = Some(chance.below(60)),
            7 if faults.has(Fault::Reloads) => self.reload(person),
            8 if faults.has(Fault::Drains) => self.drain(chance.within(50..4_000)),
            9 if faults.has(Fault::Roles) => self.change_role(person),
            10 if faults.has(Fault::BadRows) => {
                self.seen.bad_rows += 1;
                self.store.log_mut(&doc).spoil();
            }
            11 if faults.has(Fault::Rivals) => self.rival(&doc),
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
            match self.people[person].kind() {
                Kind::Hostile | Kind::Forger => self.give_up_mischief(person),
                Kind::Newcomer => {}
                Kind::Sheaf | Kind::Stock | Kind::Reader => {
                    self.let_write_again(person);
                    self.network_back(person);
                }
            }
        }
    }

    /// Each document is opened by someone who has nothing of it.
    fn newcomers(&mut self) {
        for person in 0..self.people.len() {
            if self.people[person].kind() == Kind::Newcomer {
                self.sit_down(person);
            }
        }
        self.after(LOOK_EVERY_MS, Event::Look);
    }

    fn check_the_end(&self) {
        for doc in &self.docs {
            let log = self.store.log(doc);
            log.check_nothing_is_lost();
            let (stored, state) = (log.encoded(), log.state());
            for person in self.people.iter().filter(|person| person.has(doc)) {
                person.check_the_end(doc, &stored, &state);
            }
        }
    }
}
