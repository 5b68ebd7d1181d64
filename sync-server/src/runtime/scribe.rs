//! One who comes into a document's room from inside the server: reads it as it stands there, writes to it, and hears that
//! it is stored. What it writes goes the way of every edit: through the gate, into the store, and to everyone who has the
//! document open, here and at other servers.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sheaf_core::room::{ClientKind, Input, MemberId, Said, Speaks};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, ReplicaId};
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::replica::{Origin, Replica, ReplicaError};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::hocuspocus::{Frame, From, Message};
use tokio::time::Instant;

use super::aside;
use super::hub::{Hub, RoomHandle};
use super::outbox::{Outbox, Outgoing};

/// Longest time for one thing: for coming in and reading, or for writing.
const PATIENCE: Duration = Duration::from_secs(30);
/// The state vector of one who has nothing.
const NOTHING: &[u8] = &[0];

/// Why it did not read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScribeFault {
    /// The room did not take it in, let it go, or did not answer in time. An edit that was under way may be stored.
    #[error("the document could not be worked on: {}", .0.text())]
    Out(CloseReason),
    /// The room refused the edit; it is not stored.
    #[error("the edit was refused")]
    Refused(Refused),
    /// What the room told does not make a document.
    #[error("the document could not be opened")]
    Unusable,
}

/// Someone in a room, until it is dropped.
pub(crate) struct Scribe {
    doc: DocName,
    member: MemberId,
    room: RoomHandle,
    outbox: Arc<Outbox>,
    heard: Vec<Bytes>,
    /// The room let it go.
    is_out: Option<CloseReason>,
}

impl Drop for Scribe {
    fn drop(&mut self) {
        if self.is_out.is_none() {
            self.room.leave(self.member);
        }
    }
}

impl Scribe {
    /// Comes into the document's room, which is opened if need be.
    ///
    /// # Errors
    /// [`ScribeFault::Out`]
    pub(crate) fn enter(hub: &Arc<Hub>, doc: &DocName, role: Role) -> Result<Self, ScribeFault> {
        let outbox = Arc::new(Outbox::default());
        let speaks = Speaks::Hocuspocus {
            address: doc.as_str().into(),
            kind: ClientKind::Sheaf,
        };
        let (member, room) = hub
            .join(doc, speaks, role, &outbox)
            .map_err(ScribeFault::Out)?;
        Ok(Self {
            doc: doc.clone(),
            member,
            room,
            outbox,
            heard: Vec::new(),
            is_out: None,
        })
    }

    /// The document as it stands in the room, with what is not stored yet.
    ///
    /// # Errors
    /// [`ScribeFault`]
    pub(crate) async fn read(&mut self) -> Result<Replica, ScribeFault> {
        let until = Instant::now() + PATIENCE;
        self.say(Said::Step1(Bytes::from_static(NOTHING)));
        let mut updates: Vec<Bytes> = Vec::new();
        loop {
            let frame = self.hear(until).await?;
            let Ok(Frame::Document { message, .. }) = Frame::decode(&frame, From::Server) else {
                continue;
            };
            match message {
                Message::Sync(SyncMessage::Update(update)) => {
                    updates.push(frame.slice_ref(update));
                }
                Message::Sync(SyncMessage::Step2(update)) => {
                    updates.push(frame.slice_ref(update));
                    return open(&self.doc, updates).await;
                }
                _ => {}
            }
        }
    }

    /// Writes an edit. Answers when it is stored.
    ///
    /// # Errors
    /// [`ScribeFault`]
    pub(crate) async fn write(&mut self, update: Vec<u8>) -> Result<(), ScribeFault> {
        if update.len() > UPDATE_BYTES_MAX {
            return Err(ScribeFault::Refused(Refused::TooLarge));
        }
        let until = Instant::now() + PATIENCE;
        self.say(Said::Update(update.into()));
        let mut why = Refused::Unsaid;
        loop {
            let frame = self.hear(until).await?;
            let Ok(Frame::Document { message, .. }) = Frame::decode(&frame, From::Server) else {
                continue;
            };
            match message {
                Message::SyncStatus(true) => return Ok(()),
                Message::SyncStatus(false) => return Err(ScribeFault::Refused(why)),
                Message::Stateless(payload) => {
                    if let Some(ServerFact::Refused(said)) = ServerFact::decode(payload) {
                        why = said;
                    }
                }
                _ => {}
            }
        }
    }

    fn say(&self, said: Said) {
        let member = self.member;
        self.room.tell(Input::Said { member, said });
    }

    /// The next frame of the room.
    async fn hear(&mut self, until: Instant) -> Result<Bytes, ScribeFault> {
        loop {
            if let Some(frame) = self.heard.pop() {
                return Ok(frame);
            }
            if let Some(reason) = self.is_out {
                return Err(ScribeFault::Out(reason));
            }
            let mut outgoing = Vec::new();
            let listening = poll_fn(|context| self.outbox.poll(context, usize::MAX, &mut outgoing));
            let found = tokio::time::timeout_at(until, listening)
                .await
                .map_err(|_| ScribeFault::Out(CloseReason::Busy))?;
            let mut drained: usize = found.dropped.iter().map(|(_, bytes)| *bytes).sum();
            for one in outgoing {
                match one {
                    Outgoing::Frame { frame, .. } => {
                        drained += frame.len();
                        self.heard.push(frame);
                    }
                    // Only sockets have one.
                    Outgoing::Rest(_) => {}
                    Outgoing::Close { reason, .. } => self.is_out = Some(reason),
                }
            }
            // Taken from the end.
            self.heard.reverse();
            if drained > 0 {
                let member = self.member;
                self.room.tell(Input::Drained {
                    member,
                    bytes: drained,
                });
            }
        }
    }
}

/// Opens what a room told. That can take long, so it is done aside.
async fn open(doc: &DocName, updates: Vec<Bytes>) -> Result<Replica, ScribeFault> {
    let opened = long(doc, move || -> Result<Replica, ReplicaError> {
        let mut replica = Replica::new(ReplicaId(fastrand::u32(1..)));
        for update in &updates {
            replica.apply(update, Origin::Remote)?;
        }
        Ok(replica)
    });
    match opened.await {
        Some(Ok(replica)) => Ok(replica),
        Some(Err(_)) | None => Err(ScribeFault::Unusable),
    }
}

/// Does work for a document that may take long, where nothing else waits for it. `None` if it panicked.
pub(crate) async fn long<T: Send + 'static>(
    doc: &DocName,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let place = aside::enter(doc).await;
    let working = move || aside::run(&place, work).ok();
    tokio::task::spawn_blocking(working).await.ok().flatten()
}
