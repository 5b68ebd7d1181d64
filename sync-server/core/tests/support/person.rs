//! A person: a replica of each document, and either Sheaf's own client or a y-websocket client.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use sheaf_shared::gate;
use sheaf_shared::ids::{ClientId, DocName, ReplicaId};
use sheaf_shared::presence::OwnPresence;
use sheaf_shared::replica::{Origin, Replica, ReplicaError};
use sheaf_shared::sync::client::{
    Client, ClientConfig, DocStatus, Documents, Effect, Input, SocketId,
};
use sheaf_shared::testing::Chance;
use sheaf_shared::wire::{SyncMessage, y_websocket};
use yrs::{GetString, Text, Transact, WriteTxn};

use crate::world::{Event, LineId, World};

pub(crate) struct Person {
    number: usize,
    letter: char,
    chance: Chance,
    replicas: Replicas,
    typed: BTreeMap<DocName, usize>,
    lives: u32,
    program: Program,
    line: Option<LineId>,
    network: bool,
}

struct Replicas(BTreeMap<DocName, Replica>);

impl Documents for Replicas {
    fn version(&mut self, doc: &DocName) -> Vec<u8> {
        self.0[doc].version()
    }

    fn missing_for(&mut self, doc: &DocName, theirs: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        self.0[doc].missing_for(theirs)
    }
}

enum Program {
    Sheaf {
        client: Box<Client>,
        statuses: BTreeMap<DocName, DocStatus>,
    },
    /// One document, its own state vector on each connection, "saved" when the echo came.
    Stock {
        dial: u64,
        presence: OwnPresence,
        /// Clocks of its own that it has heard back from the server.
        confirmed: u32,
    },
}

impl Person {
    pub(crate) fn new(number: usize, is_stock: bool, docs: &[DocName], mut chance: Chance) -> Self {
        let docs = if is_stock { &docs[..1] } else { docs };
        let id = ReplicaId(number as u32 * 1_000 + 1);
        let program = if is_stock {
            Program::Stock {
                dial: 0,
                presence: OwnPresence::new(id.into()),
                confirmed: 0,
            }
        } else {
            new_client(chance.bits())
        };
        Self {
            number,
            letter: char::from(b'a' + number as u8),
            chance,
            replicas: Replicas(
                docs.iter()
                    .map(|doc| (doc.clone(), Replica::new(id)))
                    .collect(),
            ),
            typed: BTreeMap::new(),
            lives: 0,
            program,
            line: None,
            network: true,
        }
    }

    pub(crate) fn replica(&self, doc: &DocName) -> &Replica {
        self.replicas
            .0
            .get(doc)
            .unwrap_or(&self.replicas.0[self.docs()[0]])
    }

    fn docs(&self) -> Vec<&DocName> {
        self.replicas.0.keys().collect()
    }

    pub(crate) fn has(&self, doc: &DocName) -> bool {
        self.replicas.0.contains_key(doc)
    }

    pub(crate) fn typed(&self, doc: &DocName) -> usize {
        self.typed.get(doc).copied().unwrap_or(0)
    }

    pub(crate) fn count_own_letters(&self, doc: &DocName) -> usize {
        content(self.replica(doc)).matches(self.letter).count()
    }

    /// Everything this person made is on the server's disk, and this person was told so.
    pub(crate) fn is_content(&self) -> bool {
        match &self.program {
            Program::Sheaf { statuses, .. } => {
                statuses.len() == self.replicas.0.len()
                    && statuses.values().all(|status| *status == DocStatus::Saved)
            }
            Program::Stock { confirmed, .. } => *confirmed == self.own_clock(),
        }
    }

    fn own_clock(&self) -> u32 {
        let replica = self.replicas.0.values().next().unwrap();
        yrs::ReadTxn::state_vector(&replica.read())
            .get(&yrs::ClientID::new(u64::from(replica.id().0)))
    }

    pub(crate) fn describe(&self) -> String {
        match &self.program {
            Program::Sheaf { statuses, .. } => format!("{} {statuses:?}", self.letter),
            Program::Stock { confirmed, .. } => format!(
                "{} (stock) {confirmed} of {} confirmed",
                self.letter,
                self.own_clock()
            ),
        }
    }

    /// One small change; returns it as an update. Letters are never deleted, so all of them must be there at the end.
    fn change(&mut self, doc: &DocName, chance: &mut Chance) -> Option<Vec<u8>> {
        let letter = self.letter.to_string();
        let typed = chance.chance(0.75);
        let replica = self.replicas.0.get_mut(doc)?;
        let update = replica.transact(Origin::Local, |txn| {
            let name = if typed { "content" } else { "scratch" };
            let text = txn.get_or_insert_text(name);
            let length = text.len(txn);
            let place = chance.below(u64::from(length) + 1) as u32;
            if typed {
                text.insert(txn, place, &letter);
            } else if length > 4 && chance.chance(0.5) {
                let from = place.min(length - 2);
                text.remove_range(txn, from, 1 + chance.below(2) as u32);
            } else {
                text.insert(txn, place, "xyz");
            }
        });
        if typed {
            *self.typed.entry(doc.clone()).or_default() += 1;
        }
        update
    }
}

fn content(replica: &Replica) -> String {
    let text = replica.doc().get_or_insert_text("content");
    text.get_string(&replica.doc().transact())
}

fn new_client(seed: u64) -> Program {
    let config = ClientConfig {
        token: String::new(),
        seed,
    };
    Program::Sheaf {
        client: Box::new(Client::new(config)),
        statuses: BTreeMap::new(),
    }
}

impl World {
    pub(crate) fn sit_down(&mut self, person: usize) {
        let docs: Vec<DocName> = self.people[person].docs().into_iter().cloned().collect();
        match &self.people[person].program {
            Program::Sheaf { .. } => {
                for doc in &docs {
                    self.drive(person, Input::Open { doc, waiting: 0 });
                    let id = self.people[person].replica(doc).id();
                    let announce = Input::Announce {
                        doc,
                        who: id,
                        state: Some("{\"user\":{}}"),
                    };
                    self.drive(person, announce);
                }
            }
            Program::Stock { .. } => self.stock_dials(person, 1),
        }
    }

    pub(crate) fn edit(&mut self, person: usize, doc: &DocName, chance: &mut Chance) {
        let doc = if self.people[person].has(doc) {
            doc.clone()
        } else {
            self.docs[0].clone()
        };
        let Some(update) = self.people[person].change(&doc, chance) else {
            return;
        };
        self.seen.edits += 1;
        self.trace.note(&update);
        match &self.people[person].program {
            Program::Sheaf { .. } => {
                let edited = Input::Edited {
                    doc: &doc,
                    update: &update,
                };
                self.drive(person, edited);
            }
            Program::Stock { .. } => {
                let message = y_websocket::Message::Sync(SyncMessage::Update(&update));
                self.send_up(person, message.to_vec());
            }
        }
    }

    /// Gives Sheaf's client an input and does what it asks for.
    fn drive(&mut self, person: usize, input: Input<'_>) {
        let mut out = Vec::new();
        let someone = &mut self.people[person];
        let Program::Sheaf { client, .. } = &mut someone.program else {
            return;
        };
        client.handle(input, self.now, &mut someone.replicas, &mut out);
        for effect in out {
            match effect {
                Effect::Dial(SocketId(dial)) => {
                    let wait = self.people[person].chance.within(1..40);
                    let life = self.people[person].lives;
                    self.after(wait, Event::Dialled { person, dial, life });
                }
                Effect::HangUp(_) => self.person_hangs_up(person),
                Effect::Send(frame) => self.send_up(person, frame),
                Effect::Apply { doc, update } => {
                    let replica = self.people[person].replicas.0.get_mut(&doc).unwrap();
                    replica.apply(&update, Origin::Remote).unwrap();
                }
                Effect::Acknowledged { .. } => self.seen.acknowledgements += 1,
                Effect::Status { doc, status } => self.told_status(person, doc, status),
                Effect::Refused { doc, why, .. } => {
                    panic!("{doc}: an honest edit was refused: {why:?}")
                }
                Effect::WakeAt(at) => self.at(at, Event::WakePerson { person }),
                Effect::Presence { .. }
                | Effect::PresenceLost { .. }
                | Effect::Synced { .. }
                | Effect::Fact { .. } => {}
            }
        }
    }

    /// "Saved" is on the screen: then all of it is on disk, at this moment.
    fn told_status(&mut self, person: usize, doc: DocName, status: DocStatus) {
        if status == DocStatus::Saved {
            let all = self.people[person].replica(&doc).missing_for(&[0]).unwrap();
            assert!(
                self.store.has(&doc, &all),
                "{} was shown 'Saved' for {doc} before it was",
                self.people[person].describe()
            );
        }
        if let Program::Sheaf { statuses, .. } = &mut self.people[person].program {
            statuses.insert(doc, status);
        }
    }

    pub(crate) fn wake_person(&mut self, person: usize) {
        match self.people[person].program {
            Program::Sheaf { .. } => self.drive(person, Input::Tick),
            Program::Stock { .. } => {}
        }
    }

    pub(crate) fn dialled(&mut self, person: usize, dial: u64, life: u32) {
        let someone = &mut self.people[person];
        // A tab that was closed meanwhile.
        if someone.lives != life {
            return;
        }
        if let Program::Stock { dial: wanted, .. } = someone.program
            && (wanted != dial || someone.line.is_some())
        {
            return;
        }
        let reached = someone.network && self.server.is_some();
        if !reached {
            return self.person_loses_line(person, dial, 1006);
        }
        let line = self.open_line(person, dial);
        self.people[person].line = Some(line);
        match self.people[person].program {
            Program::Sheaf { .. } => self.drive(person, Input::SocketOpened(SocketId(dial))),
            Program::Stock { .. } => {
                let version = self.people[person].replicas.0[&self.docs[0]].version();
                let step1 = y_websocket::Message::Sync(SyncMessage::Step1(&version)).to_vec();
                self.send_up(person, step1);
                let Program::Stock { presence, .. } = &mut self.people[person].program else {
                    return;
                };
                let hello = presence.set(Some("{}".into()));
                self.send_up(person, y_websocket::Message::Awareness(&hello).to_vec());
            }
        }
    }

    fn stock_dials(&mut self, person: usize, after: u64) {
        if let Program::Stock { dial, .. } = &mut self.people[person].program {
            *dial += 1;
            let dial = *dial;
            self.after(
                after,
                Event::Dialled {
                    person,
                    dial,
                    life: 0,
                },
            );
        }
    }

    fn person_loses_line(&mut self, person: usize, dial: u64, code: u16) {
        self.people[person].line = None;
        match self.people[person].program {
            Program::Sheaf { .. } => {
                let socket = SocketId(dial);
                self.drive(person, Input::SocketClosed { socket, code });
            }
            Program::Stock { .. } => {
                let wait = self.people[person].chance.within(100..2_500);
                self.stock_dials(person, wait);
            }
        }
    }

    pub(crate) fn person_cut(&mut self, line: LineId, code: u16) {
        let Some((person, dial)) = self.lines.get(&line).map(|line| (line.person, line.dial))
        else {
            return;
        };
        self.lines.remove(&line);
        if self.people[person].line == Some(line) {
            self.person_loses_line(person, dial, code);
        }
    }

    fn person_hangs_up(&mut self, person: usize) {
        if let Some(line) = self.people[person].line.take() {
            self.lines.remove(&line);
            let wait = self.people[person].chance.below(50);
            self.after(wait, Event::ServerCut { line });
        }
    }

    pub(crate) fn at_person(&mut self, id: LineId, frame: &Bytes) {
        let Some(line) = self.lines.get(&id) else {
            return;
        };
        let (person, socket) = (line.person, SocketId(line.dial));
        if self.people[person].line != Some(id) {
            return;
        }
        match self.people[person].program {
            Program::Sheaf { .. } => self.drive(person, Input::Received { socket, frame }),
            Program::Stock { .. } => self.stock_hears(person, frame),
        }
    }

    fn stock_hears(&mut self, person: usize, frame: &Bytes) {
        use y_websocket::Message;
        let doc = self.docs[0].clone();
        let someone = &mut self.people[person];
        let replica = someone.replicas.0.get_mut(&doc).unwrap();
        let Program::Stock {
            confirmed,
            presence,
            ..
        } = &mut someone.program
        else {
            return;
        };
        let answer = match Message::decode(frame).unwrap() {
            Message::Sync(SyncMessage::Step1(theirs)) => {
                let missing = replica.missing_for(theirs).unwrap();
                Message::Sync(SyncMessage::Step2(&missing)).to_vec()
            }
            Message::Sync(SyncMessage::Step2(update) | SyncMessage::Update(update)) => {
                let own = ClientId::from(replica.id());
                for run in gate::update::inspect(update).unwrap().runs() {
                    if run.client == own && run.from <= *confirmed {
                        *confirmed = run.until.max(*confirmed);
                    }
                }
                replica.apply(update, Origin::Remote).unwrap();
                return;
            }
            Message::Awareness(payload) => {
                let heard = sheaf_shared::presence::Payload::parse(payload).unwrap();
                match presence.hear(heard) {
                    Some(again) => Message::Awareness(&again).to_vec(),
                    None => return,
                }
            }
            Message::QueryAwareness | Message::PermissionDenied(_) => return,
        };
        self.send_up(person, answer);
    }

    fn send_up(&mut self, person: usize, frame: Vec<u8>) {
        let Some(id) = self.people[person].line else {
            return;
        };
        let delay = self.people[person].chance.within(1..25);
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        line.last_up = line.last_up.max(self.now.0 + delay);
        let at = sheaf_shared::time::MonotonicMs(line.last_up);
        self.at(
            at,
            Event::AtServer {
                line: id,
                frame: frame.into(),
            },
        );
    }

    /// The line breaks: what is on it is lost. Sometimes nobody tells the person, and only silence will.
    pub(crate) fn cut_person(&mut self, person: usize) {
        let Some(line) = self.people[person].line else {
            return;
        };
        self.seen.cuts += 1;
        let mut chance = self.people[person].chance.fork();
        let is_stock = matches!(self.people[person].program, Program::Stock { .. });
        if is_stock || chance.chance(0.8) {
            let dial = self.lines.get(&line).map_or(0, |line| line.dial);
            self.lines.remove(&line);
            self.person_loses_line(person, dial, 1006);
        } else {
            self.lines.remove(&line);
        }
        self.after(chance.below(3_000), Event::ServerCut { line });
    }

    pub(crate) fn toggle_network(&mut self, person: usize) {
        if self.people[person].network {
            self.people[person].network = false;
            self.drive(person, Input::NetworkGone);
            if matches!(self.people[person].program, Program::Stock { .. }) {
                self.cut_person(person);
            }
        } else {
            self.network_back(person);
        }
    }

    pub(crate) fn network_back(&mut self, person: usize) {
        self.people[person].network = true;
        self.drive(person, Input::NetworkBack);
    }

    /// The tab is closed and opened again: a new replica of a new name, filled from the device's own log.
    pub(crate) fn reload(&mut self, person: usize) {
        if matches!(self.people[person].program, Program::Stock { .. }) {
            return;
        }
        self.seen.reloads += 1;
        self.person_hangs_up(person);
        let someone = &mut self.people[person];
        someone.lives += 1;
        let id = ReplicaId(someone.number as u32 * 1_000 + 1 + someone.lives);
        for replica in someone.replicas.0.values_mut() {
            let mut fresh = Replica::new(id);
            fresh.apply(&replica.encode(), Origin::Remote).unwrap();
            *replica = fresh;
        }
        someone.network = true;
        someone.program = new_client(someone.chance.bits());
        self.sit_down(person);
    }
}
