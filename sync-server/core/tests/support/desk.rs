//! One room under the hand of a test: what goes in, what came out, by member.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here should stop here"
)]
#![expect(dead_code, reason = "each file of promises uses its share")]

use std::sync::Arc;

use bytes::Bytes;
use sheaf_core::room::{
    ClientKind, Effect, FrameClass, Input, Joining, MemberId, Room, RoomConfig, Said, Speaks,
    Ticket, Visit,
};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{Holder, ReplicaId, Seq};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::{SyncMessage, hocuspocus, y_websocket};
use yrs::{Text, WriteTxn};

pub(crate) const ANN: MemberId = MemberId(1);
pub(crate) const BEN: MemberId = MemberId(2);
pub(crate) const CY: MemberId = MemberId(3);

/// A frame, as the member understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Step1(Vec<u8>),
    Step2(Vec<u8>),
    Update(Vec<u8>),
    Awareness(Vec<u8>),
    Stored,
    NotStored,
    Fact(ServerFact),
    Closed(String),
}

pub(crate) struct Desk {
    pub(crate) room: Room,
    pub(crate) now: MonotonicMs,
    members: Vec<(MemberId, Speaks)>,
    /// Effects nobody has looked at yet.
    pub(crate) effects: Vec<Effect>,
    pub(crate) stored: Vec<Bytes>,
    pub(crate) drains: bool,
}

pub(crate) fn y_websocket() -> Speaks {
    Speaks::YWebsocket
}

pub(crate) fn hocuspocus(kind: ClientKind) -> Speaks {
    let address = Arc::from("page");
    Speaks::Hocuspocus { address, kind }
}

impl Desk {
    /// A room with an empty document.
    pub(crate) fn new() -> Self {
        Self::with(RoomConfig::default())
    }

    pub(crate) fn with(config: RoomConfig) -> Self {
        Self {
            room: Room::new(config),
            now: MonotonicMs(1_000),
            members: Vec::new(),
            effects: Vec::new(),
            stored: Vec::new(),
            drains: true,
        }
    }

    /// Gives an input. Sockets take everything at once, unless `drains` is off.
    pub(crate) fn put(&mut self, input: Input) {
        let mut out = Vec::new();
        self.room.handle(input, self.now, &mut out);
        let sent: Vec<(MemberId, usize)> = out
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send { to, frame, .. } => Some((*to, frame.len())),
                _ => None,
            })
            .collect();
        self.effects.append(&mut out);
        if self.drains {
            for (member, bytes) in sent {
                self.put(Input::Drained { member, bytes });
            }
        }
    }

    /// Lets someone in who may edit, and answers the load with "never existed".
    pub(crate) fn seat(&mut self, member: MemberId, speaks: Speaks) {
        self.seat_as(member, speaks, Role::Editor);
    }

    pub(crate) fn seat_as(&mut self, member: MemberId, speaks: Speaks, role: Role) {
        self.join(member, speaks, role);
        self.settle_in(member);
    }

    /// The same where people are told apart.
    pub(crate) fn seat_whose(&mut self, member: MemberId, speaks: Speaks, whose: u64) {
        self.join_whose(member, speaks, Role::Editor, whose, None);
        self.settle_in(member);
    }

    fn settle_in(&mut self, member: MemberId) {
        if self.effects.contains(&Effect::Load) {
            self.put(Input::NeverExisted);
        }
        self.say(member, Said::Step1(Bytes::from_static(&[0])));
        self.effects.clear();
    }

    pub(crate) fn join(&mut self, member: MemberId, speaks: Speaks, role: Role) {
        self.join_for(member, speaks, role, None);
    }

    /// Lets someone in, for one exchange if `visit` says so.
    pub(crate) fn join_for(
        &mut self,
        member: MemberId,
        speaks: Speaks,
        role: Role,
        visit: Option<Box<Visit>>,
    ) {
        self.join_whose(member, speaks, role, 0, visit);
    }

    /// Lets in who is told apart from others by `whose`.
    pub(crate) fn join_whose(
        &mut self,
        member: MemberId,
        speaks: Speaks,
        role: Role,
        whose: u64,
        visit: Option<Box<Visit>>,
    ) {
        self.members.push((member, speaks.clone()));
        self.put(Input::Join(Joining {
            member,
            speaks,
            role,
            whose: Holder(whose),
            visit,
        }));
    }

    pub(crate) fn say(&mut self, member: MemberId, said: Said) {
        self.put(Input::Said { member, said });
    }

    pub(crate) fn edit(&mut self, member: MemberId, update: &Bytes) {
        self.say(member, Said::Update(update.clone()));
    }

    /// The append that is under way, if one was asked for.
    pub(crate) fn asked(&self) -> Option<(Ticket, Vec<Bytes>)> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Append { ticket, rows } => Some((*ticket, rows.clone())),
            _ => None,
        })
    }

    /// The store commits what it was asked last.
    pub(crate) fn commit(&mut self) {
        let (ticket, rows) = self.asked().expect("nothing was to be stored");
        self.effects
            .retain(|effect| !matches!(effect, Effect::Append { .. }));
        self.stored.extend(rows);
        let last = Seq(self.stored.len() as u64);
        self.put(Input::Appended { ticket, last });
    }

    pub(crate) fn commit_all(&mut self) {
        while self.asked().is_some() {
            self.commit();
        }
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.put(Input::Tick);
    }

    /// What a member was sent since the last look, dropped frames left out.
    pub(crate) fn heard(&mut self, member: MemberId) -> Vec<Heard> {
        let speaks = self
            .members
            .iter()
            .find(|(id, _)| *id == member)
            .map(|(_, speaks)| speaks.clone())
            .unwrap();
        let mut frames: Vec<(Bytes, FrameClass)> = Vec::new();
        self.effects.retain(|effect| match effect {
            Effect::Send { to, frame, class } if *to == member => {
                frames.push((frame.clone(), *class));
                false
            }
            Effect::DropQueued { of } if *of == member => {
                frames.retain(|(_, class)| *class == FrameClass::Kept);
                false
            }
            _ => true,
        });
        frames
            .iter()
            .map(|(frame, _)| understand(&speaks, frame))
            .collect()
    }

    pub(crate) fn closed(&self, member: MemberId) -> Option<CloseReason> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Close { member: id, reason } if *id == member => Some(*reason),
            _ => None,
        })
    }
}

fn understand(speaks: &Speaks, frame: &[u8]) -> Heard {
    let sync = match speaks {
        Speaks::YWebsocket => match y_websocket::Message::decode(frame).unwrap() {
            y_websocket::Message::Sync(sync) => sync,
            y_websocket::Message::Awareness(payload) => return Heard::Awareness(payload.to_vec()),
            other => panic!("unexpected {other:?}"),
        },
        Speaks::Hocuspocus { .. } => {
            let frame = hocuspocus::Frame::decode(frame, hocuspocus::From::Server).unwrap();
            let hocuspocus::Frame::Document { message, .. } = frame else {
                panic!("a room sends no pings");
            };
            match message {
                hocuspocus::Message::Sync(sync) => sync,
                hocuspocus::Message::Awareness(payload) => {
                    return Heard::Awareness(payload.to_vec());
                }
                hocuspocus::Message::SyncStatus(true) => return Heard::Stored,
                hocuspocus::Message::SyncStatus(false) => return Heard::NotStored,
                hocuspocus::Message::Stateless(text) => {
                    return Heard::Fact(ServerFact::decode(text).unwrap());
                }
                hocuspocus::Message::Close(reason) => {
                    return Heard::Closed(reason.unwrap_or_default().to_owned());
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    };
    match sync {
        SyncMessage::Step1(bytes) => Heard::Step1(bytes.to_vec()),
        SyncMessage::Step2(bytes) => Heard::Step2(bytes.to_vec()),
        SyncMessage::Update(bytes) => Heard::Update(bytes.to_vec()),
    }
}

/// Someone's replica, and edits made in it.
pub(crate) struct Writer(pub(crate) Replica);

impl Writer {
    pub(crate) fn new(id: u32) -> Self {
        Self(Replica::new(ReplicaId(id)))
    }

    pub(crate) fn types(&mut self, words: &str) -> Bytes {
        let update = self.0.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            let end = text.len(txn);
            text.insert(txn, end, words);
        });
        update.unwrap().into()
    }

    /// Applies everything it was sent.
    pub(crate) fn hears(&mut self, heard: &[Heard]) {
        for one in heard {
            if let Heard::Step2(update) | Heard::Update(update) = one {
                self.0.apply(update, Origin::Remote).unwrap();
            }
        }
    }
}

/// The state of a document that was given these updates.
pub(crate) fn state_of(updates: &[Bytes]) -> String {
    let mut replica = Replica::new(ReplicaId(99));
    for update in updates {
        replica.apply(update, Origin::Remote).unwrap();
    }
    replica.canonical()
}
