//! The browser's side: which documents are open, which edits wait for their acknowledgement, when to dial again.
//!
//! One socket, many documents, Hocuspocus dialect. The driver owns the socket, the timer and the replicas; this
//! owns the conversation. No edit is ever queued here: what is not on its way is in the replica, and a
//! new connection finds it by state vector. So memory is a few words a message under way, however long offline; an
//! answer that goes out in parts is held until they are sent.

mod document;
mod line;
#[cfg(test)]
mod tests;
mod way;

use litemap::LiteMap;

use crate::gate::update::PartBytes;
use crate::ids::{DocName, ReplicaId};
use crate::replica::ReplicaError;
use crate::sync::backoff::Backoff;
use crate::sync::close::CloseReason;
use crate::sync::facts::{Refused, ServerFact};
use crate::time::MonotonicMs;
use document::Document;
use line::Line;
use way::{News, Ways};

pub use way::Way;

/// Names one socket: the client draws it when it dials, the driver repeats it with what the socket says.
///
/// What an older socket still says is thereby known and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// The replicas, as the driver holds them. Called only for open documents.
pub trait Documents {
    /// What the replica of `doc` holds, as an encoded state vector.
    fn version(&mut self, doc: &DocName) -> Vec<u8>;

    /// What a peer at `their_version` lacks of `doc`, as one update.
    ///
    /// # Errors
    /// [`ReplicaError`] if `their_version` does not decode.
    fn missing_for(&mut self, doc: &DocName, their_version: &[u8])
    -> Result<Vec<u8>, ReplicaError>;

    /// What is shown to the server for `doc`, each time it is greeted; `None` shows [`ClientConfig::token`].
    fn token(&mut self, doc: &DocName) -> Option<String> {
        let _ = doc;
        None
    }
}

/// What happens to the client.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Keep this document in step from now on.
    Open {
        /// The document.
        doc: &'a DocName,
        /// Edits in its local log which were never acknowledged.
        waiting: usize,
    },
    /// Let go of this document. Its edits that still wait stay in the local log.
    Close {
        /// The document.
        doc: &'a DocName,
    },
    /// The person at this screen changed the replica; it holds the edit already.
    Edited {
        /// The document.
        doc: &'a DocName,
        /// The edit as one update (V1).
        update: &'a [u8],
    },
    /// Show this presence to the others. It is repeated after each reconnection and renewed by itself.
    Announce {
        /// The document.
        doc: &'a DocName,
        /// The replica's own id.
        who: ReplicaId,
        /// JSON of the state; `None` to leave.
        state: Option<&'a str>,
    },
    /// The socket is open.
    SocketOpened(SocketId),
    /// The socket failed to open, or is closed.
    SocketClosed {
        /// Which.
        socket: SocketId,
        /// The close code; 1006 if there was none.
        code: u16,
    },
    /// The socket received one binary message.
    Received {
        /// Which.
        socket: SocketId,
        /// The message.
        frame: &'a [u8],
    },
    /// The device has a network again, or the tab became visible: dial now, or ask the open socket for a sign of life.
    NetworkBack,
    /// The device says it has no network.
    NetworkGone,
    /// The person pressed "try again": also after a close that meant stop, and for refused edits.
    TryAgain,
    /// Time has passed; come at the latest when [`Effect::WakeAt`] said.
    Tick,
}

/// What the driver must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a socket now. An older one is of no use any more.
    Dial(SocketId),
    /// Begin a line of exchanges, which counts as a socket. An older one is of no use any more.
    Exchange(SocketId),
    /// Open a WebSocket beside the line that is open: that one goes by exchanges, or does not answer.
    Look(SocketId),
    /// Send a ping on this socket.
    Ping(SocketId),
    /// The open line goes this way.
    Goes(Way),
    /// Close this socket.
    HangUp(SocketId),
    /// Send one binary message on the open socket.
    Send(Vec<u8>),
    /// Apply this update to the replica and the local log. If it is refused, say so and hang up nothing.
    Apply {
        /// The document.
        doc: DocName,
        /// One update (V1), as received: the replica's gate has not seen it.
        update: Vec<u8>,
    },
    /// An awareness payload for the roster of those present.
    Presence {
        /// The document.
        doc: DocName,
        /// The payload, as received.
        payload: Vec<u8>,
    },
    /// Everybody else's presence is unknown from now on: the line is cut.
    PresenceLost {
        /// The document.
        doc: DocName,
    },
    /// The server has these edits on its disk.
    Acknowledged {
        /// The document.
        doc: DocName,
        /// How many edits this acknowledged.
        edits: usize,
        /// How many still wait.
        waiting: usize,
    },
    /// The replica now has everything the server had when this connection was made.
    Synced {
        /// The document.
        doc: DocName,
    },
    /// The server refused edits. They are still in the replica and the local log.
    Refused {
        /// The document.
        doc: DocName,
        /// Why.
        why: Refused,
        /// How many edits.
        edits: usize,
    },
    /// What to show for this document, whenever it changes.
    Status {
        /// The document.
        doc: DocName,
        /// What to show.
        status: DocStatus,
    },
    /// The server said something of this document that is worth knowing.
    Fact {
        /// The document it said it of.
        doc: DocName,
        /// What it said.
        fact: ServerFact,
    },
    /// Send [`Input::Tick`] at this time; it replaces what was asked before.
    WakeAt(MonotonicMs),
}

/// The truth about one document's edits, for the state chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocStatus {
    /// Contact is being made, or a cut is so young that it is not worth a word.
    Connecting {
        /// Edits not yet acknowledged.
        waiting: usize,
    },
    /// Every edit is on the server's disk, said by the server on this connection.
    Saved,
    /// Connected; so many edits are on their way.
    Saving {
        /// Edits not yet acknowledged.
        waiting: usize,
    },
    /// Connected, and the server said that it can't store at the moment.
    ServerStalled {
        /// Edits not yet acknowledged.
        waiting: usize,
    },
    /// The device has no network.
    Offline {
        /// Edits kept on this device only.
        waiting: usize,
        /// Since when.
        since: MonotonicMs,
    },
    /// There should be a network, and the server does not answer.
    CannotReach {
        /// Edits kept on this device only.
        waiting: usize,
        /// Since when.
        since: MonotonicMs,
        /// When it is dialled again.
        next_try: MonotonicMs,
    },
    /// The server refused edits; they are kept on this device.
    Refused {
        /// Edits kept on this device only.
        waiting: usize,
        /// Why.
        why: Refused,
    },
    /// The server closed this document for good; the edits are kept on this device.
    Shut {
        /// Edits kept on this device only.
        waiting: usize,
        /// Why.
        why: CloseReason,
    },
}

/// How to build a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// What is shown to the server for each document for which the driver has [nothing else](Documents::token); may be empty.
    pub token: String,
    /// Seed of the client's chance (delays only). Draw it from a real source.
    pub seed: u64,
}

/// Messages under way for one document before later edits wait in the replica.
const UNDER_WAY_MESSAGES_MAX: usize = 256;
/// Bytes under way for one document before later edits wait in the replica. One message may be longer.
const UNDER_WAY_BYTES_MAX: usize = 1024 * 1024;
/// Milliseconds without a connection before the page says so.
const CUT_GRACE_MS: u64 = 3_000;

/// The browser's side of the conversation.
#[derive(Debug)]
pub struct Client {
    token: String,
    part_bytes: PartBytes,
    chance: Backoff,
    ways: Ways,
    line: Line,
    /// Milliseconds without an answer to a ping, from which on the line is doubted.
    doubt_ms: u64,
    /// Since when there is no open socket; `None` while there is one.
    apart_since: Option<MonotonicMs>,
    /// The device says that it has no network, and no socket has opened since.
    said_offline: bool,
    documents: LiteMap<DocName, Document>,
    wakes_at: Option<MonotonicMs>,
    last_socket: SocketId,
}

/// What the parts of the client work with during one input.
struct Turn<'a> {
    now: MonotonicMs,
    replicas: &'a mut dyn Documents,
    out: &'a mut Vec<Effect>,
}

impl Client {
    /// A client with no document and no socket. It dials when the first document is opened.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self {
            token: config.token,
            part_bytes: PartBytes::USUAL,
            chance: Backoff::new(config.seed),
            ways: Ways::web_sockets_only(),
            line: Line::Idle,
            doubt_ms: line::DOUBT_MS,
            apart_since: None,
            said_offline: false,
            documents: LiteMap::new(),
            wakes_at: None,
            last_socket: SocketId(0),
        }
    }

    /// The same, which goes by [exchanges](crate::sync::exchanges) where no WebSocket comes through.
    #[must_use]
    pub const fn with_exchanges(mut self) -> Self {
        self.ways.allow_exchanges();
        self
    }

    /// The same, with other lengths of messages than [`PartBytes::USUAL`].
    #[must_use]
    pub const fn with_parts_of(mut self, part_bytes: PartBytes) -> Self {
        self.part_bytes = part_bytes;
        self
    }

    /// Takes one input; appends what is to be done to `out`.
    pub fn handle(
        &mut self,
        input: Input<'_>,
        now: MonotonicMs,
        documents: &mut dyn Documents,
        out: &mut Vec<Effect>,
    ) {
        let turn = &mut Turn {
            now,
            replicas: documents,
            out,
        };
        match input {
            Input::Open { doc, waiting } => self.open(doc, waiting, turn),
            Input::Close { doc } => self.close(doc, turn),
            Input::Edited { doc, update } => {
                if let Some(document) = self.documents.get_mut(doc) {
                    document.edited(doc, update, self.line.is_open(), turn);
                    self.hurry(turn.now);
                }
            }
            Input::Announce { doc, who, state } => {
                if let Some(document) = self.documents.get_mut(doc) {
                    document.announce(doc, who, state, self.line.is_open(), turn);
                }
            }
            Input::SocketOpened(socket) => self.socket_opened(socket, turn),
            Input::SocketClosed { socket, code } => {
                if !self.hear_look(socket, News::Closed, turn) && self.line.socket() == Some(socket)
                {
                    self.cut(code, turn);
                }
            }
            Input::Received { socket, frame } => {
                if self.hear_look(socket, News::Said, turn) {
                    // It carries frames, and that was all to know.
                } else if self.line.hear(socket, now) {
                    if self.line.way() == Way::WebSocket {
                        self.ways.carried();
                        self.stop_looking(turn);
                    }
                    self.receive(frame, turn);
                }
            }
            Input::NetworkBack => self.network_back(turn),
            Input::NetworkGone => self.network_gone(turn),
            Input::TryAgain => self.try_again(turn),
            Input::Tick => {}
        }
        self.on_time(turn);
        self.tell(turn);
    }

    /// What to show for `doc`; `None` if it is not open.
    #[must_use]
    pub fn status(&self, doc: &DocName) -> Option<DocStatus> {
        self.documents.get(doc)?.told
    }

    fn open(&mut self, doc: &DocName, waiting: usize, turn: &mut Turn<'_>) {
        if self.documents.contains_key(doc) {
            return;
        }
        let mut document = Document::new(waiting, self.part_bytes);
        if self.line.is_open() {
            document.greet(doc, &self.token, turn);
        }
        self.documents.insert(doc.clone(), document);
        if matches!(self.line, Line::Idle) {
            self.apart_since = Some(turn.now);
            self.dial(turn);
        }
    }

    fn close(&mut self, doc: &DocName, turn: &mut Turn<'_>) {
        let Some(mut document) = self.documents.remove(doc) else {
            return;
        };
        if self.line.is_open() {
            document.take_leave(doc, turn);
        }
        if self.documents.is_empty() {
            if let Some(socket) = self.line.socket() {
                turn.out.push(Effect::HangUp(socket));
            }
            self.stop_looking(turn);
            self.line = Line::Idle;
            self.apart_since = None;
        }
    }

    /// Emits every status that changed, and when to wake.
    fn tell(&mut self, turn: &mut Turn<'_>) {
        let mut earliest = sooner(
            self.line.deadline(self.ways.may_exchange()),
            self.ways.deadline(),
        );
        let open = self.line.is_open();
        if let Some(since) = self.apart_since {
            let grace_ends = since.plus_ms(CUT_GRACE_MS);
            if grace_ends > turn.now {
                earliest = sooner(earliest, Some(grace_ends));
            }
        }
        for (doc, document) in &mut self.documents {
            let status = document.status(&self.line, self.apart_since, self.said_offline, turn.now);
            if document.told != Some(status) {
                document.told = Some(status);
                turn.out.push(Effect::Status {
                    doc: doc.clone(),
                    status,
                });
            }
            if open {
                earliest = sooner(earliest, document.deadline());
            }
        }
        if let Some(at) = earliest
            && self.wakes_at != Some(at)
        {
            turn.out.push(Effect::WakeAt(at));
        }
        self.wakes_at = earliest;
    }
}

fn sooner(one: Option<MonotonicMs>, other: Option<MonotonicMs>) -> Option<MonotonicMs> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
