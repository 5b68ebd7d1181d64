//! The server's side of one Hocuspocus socket, before any room: frames apart, tokens first, each document by its address.
//!
//! What a client says before its token was judged is kept, within bounds, and delivered in order afterwards.
//! Judging tokens is somebody else's work ([`Effect::Judge`] asks, [`Input::Judged`] answers).

use std::sync::Arc;

use bytes::Bytes;

use crate::access::Role;
use crate::ids::DocName;
use crate::sync::close::CloseReason;
use crate::time::MonotonicMs;

/// What a member says to its room, in either dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// "This is what I have": a state vector.
    Step1(Bytes),
    /// What the server lacked: one update.
    Step2(Bytes),
    /// A new edit: one update.
    Update(Bytes),
    /// An awareness payload.
    Awareness(Bytes),
    /// "Send me everybody's presence."
    QueryAwareness,
}

/// Names one opening of a document on this socket. Never reused on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpeningId(pub u32);

/// Whose program is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// Any Yjs program: knows the dialect and no more.
    Stock,
    /// Sheaf's own: understands [`crate::sync::facts::ServerFact`].
    Sheaf,
}

/// The answer to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// May join with this role.
    Granted(Role),
    /// May not.
    Denied(CloseReason),
}

/// What happens to the socket.
#[derive(Clone, Debug)]
pub enum Input {
    /// One binary message came.
    Received(Bytes),
    /// The token of this opening was judged.
    Judged {
        /// Which opening.
        opening: OpeningId,
        /// The answer.
        verdict: Verdict,
    },
    /// The room has let this opening go (and has told the client why).
    Ended {
        /// Which opening.
        opening: OpeningId,
    },
    /// Time has passed.
    Tick,
}

/// What the driver must do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Judge this token, then answer with [`Input::Judged`].
    Judge {
        /// Which opening asks.
        opening: OpeningId,
        /// The document.
        doc: DocName,
        /// The token; may be empty.
        token: String,
    },
    /// Make this opening a member of its document's room.
    Join {
        /// Which opening.
        opening: OpeningId,
        /// The document.
        doc: DocName,
        /// What frames to it must start with.
        address: Arc<str>,
        /// What it may do.
        role: Role,
        /// What it understands.
        kind: ClientKind,
    },
    /// Give this to the room it joined.
    Deliver {
        /// Which opening.
        opening: OpeningId,
        /// What it said.
        said: Said,
    },
    /// A token judged again gave another role; tell the room.
    Role {
        /// Which opening.
        opening: OpeningId,
        /// What it may do now.
        role: Role,
    },
    /// It left, or was shut out: tell the room.
    Leave {
        /// Which opening.
        opening: OpeningId,
    },
    /// Send this binary message.
    Send(Bytes),
    /// Close the socket, with the reason's code and text.
    HangUp(CloseReason),
    /// Send [`Input::Tick`] at this time; it replaces what was asked before.
    WakeAt(MonotonicMs),
}

/// One Hocuspocus socket.
#[derive(Debug)]
pub struct Peer {
    opened_at: MonotonicMs,
}

impl Peer {
    /// A socket that was just opened.
    #[must_use]
    pub fn new(now: MonotonicMs) -> Self {
        Self { opened_at: now }
    }

    /// Takes one input; appends what is to be done to `out`.
    pub fn handle(&mut self, _input: Input, _now: MonotonicMs, _out: &mut Vec<Effect>) {
        let _ = self.opened_at;
    }
}
