//! One open WebSocket: what it says goes to rooms, what rooms say goes out; silence and slowness end it.
//!
//! One task and no standing buffer for each, so that ten thousand idle ones cost little.

mod doorway;
mod openings;
mod silence;

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use sheaf_core::room::{Input, MemberId};
use sheaf_shared::ids::DocName;
use sheaf_shared::limits::HEARTBEAT_EVERY_MS;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::peer::{self, ClientKind, Said};
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::y_websocket;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::Sleep;

use doorway::Doorway;
use openings::Openings;

use super::Site;
use super::websocket::{self, Decoder, Event};
use super::writer::{WRITE_BYTES, Wire, Writer};
use crate::adapters::system::monotonic_now;
use crate::app::gate::Keys;
use crate::runtime::hub::RoomHandle;
use crate::runtime::outbox::{Line, Outbox, Outgoing};
use crate::runtime::seat::Seat;
use crate::runtime::shutdown::Phase;

/// Bytes read at a time, into a buffer that all connections of a thread share.
const READ_BYTES: usize = 64 * 1024;
/// Longest wait, in milliseconds, for the peer's answer to our close.
const CLOSE_MS: u64 = 2_000;
/// Bytes written for one member that its room should hear of at once.
const LOUD_BYTES: usize = 64 * 1024;
/// The close code that says nothing is wrong.
const NORMAL: u16 = 1000;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// How a socket speaks.
pub(super) enum Dialect {
    /// One document.
    YWebsocket(DocName),
    /// Many documents.
    Hocuspocus,
}

/// Whose documents are open on the socket.
enum Session {
    YWebsocket {
        seat: Option<Seat>,
        /// The document that it is not let in to yet.
        wanted: Option<Box<DocName>>,
    },
    Hocuspocus(Box<Openings>),
}

/// How far the connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// Our close is written or on the way; the socket is cut at this time at the latest.
    Closing {
        until: MonotonicMs,
    },
    /// Both sides have said goodbye; over when ours is written, or at this time.
    Parting {
        until: MonotonicMs,
    },
    Over,
}

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Socket {
    site: Site,
    reading: OwnedReadHalf,
    wire: Arc<Wire>,
    outbox: Arc<Outbox>,
    session: Session,
    /// What waits for the gate's answer.
    doorway: Option<Box<Doorway>>,
    decoder: Decoder,
    writer: Writer,
    stage: Stage,
    may_read: bool,
    /// A room dropped frames of this reader, and not all that came after them is written.
    lags: bool,
    /// A room that wants less at a time.
    held_up: Option<Waiting>,
    heard_at: MonotonicMs,
    /// When the kernel last took something while something waited.
    progressed_at: MonotonicMs,
    /// The kernel would not take all.
    is_blocked: bool,
    taken_then: u64,
    alarm: Pin<Box<Sleep>>,
    /// Comes true when the program cuts what is still open.
    closed: Option<Waiting>,
}

/// Drives a socket until it is over. `read_already` came with the handshake.
///
/// The future is what a connection holds at rest. So it has the socket alone, and not what that was made of.
pub(super) fn run(
    site: Site,
    stream: TcpStream,
    mut read_already: Vec<u8>,
    dialect: Dialect,
    keys: Keys,
) -> impl Future<Output = ()> + Send {
    let now = monotonic_now();
    let outbox = Arc::new(Outbox::default());
    let shutdown = site.shutdown.clone();
    let metrics = Arc::clone(&site.metrics);
    metrics.sockets.up();
    let (session, doc) = match dialect {
        Dialect::YWebsocket(doc) => {
            let (seat, wanted) = (None, None);
            (Session::YWebsocket { seat, wanted }, Some((doc, keys)))
        }
        Dialect::Hocuspocus => {
            let openings = Openings::new(keys, now);
            (Session::Hocuspocus(Box::new(openings)), None)
        }
    };
    let (reading, writing) = stream.into_split();
    let wire = Arc::new(Wire::new(writing, Arc::clone(&metrics)));
    outbox.connect(Arc::clone(&wire) as Arc<dyn Line>);
    let mut socket = Socket {
        site,
        reading,
        wire,
        outbox,
        session,
        doorway: None,
        decoder: Decoder::default(),
        writer: Writer::default(),
        stage: Stage::Open,
        may_read: true,
        lags: false,
        held_up: None,
        heard_at: now,
        progressed_at: now,
        is_blocked: false,
        taken_then: 0,
        alarm: Box::pin(tokio::time::sleep(Duration::from_millis(
            HEARTBEAT_EVERY_MS,
        ))),
        closed: Some(Box::pin(
            async move { shutdown.reached(Phase::Closed).await },
        )),
    };
    if let Some((doc, keys)) = doc {
        socket.come_to_one(doc, keys, read_already, now);
    } else if !read_already.is_empty() {
        socket.take_in(&mut read_already, now);
    }
    async move {
        std::future::poll_fn(|context| socket.poll(context)).await;
        // Rooms keep the outbox a little longer; the connection ends here.
        socket.outbox.disconnect();
        socket.leave_all();
        metrics.sockets.down();
    }
}

impl Socket {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let now = monotonic_now();
        if let Some(closed) = &mut self.closed
            && closed.as_mut().poll(context).is_ready()
        {
            self.closed = None;
            self.close(CloseReason::Moving, now);
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            self.tick(now);
            self.set_alarm(self.next_alarm(now));
        }
        loop {
            if self.write(context, now).is_err() || self.stage == Stage::Over {
                return Poll::Ready(());
            }
            match self.read(context, now) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false) | Err(_)) => return Poll::Ready(()),
                // What was just read may be to be judged, and after an answer there may be more to read.
                Poll::Pending if self.poll_doorway(context, now) => {}
                Poll::Pending => break,
            }
        }
        // What was just read may have made something to say.
        if self.write(context, now).is_err() || self.stage == Stage::Over {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Moves what rooms said to the kernel. An error is the end.
    fn write(&mut self, context: &mut Context<'_>, now: MonotonicMs) -> io::Result<()> {
        let mut outgoing = Vec::new();
        loop {
            if !self.writer.is_empty() {
                self.take_line();
            }
            let blocked = match self.writer.poll_write(&self.wire, context) {
                Poll::Ready(written) => {
                    written?;
                    self.report_written();
                    if let Stage::Parting { .. } = self.stage {
                        self.stage = Stage::Over;
                        return Ok(());
                    }
                    false
                }
                Poll::Pending => {
                    self.report_written();
                    true
                }
            };
            self.note_progress(now);
            if blocked && self.stage != Stage::Open {
                return Ok(());
            }
            let wanted = if blocked || self.stage != Stage::Open {
                0
            } else {
                WRITE_BYTES
            };
            let Poll::Ready(found) = self.outbox.poll(context, wanted, &mut outgoing) else {
                self.lags &= blocked;
                return Ok(());
            };
            self.may_read = found.may_read;
            for (member, bytes) in found.dropped {
                self.lags = true;
                self.report(member, bytes);
            }
            for outgoing in outgoing.drain(..) {
                self.carry_out(outgoing, now);
            }
        }
    }

    /// Keeps rooms from writing until all that this task has to say is written.
    fn take_line(&mut self) {
        if let Some(rest) = self.outbox.take_line() {
            self.writer.put_rest(rest);
        }
    }

    fn carry_out(&mut self, outgoing: Outgoing, now: MonotonicMs) {
        match outgoing {
            Outgoing::Frame {
                member,
                frame,
                class: _,
            } => {
                self.site.metrics.frames_out.add(1);
                self.site.metrics.bytes_out.add(frame.len() as u64);
                self.writer.put_frame(member, frame);
            }
            Outgoing::Rest(rest) => self.writer.put_rest(rest),
            Outgoing::Close { member, reason } => match &mut self.session {
                Session::YWebsocket { seat, .. } => {
                    *seat = None;
                    self.close(reason, now);
                }
                Session::Hocuspocus(openings) => {
                    let found = openings
                        .seats
                        .iter()
                        .find_map(|(opening, seat)| (seat.member == member).then_some(*opening));
                    if let Some(opening) = found {
                        let kind = openings.peer.kind_of(opening);
                        openings.seats.remove(&opening);
                        let last = openings.seats.is_empty();
                        self.tell_peer(peer::Input::Ended { opening }, now);
                        if !kind.is_none_or(ClientKind::understands_close) {
                            self.close(reason, now);
                        } else if last && self.site.shutdown.phase() != Phase::Open {
                            self.close(CloseReason::Moving, now);
                        }
                    }
                }
            },
        }
    }

    fn note_progress(&mut self, now: MonotonicMs) {
        let has_taken = self.writer.taken != self.taken_then;
        // A kernel that had enough and takes more has got rid of something: the other end lives. A ping could not say so; it
        // would wait behind all that is under way.
        if has_taken && self.is_blocked {
            self.heard_at = now;
        }
        self.is_blocked = !self.writer.is_empty();
        if has_taken || !self.is_blocked {
            self.progressed_at = now;
            self.taken_then = self.writer.taken;
        }
    }

    fn report_written(&mut self) {
        for (member, bytes) in self.writer.take_written() {
            self.report(member, bytes);
        }
    }

    /// Tells a room what the kernel took. A room that has nothing else to do need not wake for that, unless this
    /// reader lags: then it waits for the news to send a catch-up.
    fn report(&self, member: MemberId, bytes: usize) {
        let Some(inbox) = self.inbox_of(member) else {
            return;
        };
        let drained = Input::Drained { member, bytes };
        if self.lags || bytes >= LOUD_BYTES {
            inbox.tell(drained);
        } else {
            inbox.tell_quietly(drained);
        }
    }

    fn inbox_of(&self, member: MemberId) -> Option<&RoomHandle> {
        let is_theirs = |seat: &&Seat| seat.member == member;
        let seat = match &self.session {
            Session::YWebsocket { seat, .. } => seat.as_ref().filter(is_theirs),
            Session::Hocuspocus(openings) => openings.seats.values().find(is_theirs),
        };
        seat.map(|seat| &seat.room)
    }

    /// Reads once. `Ok(true)`: read on; `Ok(false)`: the peer is gone.
    fn read(&mut self, context: &mut Context<'_>, now: MonotonicMs) -> Poll<io::Result<bool>> {
        if let Some(held_up) = &mut self.held_up {
            ready!(held_up.as_mut().poll(context));
            self.held_up = None;
        }
        if !self.may_read || self.waits_at_the_door() {
            return Poll::Pending;
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.reading).poll_read(context, &mut buffer))?;
            let read = buffer.filled_mut();
            if read.is_empty() {
                return Poll::Ready(Ok(false));
            }
            self.heard_at = now;
            self.take_in(read, now);
            Poll::Ready(Ok(true))
        })
    }

    fn take_in(&mut self, bytes: &mut [u8], now: MonotonicMs) {
        // What is said in answer to this comes before what rooms say because of it.
        self.take_line();
        let mut events = Vec::new();
        let fed = self.decoder.feed(bytes, &mut events);
        for event in events {
            self.take_event(event, now);
        }
        if let Err(violation) = fed
            && self.stage == Stage::Open
        {
            let (code, reason) = violation.close();
            self.site.metrics.closed_for_cause.add(1);
            self.close_with(code, reason, now);
        }
    }

    fn take_event(&mut self, event: Event, now: MonotonicMs) {
        match (self.stage, event) {
            (Stage::Open, Event::Message(message)) => {
                self.site.metrics.frames_in.add(1);
                self.site.metrics.bytes_in.add(message.len() as u64);
                self.take_message(message, now);
            }
            (Stage::Open, Event::Ping(payload)) => {
                // A peer that pings without reading the answers must not make us keep them.
                if self.writer.is_empty() {
                    self.writer.put(|out| websocket::put_pong(out, &payload));
                }
            }
            (Stage::Open, Event::Close) => {
                self.close_with(NORMAL, "", now);
                self.stage = Stage::Parting {
                    until: now.plus_ms(CLOSE_MS),
                };
            }
            (Stage::Closing { until }, Event::Close) => self.stage = Stage::Parting { until },
            (Stage::Open, Event::Pong)
            | (Stage::Closing { .. }, Event::Message(_) | Event::Ping(_) | Event::Pong)
            | (Stage::Parting { .. } | Stage::Over, _) => {}
        }
    }

    fn take_message(&mut self, message: Bytes, now: MonotonicMs) {
        match &self.session {
            Session::YWebsocket {
                seat: Some(seat), ..
            } => {
                let (member, inbox) = (seat.member, Arc::clone(&seat.room));
                for item in y_websocket::messages(&message) {
                    match item.ok().and_then(|item| said_in(&message, item)) {
                        Some(said) => inbox.tell(Input::Said { member, said }),
                        None => {
                            self.site.metrics.closed_for_cause.add(1);
                            return self.close(CloseReason::Malformed, now);
                        }
                    }
                }
                self.hold_if_full(&inbox);
            }
            Session::YWebsocket { seat: None, .. } => {}
            Session::Hocuspocus(_) => self.tell_peer(peer::Input::Received(message), now),
        }
    }

    fn hold_if_full(&mut self, inbox: &RoomHandle) {
        if inbox.is_full() {
            let inbox = Arc::clone(inbox);
            self.held_up = Some(Box::pin(async move { inbox.room_for_more().await }));
        }
    }

    fn close(&mut self, reason: CloseReason, now: MonotonicMs) {
        self.close_with(reason.code(), reason.text(), now);
    }

    /// Says goodbye; the peer has a moment to answer.
    fn close_with(&mut self, code: u16, reason: &str, now: MonotonicMs) {
        if self.stage != Stage::Open {
            return;
        }
        self.leave_all();
        // Nothing may follow the close.
        self.outbox.disconnect();
        self.writer
            .put(|out| websocket::put_close(out, code, reason));
        self.stage = Stage::Closing {
            until: now.plus_ms(CLOSE_MS),
        };
        self.set_alarm(CLOSE_MS);
    }

    fn leave_all(&mut self) {
        match &mut self.session {
            Session::YWebsocket { seat, wanted } => {
                *wanted = None;
                if let Some(seat) = seat.take() {
                    seat.room.leave(seat.member);
                }
            }
            Session::Hocuspocus(openings) => {
                for seat in std::mem::take(&mut openings.seats).into_values() {
                    seat.room.leave(seat.member);
                }
            }
        }
    }
}

/// What a y-websocket message says to a room; `None` for what only servers say.
fn said_in(frame: &Bytes, message: y_websocket::Message<'_>) -> Option<Said> {
    use y_websocket::Message;
    Some(match message {
        Message::Sync(SyncMessage::Step1(version)) => Said::Step1(frame.slice_ref(version)),
        Message::Sync(SyncMessage::Step2(update)) => Said::Step2(frame.slice_ref(update)),
        Message::Sync(SyncMessage::Update(update)) => Said::Update(frame.slice_ref(update)),
        Message::Awareness(payload) => Said::Awareness(frame.slice_ref(payload)),
        Message::QueryAwareness => Said::QueryAwareness,
        Message::PermissionDenied(_) => return None,
    })
}
