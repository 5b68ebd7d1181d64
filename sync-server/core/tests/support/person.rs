//! A person: a replica of each document, and a program that keeps it in step. Sheaf's own client is driven here.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::BTreeMap;

use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, Holder, ReplicaId};
use sheaf_shared::replica::{Origin, Replica, ReplicaError};
use sheaf_shared::sync::client::{
    Client, ClientConfig, DocStatus, Documents, Effect, Input, SocketId,
};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::Refused;
use sheaf_shared::testing::Chance;
use yrs::{GetString, Text, Transact, WriteTxn};

use crate::hostile::{Aims, FORGED, Villain};
use crate::stock::Stock;
use crate::world::{Event, LineId, World};

/// What someone is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Writes, with Sheaf's client.
    Sheaf,
    /// Writes, with a y-websocket client.
    Stock,
    /// Has Sheaf's client and may only read, and writes all the same.
    Reader,
    /// Means harm.
    Hostile,
    /// Means to speak and write for others.
    Forger,
    /// Comes when all is over, with nothing, by y-websocket.
    Newcomer,
}

/// How someone's socket speaks.
#[derive(Clone, Debug)]
pub(crate) enum Dials {
    YWebsocket(DocName),
    Hocuspocus,
}

pub(crate) struct Person {
    kind: Kind,
    number: usize,
    letter: char,
    pub(crate) chance: Chance,
    pub(crate) replicas: Replicas,
    typed: BTreeMap<DocName, usize>,
    /// Edits that this device does not know to be stored: what its local log would say.
    unsaved: BTreeMap<DocName, usize>,
    pub(crate) lives: u32,
    pub(crate) program: Program,
    pub(crate) line: Option<LineId>,
    /// A second one beside it, dialled because the line is silent.
    pub(crate) beside: Option<LineId>,
    /// What Sheaf's client dialled last as its line, and beside it.
    pub(crate) dial: u64,
    pub(crate) look: Option<u64>,
    pub(crate) network: bool,
    role: Role,
    /// Was a reader at some time, so some edits may have been refused.
    was_reader: bool,
}

pub(crate) struct Replicas(pub(crate) BTreeMap<DocName, Replica>);

impl Documents for Replicas {
    fn version(&mut self, doc: &DocName) -> Vec<u8> {
        self.0[doc].version()
    }

    fn missing_for(&mut self, doc: &DocName, theirs: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        self.0[doc].missing_for(theirs)
    }
}

pub(crate) enum Program {
    Sheaf {
        client: Box<Client>,
        statuses: BTreeMap<DocName, DocStatus>,
    },
    Stock(Stock),
    Hostile(Box<Villain>),
}

impl Person {
    /// The `nth` of its kind.
    pub(crate) fn new(
        number: usize,
        nth: usize,
        kind: Kind,
        docs: &[DocName],
        mut chance: Chance,
    ) -> Self {
        let id = ReplicaId(number as u32 * 1_000 + 1);
        let (program, docs) = match kind {
            Kind::Sheaf | Kind::Reader => (new_client(chance.bits()), docs),
            Kind::Stock => (Program::Stock(Stock::new(&docs[0], id)), &docs[..1]),
            Kind::Newcomer => (Program::Stock(Stock::new(&docs[nth], id)), &docs[nth..=nth]),
            Kind::Hostile | Kind::Forger => {
                let aims = if kind == Kind::Forger {
                    Aims::AtIds
                } else {
                    Aims::AtEverything
                };
                let villain = Villain::new(nth, docs, id, aims);
                (Program::Hostile(Box::new(villain)), &docs[..0])
            }
        };
        let replicas = docs.iter().map(|doc| (doc.clone(), Replica::new(id)));
        let is_reader = kind == Kind::Reader;
        Self {
            kind,
            number,
            letter: char::from(b'a' + number as u8),
            chance,
            replicas: Replicas(replicas.collect()),
            typed: BTreeMap::new(),
            unsaved: BTreeMap::new(),
            lives: 0,
            program,
            line: None,
            beside: None,
            dial: 0,
            look: None,
            network: true,
            role: if is_reader {
                Role::Viewer
            } else {
                Role::Editor
            },
            was_reader: is_reader,
        }
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Who it is for the server: everyone is somebody else.
    pub(crate) const fn whose(&self) -> Holder {
        Holder(self.number as u64 + 1)
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn dials(&self) -> Dials {
        match &self.program {
            Program::Sheaf { .. } => Dials::Hocuspocus,
            Program::Stock(stock) => Dials::YWebsocket(stock.doc().clone()),
            Program::Hostile(villain) => villain.dials(),
        }
    }

    /// Whether the server may say no to something this one sends.
    pub(crate) fn may_be_refused(&self) -> bool {
        self.was_reader || self.is_hostile()
    }

    /// Whether a room may put this one out for this reason. Those who mean no harm are never blamed for anything.
    pub(crate) fn may_be_put_out(&self, reason: CloseReason) -> bool {
        let is_nobodys_fault = matches!(
            reason,
            CloseReason::Moving
                | CloseReason::Fault
                | CloseReason::Unreadable
                | CloseReason::TooSlow
        );
        is_nobodys_fault || self.is_hostile()
    }

    const fn is_hostile(&self) -> bool {
        matches!(self.kind, Kind::Hostile | Kind::Forger)
    }

    pub(crate) fn replica(&self, doc: &DocName) -> &Replica {
        &self.replicas.0[doc]
    }

    pub(crate) fn has(&self, doc: &DocName) -> bool {
        self.replicas.0.contains_key(doc)
    }

    /// Everything this person made is on the server's disk or was refused, and this person was told so.
    pub(crate) fn is_content(&self) -> bool {
        match &self.program {
            Program::Sheaf { statuses, .. } => {
                statuses.len() == self.replicas.0.len()
                    && statuses.values().all(|status| self.is_final(*status))
            }
            Program::Stock(stock) => stock.confirmed() == own_clock(self.replica(stock.doc())),
            Program::Hostile(_) => true,
        }
    }

    fn is_final(&self, status: DocStatus) -> bool {
        match status {
            DocStatus::Saved => true,
            DocStatus::Refused {
                why: Refused::ReadOnly,
                ..
            } => self.kind == Kind::Reader,
            _ => false,
        }
    }

    pub(crate) fn describe(&self) -> String {
        let kind = self.kind;
        match &self.program {
            Program::Sheaf { statuses, .. } => format!("{} ({kind:?}) {statuses:?}", self.letter),
            Program::Stock(stock) => format!(
                "{} ({kind:?}) {} of {} confirmed",
                self.letter,
                stock.confirmed(),
                own_clock(self.replica(stock.doc()))
            ),
            Program::Hostile(_) => format!("{} ({kind:?})", self.letter),
        }
    }

    /// Whether this copy is as it should be: the stored one, and with a reader what was refused besides.
    pub(crate) fn is_level(&self, doc: &DocName, stored: &[u8], state: &str) -> bool {
        let replica = self.replica(doc);
        match self.kind {
            Kind::Reader => replica.holds(stored).unwrap(),
            _ => replica.canonical() == state,
        }
    }

    pub(crate) fn check_the_end(&self, doc: &DocName, stored: &[u8], state: &str) {
        let replica = self.replica(doc);
        assert!(
            self.is_level(doc, stored, state),
            "{} differs from the store in {doc}:\n{}\n{state}",
            self.describe(),
            replica.canonical()
        );
        let typed = self.typed.get(doc).copied().unwrap_or(0);
        let found = content(replica).matches(self.letter).count();
        assert_eq!(
            found,
            typed,
            "{} typed {typed} letters into {doc}; {found} are there",
            self.describe()
        );
        if self.kind == Kind::Reader {
            let mut newcomer = Replica::new(ReplicaId(0));
            newcomer.apply_stored(stored).unwrap();
            let stored = content(&newcomer).matches(self.letter).count();
            assert_eq!(stored, 0, "{} may only read", self.describe());
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
        *self.unsaved.entry(doc.clone()).or_default() += 1;
        update
    }
}

/// How many clocks of its own a replica has used.
pub(crate) fn own_clock(replica: &Replica) -> u32 {
    yrs::ReadTxn::state_vector(&replica.read()).get(&yrs::ClientID::new(u64::from(replica.id().0)))
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
        match &self.people[person].program {
            Program::Sheaf { .. } => self.open_all(person),
            Program::Stock(_) => self.stock_dials(person, 1),
            Program::Hostile(_) => self.villain_dials(person, 1),
        }
    }

    fn open_all(&mut self, person: usize) {
        let docs: Vec<DocName> = self.people[person].replicas.0.keys().cloned().collect();
        for doc in &docs {
            let id = self.people[person].replica(doc).id();
            if self.people[person].kind == Kind::Reader {
                self.store.log_mut(doc).shut_out(id.into());
            }
            let waiting = self.people[person].unsaved.get(doc).copied().unwrap_or(0);
            self.drive(person, Input::Open { doc, waiting });
            let announce = Input::Announce {
                doc,
                who: id,
                state: Some("{\"user\":{}}"),
            };
            self.drive(person, announce);
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
            Program::Stock(_) => self.stock_edited(person, &update),
            Program::Hostile(_) => {}
        }
    }

    /// Gives Sheaf's client an input and does what it asks for.
    pub(crate) fn drive(&mut self, person: usize, input: Input<'_>) {
        let mut out = Vec::new();
        let someone = &mut self.people[person];
        let Program::Sheaf { client, .. } = &mut someone.program else {
            return;
        };
        client.handle(input, self.now, &mut someone.replicas, &mut out);
        for effect in out {
            match effect {
                Effect::Dial(SocketId(dial)) => {
                    self.person_hangs_up(person);
                    self.people[person].dial = dial;
                    self.person_dials(person, dial);
                }
                Effect::Look(SocketId(dial)) => {
                    self.seen.doubts += 1;
                    self.people[person].look = Some(dial);
                    self.person_dials(person, dial);
                }
                Effect::Ping(SocketId(dial)) => self.ping(person, dial),
                Effect::HangUp(SocketId(dial)) => self.person_drops(person, dial),
                Effect::Send(frame) => self.send_up(person, frame),
                Effect::Apply { doc, update } => {
                    let replica = self.people[person].replicas.0.get_mut(&doc).unwrap();
                    replica.apply(&update, Origin::Remote).unwrap();
                }
                Effect::Acknowledged { doc, waiting, .. } => {
                    self.seen.acknowledgements += 1;
                    self.people[person].unsaved.insert(doc, waiting);
                }
                Effect::Status { doc, status } => self.told_status(person, doc, status),
                Effect::Refused { doc, why, .. } => {
                    let someone = &self.people[person];
                    assert!(
                        why == Refused::ReadOnly && someone.was_reader,
                        "{doc}: an honest edit of {} was refused: {why:?}",
                        someone.describe()
                    );
                }
                Effect::WakeAt(at) => self.at(at, Event::WakePerson { person }),
                Effect::Presence { payload, .. } => {
                    let heard = String::from_utf8_lossy(&payload);
                    assert!(!heard.contains(FORGED), "somebody was spoken for");
                }
                Effect::PresenceLost { .. }
                | Effect::Synced { .. }
                | Effect::Exchange(_)
                | Effect::Goes(_)
                | Effect::Fact { .. } => {}
            }
        }
    }

    /// "Saved" is on the screen: then all of it is on disk, at this moment.
    fn told_status(&mut self, person: usize, doc: DocName, status: DocStatus) {
        if status == DocStatus::Saved {
            let all = self.people[person].replica(&doc).missing_for(&[0]).unwrap();
            assert!(
                self.store.log(&doc).has(&all),
                "{} was shown 'Saved' for {doc} before it was",
                self.people[person].describe()
            );
        }
        if let Program::Sheaf { statuses, .. } = &mut self.people[person].program {
            statuses.insert(doc, status);
        }
    }

    pub(crate) fn wake_person(&mut self, person: usize) {
        self.drive(person, Input::Tick);
    }

    /// Somebody decides what this person may do from now on.
    pub(crate) fn change_role(&mut self, person: usize) {
        let someone = &mut self.people[person];
        if someone.kind != Kind::Sheaf {
            return;
        }
        self.seen.role_changes += 1;
        someone.was_reader = true;
        someone.role = match someone.role {
            Role::Editor => Role::Viewer,
            _ => Role::Editor,
        };
        let role = someone.role;
        self.set_roles(person, role);
    }

    pub(crate) fn let_write_again(&mut self, person: usize) {
        if self.people[person].role == Role::Viewer {
            self.change_role(person);
        }
    }

    /// The tab is closed and opened again: a new replica of a new name, filled from the device's own log.
    pub(crate) fn reload(&mut self, person: usize) {
        if !matches!(self.people[person].program, Program::Sheaf { .. }) {
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
