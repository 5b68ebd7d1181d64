//! The client's one socket: dialling, signs of life, moving, coming back.

use super::document::Document;
use super::{Client, Effect, SocketId, Turn, sooner};
use crate::limits::{HEARTBEAT_EVERY_MS, SILENCE_DEADLINE_MS};
use crate::sync::backoff::STABLE_AFTER_MS;
use crate::sync::close::{After, CloseReason, after_code};
use crate::sync::facts::ServerFact;
use crate::time::MonotonicMs;
use crate::wire::hocuspocus::{Auth, Frame, From, Message};

/// Longest time, in milliseconds, a socket may take to open.
const DIAL_DEADLINE_MS: u64 = 10_000;
/// Longest time, in milliseconds, the server may take to answer when the network is back or the tab visible again.
const PROBE_DEADLINE_MS: u64 = 3_000;
const _: () = assert!(PROBE_DEADLINE_MS < SILENCE_DEADLINE_MS);

/// Where the socket stands.
#[derive(Debug)]
pub(super) enum Line {
    /// Nobody needs one.
    Idle,
    /// Dial then.
    Waiting { until: MonotonicMs },
    /// A socket is being opened.
    Dialling {
        socket: SocketId,
        dialled_at: MonotonicMs,
    },
    /// A socket is open.
    Open(OpenLine),
    /// The server said not to come back.
    Stopped(CloseReason),
}

/// An open socket.
#[derive(Debug)]
pub(super) struct OpenLine {
    socket: SocketId,
    opened_at: MonotonicMs,
    heard_at: MonotonicMs,
    pinged_at: MonotonicMs,
    /// Hang up if nothing is heard until then.
    probe_ends: Option<MonotonicMs>,
    /// The server asked to be left: go then, or a little later if statuses are still on their way.
    move_at: Option<MonotonicMs>,
    move_at_latest: Option<MonotonicMs>,
}

impl Line {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    pub(super) const fn socket(&self) -> Option<SocketId> {
        match self {
            Self::Dialling { socket, .. } => Some(*socket),
            Self::Open(open) => Some(open.socket),
            _ => None,
        }
    }

    /// Notes a sign of life. Returns whether it came from the socket that counts.
    pub(super) fn hear(&mut self, socket: SocketId, now: MonotonicMs) -> bool {
        match self {
            Self::Open(open) if open.socket == socket => {
                open.heard_at = now;
                open.probe_ends = None;
                true
            }
            _ => false,
        }
    }

    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        match self {
            Self::Waiting { until } => Some(*until),
            Self::Dialling { dialled_at, .. } => Some(dialled_at.plus_ms(DIAL_DEADLINE_MS)),
            Self::Open(open) => {
                let ping = open.next_ping();
                let silent = open.heard_at.plus_ms(SILENCE_DEADLINE_MS);
                sooner(
                    sooner(Some(ping.min(silent)), open.probe_ends),
                    open.move_at,
                )
            }
            Self::Idle | Self::Stopped(_) => None,
        }
    }
}

impl OpenLine {
    fn next_ping(&self) -> MonotonicMs {
        self.heard_at
            .max(self.pinged_at)
            .plus_ms(HEARTBEAT_EVERY_MS)
    }
}

impl Client {
    pub(super) fn dial(&mut self, turn: &mut Turn<'_>) {
        self.last_socket = SocketId(self.last_socket.0 + 1);
        self.line = Line::Dialling {
            socket: self.last_socket,
            dialled_at: turn.now,
        };
        turn.out.push(Effect::Dial(self.last_socket));
    }

    pub(super) fn socket_opened(&mut self, socket: SocketId, turn: &mut Turn<'_>) {
        if !matches!(self.line, Line::Dialling { socket: dialled, .. } if dialled == socket) {
            return;
        }
        self.line = Line::Open(OpenLine {
            socket,
            opened_at: turn.now,
            heard_at: turn.now,
            pinged_at: turn.now,
            probe_ends: None,
            move_at: None,
            move_at_latest: None,
        });
        self.apart_since = None;
        self.said_offline = false;
        for (doc, document) in &mut self.documents {
            document.greet(doc, &self.token, turn);
        }
    }

    /// The socket is gone, for whatever reason.
    pub(super) fn cut(&mut self, code: u16, turn: &mut Turn<'_>) {
        if let Line::Open(open) = &self.line
            && turn.now.ms_since(open.opened_at) >= STABLE_AFTER_MS
        {
            self.chance.reset();
        }
        self.part(turn);
        self.line = match after_code(code) {
            After::Retry => Line::Waiting {
                until: turn.now.plus_ms(self.chance.fail()),
            },
            After::Stop => Line::Stopped(CloseReason::of_code(code)),
        };
    }

    fn part(&mut self, turn: &mut Turn<'_>) {
        if self.apart_since.is_none() {
            self.apart_since = Some(turn.now);
        }
        for (doc, document) in &mut self.documents {
            document.lose_line(doc, turn);
        }
    }

    /// Closes the socket from this side and goes on as if it had been cut.
    fn hang_up(&mut self, turn: &mut Turn<'_>) {
        if let Some(socket) = self.line.socket() {
            turn.out.push(Effect::HangUp(socket));
            self.cut(CUT, turn);
        }
    }

    pub(super) fn network_back(&mut self, turn: &mut Turn<'_>) {
        self.said_offline = false;
        match &mut self.line {
            Line::Waiting { .. } => {
                self.chance.reset();
                self.dial(turn);
            }
            // A laptop that slept still believes in its socket: ask, and do not wait for the long deadline.
            Line::Open(open) => {
                open.pinged_at = turn.now;
                open.probe_ends
                    .get_or_insert(turn.now.plus_ms(PROBE_DEADLINE_MS));
                turn.out.push(Effect::Send(Frame::Ping.to_vec()));
            }
            Line::Idle | Line::Dialling { .. } | Line::Stopped(_) => {}
        }
    }

    /// The device's word is no proof: a server on this machine or beside it may be there all the same, and not every
    /// browser says when the network is back. So it is dialled on, at the usual distances.
    pub(super) fn network_gone(&mut self, turn: &mut Turn<'_>) {
        self.said_offline = true;
        match self.line {
            Line::Dialling { .. } | Line::Open(_) => self.hang_up(turn),
            Line::Idle | Line::Waiting { .. } | Line::Stopped(_) => {}
        }
    }

    pub(super) fn try_again(&mut self, turn: &mut Turn<'_>) {
        let open = self.line.is_open();
        for (doc, document) in &mut self.documents {
            document.try_again(doc, &self.token, open, turn);
        }
        let may_dial = matches!(self.line, Line::Waiting { .. } | Line::Stopped(_));
        if may_dial && !self.documents.is_empty() {
            self.chance.reset();
            self.dial(turn);
        }
    }

    pub(super) fn on_time(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        match &mut self.line {
            Line::Waiting { until } if now >= *until => self.dial(turn),
            Line::Dialling { dialled_at, .. } if now.ms_since(*dialled_at) >= DIAL_DEADLINE_MS => {
                self.hang_up(turn);
            }
            Line::Open(open) => {
                let silent = now.ms_since(open.heard_at) >= SILENCE_DEADLINE_MS
                    || open.probe_ends.is_some_and(|at| now >= at);
                let sending = self.documents.values().any(Document::is_sending);
                if sending && open.move_at.is_some_and(|at| now >= at) {
                    open.move_at = open.move_at_latest;
                }
                let moves = open.move_at.is_some_and(|at| now >= at);
                if silent || moves {
                    self.hang_up(turn);
                    return;
                }
                if now >= open.next_ping() {
                    open.pinged_at = now;
                    turn.out.push(Effect::Send(Frame::Ping.to_vec()));
                }
                for (doc, document) in &mut self.documents {
                    document.on_time(doc, &self.token, turn);
                }
            }
            _ => {}
        }
    }

    pub(super) fn receive(&mut self, frame: &[u8], turn: &mut Turn<'_>) {
        let (address, message) = match Frame::decode(frame, From::Server) {
            Ok(Frame::Document { address, message }) => (address, message),
            Ok(Frame::Ping) => return turn.out.push(Effect::Send(Frame::Pong.to_vec())),
            Ok(Frame::Pong) => return,
            // What follows a broken frame cannot be trusted either: start afresh.
            Err(_) => return self.hang_up(turn),
        };
        let Some((doc, document)) = self
            .documents
            .iter_mut()
            .find(|(doc, _)| doc.as_str() == address.0)
        else {
            return;
        };
        match message {
            Message::Sync(sync) => document.receive_sync(doc, sync, turn),
            Message::Awareness(payload) => document.receive_presence(doc, payload, turn),
            Message::SyncStatus(stored) => document.receive_status(doc, stored, turn),
            Message::Auth(Auth::TokenWanted) => document.send_token(doc, &self.token, turn),
            Message::Auth(Auth::Denied(reason)) => {
                let reason = CloseReason::of_text(reason).unwrap_or(CloseReason::Forbidden);
                document.receive_close(doc, Some(reason), turn);
            }
            Message::Close(text) => {
                let reason = text.and_then(CloseReason::of_text);
                document.seed(self.chance.below(u64::MAX));
                document.receive_close(doc, reason, turn);
            }
            Message::Stateless(payload) => {
                if let Some(fact) = ServerFact::decode(payload) {
                    document.receive_fact(doc, fact, turn);
                    if let ServerFact::Draining { within_ms } = fact {
                        self.plan_move(within_ms, turn.now);
                    }
                }
            }
            Message::Auth(Auth::Granted { .. } | Auth::Token { .. })
            | Message::QueryAwareness
            | Message::SyncReply(_)
            | Message::BroadcastStateless(_) => {}
        }
    }

    /// The server goes away: leave at a moment of our own, so that not everybody leaves at once.
    fn plan_move(&mut self, within_ms: u64, now: MonotonicMs) {
        let after = self.chance.below(within_ms / 2 + 1);
        if let Line::Open(open) = &mut self.line {
            let at = *open.move_at.get_or_insert(now.plus_ms(after));
            open.move_at_latest
                .get_or_insert(at.plus_ms(MOVE_PATIENCE_MS));
        }
    }
}

/// How long, in milliseconds, a move waits for statuses that are on their way.
const MOVE_PATIENCE_MS: u64 = 1_000;
/// The code of a connection that ended without one.
const CUT: u16 = 1006;
