//! Drives the conversation of `shared::sync::client`: its socket, its timer, the network's comings and goings.
//!
//! What concerns documents is handed to the stores, one effect after the other and never inside another.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use litemap::LiteMap;
use sheaf_shared::ids::DocName;
use sheaf_shared::replica::{Replica, ReplicaError};
use sheaf_shared::sync::client::{Client, ClientConfig, Documents, Effect, Input, SocketId};
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::hocuspocus::Frame;

use super::exchange::ExchangeLine;
use super::socket::{Socket, SocketEvent};
use crate::platform;

/// The open replicas, shared with the stores.
pub type Replicas = Rc<RefCell<LiteMap<DocName, Rc<RefCell<Replica>>>>>;

/// The conversation with the server. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    inner: Rc<Inner>,
}

struct Inner {
    client: RefCell<Client>,
    replicas: Replicas,
    /// What is shown to the server for a document.
    token: Rc<dyn Fn(&DocName) -> String>,
    /// The line, and behind it the WebSocket that is being tried beside it.
    lines: RefCell<Vec<(SocketId, Wire)>>,
    to_do: RefCell<VecDeque<Effect>>,
    is_doing: Cell<bool>,
    wake: Cell<MonotonicMs>,
    /// Takes the effects that concern documents.
    host: Box<dyn Fn(Effect)>,
}

/// What carries frames.
enum Wire {
    Socket(Socket),
    Exchanges(ExchangeLine),
}

impl Wire {
    fn send(&self, message: &[u8]) {
        match self {
            Self::Socket(socket) => socket.send(message),
            Self::Exchanges(line) => line.send(message),
        }
    }
}

impl Session {
    /// Starts without a socket; `token` says what is shown for a document, `host` is given whatever concerns documents.
    pub fn start(
        replicas: Replicas,
        token: impl Fn(&DocName) -> String + 'static,
        host: impl Fn(Effect) + 'static,
    ) -> Self {
        let client = Client::new(ClientConfig {
            token: String::new(),
            seed: u64::from_le_bytes(platform::random()),
        })
        .with_exchanges();
        let session = Self {
            inner: Rc::new(Inner {
                client: RefCell::new(client),
                replicas,
                token: Rc::new(token),
                lines: RefCell::default(),
                to_do: RefCell::default(),
                is_doing: Cell::new(false),
                wake: Cell::default(),
                host: Box::new(host),
            }),
        };
        session.watch_the_network();
        session
    }

    /// Tells the client what happened and carries out what it wants.
    pub fn handle(&self, input: Input<'_>) {
        let mut effects = Vec::new();
        let mut replicas = OpenReplicas(&self.inner.replicas, Some(&*self.inner.token));
        self.inner
            .client
            .borrow_mut()
            .handle(input, platform::now(), &mut replicas, &mut effects);
        self.inner.to_do.borrow_mut().extend(effects);
        // Carrying out may lead back here. What comes then waits its turn: the server acknowledges in the
        // order in which frames were sent.
        if self.inner.is_doing.replace(true) {
            return;
        }
        while let Some(effect) = self.next_effect() {
            self.carry_out(effect);
        }
        self.inner.is_doing.set(false);
    }

    fn next_effect(&self) -> Option<Effect> {
        self.inner.to_do.borrow_mut().pop_front()
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Dial(id) => {
                self.hang_up(|_| true);
                self.dial(id);
            }
            Effect::Exchange(id) => {
                self.hang_up(|_| true);
                let line = ExchangeLine::dial(Rc::clone(&self.inner.replicas), self.hears(id));
                self.keep(id, Wire::Exchanges(line));
            }
            Effect::Look(id) => self.dial(id),
            Effect::Ping(id) => {
                let lines = self.inner.lines.borrow();
                if let Some((_, wire)) = lines.iter().find(|(open, _)| *open == id) {
                    wire.send(&Frame::Ping.to_vec());
                }
            }
            Effect::HangUp(id) => self.hang_up(|open| open == id),
            Effect::Send(message) => {
                if let Some((_, wire)) = self.inner.lines.borrow().first() {
                    wire.send(&message);
                }
            }
            Effect::WakeAt(at) => self.wake_at(at),
            Effect::Apply { .. }
            | Effect::Presence { .. }
            | Effect::PresenceLost { .. }
            | Effect::Acknowledged { .. }
            | Effect::Synced { .. }
            | Effect::Refused { .. }
            | Effect::Status { .. }
            | Effect::Fact { .. }
            | Effect::Goes(_) => (self.inner.host)(effect),
        }
    }

    fn dial(&self, id: SocketId) {
        match Socket::dial(&address(), self.hears(id)) {
            Ok(socket) => self.keep(id, Wire::Socket(socket)),
            Err(_) => self.handle(Input::SocketClosed {
                socket: id,
                code: NO_CODE,
            }),
        }
    }

    fn keep(&self, id: SocketId, wire: Wire) {
        self.inner.lines.borrow_mut().push((id, wire));
    }

    fn hang_up(&self, is_meant: impl Fn(SocketId) -> bool) {
        let mut lines = self.inner.lines.borrow_mut();
        lines.retain(|(id, _)| !is_meant(*id));
    }

    /// What a socket says goes to the client.
    fn hears(&self, id: SocketId) -> impl Fn(SocketEvent) + use<> {
        let session = self.clone();
        move |event| match event {
            SocketEvent::Opened => session.handle(Input::SocketOpened(id)),
            SocketEvent::Received(frame) => {
                session.handle(Input::Received {
                    socket: id,
                    frame: &frame,
                });
            }
            SocketEvent::Closed(code) => session.handle(Input::SocketClosed { socket: id, code }),
        }
    }

    /// The page is being left. A socket ends with it; by exchanges, that has to be said.
    pub fn leave(&self) {
        let lines = self.inner.lines.borrow();
        let Some((id, Wire::Exchanges(line))) = lines.first() else {
            return;
        };
        line.leave();
        let socket = *id;
        drop(lines);
        // A page that comes back begins anew.
        self.handle(Input::SocketClosed {
            socket,
            code: NO_CODE,
        });
    }

    fn wake_at(&self, at: MonotonicMs) {
        self.inner.wake.set(at);
        let session = self.clone();
        // Timers may fire a little early by this clock's rounding.
        platform::after_ms(at.ms_since(platform::now()) + 1, move || {
            // A later wish replaced this one.
            if session.inner.wake.get() == at {
                session.handle(Input::Tick);
            }
        });
    }

    fn watch_the_network(&self) {
        let window = platform::window();
        let session = self.clone();
        platform::listen(&window, "online", move |_| {
            session.handle(Input::NetworkBack)
        });
        let session = self.clone();
        platform::listen(&window, "offline", move |_| {
            session.handle(Input::NetworkGone)
        });
        let session = self.clone();
        platform::listen(&platform::document(), "visibilitychange", move |_| {
            if platform::is_visible() && platform::window().navigator().on_line() {
                session.handle(Input::NetworkBack);
            }
        });
        // Only the word "offline" is believed at the start: a browser that says "online" may be wrong.
        if !window.navigator().on_line() {
            self.handle(Input::NetworkGone);
        }
    }
}

/// The close code of a connection that ended without one.
const NO_CODE: u16 = 1006;

fn address() -> String {
    let location = platform::window().location();
    let scheme = if location.protocol().as_deref() == Ok("https:") {
        "wss"
    } else {
        "ws"
    };
    format!("{scheme}://{}/collab", location.host().unwrap_or_default())
}

/// The open replicas, as what speaks of them asks for them.
pub(super) struct OpenReplicas<'a>(
    pub(super) &'a Replicas,
    pub(super) Option<&'a dyn Fn(&DocName) -> String>,
);

impl Documents for OpenReplicas<'_> {
    fn version(&mut self, doc: &DocName) -> Vec<u8> {
        self.0
            .borrow()
            .get(doc)
            .map_or_else(|| vec![0], |replica| replica.borrow().version())
    }

    fn missing_for(
        &mut self,
        doc: &DocName,
        their_version: &[u8],
    ) -> Result<Vec<u8>, ReplicaError> {
        self.0.borrow().get(doc).map_or_else(
            || Ok(sheaf_shared::replica::EMPTY_UPDATE.to_vec()),
            |replica| replica.borrow().missing_for(their_version),
        )
    }

    fn token(&mut self, doc: &DocName) -> Option<String> {
        self.1.map(|token| token(doc))
    }
}
