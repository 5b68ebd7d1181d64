//! Somebody who types words, takes some away again, and believes what is acknowledged. It runs what the browser runs: the
//! client of `shared` and its replicas. Only the screen is missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use sheaf_shared::ids::DocName;
use sheaf_shared::replica::{Early, Origin, Replica, ReplicaError};
use sheaf_shared::sync::client::{Client, ClientConfig, Documents, Effect, Input, SocketId};
use sheaf_shared::time::MonotonicMs;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use yrs::{Text as _, WriteTxn as _};

use crate::client::{Socket, new_replica, text_of};

use super::settling::{Board, Shown};

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

/// What must be stored, as others may look it up at any time.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<BTreeSet<String>>>);

impl Ledger {
    /// The words of this moment.
    pub(crate) fn words(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }

    fn note(&self, word: String) {
        self.0.lock().unwrap().insert(word);
    }

    fn strike_out(&self, word: &str) {
        self.0.lock().unwrap().remove(word);
    }
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
    socket: Option<(SocketId, Socket)>,
    dial: Option<SocketId>,
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
        Self {
            name,
            client: Client::new(ClientConfig { token, seed }),
            pages: pages.collect(),
            chance: fastrand::Rng::with_seed(seed),
            started: Instant::now(),
            words: 0,
            wake_at: None,
            socket: None,
            dial: None,
            board,
            is_changed: true,
        }
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
        let docs: Vec<DocName> = self.pages.keys().cloned().collect();
        for doc in &docs {
            let who = self.pages[doc].replica.id();
            self.tell(Input::Open { doc, waiting: 0 }).await;
            let state = Some("{}");
            self.tell(Input::Announce { doc, who, state }).await;
        }
        let mut next_edit = Instant::now();
        loop {
            let told = *orders.borrow_and_update();
            if !told.lets_stay(self.name) {
                // As a closed lid: nobody says goodbye.
                self.socket = None;
                return self;
            }
            if told == Orders::Type && Instant::now() >= next_edit {
                let doc = &docs[self.chance.usize(..docs.len())];
                self.edit(doc).await;
                next_edit = Instant::now() + Duration::from_millis(self.chance.u64(1..PAUSE_MS));
            }
            self.show(told);
            if let Some(id) = self.dial.take() {
                self.connect(id, address).await;
                self.is_changed = true;
            }
            self.wait(next_edit, told, &mut orders).await;
        }
    }

    fn show(&mut self, told: Orders) {
        let mut shown = Shown {
            is_online: self.socket.is_some(),
            waiting: self.pages.values().map(|page| page.waiting.len()).sum(),
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
        let wake_ms = self.wake_at.map_or(1_000, |at| at.ms_since(self.now()));
        let wake = tokio::time::sleep(Duration::from_millis(wake_ms + 1));
        let type_on = tokio::time::sleep_until(next_edit.into());
        let Self { socket, .. } = self;
        let heard = async {
            match socket {
                Some((id, socket)) => (*id, socket.next().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            (id, message) = heard => {
                self.hear(id, message).await;
                self.is_changed = true;
                self.hear_what_is_here().await;
            }
            () = type_on, if told == Orders::Type => {}
            () = wake => self.tell(Input::Tick).await,
            _ = orders.changed() => {}
        }
    }

    /// Takes what comes right behind, so that it does not look at its copies after each message.
    async fn hear_what_is_here(&mut self) {
        let until = Instant::now() + Duration::from_millis(SHOW_EVERY_MS);
        while let Some((id, socket)) = &mut self.socket
            && Instant::now() < until
        {
            let id = *id;
            let Ok(message) = tokio::time::timeout(Duration::ZERO, socket.next()).await else {
                return;
            };
            self.hear(id, message).await;
        }
    }

    async fn hear(
        &mut self,
        id: SocketId,
        message: Option<tokio_tungstenite::tungstenite::Result<Message>>,
    ) {
        match message {
            Some(Ok(Message::Binary(frame))) => {
                let frame = &frame;
                self.tell(Input::Received { socket: id, frame }).await;
            }
            Some(Ok(Message::Close(said))) => {
                let code = said.map_or(1005, |said| said.code.into());
                self.cut(id, code).await;
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => self.cut(id, 1006).await,
        }
    }

    async fn cut(&mut self, id: SocketId, code: u16) {
        self.socket = None;
        self.tell(Input::SocketClosed { socket: id, code }).await;
    }

    async fn connect(&mut self, id: SocketId, address: SocketAddr) {
        let dialling = tokio_tungstenite::connect_async(format!("ws://{address}/collab"));
        // Somebody else may answer in the end: a stopped server's kernel takes calls for it.
        match tokio::time::timeout(Duration::from_secs(3), dialling).await {
            Ok(Ok((socket, _))) => {
                self.socket = Some((id, socket));
                self.tell(Input::SocketOpened(id)).await;
            }
            Ok(Err(_)) | Err(_) => self.cut(id, 1006).await,
        }
    }

    fn now(&self) -> MonotonicMs {
        MonotonicMs(u64::try_from(self.started.elapsed().as_millis()).unwrap())
    }

    async fn tell(&mut self, input: Input<'_>) {
        let now = self.now();
        let mut effects = Vec::new();
        let replicas = &mut Replicas(&mut self.pages);
        self.client.handle(input, now, replicas, &mut effects);
        for effect in effects {
            self.carry_out(effect).await;
        }
    }

    async fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Dial(id) => {
                self.socket = None;
                self.dial = Some(id);
            }
            Effect::HangUp(id) => {
                if matches!(&self.socket, Some((open, _)) if *open == id) {
                    self.socket = None;
                }
            }
            Effect::Send(frame) => {
                if let Some((_, socket)) = &mut self.socket {
                    // A socket that does not take it is found dead by its next word, or by its silence.
                    let sending = socket.send(Message::Binary(frame.into()));
                    let _ = tokio::time::timeout(Duration::from_secs(10), sending).await;
                }
            }
            Effect::WakeAt(at) => self.wake_at = Some(at),
            Effect::Apply { doc, update } => {
                let page = self.pages.get_mut(&doc).unwrap();
                let update = Bytes::from(update);
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
            | Effect::Exchange(_)
            | Effect::Look(_)
            | Effect::Ping(_)
            | Effect::Goes(_)
            | Effect::Status { .. }
            | Effect::Fact { .. } => {}
        }
    }

    /// Types a word between two others, or takes one of its own away.
    async fn edit(&mut self, doc: &DocName) {
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
        self.tell(Input::Edited { doc, update }).await;
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
