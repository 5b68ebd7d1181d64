//! A program that means harm. It may write, and says whatever might hurt: frames that are none, updates the gate
//! must refuse, state vectors of documents that never were, edits that build on what never comes, everything twice,
//! everything at once, and what it heard from others over again.
//!
//! A forger among them does nothing but say and write things under the ids of those it hears of.
//!
//! What it may do to the words of a page anyone with the right to write may do; so of those edits of its that are
//! taken, none deletes.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::BTreeMap;

use sheaf_shared::gate;
use sheaf_shared::ids::{ClientId, DocName, ReplicaId};
use sheaf_shared::limits::PRESENCE_CLOCK_MAX;
use sheaf_shared::presence::{self, Entry, Payload};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::testing::{Bytes, Chance};
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::hocuspocus::{self, Address, Auth};
use sheaf_shared::wire::{SyncMessage, y_websocket};
use yrs::{Text, WriteTxn};

use crate::person::{Dials, Program};
use crate::world::{Event, World};

/// Frames of others that it keeps to say them again.
const HEARD_MAX: usize = 20;

/// Milliseconds, since somebody was heard last, in which they are forged: a room remembers them for a minute.
const FORGES_WITHIN_MS: u64 = 40_000;

/// What forged presence says, and no other.
pub(crate) const FORGED: &str = "forged";

/// What somebody who means harm is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aims {
    AtEverything,
    /// To speak and write for others.
    AtIds,
}

pub(crate) struct Villain {
    aims: Aims,
    /// Who is here, heard on this connection: under which clock, and when; and how far each has written.
    victims: BTreeMap<ClientId, (u32, MonotonicMs)>,
    clocks: BTreeMap<ClientId, u32>,
    doc: DocName,
    speaks_hocuspocus: bool,
    dial: u64,
    /// What it writes. Some of it is never sent, and what comes after builds on it.
    replica: Replica,
    withheld: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
    has_given_up: bool,
}

impl Villain {
    pub(crate) fn new(nth: usize, docs: &[DocName], id: ReplicaId, aims: Aims) -> Self {
        Self {
            aims,
            victims: BTreeMap::new(),
            clocks: BTreeMap::new(),
            doc: docs[nth % docs.len()].clone(),
            speaks_hocuspocus: (nth / docs.len()).is_multiple_of(2),
            dial: 0,
            replica: Replica::new(id),
            withheld: Vec::new(),
            sent: Vec::new(),
            heard: Vec::new(),
            has_given_up: false,
        }
    }

    pub(crate) const fn wants(&self, dial: u64) -> bool {
        self.dial == dial && !self.has_given_up
    }

    pub(crate) fn dials(&self) -> Dials {
        if self.speaks_hocuspocus {
            Dials::Hocuspocus
        } else {
            Dials::YWebsocket(self.doc.clone())
        }
    }

    fn sync(&self, message: SyncMessage<'_>) -> Vec<u8> {
        if self.speaks_hocuspocus {
            hocuspocus::Message::Sync(message)
                .to(Address(self.doc.as_str()))
                .to_vec()
        } else {
            y_websocket::Message::Sync(message).to_vec()
        }
    }

    fn update(&self, update: &[u8]) -> Vec<u8> {
        self.sync(SyncMessage::Update(update))
    }

    fn presence(&self, payload: &[u8]) -> Vec<u8> {
        if self.speaks_hocuspocus {
            hocuspocus::Message::Awareness(payload)
                .to(Address(self.doc.as_str()))
                .to_vec()
        } else {
            y_websocket::Message::Awareness(payload).to_vec()
        }
    }

    fn token(&self, address: &str, provider: Option<&str>) -> Vec<u8> {
        let token = "";
        let auth = Auth::Token { token, provider };
        hocuspocus::Message::Auth(auth)
            .to(Address(address))
            .to_vec()
    }

    /// Writes one character into its own copy.
    fn write(&mut self) -> Vec<u8> {
        let written = self.replica.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            let end = text.len(txn);
            text.insert(txn, end, "!");
        });
        written.unwrap()
    }

    /// The frames of one forgery.
    fn forgery(&mut self, chance: &mut Chance, now: MonotonicMs) -> Vec<Vec<u8>> {
        // Who is away for longer is not known any more.
        self.victims
            .retain(|_, (_, heard_at)| now.ms_since(*heard_at) < FORGES_WITHIN_MS);
        if self.victims.is_empty() {
            return Vec::new();
        }
        let nth = chance.index_below(self.victims.len());
        let (client, (presence_clock, _)) = self.victims.iter().nth(nth).unwrap();
        let said = |clock, state| {
            let client = *client;
            self.presence(&presence::encode(&[Entry {
                client,
                clock,
                state,
            }]))
        };
        let next = self.clocks.get(client).copied().unwrap_or(0);
        let word = |ahead: u64| {
            let update = Bytes::new().num(1).num(1).num(client.0);
            let update = update.num(u64::from(next) + ahead);
            update.raw(&[4, 1]).text("content").text("!").num(0).0
        };
        match chance.below(5) {
            0 => vec![said(PRESENCE_CLOCK_MAX, Some("{\"forged\":1}"))],
            1 => vec![said(presence_clock + 1, Some("{\"forged\":1}"))],
            2 => vec![said(presence_clock + 1, None)],
            3 => (0..chance.within(1..6))
                .map(|ahead| self.update(&word(ahead)))
                .collect(),
            _ => vec![self.sync(SyncMessage::Step2(&word(chance.below(3))))],
        }
    }

    /// Notes whom it could speak for.
    fn listen(&mut self, frame: &[u8], now: MonotonicMs) {
        use {hocuspocus::Message as Words, y_websocket::Message as Plain};
        let (sync, payload) = if self.speaks_hocuspocus {
            match hocuspocus::Frame::decode(frame, hocuspocus::From::Server) {
                Ok(hocuspocus::Frame::Document { message, .. }) => match message {
                    Words::Sync(sync) => (Some(sync), None),
                    Words::Awareness(payload) => (None, Some(payload)),
                    _ => return,
                },
                _ => return,
            }
        } else {
            match Plain::decode(frame) {
                Ok(Plain::Sync(sync)) => (Some(sync), None),
                Ok(Plain::Awareness(payload)) => (None, Some(payload)),
                _ => return,
            }
        };
        if let Some(SyncMessage::Step2(update) | SyncMessage::Update(update)) = sync {
            for run in gate::update::inspect(update).unwrap().runs() {
                let clock = self.clocks.entry(run.client).or_insert(0);
                *clock = run.until.max(*clock);
            }
        }
        let Some(Ok(heard)) = payload.map(Payload::parse) else {
            return;
        };
        for entry in heard.entries().filter(|entry| entry.state.is_some()) {
            self.victims.insert(entry.client, (entry.clock, now));
        }
    }

    /// The frames of one piece of mischief.
    fn mischief(&mut self, chance: &mut Chance, now: MonotonicMs) -> Vec<Vec<u8>> {
        if self.aims == Aims::AtIds {
            return self.forgery(chance, now);
        }
        match chance.below(11) {
            0 => vec![chance_bytes(chance)],
            1 => {
                let garbage = refused(chance, &chance_bytes(&mut chance.clone()));
                vec![self.update(&garbage)]
            }
            2 => {
                let version = forged_version(chance);
                vec![self.sync(SyncMessage::Step1(&version))]
            }
            3 => {
                // Edits that build on what does not come, or not yet.
                let withheld = self.write();
                self.withheld.push(withheld);
                (0..chance.within(1..12))
                    .map(|_| {
                        let update = self.write();
                        self.update(&update)
                    })
                    .collect()
            }
            4 => {
                // What it had withheld, all at once and in the wrong order.
                let mut late = std::mem::take(&mut self.withheld);
                late.reverse();
                late.iter().map(|update| self.update(update)).collect()
            }
            5 => {
                let update = self.write();
                self.sent.push(update.clone());
                vec![self.update(&update); chance.within(2..20) as usize]
            }
            6 => self.sent.iter().map(|update| self.update(update)).collect(),
            7 => self.heard.clone(),
            8 => {
                let frame = self.sync(SyncMessage::Step1(&[0]));
                vec![frame; chance.within(20..300) as usize]
            }
            9 => vec![self.presence(&chance_bytes(chance))],
            _ => self
                .heard
                .last()
                .map(|frame| broken(chance, frame, self.speaks_hocuspocus))
                .into_iter()
                .collect(),
        }
    }
}

fn chance_bytes(chance: &mut Chance) -> Vec<u8> {
    let length = chance.within(0..40) as usize;
    chance.bytes(length)
}

/// Bytes the gate must refuse; these, if it does.
fn refused(chance: &mut Chance, bytes: &[u8]) -> Vec<u8> {
    if gate::update::inspect(bytes).is_err() {
        return bytes.to_vec();
    }
    Bytes::new().num(1).num(1).num(chance.bits()).0
}

/// A state vector of a document that never was.
fn forged_version(chance: &mut Chance) -> Vec<u8> {
    let count = chance.below(6);
    let mut bytes = Bytes::new().num(if chance.chance(0.2) { u64::MAX } else { count });
    for _ in 0..count {
        let client = chance.below(8) * 1_000 + 1;
        bytes = bytes.num(client).num(chance.bits() >> chance.below(64));
    }
    bytes.0
}

/// An honest frame with some bits turned, if what comes out is nothing that could be taken.
fn broken(chance: &mut Chance, frame: &[u8], speaks_hocuspocus: bool) -> Vec<u8> {
    let mut broken = frame.to_vec();
    for _ in 0..chance.within(1..4) {
        let place = chance.index_below(broken.len());
        broken[place] ^= 1 << chance.below(8);
    }
    let is_harmless = |sync: SyncMessage<'_>| match sync {
        SyncMessage::Step1(_) => true,
        SyncMessage::Step2(update) | SyncMessage::Update(update) => {
            gate::update::inspect(update).is_err()
        }
    };
    let is_fine = if speaks_hocuspocus {
        match hocuspocus::Frame::decode(&broken, hocuspocus::From::Client) {
            Ok(hocuspocus::Frame::Document {
                message: hocuspocus::Message::Sync(sync),
                ..
            }) => is_harmless(sync),
            _ => true,
        }
    } else {
        y_websocket::messages(&broken).all(|message| match message {
            Ok(y_websocket::Message::Sync(sync)) => is_harmless(sync),
            _ => true,
        })
    };
    if is_fine { broken } else { frame[..1].to_vec() }
}

impl World {
    pub(crate) fn villain_dials(&mut self, person: usize, after: u64) {
        if let Program::Hostile(villain) = &mut self.people[person].program
            && !villain.has_given_up
        {
            villain.dial += 1;
            let (dial, life) = (villain.dial, 0);
            self.after(after, Event::Dialled { person, dial, life });
        }
    }

    pub(crate) fn villain_is_in(&mut self, person: usize) {
        let someone = &mut self.people[person];
        let Program::Hostile(villain) = &mut someone.program else {
            return;
        };
        villain.victims.clear();
        let mut frames = Vec::new();
        if villain.speaks_hocuspocus && someone.chance.chance(0.95) {
            let provider = match villain.aims {
                Aims::AtIds => Some("sheaf/1"),
                Aims::AtEverything => someone.chance.coin().then_some("4.0.0"),
            };
            frames.push(villain.token(villain.doc.as_str(), provider));
            if someone.chance.chance(0.1) {
                frames.push(villain.token("a document\0of another name", provider));
            }
        }
        if someone.chance.chance(0.8) {
            frames.push(villain.sync(SyncMessage::Step1(&[0])));
        }
        for frame in frames {
            self.send_up(person, frame);
        }
        self.after(10, Event::Mischief { person });
    }

    pub(crate) fn do_mischief(&mut self, person: usize) {
        let someone = &mut self.people[person];
        let Program::Hostile(villain) = &mut someone.program else {
            return;
        };
        if villain.has_given_up || someone.line.is_none() {
            return;
        }
        let frames = villain.mischief(&mut someone.chance, self.now);
        let pause = someone.chance.within(20..600);
        self.seen.mischief += 1;
        for frame in frames {
            self.send_up(person, frame);
        }
        self.after(pause, Event::Mischief { person });
    }

    pub(crate) fn villain_hears(&mut self, person: usize, frame: &[u8]) {
        let now = self.now;
        let Program::Hostile(villain) = &mut self.people[person].program else {
            return;
        };
        if villain.aims == Aims::AtIds {
            return villain.listen(frame, now);
        }
        if villain.heard.len() < HEARD_MAX {
            villain.heard.push(frame.to_vec());
        }
    }

    pub(crate) fn give_up_mischief(&mut self, person: usize) {
        if let Program::Hostile(villain) = &mut self.people[person].program {
            villain.has_given_up = true;
        }
        self.person_hangs_up(person);
    }
}
