//! Somebody who types words, takes some away again, and believes what is acknowledged. It runs what the browser runs: the
//! client of `shared` and its replicas. Only the screen is missing. Some sit in networks that let no WebSocket through.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sheaf_shared::ids::DocName;
use sheaf_shared::replica::{Early, Origin, Replica, ReplicaError};
use sheaf_shared::sync::client::{Client, ClientConfig, Documents, Effect, Input, SocketId, Way};
use sheaf_shared::sync::exchanges;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::hocuspocus::Frame;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use yrs::{Text as _, WriteTxn as _};

use crate::client::{new_replica, text_of};

use super::auditor::Ledger;
use super::settling::{Board, Shown};
use super::wires::{Ear, Event, ExchangeWire, SocketWire, Wire};

/// Milliseconds between two edits of one robot, at most.
const PAUSE_MS: u64 = 60;
/// One edit in so many takes a word away.
const DELETES_ONE_IN: u32 = 6;
/// With so many words of its own in a document, a robot takes away as often as it types: a long run tests the same as a short one.
const WORDS_MANY: usize = 300;
/// Milliseconds between two looks at what it has, while nobody types.
const SHOW_EVERY_MS: u64 = 5;

/// What robots are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orders {
    /// Go on typing.
    Type,
    /// Type no more, and show what you have.
    Hush,
    /// Every second one vanishes; the others stay, and type no more.
    HalfVanish,
    /// Vanish.
    Vanish,
}

impl Orders {
    const fn lets_stay(self, robot: usize) -> bool {
        match self {
            Self::Type | Self::Hush => true,
            Self::HalfVanish => robot.is_multiple_of(2),
            Self::Vanish => false,
        }
    }
}

/// One edit, as the robot remembers it.
#[derive(Clone, Debug)]
enum Edit {
    Typed(String),
    Took(String),
}

/// A document at this robot's.
pub(crate) struct Page {
    pub(crate) replica: Replica,
    early: Early,
    waiting: VecDeque<Edit>,
    /// Words whose typing was acknowledged and whose taking away was never begun.
    pub(crate) kept: Ledger,
    /// Words whose taking away was acknowledged.
    pub(crate) gone: BTreeSet<String>,
    /// How many edits were acknowledged.
    pub(crate) acknowledged: usize,
}

/// A robot.
pub(crate) struct Robot {
    pub(crate) name: usize,
    client: Client,
    pub(crate) pages: BTreeMap<DocName, Page>,
    chance: fastrand::Rng,
    started: Instant,
    words: usize,
    wake_at: Option<MonotonicMs>,
    address: Option<SocketAddr>,
    /// Its network lets no WebSocket through.
    is_blocked: bool,
    /// The line, and behind it the one that is being tried beside it.
    wires: Vec<(SocketId, Wire)>,
    ear: Ear,
    events: UnboundedReceiver<(SocketId, Event)>,
    /// Which way the open line goes.
    goes: Option<Way>,
    dials: u64,
    board: Board,
    /// Something may be different from what it showed.
    is_changed: bool,
}

struct Replicas<'a>(&'a mut BTreeMap<DocName, Page>);

impl Documents for Replicas<'_> {
    fn version(&mut self, doc: &DocName) -> Vec<u8> {
        self.0[doc].replica.version()
    }

    fn missing_for(
        &mut self,
        doc: &DocName,
        their_version: &[u8],
    ) -> Result<Vec<u8>, ReplicaError> {
        self.0[doc].replica.missing_for(their_version)
    }
}

impl Robot {
    pub(crate) fn new(name: usize, seed: u64, docs: &[&str], board: Board) -> Self {
        let mine = [name % docs.len(), (name + 1) % docs.len()];
        let pages = mine.into_iter().map(|doc| {
            let page = Page {
                replica: new_replica(),
                early: Early::new(),
                waiting: VecDeque::new(),
                kept: Ledger::default(),
                gone: BTreeSet::new(),
                acknowledged: 0,
            };
            (DocName::parse(docs[doc]).unwrap(), page)
        });
        let seed = seed.wrapping_add(name as u64);
        let token = String::new();
        let (ear, events) = unbounded_channel();
        Self {
            name,
            client: Client::new(ClientConfig { token, seed }).with_exchanges(),
            pages: pages.collect(),
            chance: fastrand::Rng::with_seed(seed),
            started: Instant::now(),
            words: 0,
            wake_at: None,
            address: None,
            is_blocked: false,
            wires: Vec::new(),
            ear,
            events,
            goes: None,
            dials: 0,
            board,
            is_changed: true,
        }
    }

    /// The same, in a network that lets no WebSocket through.
    pub(crate) const fn without_web_sockets(mut self) -> Self {
        self.is_blocked = true;
        self
    }

    /// What of it must be stored, by document.
    pub(crate) fn ledgers(&self) -> Vec<(DocName, Ledger)> {
        let pages = self.pages.iter();
        pages
            .map(|(doc, page)| (doc.clone(), page.kept.clone()))
            .collect()
    }

    /// Whom others see in its documents.
    pub(crate) fn people(&self) -> Vec<(DocName, u64)> {
        let pages = self.pages.iter();
        pages
            .map(|(doc, page)| (doc.clone(), page.replica.id().0.into()))
            .collect()
    }

    /// Types and shows what it has, as it is told, until it is told to vanish.
    pub(crate) async fn live(
        mut self,
        address: SocketAddr,
        mut orders: watch::Receiver<Orders>,
    ) -> Self {
        self.address = Some(address);
        let docs: Vec<DocName> = self.pages.keys().cloned().collect();
        for doc in &docs {
            let who = self.pages[doc].replica.id();
            self.tell(Input::Open { doc, waiting: 0 });
            let state = Some("{}");
            self.tell(Input::Announce { doc, who, state });
        }
        let mut next_edit = Instant::now();
        loop {
            let told = *orders.borrow_and_update();
            if !told.lets_stay(self.name) {
                return self.vanish().await;
            }
            if told == Orders::Type && Instant::now() >= next_edit {
                let doc = &docs[self.chance.usize(..docs.len())];
                self.edit(doc);
                next_edit = Instant::now() + Duration::from_millis(self.chance.u64(1..PAUSE_MS));
            }
            self.show(told);
            self.wait(next_edit, told, &mut orders).await;
        }
    }

    /// As a closed lid: nobody says goodbye. Where there is no connection to be missed, the page does, as it is left.
    async fn vanish(mut self) -> Self {
        for (_, wire) in std::mem::take(&mut self.wires) {
            if let Wire::Exchanges(line) = wire {
                line.leave().await;
            }
        }
        self
    }

    fn show(&mut self, told: Orders) {
        let mut shown = Shown {
            is_online: self.goes.is_some(),
            waiting: self.pages.values().map(|page| page.waiting.len()).sum(),
            dials: self.dials,
            pages: None,
        };
        let mut board = self.board.lock().unwrap();
        if told != Orders::Type {
            let before = board.remove(&self.name).and_then(|before| before.pages);
            shown.pages = match before {
                Some(pages) if !self.is_changed => Some(pages),
                _ => Some(
                    self.pages
                        .iter()
                        .map(|(doc, page)| (doc.clone(), page.print()))
                        .collect(),
                ),
            };
            self.is_changed = false;
        }
        board.insert(self.name, shown);
    }

    async fn wait(
        &mut self,
        next_edit: Instant,
        told: Orders,
        orders: &mut watch::Receiver<Orders>,
    ) {
        let wake_at = self.wires.iter().filter_map(|(_, wire)| match wire {
            Wire::Exchanges(line) => line.wake_at,
            Wire::Socket(_) => None,
        });
        let wake_at = wake_at.chain(self.wake_at).min();
        let wake_ms = wake_at.map_or(1_000, |at| at.ms_since(self.now()));
        let wake = tokio::time::sleep(Duration::from_millis(wake_ms + 1));
        let type_on = tokio::time::sleep_until(next_edit.into());
        tokio::select! {
            Some((id, event)) = self.events.recv() => {
                self.hear(id, event);
                self.is_changed = true;
                self.hear_what_is_here();
            }
            () = type_on, if told == Orders::Type => {}
            () = wake => {
                self.tell(Input::Tick);
                self.tick_exchanges();
            }
            _ = orders.changed() => {}
        }
    }

    /// Takes what came right behind, so that it does not look at its copies after each message.
    fn hear_what_is_here(&mut self) {
        let until = Instant::now() + Duration::from_millis(SHOW_EVERY_MS);
        while Instant::now() < until
            && let Ok((id, event)) = self.events.try_recv()
        {
            self.hear(id, event);
        }
    }

    fn hear(&mut self, socket: SocketId, event: Event) {
        if !self.wires.iter().any(|(id, _)| *id == socket) {
            return;
        }
        match event {
            Event::Opened => self.tell(Input::SocketOpened(socket)),
            Event::Received(frame) => {
                let frame = &frame;
                self.tell(Input::Received { socket, frame });
            }
            Event::Closed(code) => {
                self.hang_up(socket);
                self.tell(Input::SocketClosed { socket, code });
            }
            Event::Answered { post, status, body } => {
                let body = &body;
                let input = exchanges::Input::Answered { post, status, body };
                self.exchange(socket, input);
            }
            Event::Failed(post) => self.exchange(socket, exchanges::Input::Failed(post)),
        }
    }

    fn exchange(&mut self, socket: SocketId, input: exchanges::Input<'_>) {
        let now = self.now();
        let replicas = &mut Replicas(&mut self.pages);
        for (id, wire) in &mut self.wires {
            if let Wire::Exchanges(line) = wire
                && *id == socket
            {
                line.handle(input, now, replicas);
            }
        }
    }

    /// What was sent goes out, and what is due is done.
    fn tick_exchanges(&mut self) {
        let lines: Vec<SocketId> = self.wires.iter().map(|(id, _)| *id).collect();
        for id in lines {
            self.exchange(id, exchanges::Input::Tick);
        }
    }

    fn dial(&mut self, id: SocketId) {
        self.dials += 1;
        let address = self.address.filter(|_| !self.is_blocked);
        let wire = SocketWire::dial(id, address, self.ear.clone());
        self.wires.push((id, Wire::Socket(wire)));
    }

    fn begin_exchanges(&mut self, id: SocketId) {
        self.dials += 1;
        let address = self.address.expect("it lives");
        let seed = self.chance.u64(..);
        let line = ExchangeWire::new(id, address, self.ear.clone(), seed);
        self.wires.push((id, Wire::Exchanges(Box::new(line))));
        self.exchange(id, exchanges::Input::Start);
    }

    fn hang_up(&mut self, socket: SocketId) {
        if self.wires.first().is_some_and(|(id, _)| *id == socket) {
            self.goes = None;
        }
        self.wires.retain(|(id, _)| *id != socket);
    }

    /// Sends a frame on the line, or on this socket.
    fn send(&mut self, to: Option<SocketId>, frame: Vec<u8>) {
        let to = to.or_else(|| self.wires.first().map(|(id, _)| *id));
        let Some(to) = to else { return };
        let is_exchange = self.wires.iter().any(|(id, wire)| {
            if *id == to
                && let Wire::Socket(socket) = wire
            {
                socket.send(frame.clone());
            }
            *id == to && matches!(wire, Wire::Exchanges(_))
        });
        if is_exchange {
            self.exchange(to, exchanges::Input::Send(&frame));
        }
    }

    fn now(&self) -> MonotonicMs {
        MonotonicMs(u64::try_from(self.started.elapsed().as_millis()).unwrap())
    }

    fn tell(&mut self, input: Input<'_>) {
        let now = self.now();
        let mut effects = Vec::new();
        let replicas = &mut Replicas(&mut self.pages);
        self.client.handle(input, now, replicas, &mut effects);
        let mut has_sent = false;
        for effect in effects {
            has_sent |= matches!(effect, Effect::Send(_));
            self.carry_out(effect);
        }
        if has_sent {
            self.tick_exchanges();
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Dial(id) => {
                self.wires.clear();
                self.goes = None;
                self.dial(id);
            }
            Effect::Exchange(id) => {
                self.wires.clear();
                self.goes = None;
                self.begin_exchanges(id);
            }
            Effect::Look(id) => self.dial(id),
            Effect::HangUp(id) => self.hang_up(id),
            Effect::Ping(id) => self.send(Some(id), Frame::Ping.to_vec()),
            Effect::Send(frame) => self.send(None, frame),
            Effect::Goes(way) => self.goes = Some(way),
            Effect::WakeAt(at) => self.wake_at = Some(at),
            Effect::Apply { doc, update } => {
                let page = self.pages.get_mut(&doc).unwrap();
                let update = update.into();
                page.early
                    .take(&update, &mut page.replica, |_| {})
                    .expect("what the server sends applies");
            }
            Effect::Acknowledged { doc, edits, .. } => {
                self.pages.get_mut(&doc).unwrap().acknowledge(edits);
            }
            Effect::Refused { why, .. } => panic!("an honest edit was refused: {why:?}"),
            Effect::Presence { .. }
            | Effect::PresenceLost { .. }
            | Effect::Synced { .. }
            | Effect::Status { .. }
            | Effect::Fact { .. } => {}
        }
    }

    /// Types a word between two others, or takes one of its own away.
    fn edit(&mut self, doc: &DocName) {
        let page = self.pages.get_mut(doc).unwrap();
        let text = text_of(&page.replica);
        let mine: Vec<String> = page.kept.words().into_iter().collect();
        let one_in = if mine.len() < WORDS_MANY {
            DELETES_ONE_IN
        } else {
            2
        };
        let takes = self.chance.u32(..one_in) == 0;
        let (edit, update) = match self.chance.choice(mine).filter(|_| takes) {
            Some(word) => {
                let at = text.find(&word).expect("what was acknowledged is there");
                page.kept.strike_out(&word);
                let update = page.change(|content, txn| {
                    content.remove_range(txn, to_u32(at), to_u32(word.len()));
                });
                (Edit::Took(word), update)
            }
            None => {
                let word = format!("<{}.{}>", self.name, self.words);
                self.words += 1;
                let ends: Vec<usize> = text.match_indices('>').map(|(at, _)| at + 1).collect();
                let at = self.chance.choice(ends).unwrap_or(0);
                let update = page.change(|content, txn| content.insert(txn, to_u32(at), &word));
                (Edit::Typed(word), update)
            }
        };
        page.waiting.push_back(edit);
        let update = &update;
        self.tell(Input::Edited { doc, update });
    }
}

impl Page {
    fn change(
        &mut self,
        change: impl FnOnce(&yrs::TextRef, &mut yrs::TransactionMut<'_>),
    ) -> Vec<u8> {
        let changed = self.replica.transact(Origin::Local, |txn| {
            let content = txn.get_or_insert_text("content");
            change(&content, txn);
        });
        changed.unwrap()
    }

    /// A fingerprint of what is written, and of who wrote how much.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        text_of(&self.replica).hash(&mut hasher);
        self.replica.version().hash(&mut hasher);
        hasher.finish()
    }

    fn acknowledge(&mut self, edits: usize) {
        self.acknowledged += edits;
        for edit in self.waiting.drain(..edits) {
            match edit {
                Edit::Typed(word) => self.kept.note(word),
                Edit::Took(word) => drop(self.gone.insert(word)),
            }
        }
    }
}

fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap()
}
