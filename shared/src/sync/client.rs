//! The browser's side: which documents are open, which edits wait for their acknowledgement, when to dial again.
//!
//! One socket, many documents, Hocuspocus dialect. The driver owns the socket, the timer and the replicas; this
//! owns the conversation. No edit is ever queued here: what is not on its way is in the replica, and a
//! new connection finds it by state vector. So memory is a few words a message under way, however long offline.

use crate::ids::{DocName, ReplicaId};
use crate::replica::ReplicaError;
use crate::sync::close::CloseReason;
use crate::sync::facts::{Refused, ServerFact};
use crate::time::MonotonicMs;

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
    /// The device says it has no network: do not dial until [`Input::NetworkBack`].
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
    /// First contact is being made, and no edit waits.
    Connecting,
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
    /// What is shown to the server for each document; may be empty.
    pub token: String,
    /// Seed of the client's chance (delays only). Draw it from a real source.
    pub seed: u64,
}

/// The browser's side of the conversation.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
}

impl Client {
    /// A client with no document and no socket. It dials when the first document is opened.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self { config }
    }

    /// Takes one input; appends what is to be done to `out`.
    pub fn handle(
        &mut self,
        _input: Input<'_>,
        _now: MonotonicMs,
        _documents: &mut dyn Documents,
        _out: &mut Vec<Effect>,
    ) {
        let _ = &self.config;
    }

    /// What to show for `doc`; `None` if it is not open.
    #[must_use]
    pub fn status(&self, _doc: &DocName) -> Option<DocStatus> {
        None
    }
}
