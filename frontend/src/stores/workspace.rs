//! Everything that is open: documents, the conversation with the server, the other tabs, what this device keeps.
//!
//! Facts come in from `net` and `local` and become signals here; `keeping` beside this file writes the log.

mod facts;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared, pending};
use leptos::prelude::{GetUntracked as _, RwSignal, Set as _, Update as _};
use litemap::LiteMap;
use sheaf_shared::ids::DocName;
use sheaf_shared::presence::Payload;
use sheaf_shared::sync::client::{DocStatus, Effect, Input, Way};
use sheaf_shared::sync::facts::ServerFact;
use wasm_bindgen_futures::spawn_local;

use super::document::{DocumentHandle, Phase};
use super::eviction::{self, Evicted};
use super::save_state::Storage;
use crate::local::db::{Db, StorageFault, Stored};
use crate::local::locks;
use crate::local::tabs::{TabMessage, Tabs};
use crate::net::session::{Replicas, Session};
use crate::platform;
use crate::who::{self, Space};

/// Documents kept open that nobody looks at.
const UNUSED_OPEN_MAX: usize = 6;

type SpaceOf = Rc<dyn Fn(&DocName) -> Option<Space>>;
type Opening = Shared<LocalBoxFuture<'static, Result<Db, StorageFault>>>;

/// Whether this device may keep something of a document that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// It may.
    Perhaps,
    /// It can't.
    Nothing,
}

/// Edits on this device only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    /// All of them.
    pub waiting: usize,
    /// Those that not even this device has kept.
    pub unkept: usize,
    /// Documents whose edits are not counted yet: their log is still being read.
    pub uncounted: usize,
}

/// What is open. Cheap to clone.
#[derive(Clone)]
pub struct Workspace {
    inner: Rc<Inner>,
}

struct Inner {
    database: RefCell<Opening>,
    /// The same once it is open, for those who can't wait.
    opened: RefCell<Option<Db>>,
    documents: RefCell<LiteMap<DocName, DocumentHandle>>,
    space_of: RefCell<Option<SpaceOf>>,
    replicas: Replicas,
    session: OnceCell<Session>,
    tabs: OnceCell<Tabs>,
    storage: RwSignal<Storage>,
    statuses: RwSignal<LiteMap<DocName, DocStatus>>,
    unsent: RwSignal<Unsent>,
    asked_to_persist: Cell<bool>,
    refilling: Cell<bool>,
    evicted: RwSignal<Option<Evicted>>,
    way: RwSignal<Way>,
    /// What [`eviction::mark`] was told last.
    marked: Cell<Option<usize>>,
}

impl Workspace {
    /// Opens what this device keeps, and joins the other tabs.
    pub fn start() -> Self {
        let workspace = Self {
            inner: Rc::new(Inner {
                database: RefCell::new(pending().boxed_local().shared()),
                opened: RefCell::default(),
                documents: RefCell::default(),
                space_of: RefCell::default(),
                replicas: Rc::default(),
                session: OnceCell::new(),
                tabs: OnceCell::new(),
                storage: RwSignal::new(Storage::Opening),
                statuses: RwSignal::default(),
                unsent: RwSignal::default(),
                asked_to_persist: Cell::new(false),
                refilling: Cell::new(false),
                evicted: RwSignal::new(None),
                way: RwSignal::new(Way::WebSocket),
                marked: Cell::new(None),
            }),
        };
        workspace.open_database();
        let host = workspace.clone();
        let asked = workspace.clone();
        let token = move |doc: &DocName| who::token(asked.space_of(doc).map(|space| space.id));
        let replicas = Rc::clone(&workspace.inner.replicas);
        let session = Session::start(replicas, token, move |effect| {
            host.carry_out(effect);
        });
        let _ = workspace.inner.session.set(session);
        let host = workspace.clone();
        let _ = workspace
            .inner
            .tabs
            .set(Tabs::join(move |message| host.hear(message)));
        workspace.watch_leaving();
        workspace.adopt_from_time_to_time();
        workspace.look_for_strays_from_time_to_time();
        workspace
    }

    /// Sends what an earlier visit could not. To be called when the trees are open: they say to whom it belongs.
    pub fn send_what_waits(&self) {
        spawn_local(self.clone().open_what_waits());
    }

    /// Whether this device keeps what is written: a signal.
    #[must_use]
    pub fn storage(&self) -> RwSignal<Storage> {
        self.inner.storage
    }

    /// The client's word on each open document: a signal.
    #[must_use]
    pub fn statuses(&self) -> RwSignal<LiteMap<DocName, DocStatus>> {
        self.inner.statuses
    }

    /// How many edits are on this device only: a signal.
    #[must_use]
    pub fn unsent(&self) -> RwSignal<Unsent> {
        self.inner.unsent
    }

    /// What the browser threw away since the last visit, until the person has read it: a signal.
    #[must_use]
    pub fn evicted(&self) -> RwSignal<Option<Evicted>> {
        self.inner.evicted
    }

    /// Notes where an eviction does not reach it how much is on this device only.
    pub fn mark_what_is_kept(&self) {
        let is_keeping = matches!(self.inner.storage.get_untracked(), Storage::Keeping { .. });
        let unsent = self.inner.unsent.get_untracked();
        let waiting = unsent.waiting;
        let is_news = self.inner.marked.get() != Some(waiting);
        if is_keeping && unsent.uncounted == 0 && is_news {
            eviction::mark(waiting);
            self.inner.marked.set(Some(waiting));
        }
    }

    /// Dials again at once, also where the server had said no.
    pub fn try_again(&self) {
        self.input(Input::TryAgain);
    }

    /// Opens a document, or gives it if it is open. Its phase says when it can be used.
    pub fn open(&self, name: &DocName) -> DocumentHandle {
        self.open_as(name, Before::Perhaps)
    }

    /// Opens a document whose name was just drawn: there is nothing of it to be read first.
    pub fn open_new(&self, name: &DocName) -> DocumentHandle {
        self.open_as(name, Before::Nothing)
    }

    fn open_as(&self, name: &DocName, before: Before) -> DocumentHandle {
        if let Some(document) = self.document(name) {
            document.inner.last_used.set(platform::now());
            return document;
        }
        self.close_unused();
        let document = DocumentHandle::new(name.clone(), self.clone());
        if !self.may_edit_at_first(name) {
            document.inner.may_edit.set(false);
        }
        self.inner
            .replicas
            .borrow_mut()
            .insert(name.clone(), document.replica());
        self.inner
            .documents
            .borrow_mut()
            .insert(name.clone(), document.clone());
        self.claim_log(&document);
        let loading = self.clone().load(document.clone(), before).boxed_local();
        let loading = loading.shared();
        *document.inner.loading.borrow_mut() = Some(loading.clone());
        let opened = document.clone();
        spawn_local(async move {
            loading.await;
            *opened.inner.loading.borrow_mut() = None;
        });
        document
    }

    /// Every open document.
    pub(super) fn documents(&self) -> Vec<DocumentHandle> {
        self.inner.documents.borrow().values().cloned().collect()
    }

    pub(super) fn document(&self, name: &DocName) -> Option<DocumentHandle> {
        self.inner.documents.borrow().get(name).cloned()
    }

    /// The database, once it is open.
    pub(super) async fn database(&self) -> Result<Db, StorageFault> {
        let opening = self.inner.database.borrow().clone();
        let opened = opening.await;
        match &opened {
            Ok(database) => *self.inner.opened.borrow_mut() = Some(database.clone()),
            Err(fault) => self.set_storage(Storage::Failed(*fault)),
        }
        opened
    }

    /// The database, if it is open already.
    pub(super) fn database_now(&self) -> Option<Db> {
        self.inner.opened.borrow().clone()
    }

    /// Opens the database, for the first time or anew.
    pub(super) fn open_database(&self) {
        let workspace = self.clone();
        let opening = Db::open(move || workspace.storage_was_cleared());
        *self.inner.database.borrow_mut() = opening.boxed_local().shared();
        *self.inner.opened.borrow_mut() = None;
    }

    /// Notes whether a cleared storage is being filled; returns whether it was before.
    pub(super) fn note_refilling(&self, is_refilling: bool) -> bool {
        self.inner.refilling.replace(is_refilling)
    }

    pub(super) fn input(&self, input: Input<'_>) {
        if let Some(session) = self.inner.session.get() {
            session.handle(input);
        }
    }

    pub(super) fn tell_tabs(&self, message: &TabMessage) {
        if let Some(tabs) = self.inner.tabs.get() {
            tabs.tell(message);
        }
    }

    /// Shows someone's own whereabouts to the others; empty to leave.
    pub(super) fn announce(&self, document: &DocumentHandle, state: &str) {
        let shown = (!state.is_empty()).then_some(state);
        self.input(Input::Announce {
            doc: document.name(),
            who: document.inner.who,
            state: shown,
        });
        self.tell_tabs(&TabMessage::Presence {
            doc: document.name().clone(),
            replica: document.inner.who.0,
            state: state.to_owned(),
        });
    }

    /// Counts anew what is on this device only.
    pub(super) fn recount(&self) {
        let mut unsent = Unsent::default();
        for document in self.inner.documents.borrow().values() {
            let outbox = document.inner.outbox.borrow();
            unsent.waiting += outbox.waiting();
            unsent.unkept += outbox.unkept();
            unsent.uncounted += usize::from(document.phase_now() == Phase::Loading);
        }
        if self.inner.unsent.get_untracked() != unsent {
            self.inner.unsent.set(unsent);
        }
    }

    fn claim_log(&self, document: &DocumentHandle) {
        let workspace = self.clone();
        let claimed = Rc::downgrade(&document.inner);
        let lock = locks::hold(&who::lock_of(document.name()), move || {
            // The document may have been closed while another tab held the lock.
            let Some(claimed) = DocumentHandle::of(&claimed) else {
                return;
            };
            claimed.inner.keeps_log.set(true);
            workspace.catch_up_log(&claimed);
        });
        // Without locks every tab logs what it hears: more rows, nothing lost.
        document.inner.keeps_log.set(lock.is_none());
        *document.inner.lock.borrow_mut() = lock;
    }

    async fn load(self, document: DocumentHandle, before: Before) {
        let stored = match before {
            Before::Nothing => Ok(Stored::default()),
            Before::Perhaps => match self.database().await {
                Ok(database) => database.load(document.name()).await,
                Err(fault) => Err(fault),
            },
        };
        let fault = stored.as_ref().err().copied();
        if let Ok(stored) = &stored {
            self.take_stored(&document, stored);
        }
        let waiting = document.inner.outbox.borrow().on_the_way();
        self.input(Input::Open {
            doc: document.name(),
            waiting,
        });
        self.tell_tabs(&TabMessage::Opened {
            doc: document.name().clone(),
            version: document.inner.replica.borrow().version(),
        });
        let is_empty = document.inner.replica.borrow().is_empty();
        if document.phase_now() == Phase::Loading {
            document.inner.phase.set(match fault {
                _ if !is_empty => Phase::Ready,
                // A browser that refuses storage has never kept anything here.
                None | Some(StorageFault::Refused) => Phase::Unknown,
                Some(fault) => Phase::Unreadable(fault),
            });
        }
        if let Some(state) = document.said_presence() {
            // Said while the log was read, when the client did not know the document yet.
            self.announce(&document, &state);
        }
        // Edits made or heard of while loading.
        self.pass_on(&document);
        self.fold_if_long(&document);
    }

    fn take_stored(&self, document: &DocumentHandle, stored: &Stored) {
        if let Some(snapshot) = &stored.snapshot {
            document.take_snapshot(snapshot);
        }
        for row in &stored.rows {
            document.take(&row.update);
        }
        // What the replica does not hold yet is in no exchange, so no status would be about it: such an edit is
        // treated as one of a tab that is gone, and handed over by itself.
        let now = platform::now();
        let early = document.inner.early.borrow();
        let mut outbox = document.inner.outbox.borrow_mut();
        for row in stored.rows.iter().filter(|row| row.waiting) {
            if early.holds(&row.update) {
                outbox.foreign_edit(row.key, row.update.clone(), now);
            } else {
                outbox.found([row.key]);
            }
        }
        document.inner.log_rows.set(stored.rows.len());
        document
            .inner
            .log_bytes
            .set(stored.rows.iter().map(|row| row.update.len()).sum());
    }

    /// Opens every document with edits that never reached the server, so that they do now.
    async fn open_what_waits(self) {
        let Ok(database) = self.database().await else {
            return;
        };
        if database.is_new()
            && let Some(evicted) = eviction::notice()
        {
            self.inner.evicted.set(Some(evicted));
        }
        match database.waiting().await {
            Ok(waiting) => {
                // The trees first: what waits is offered to the server as a part of its space.
                for document in self.documents() {
                    document.loaded().await;
                }
                for (doc, _) in waiting {
                    drop(self.open(&doc));
                }
                self.recount();
                if self.inner.storage.get_untracked() == Storage::Opening {
                    self.set_storage(Storage::Keeping { persistent: None });
                }
                self.ask_persisted();
            }
            Err(fault) => self.set_storage(Storage::Failed(fault)),
        }
    }

    fn close_unused(&self) {
        let mut unused: Vec<DocumentHandle> = self
            .inner
            .documents
            .borrow()
            .values()
            // The list holds one, the clone made here is the second.
            .filter(|document| Rc::strong_count(&document.inner) == 1)
            .filter(|document| {
                let outbox = document.inner.outbox.borrow();
                outbox.waiting() == 0
                    && !outbox.is_writing()
                    && document.inner.unlogged.borrow().is_empty()
                    && document.phase_now() != Phase::Loading
            })
            .cloned()
            .collect();
        while unused.len() > UNUSED_OPEN_MAX {
            let oldest = unused
                .iter()
                .enumerate()
                .min_by_key(|(_, document)| document.inner.last_used.get())
                .map_or(0, |(at, _)| at);
            let document = unused.swap_remove(oldest);
            self.input(Input::Close {
                doc: document.name(),
            });
            self.inner.documents.borrow_mut().remove(document.name());
            self.inner.replicas.borrow_mut().remove(document.name());
            self.inner.statuses.update(|statuses| {
                statuses.remove(document.name());
            });
        }
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Apply { doc, update } => {
                if let Some(document) = self.document(&doc)
                    && document.take(&update)
                {
                    self.log_later(&document, update);
                }
            }
            Effect::Presence { doc, payload } => {
                let (Some(document), Ok(payload)) = (self.document(&doc), Payload::parse(&payload))
                else {
                    return;
                };
                for entry in payload.entries() {
                    document.take_presence(entry.client.0, Some(entry.clock), entry.state);
                }
            }
            Effect::PresenceLost { doc } => {
                if let Some(document) = self.document(&doc) {
                    document.forget_people();
                }
            }
            Effect::Acknowledged { doc, edits, .. } => {
                if let Some(document) = self.document(&doc) {
                    self.acknowledged(&document, edits);
                }
            }
            Effect::Synced { doc } => {
                if let Some(document) = self.document(&doc)
                    && document.phase_now() != Phase::Broken
                {
                    document.inner.phase.set(Phase::Ready);
                }
            }
            Effect::Status { doc, status } => {
                if let DocStatus::Shut { why, .. } = status {
                    self.was_shut(&doc, why);
                }
                self.inner.statuses.update(|statuses| {
                    statuses.insert(doc, status);
                });
            }
            Effect::Fact {
                doc,
                fact: ServerFact::Role(role),
            } => {
                if let Some(document) = self.document(&doc)
                    && document.may_edit() != role.may_edit()
                {
                    document.inner.may_edit.set(role.may_edit());
                }
            }
            Effect::Goes(way) => self.inner.way.set(way),
            // The client turns refusals and the other facts into statuses; sockets are the driver's.
            Effect::Refused { .. }
            | Effect::Fact { .. }
            | Effect::Dial(_)
            | Effect::Exchange(_)
            | Effect::Look(_)
            | Effect::Ping(_)
            | Effect::HangUp(_)
            | Effect::Send(_)
            | Effect::WakeAt(_) => {}
        }
    }
}
