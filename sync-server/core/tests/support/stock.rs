//! A y-websocket client, as stock as it can be: one document, its own state vector on each connection, and "saved"
//! when the echo came.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use sheaf_shared::gate;
use sheaf_shared::ids::{ClientId, DocName, ReplicaId};
use sheaf_shared::presence::{OwnPresence, Payload};
use sheaf_shared::replica::Origin;
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::y_websocket::Message;

use crate::person::Program;
use crate::world::{Event, World};

pub(crate) struct Stock {
    doc: DocName,
    dial: u64,
    presence: OwnPresence,
    /// Clocks of its own that it has heard back from the server.
    confirmed: u32,
}

impl Stock {
    pub(crate) fn new(doc: &DocName, id: ReplicaId) -> Self {
        Self {
            doc: doc.clone(),
            dial: 0,
            presence: OwnPresence::new(id.into()),
            confirmed: 0,
        }
    }

    pub(crate) const fn doc(&self) -> &DocName {
        &self.doc
    }

    pub(crate) const fn confirmed(&self) -> u32 {
        self.confirmed
    }

    pub(crate) const fn wants(&self, dial: u64) -> bool {
        self.dial == dial
    }
}

impl World {
    pub(crate) fn stock_dials(&mut self, person: usize, after: u64) {
        if let Program::Stock(stock) = &mut self.people[person].program {
            stock.dial += 1;
            let (dial, life) = (stock.dial, 0);
            self.after(after, Event::Dialled { person, dial, life });
        }
    }

    pub(crate) fn stock_edited(&mut self, person: usize, update: &[u8]) {
        let message = Message::Sync(SyncMessage::Update(update));
        self.send_up(person, message.to_vec());
    }

    pub(crate) fn stock_greets(&mut self, person: usize) {
        let someone = &mut self.people[person];
        let Program::Stock(stock) = &mut someone.program else {
            return;
        };
        let version = someone.replicas.0[&stock.doc].version();
        let step1 = Message::Sync(SyncMessage::Step1(&version)).to_vec();
        let hello = Message::Awareness(&stock.presence.set(Some("{}".into()))).to_vec();
        self.send_up(person, step1);
        self.send_up(person, hello);
    }

    pub(crate) fn stock_hears(&mut self, person: usize, frame: &[u8]) {
        let someone = &mut self.people[person];
        let Program::Stock(stock) = &mut someone.program else {
            return;
        };
        let replica = someone.replicas.0.get_mut(&stock.doc).unwrap();
        let answer = match Message::decode(frame).unwrap() {
            Message::Sync(SyncMessage::Step1(theirs)) => {
                let missing = replica.missing_for(theirs).unwrap();
                Message::Sync(SyncMessage::Step2(&missing)).to_vec()
            }
            Message::Sync(SyncMessage::Step2(update) | SyncMessage::Update(update)) => {
                let own = ClientId::from(replica.id());
                for run in gate::update::inspect(update).unwrap().runs() {
                    if run.client == own && run.from <= stock.confirmed {
                        stock.confirmed = run.until.max(stock.confirmed);
                    }
                }
                replica.apply(update, Origin::Remote).unwrap();
                return;
            }
            Message::Awareness(payload) => {
                let heard = Payload::parse(payload).unwrap();
                match stock.presence.hear(heard) {
                    Some(again) => Message::Awareness(&again).to_vec(),
                    None => return,
                }
            }
            Message::QueryAwareness | Message::PermissionDenied(_) => return,
        };
        self.send_up(person, answer);
    }
}
