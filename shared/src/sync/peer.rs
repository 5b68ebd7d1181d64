//! The server's side of one Hocuspocus socket, before any room: frames apart, tokens first, each document by its address.
//!
//! What a client says before its token was judged is kept, within bounds, and delivered in order afterwards.
//! Judging tokens is somebody else's work ([`Effect::Judge`] asks, [`Input::Judged`] answers).

use std::sync::Arc;

use bytes::Bytes;

use crate::access::Role;
use crate::bytes::Reader;
use crate::ids::DocName;
use crate::sync::close::CloseReason;
use crate::sync::facts::PROVIDER_PREFIX;
use crate::time::MonotonicMs;
use crate::wire::SyncMessage;
use crate::wire::hocuspocus::{Address, Auth, Frame, From, Message};

pub use words::{ClientKind, Said, Token};

mod words;

#[cfg(test)]
mod tests;

/// Longest time, in milliseconds, until a token is in and judged.
pub const AUTH_DEADLINE_MS: u64 = 10_000;
/// Bytes kept of what a socket says before its tokens are judged.
pub const EARLY_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Messages kept of what a socket says before its tokens are judged.
pub const EARLY_MESSAGES_MAX: usize = 1_000;
/// Documents of one socket whose token is not judged yet.
pub const EARLY_DOCUMENTS_MAX: usize = 100;
/// Documents open over one socket.
pub const OPENINGS_MAX: usize = 1_000;
/// Longest address, in bytes: a name, a zero and a session.
const ADDRESS_BYTES_MAX: usize = crate::ids::DOC_NAME_BYTES_MAX + 64;

/// Names one opening of a document on this socket. Never reused on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpeningId(pub u32);

/// The answer to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// May join with this role.
    Granted(Role),
    /// May not.
    Denied(CloseReason),
    /// That can't be said now: the client comes again.
    NotNow(CloseReason),
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
        token: Token,
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
    next: OpeningId,
    /// Few as a rule, so a list is smaller and faster than a map.
    openings: Vec<Opening>,
    early_bytes: usize,
    early_messages: usize,
    hung_up: bool,
}

#[derive(Debug)]
struct Opening {
    id: OpeningId,
    address: Arc<str>,
    doc: DocName,
    kind: ClientKind,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Its token is not in, or not judged.
    Early(Box<Early>),
    /// It is a member of its room.
    Joined { role: Role },
}

#[derive(Debug)]
struct Early {
    since: MonotonicMs,
    said: Vec<Said>,
}

impl Peer {
    /// A socket that was just opened. Give it a [`Input::Tick`] at `now` + [`AUTH_DEADLINE_MS`].
    #[must_use]
    pub const fn new(now: MonotonicMs) -> Self {
        Self {
            opened_at: now,
            next: OpeningId(0),
            openings: Vec::new(),
            early_bytes: 0,
            early_messages: 0,
            hung_up: false,
        }
    }

    /// Takes one input; appends what is to be done to `out`.
    ///
    /// After [`Effect::HangUp`] nothing more comes out; every opening that had joined was let go by
    /// [`Effect::Leave`] before it. When the socket closes by itself, tell the rooms with [`Peer::joined`].
    pub fn handle(&mut self, input: Input, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.hung_up {
            return;
        }
        match input {
            Input::Received(frame) => self.receive(&frame, now, out),
            Input::Judged { opening, verdict } => self.judged(opening, verdict, out),
            Input::Ended { opening } => self.openings.retain(|one| one.id != opening),
            Input::Tick => self.tick(now, out),
        }
    }

    /// Which program opened this; `None` if it is not open any more.
    #[must_use]
    pub fn kind_of(&self, opening: OpeningId) -> Option<ClientKind> {
        let found = self.openings.iter().find(|one| one.id == opening)?;
        Some(found.kind)
    }

    /// The openings that are members of a room now.
    pub fn joined(&self) -> impl Iterator<Item = (OpeningId, &DocName)> {
        self.openings
            .iter()
            .filter(|one| matches!(one.state, State::Joined { .. }))
            .map(|one| (one.id, &one.doc))
    }

    fn receive(&mut self, frame: &Bytes, now: MonotonicMs, out: &mut Vec<Effect>) {
        let (address, message) = match Frame::decode(frame, From::Client) {
            Ok(Frame::Document { address, message }) => (address, message),
            Ok(Frame::Ping) => return out.push(Effect::Send(Frame::Pong.to_vec().into())),
            Ok(Frame::Pong) => return,
            Err(_) => return self.refuse_frame(frame, out),
        };
        let said = match message {
            Message::Sync(SyncMessage::Step1(version)) => Said::Step1(frame.slice_ref(version)),
            Message::Sync(SyncMessage::Step2(update)) => Said::Step2(frame.slice_ref(update)),
            Message::Sync(SyncMessage::Update(update)) => Said::Update(frame.slice_ref(update)),
            Message::Awareness(payload) => Said::Awareness(frame.slice_ref(payload)),
            Message::QueryAwareness => Said::QueryAwareness,
            Message::Auth(Auth::Token { token, provider }) => {
                return self.token(address, token, provider, now, out);
            }
            Message::Close(_) => return self.take_leave(address, out),
            // An application's own words have no reader here.
            Message::Stateless(_) => return,
            Message::Auth(_)
            | Message::SyncReply(_)
            | Message::BroadcastStateless(_)
            | Message::SyncStatus(_) => return self.shut(address, CloseReason::Malformed, out),
        };
        self.said(address, said, now, out);
    }

    fn place_of(&self, address: Address<'_>) -> Option<usize> {
        self.openings
            .iter()
            .position(|one| *one.address == *address.0)
    }

    /// Finds the opening, or makes one that awaits its token. `None` if that cannot be; then all is said.
    fn opening(
        &mut self,
        address: Address<'_>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) -> Option<usize> {
        if let Some(place) = self.place_of(address) {
            return Some(place);
        }
        let Ok(doc) = DocName::parse(address.name()) else {
            deny(address, CloseReason::Forbidden, out);
            return None;
        };
        if self.openings.len() >= OPENINGS_MAX {
            deny(address, CloseReason::Busy, out);
            return None;
        }
        if address.0.len() > ADDRESS_BYTES_MAX || self.early().count() >= EARLY_DOCUMENTS_MAX {
            self.hang_up(CloseReason::TooMuch, out);
            return None;
        }
        let id = self.next;
        self.next = OpeningId(id.0.wrapping_add(1));
        self.openings.reserve_exact(1);
        self.openings.push(Opening {
            id,
            address: address.0.into(),
            doc,
            kind: ClientKind::Unnamed,
            state: State::Early(Box::new(Early {
                since: now,
                said: Vec::new(),
            })),
        });
        out.push(Effect::WakeAt(self.deadline()));
        Some(self.openings.len() - 1)
    }

    fn early(&self) -> impl Iterator<Item = &Early> {
        self.openings.iter().filter_map(|one| match &one.state {
            State::Early(early) => Some(&**early),
            State::Joined { .. } => None,
        })
    }

    fn deadline(&self) -> MonotonicMs {
        self.early()
            .map(|early| early.since)
            .min()
            .unwrap_or(self.opened_at)
            .plus_ms(AUTH_DEADLINE_MS)
    }

    fn token(
        &mut self,
        address: Address<'_>,
        token: &str,
        provider: Option<&str>,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let Some(place) = self.opening(address, now, out) else {
            return;
        };
        let opening = &mut self.openings[place];
        if let (State::Early(_), Some(name)) = (&opening.state, provider) {
            opening.kind = if name.starts_with(PROVIDER_PREFIX) {
                ClientKind::Sheaf
            } else {
                ClientKind::Stock
            };
        }
        out.push(Effect::Judge {
            opening: opening.id,
            doc: opening.doc.clone(),
            token: Token(token.to_owned()),
        });
    }

    fn said(&mut self, address: Address<'_>, said: Said, now: MonotonicMs, out: &mut Vec<Effect>) {
        let Some(place) = self.opening(address, now, out) else {
            return;
        };
        let opening = &mut self.openings[place];
        match &mut opening.state {
            State::Joined { .. } => out.push(Effect::Deliver {
                opening: opening.id,
                said,
            }),
            State::Early(early) => {
                self.early_bytes += said.len();
                self.early_messages += 1;
                early.said.push(said);
                if self.early_bytes > EARLY_BYTES_MAX || self.early_messages > EARLY_MESSAGES_MAX {
                    self.hang_up(CloseReason::TooMuch, out);
                }
            }
        }
    }

    fn judged(&mut self, id: OpeningId, verdict: Verdict, out: &mut Vec<Effect>) {
        let Some(place) = self.openings.iter().position(|one| one.id == id) else {
            return;
        };
        let role = match verdict {
            Verdict::Granted(role) => role,
            Verdict::Denied(reason) => {
                let opening = self.remove(place, out);
                deny(Address(&opening.address), reason, out);
                return;
            }
            Verdict::NotNow(reason) => {
                // Whoever is in stays in: nothing was decided.
                if let State::Early(_) = self.openings[place].state {
                    let address = Arc::clone(&self.openings[place].address);
                    self.shut(Address(&address), reason, out);
                }
                return;
            }
        };
        let opening = &mut self.openings[place];
        let granted = Message::Auth(Auth::Granted {
            read_only: !role.may_edit(),
        });
        send(&opening.address, granted, out);
        let before = std::mem::replace(&mut opening.state, State::Joined { role });
        match before {
            State::Joined { role: had } if had == role => {}
            State::Joined { .. } => out.push(Effect::Role { opening: id, role }),
            State::Early(early) => {
                out.push(Effect::Join {
                    opening: id,
                    doc: opening.doc.clone(),
                    address: Arc::clone(&opening.address),
                    role,
                    kind: opening.kind,
                });
                self.forget_early(&early);
                out.extend(
                    early
                        .said
                        .into_iter()
                        .map(|said| Effect::Deliver { opening: id, said }),
                );
            }
        }
    }

    fn forget_early(&mut self, early: &Early) {
        self.early_messages -= early.said.len();
        self.early_bytes -= early.said.iter().map(Said::len).sum::<usize>();
    }

    fn take_leave(&mut self, address: Address<'_>, out: &mut Vec<Effect>) {
        if let Some(place) = self.place_of(address) {
            self.remove(place, out);
        }
    }

    /// Closes one document and says why.
    fn shut(&mut self, address: Address<'_>, reason: CloseReason, out: &mut Vec<Effect>) {
        match self.place_of(address) {
            Some(place) if self.openings[place].kind.understands_close() => {
                self.remove(place, out);
                send(address.0, Message::Close(Some(reason.text())), out);
            }
            Some(_) | None => self.hang_up(reason, out),
        }
    }

    fn remove(&mut self, place: usize, out: &mut Vec<Effect>) -> Opening {
        let opening = self.openings.remove(place);
        match &opening.state {
            State::Joined { .. } => out.push(Effect::Leave {
                opening: opening.id,
            }),
            State::Early(early) => self.forget_early(early),
        }
        opening
    }

    /// A frame that does not read costs its document, if one can tell which, and the socket otherwise.
    fn refuse_frame(&mut self, frame: &[u8], out: &mut Vec<Effect>) {
        match Reader::new(frame).text() {
            Ok(address) => self.shut(Address(address), CloseReason::Malformed, out),
            Err(_) => self.hang_up(CloseReason::Malformed, out),
        }
    }

    fn hang_up(&mut self, reason: CloseReason, out: &mut Vec<Effect>) {
        self.hung_up = true;
        for opening in std::mem::take(&mut self.openings) {
            if matches!(opening.state, State::Joined { .. }) {
                out.push(Effect::Leave {
                    opening: opening.id,
                });
            }
        }
        out.push(Effect::HangUp(reason));
    }

    fn tick(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        let overdue = |since: MonotonicMs| now.ms_since(since) >= AUTH_DEADLINE_MS;
        let any_joined = self.joined().next().is_some();
        // A document without a token must not cost the others that share the socket.
        if !any_joined && overdue(self.opened_at) {
            return self.hang_up(CloseReason::AuthTimeout, out);
        }
        let late =
            |one: &Opening| matches!(&one.state, State::Early(early) if overdue(early.since));
        while let Some(place) = self.openings.iter().position(late) {
            let opening = self.remove(place, out);
            // It has sent no token, so nobody knows which program it is; this one message is for all of them.
            deny(Address(&opening.address), CloseReason::AuthTimeout, out);
        }
        if self.early().next().is_some() {
            out.push(Effect::WakeAt(self.deadline()));
        }
    }
}

fn deny(address: Address<'_>, reason: CloseReason, out: &mut Vec<Effect>) {
    send(address.0, Message::Auth(Auth::Denied(reason.text())), out);
}

fn send(address: &str, message: Message<'_>, out: &mut Vec<Effect>) {
    let frame = message.to(Address(address)).to_vec();
    out.push(Effect::Send(frame.into()));
}
