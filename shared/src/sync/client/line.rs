//! The client's one socket: dialling, signs of life, moving, coming back.

use super::document::Document;
use super::way::{CARRIES_WITHIN_MS, News, OPENS_WITHIN_MS, Way};
use super::{Client, Effect, SocketId, Turn, sooner};
use crate::access::Role;
use crate::limits::{EXCHANGE_HOLD_MS_MAX, HEARTBEAT_EVERY_MS, SILENCE_DEADLINE_MS};
use crate::sync::backoff::STABLE_AFTER_MS;
use crate::sync::close::{After, CloseReason, after_code};
use crate::sync::facts::ServerFact;
use crate::time::MonotonicMs;
use crate::wire::hocuspocus::{Auth, Frame, From, Message};

/// Longest time, in milliseconds, a socket may take to open.
const DIAL_DEADLINE_MS: u64 = 10_000;
/// Longest silence, in milliseconds, while an acknowledgement is owed, before a ping asks whether the line lives. Not the
/// acknowledgement itself is waited for: a store may take long, but whoever reads the socket answers a ping at once.
const OWED_MS: u64 = 1_500;
/// First bound, in milliseconds, of the wait for the answer to a ping. From then on the line is doubted.
pub(super) const DOUBT_MS: u64 = 2_000;
const _: () = assert!(OWED_MS + DOUBT_MS < HEARTBEAT_EVERY_MS);
/// Longest wait, in milliseconds, of somebody who writes, before a server is dialled again that was not heard.
const WRITER_WAITS_MS: u64 = 3_000;
/// Signs of life on a line of exchanges: each answer is one, and an exchange is held for so long.
const EXCHANGE_HEARTBEAT_MS: u64 = 30_000;
const EXCHANGE_SILENCE_MS: u64 = 75_000;
const _: () = assert!(EXCHANGE_HOLD_MS_MAX < EXCHANGE_HEARTBEAT_MS);
const _: () = assert!(EXCHANGE_HEARTBEAT_MS * 2 < EXCHANGE_SILENCE_MS);

/// Where the socket stands.
#[derive(Debug)]
pub(super) enum Line {
    /// Nobody needs one.
    Idle,
    /// Dial then.
    Waiting {
        until: MonotonicMs,
        /// The server set the time.
        was_told: bool,
    },
    /// A socket is being opened.
    Dialling {
        socket: SocketId,
        way: Way,
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
    way: Way,
    /// Something came on it.
    has_carried: bool,
    opened_at: MonotonicMs,
    heard_at: MonotonicMs,
    pinged_at: MonotonicMs,
    /// Doubt it if nothing is heard until then.
    doubt_at: Option<MonotonicMs>,
    /// Since when an acknowledgement is owed and nothing was heard.
    owed_since: Option<MonotonicMs>,
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
                open.has_carried = true;
                open.doubt_at = None;
                open.owed_since = None;
                true
            }
            _ => false,
        }
    }

    /// How an open line goes; WebSockets if there is none.
    pub(super) const fn way(&self) -> Way {
        match self {
            Self::Open(open) => open.way,
            _ => Way::WebSocket,
        }
    }

    pub(super) fn deadline(&self, may_exchange: bool) -> Option<MonotonicMs> {
        match self {
            Self::Waiting { until, .. } => Some(*until),
            Self::Dialling {
                dialled_at, way, ..
            } => Some(dialled_at.plus_ms(opens_within_ms(*way, may_exchange))),
            Self::Open(open) => {
                let ping = open.next_ping();
                let silent = open.silent_at(may_exchange);
                sooner(sooner(Some(ping.min(silent)), open.doubt_at), open.move_at)
            }
            Self::Idle | Self::Stopped(_) => None,
        }
    }
}

/// Longest time, in milliseconds, a line may take to open.
const fn opens_within_ms(way: Way, may_exchange: bool) -> u64 {
    match way {
        Way::WebSocket if may_exchange => OPENS_WITHIN_MS,
        // It tries again by itself for a while.
        Way::Exchanges => 2 * DIAL_DEADLINE_MS,
        Way::WebSocket => DIAL_DEADLINE_MS,
    }
}

impl OpenLine {
    pub(super) const fn new(socket: SocketId, way: Way, now: MonotonicMs) -> Self {
        Self {
            socket,
            way,
            has_carried: false,
            opened_at: now,
            heard_at: now,
            pinged_at: now,
            doubt_at: None,
            owed_since: None,
            move_at: None,
            move_at_latest: None,
        }
    }

    fn next_ping(&self) -> MonotonicMs {
        let every_ms = match self.way {
            Way::WebSocket => HEARTBEAT_EVERY_MS,
            Way::Exchanges => EXCHANGE_HEARTBEAT_MS,
        };
        let usual = self.heard_at.max(self.pinged_at).plus_ms(every_ms);
        match self.owed_since {
            Some(since) if self.pinged_at <= since => usual.min(since.plus_ms(OWED_MS)),
            _ => usual,
        }
    }

    /// Asks for a sign of life, which is to come within `doubt_ms`.
    fn ping(&mut self, doubt_ms: u64, turn: &mut Turn<'_>) {
        self.pinged_at = turn.now;
        // On a line of exchanges each has its own deadline, and a WebSocket is looked for anyway.
        if self.way == Way::WebSocket {
            self.doubt_at.get_or_insert(turn.now.plus_ms(doubt_ms));
        }
        turn.out.push(Effect::Send(Frame::Ping.to_vec()));
    }

    /// When it counts as dead unless something comes.
    fn silent_at(&self, may_exchange: bool) -> MonotonicMs {
        self.heard_at.plus_ms(match self.way {
            Way::WebSocket if may_exchange && !self.has_carried => CARRIES_WITHIN_MS,
            Way::WebSocket => SILENCE_DEADLINE_MS,
            Way::Exchanges => EXCHANGE_SILENCE_MS,
        })
    }
}

impl Client {
    pub(super) fn dial(&mut self, turn: &mut Turn<'_>) {
        let socket = self.next_socket();
        let way = self.ways.next;
        self.line = Line::Dialling {
            socket,
            way,
            dialled_at: turn.now,
        };
        turn.out.push(match way {
            Way::WebSocket => Effect::Dial(socket),
            Way::Exchanges => Effect::Exchange(socket),
        });
    }

    pub(super) fn next_socket(&mut self) -> SocketId {
        self.last_socket = SocketId(self.last_socket.0 + 1);
        self.last_socket
    }

    pub(super) fn socket_opened(&mut self, socket: SocketId, turn: &mut Turn<'_>) {
        if self.hear_look(socket, News::Opened, turn) {
            return;
        }
        let way = match self.line {
            Line::Dialling {
                socket: dialled,
                way,
                ..
            } if dialled == socket => way,
            _ => return,
        };
        self.line = Line::Open(OpenLine::new(socket, way, turn.now));
        self.apart_since = None;
        self.said_offline = false;
        if self.ways.may_exchange() {
            turn.out.push(Effect::Goes(way));
        }
        match way {
            Way::Exchanges => self.began_exchanges(turn),
            // There may be no document left to greet, and it must show that it carries something.
            Way::WebSocket if self.ways.may_exchange() => {
                turn.out.push(Effect::Send(Frame::Ping.to_vec()));
            }
            Way::WebSocket => {}
        }
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
        let tries_exchange = self.choose_way(code);
        self.stop_looking(turn);
        self.part(turn);
        if tries_exchange {
            return self.dial(turn);
        }
        self.line = match after_code(code) {
            After::Retry => Line::Waiting {
                until: turn.now.plus_ms(self.chance.fail()),
                was_told: code != CUT,
            },
            After::Stop => Line::Stopped(CloseReason::of_code(code)),
        };
    }

    /// The line is cut: says which way to go next, and answers whether at once.
    fn choose_way(&mut self, code: u16) -> bool {
        let (way, has_carried, was_open) = match &self.line {
            Line::Dialling { way, .. } => (*way, false, false),
            Line::Open(open) => (open.way, open.has_carried, true),
            _ => return false,
        };
        self.ways.next = match way {
            Way::WebSocket if !has_carried && self.ways.carried_nothing(code) => {
                self.ways.next = Way::Exchanges;
                return true;
            }
            // It worked a moment ago.
            Way::Exchanges if was_open => Way::Exchanges,
            // If not even that is answered, it is not the network that picks and chooses.
            Way::WebSocket | Way::Exchanges => Way::WebSocket,
        };
        false
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
                open.ping(self.doubt_ms, turn);
                self.ways.look_soon(turn.now);
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
        // The next network may be another one.
        self.ways.forget();
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
        let may_exchange = self.ways.may_exchange();
        self.look_on_time(turn);
        match &mut self.line {
            Line::Waiting { until, .. } if now >= *until => self.dial(turn),
            Line::Dialling {
                dialled_at, way, ..
            } if now.ms_since(*dialled_at) >= opens_within_ms(*way, may_exchange) => {
                self.hang_up(turn);
            }
            Line::Open(open) => {
                let silent = now >= open.silent_at(may_exchange);
                let sending = self.documents.values().any(Document::is_sending);
                if sending && open.move_at.is_some_and(|at| now >= at) {
                    open.move_at = open.move_at_latest;
                }
                let moves = open.move_at.is_some_and(|at| now >= at);
                if silent || moves {
                    self.hang_up(turn);
                    return;
                }
                open.owed_since =
                    (sending && open.way == Way::WebSocket).then(|| open.owed_since.unwrap_or(now));
                if now >= open.next_ping() {
                    open.ping(self.doubt_ms, turn);
                }
                if open.doubt_at.take_if(|at| now >= *at).is_some() {
                    self.ways.doubt(now);
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
            Message::SyncStatus(stored) => {
                document.receive_status(doc, stored, turn);
                if !document.is_sending() {
                    self.doubt_ms = DOUBT_MS;
                }
            }
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
            // Who was away may have been given another role meanwhile.
            Message::Auth(Auth::Granted { read_only }) => {
                let role = if read_only {
                    Role::Viewer
                } else {
                    Role::Editor
                };
                document.receive_fact(doc, ServerFact::Role(role), turn);
            }
            Message::Auth(Auth::Token { .. })
            | Message::QueryAwareness
            | Message::SyncReply(_)
            | Message::BroadcastStateless(_) => {}
        }
    }

    /// Somebody writes while there is no line: the next dial is not far then. Only those who write come back so soon, and
    /// only to a server that did not say when.
    pub(super) fn hurry(&mut self, now: MonotonicMs) {
        if let Line::Waiting {
            until,
            was_told: false,
        } = &mut self.line
            && until.ms_since(now) > WRITER_WAITS_MS
        {
            *until = now.plus_ms(self.chance.below(WRITER_WAITS_MS + 1));
        }
    }

    /// The server goes away: leave at a moment of our own, so that not everybody leaves at once.
    fn plan_move(&mut self, within_ms: u64, now: MonotonicMs) {
        let after = self.chance.below(within_ms / 2 + 1);
        // Each exchange finds a server by itself.
        if let Line::Open(open) = &mut self.line
            && open.way == Way::WebSocket
        {
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
