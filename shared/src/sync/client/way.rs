//! Which way to the server: WebSockets as a rule, and exchanges over plain HTTP where a network lets none through.
//!
//! A WebSocket that can't be opened, or never carries a frame, may mean that it is blocked, or that the server is away. So an
//! exchange is tried right behind it: only if that is answered is it the network. While the line goes that way, a WebSocket
//! is looked for now and then beside it, and taken as soon as one carries a frame. Nothing is remembered for longer.
//!
//! The same is done where a WebSocket does not answer a ping: another one is dialled beside it, and whichever answers first is
//! the line. A connection that lives through a cut waits for its next retransmission, which doubles each time; a new one does not.

use super::line::{Line, OpenLine};
use super::{Client, Effect, SocketId, Turn};
use crate::limits::SILENCE_DEADLINE_MS;
use crate::sync::close::CloseReason;
use crate::time::MonotonicMs;

/// How frames travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Over a WebSocket.
    #[default]
    WebSocket,
    /// In exchanges over plain HTTP ([`crate::sync::exchanges`]).
    Exchanges,
}

/// Longest time, in milliseconds, that a WebSocket may take to open before an exchange is tried.
pub(super) const OPENS_WITHIN_MS: u64 = 4_000;
/// Longest time, in milliseconds, that an open WebSocket may carry nothing before an exchange is tried.
pub(super) const CARRIES_WITHIN_MS: u64 = 5_000;
/// Longest time, in milliseconds, for a WebSocket that is looked for to carry a frame. Nobody waits for it.
const LOOK_DEADLINE_MS: u64 = 10_000;
/// First and longest bound of the pause, in milliseconds, before a WebSocket is looked for (again).
const LOOK_FIRST_MS: u64 = 3_000;
const LOOK_CAP_MS: u64 = 300_000;
/// Failures in a row that make an exchange worth trying, where a WebSocket has carried something before: then it is most
/// likely the server that is away.
const FAILURES_AFTER_SUCCESS: u32 = 2;

/// What is known of the ways.
#[derive(Debug)]
pub(super) struct Ways {
    may_exchange: bool,
    /// The way the next dial goes.
    pub(super) next: Way,
    /// WebSockets in a row that carried nothing.
    failures: u32,
    has_carried: bool,
    look: Option<Look>,
    look_at: Option<MonotonicMs>,
    look_pause_ms: u64,
}

/// A WebSocket that is being tried beside the line.
#[derive(Debug)]
struct Look {
    socket: SocketId,
    until: MonotonicMs,
}

impl Ways {
    pub(super) const fn web_sockets_only() -> Self {
        Self {
            may_exchange: false,
            next: Way::WebSocket,
            failures: 0,
            has_carried: false,
            look: None,
            look_at: None,
            look_pause_ms: LOOK_FIRST_MS,
        }
    }

    pub(super) const fn allow_exchanges(&mut self) {
        self.may_exchange = true;
    }

    pub(super) const fn may_exchange(&self) -> bool {
        self.may_exchange
    }

    /// A WebSocket carried a frame.
    pub(super) const fn carried(&mut self) {
        self.next = Way::WebSocket;
        self.failures = 0;
        self.has_carried = true;
    }

    /// Another network, most likely.
    pub(super) const fn forget(&mut self) {
        self.next = Way::WebSocket;
        self.failures = 0;
        self.has_carried = false;
    }

    /// A WebSocket ended with this code and carried nothing. Answers whether to try an exchange now.
    pub(super) fn carried_nothing(&mut self, code: u16) -> bool {
        // What the server itself says has come through.
        let is_of_server = (4_000..5_000).contains(&code)
            || [CloseReason::Moving, CloseReason::Fault, CloseReason::Busy]
                .iter()
                .any(|reason| reason.code() == code);
        if !self.may_exchange || is_of_server {
            return false;
        }
        self.failures += 1;
        !self.has_carried || self.failures >= FAILURES_AFTER_SUCCESS
    }

    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        self.look.as_ref().map(|look| look.until).or(self.look_at)
    }

    fn is_look(&self, socket: SocketId) -> bool {
        self.look.as_ref().is_some_and(|look| look.socket == socket)
    }

    /// The line does not answer: look now.
    pub(super) fn doubt(&mut self, now: MonotonicMs) {
        if self.look.is_none() {
            self.look_at.get_or_insert(now);
        }
    }

    /// The page is on screen again, or the device in a network: look soon.
    pub(super) fn look_soon(&mut self, now: MonotonicMs) {
        self.look_pause_ms = LOOK_FIRST_MS;
        let soon = now.plus_ms(LOOK_FIRST_MS);
        self.look_at = self.look_at.map(|at| at.min(soon));
    }
}

impl Client {
    /// The line goes by exchanges from now on.
    pub(super) fn began_exchanges(&mut self, turn: &mut Turn<'_>) {
        self.ways.look_pause_ms = LOOK_FIRST_MS;
        self.ways.look_at = Some(turn.now.plus_ms(LOOK_FIRST_MS));
    }

    /// There is no line of exchanges any more beside which to look, or no doubt.
    pub(super) fn stop_looking(&mut self, turn: &mut Turn<'_>) {
        self.ways.look_at = None;
        if let Some(look) = self.ways.look.take() {
            turn.out.push(Effect::HangUp(look.socket));
        }
    }

    pub(super) fn look_on_time(&mut self, turn: &mut Turn<'_>) {
        if self
            .ways
            .look
            .as_ref()
            .is_some_and(|look| turn.now >= look.until)
        {
            self.look_failed(turn);
        }
        let is_due = self.ways.look_at.is_some_and(|at| turn.now >= at);
        if is_due && self.ways.look.is_none() {
            let socket = self.next_socket();
            let within_ms = match self.line.way() {
                Way::WebSocket => self.doubt_ms.min(OPENS_WITHIN_MS),
                Way::Exchanges => LOOK_DEADLINE_MS,
            };
            self.ways.look_at = None;
            self.ways.look = Some(Look {
                socket,
                until: turn.now.plus_ms(within_ms),
            });
            turn.out.push(Effect::Look(socket));
        }
    }

    /// If the line is only slow, it must not be doubted again and again before it is done.
    fn be_patient(&mut self) {
        self.doubt_ms = (self.doubt_ms * 2).min(SILENCE_DEADLINE_MS);
    }

    fn look_failed(&mut self, turn: &mut Turn<'_>) {
        if let Some(look) = self.ways.look.take() {
            turn.out.push(Effect::HangUp(look.socket));
            let wait_ms = if self.line.way() == Way::WebSocket {
                self.be_patient();
                self.chance.fail()
            } else {
                let pause_ms = (self.ways.look_pause_ms * 3).min(LOOK_CAP_MS);
                self.ways.look_pause_ms = pause_ms;
                pause_ms / 2 + self.chance.below(pause_ms / 2 + 1)
            };
            self.ways.look_at = Some(turn.now.plus_ms(wait_ms));
        }
    }

    /// A socket opened, closed or said something. Answers whether it was the one that is looked for.
    pub(super) fn hear_look(&mut self, socket: SocketId, news: News, turn: &mut Turn<'_>) -> bool {
        if !self.ways.is_look(socket) {
            return false;
        }
        match news {
            News::Opened => turn.out.push(Effect::Ping(socket)),
            News::Closed => self.look_failed(turn),
            News::Said => self.move_to(socket, turn),
        }
        true
    }

    /// A WebSocket carries frames: the line goes there, and nobody notices.
    fn move_to(&mut self, socket: SocketId, turn: &mut Turn<'_>) {
        self.ways.look = None;
        self.ways.look_at = None;
        self.ways.carried();
        if let Some(old) = self.line.socket() {
            turn.out.push(Effect::HangUp(old));
        }
        self.be_patient();
        self.line = Line::Open(OpenLine::new(socket, Way::WebSocket, turn.now));
        self.line.hear(socket, turn.now);
        turn.out.push(Effect::Goes(Way::WebSocket));
        for (doc, document) in &mut self.documents {
            document.change_line();
            document.greet(doc, &self.token, turn);
        }
    }
}

/// What a socket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Opened,
    Closed,
    Said,
}
