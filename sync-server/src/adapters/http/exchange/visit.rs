//! One visit: into the rooms, everything said and heard, and out again.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use sheaf_core::room::{Input, LineKey, MemberId, Speaks, Visit};
use sheaf_shared::limits::EXCHANGE_HOLD_MS_MAX;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::sync::peer::{self, OpeningId, Peer, Said};
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::exchange::Request;
use sheaf_shared::wire::hocuspocus::{Auth, Frame, From, Message};
use tokio::time::Instant;

use crate::adapters::http::Site;
use crate::adapters::http::judging::{self, Outcome};
use crate::adapters::system::monotonic_now;
use crate::app::gate::{Ask, Keys};
use crate::runtime::outbox::{Outbox, Outgoing};
use crate::runtime::room_task::turn_away;
use crate::runtime::seat::{Pass, Seat};
use crate::runtime::shutdown::Phase;

/// Bytes of an answer from which on nothing more is waited for but what is owed; the client asks for the rest.
const ANSWER_BYTES_SOFT: usize = 1024 * 1024;
/// Longest wait for the word of the rooms that the server goes.
const GOODBYE: Duration = Duration::from_secs(3);

/// What an exchange is answered with.
pub(super) struct Heard {
    /// Why the whole line would be closed, if it were a socket.
    pub(super) closed: Option<CloseReason>,
    pub(super) frames: Vec<Bytes>,
}

/// One document of the visit.
struct Place {
    seat: Seat,
    /// Statuses that are still to come.
    statuses: usize,
    /// Answers to a state vector that are still to come.
    answers: usize,
}

/// A client that is in rooms for the length of an exchange.
pub(super) struct Visiting {
    site: Site,
    outbox: Arc<Outbox>,
    peer: Peer,
    seats: BTreeMap<OpeningId, Place>,
    /// What this exchange came with.
    keys: Keys,
    /// Tokens that are to be judged, all of them together.
    to_judge: Vec<(OpeningId, Ask)>,
    /// By what the next who joins was let in.
    pass: Option<Pass>,
    line: LineKey,
    /// What was brought along, by address.
    brought: BTreeMap<String, Visit>,
    to_say: VecDeque<Bytes>,
    may_say: bool,
    heard: Heard,
    heard_bytes: usize,
    /// Something was heard that is worth an answer.
    has_news: bool,
    is_over: bool,
    /// Longest wait for news, and for all that is owed.
    hold_until: Instant,
    until: Instant,
}

impl Drop for Visiting {
    fn drop(&mut self) {
        for Place { seat, .. } in std::mem::take(&mut self.seats).into_values() {
            if self.is_over {
                seat.room.tell(Input::Parted(seat.member));
            } else {
                seat.room.leave(seat.member);
            }
        }
    }
}

impl Visiting {
    /// `body` is what `asked` was read from.
    pub(super) fn new(site: Site, keys: Keys, body: &Bytes, asked: Request<'_>) -> Self {
        let now = Instant::now();
        let hold_ms = asked.hold_ms.min(EXCHANGE_HOLD_MS_MAX);
        let line = asked.line;
        let brought = asked.followed.into_iter().map(|followed| {
            let visit = Visit {
                line,
                place: followed.place,
                known: followed.known,
            };
            (followed.address.to_owned(), visit)
        });
        Self {
            site,
            outbox: Arc::new(Outbox::default()),
            peer: Peer::new(monotonic_now()),
            seats: BTreeMap::new(),
            keys,
            to_judge: Vec::new(),
            pass: None,
            line,
            brought: brought.collect(),
            to_say: asked.frames.iter().map(|one| body.slice_ref(one)).collect(),
            may_say: true,
            heard: Heard {
                closed: None,
                frames: Vec::new(),
            },
            heard_bytes: 0,
            has_news: false,
            is_over: false,
            hold_until: now + Duration::from_millis(hold_ms),
            until: now + Duration::from_millis(EXCHANGE_HOLD_MS_MAX),
        }
    }

    /// Says everything, and listens until there is an answer.
    pub(super) async fn run(mut self) -> Heard {
        let shutdown = self.site.shutdown.clone();
        let draining = shutdown.reached(Phase::Draining);
        tokio::pin!(draining);
        let mut is_draining = false;
        loop {
            self.say().await;
            let now = Instant::now();
            if self.is_answered(now) {
                break;
            }
            let wake_at = if self.is_owed() {
                self.until
            } else {
                self.hold_until.min(self.until)
            };
            tokio::select! {
                biased;
                () = self.listen() => {}
                () = &mut draining, if !is_draining => {
                    is_draining = true;
                    // The rooms say so in a moment, and that is news.
                    self.hold_until = self.hold_until.min(Instant::now() + GOODBYE);
                }
                () = tokio::time::sleep_until(wake_at) => {}
            }
        }
        self.is_over = true;
        let nothing = Heard {
            closed: None,
            frames: Vec::new(),
        };
        std::mem::replace(&mut self.heard, nothing)
    }

    fn is_owed(&self) -> bool {
        let mut seats = self.seats.values();
        !self.to_say.is_empty() || seats.any(|seat| seat.statuses > 0 || seat.answers > 0)
    }

    fn is_answered(&self, now: Instant) -> bool {
        if self.heard.closed.is_some() || now >= self.until {
            return true;
        }
        let is_full = self.heard_bytes >= ANSWER_BYTES_SOFT;
        if is_full && self.to_say.is_empty() {
            return self.seats.values().all(|seat| seat.statuses == 0);
        }
        !self.is_owed() && (self.has_news || now >= self.hold_until)
    }

    /// Says what may be said now.
    async fn say(&mut self) {
        while self.may_say && self.heard.closed.is_none() {
            let Some(frame) = self.to_say.pop_front() else {
                return;
            };
            self.site.metrics.frames_in.add(1);
            self.site.metrics.bytes_in.add(frame.len() as u64);
            self.tell_peer(peer::Input::Received(frame));
            // Tokens come first, and what is said behind them waits for the answers.
            if !self.to_judge.is_empty() && !self.to_say.front().is_some_and(is_token) {
                self.judge().await;
            }
            self.look();
            // A room in which much waits wants less at a time.
            for Place { seat, .. } in self.seats.values() {
                if seat.room.is_full() {
                    let emptied = seat.room.room_for_more();
                    let _ = tokio::time::timeout_at(self.until, emptied).await;
                }
            }
        }
    }

    /// Gives the peer's logic an input, and all that follows from it.
    fn tell_peer(&mut self, input: peer::Input) {
        let now = monotonic_now();
        let mut inputs = vec![input];
        let mut effects = Vec::new();
        while let Some(input) = inputs.pop() {
            self.peer.handle(input, now, &mut effects);
            for effect in std::mem::take(&mut effects) {
                inputs.extend(self.carry_out(effect));
            }
        }
    }

    /// Does one thing for the peer's logic; what comes back is its next input.
    fn carry_out(&mut self, effect: peer::Effect) -> Option<peer::Input> {
        match effect {
            peer::Effect::Judge {
                opening,
                doc,
                token,
            } => {
                let ask = judging::ask_of(&self.keys, doc, &token);
                match judging::judge_now(&self.site.gate, &ask, &self.site.metrics) {
                    Some(outcome) => return Some(self.judged(opening, outcome)),
                    None => self.to_judge.push((opening, ask)),
                }
            }
            peer::Effect::Join {
                opening,
                doc,
                address,
                kind,
                role: _,
            } => {
                let visit = Some(Box::new(self.visit_to(&address)));
                let speaks = Speaks::Hocuspocus { address, kind };
                // Nobody joins without having been judged.
                let pass = self.pass.take().ok_or(CloseReason::Fault);
                let taken = pass.and_then(|pass| {
                    let (hub, outbox) = (&self.site.hub, &self.outbox);
                    Seat::take(hub, &doc, speaks.clone(), pass, outbox, visit)
                });
                match taken {
                    Ok(seat) => {
                        self.seats.insert(
                            opening,
                            Place {
                                seat,
                                statuses: 0,
                                answers: 0,
                            },
                        );
                    }
                    Err(reason) => {
                        // It never became a member, so no room's close names it.
                        turn_away(&self.outbox, MemberId(0), &speaks, reason);
                        if !kind.understands_close() {
                            self.heard.closed = Some(reason);
                        }
                        return Some(peer::Input::Ended { opening });
                    }
                }
            }
            peer::Effect::Deliver { opening, said } => self.deliver(opening, said),
            // The seat has told the room, which may know of another role than the peer's logic.
            peer::Effect::Role { .. } => {}
            peer::Effect::Leave { opening } => {
                if let Some(Place { seat, .. }) = self.seats.remove(&opening) {
                    seat.room.tell(Input::Parted(seat.member));
                }
            }
            peer::Effect::Send(frame) => self.hear(None, frame),
            peer::Effect::HangUp(reason) => self.heard.closed = Some(reason),
            // An exchange is over before a token is late.
            peer::Effect::WakeAt(_) => {}
        }
        None
    }

    /// Has all tokens judged that wait for it.
    async fn judge(&mut self) {
        let (openings, asks): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.to_judge).into_iter().unzip();
        let (gate, metrics) = (Arc::clone(&self.site.gate), Arc::clone(&self.site.metrics));
        let outcomes = judging::judge(gate, asks, metrics).await;
        for (opening, outcome) in openings.into_iter().zip(outcomes) {
            let judged = self.judged(opening, outcome);
            self.tell_peer(judged);
            self.pass = None;
        }
    }

    /// Notes by what somebody is let in, for the peer's logic to go on.
    fn judged(&mut self, opening: OpeningId, outcome: Outcome) -> peer::Input {
        let verdict = outcome.verdict();
        if let Outcome::In(pass) = outcome {
            match self.seats.get(&opening) {
                Some(place) => place.seat.show(pass),
                None => self.pass = Some(pass),
            }
        }
        peer::Input::Judged { opening, verdict }
    }

    fn visit_to(&mut self, address: &str) -> Visit {
        self.brought.remove(address).unwrap_or(Visit {
            line: self.line,
            place: None,
            known: Vec::new(),
        })
    }

    fn deliver(&mut self, opening: OpeningId, said: Said) {
        let Some(place) = self.seats.get_mut(&opening) else {
            return;
        };
        match &said {
            Said::Step2(_) | Said::Update(_) => place.statuses += 1,
            Said::Step1(_) => place.answers += 1,
            Said::Awareness(_) | Said::QueryAwareness => {}
        }
        let member = place.seat.member;
        place.seat.room.tell(Input::Said { member, said });
    }

    /// Waits for something to hear, and takes it.
    async fn listen(&mut self) {
        let mut outgoing = Vec::new();
        let found = poll_fn(|context| self.outbox.poll(context, usize::MAX, &mut outgoing)).await;
        self.may_say = found.may_read;
        for (member, bytes) in found.dropped {
            self.report(member, bytes);
        }
        for outgoing in outgoing {
            self.take(outgoing);
        }
    }

    /// Takes what there is to hear, and waits for nothing.
    fn look(&mut self) {
        let mut outgoing = Vec::new();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        if let Poll::Ready(found) = self.outbox.poll(&mut context, usize::MAX, &mut outgoing) {
            self.may_say = found.may_read;
            for (member, bytes) in found.dropped {
                self.report(member, bytes);
            }
        }
        for outgoing in outgoing {
            self.take(outgoing);
        }
    }

    fn take(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Frame { member, frame, .. } => {
                let bytes = frame.len();
                self.hear(Some(member), frame);
                // A room that is told of nothing queues no more parts of what is long: the next exchange asks for them.
                if self.heard_bytes < ANSWER_BYTES_SOFT {
                    self.report(member, bytes);
                }
            }
            // Only sockets have one.
            Outgoing::Rest(_) => {}
            Outgoing::Close { member, reason } => {
                let is_theirs = |(_, place): &(&OpeningId, &Place)| place.seat.member == member;
                let Some((opening, _)) = self.seats.iter().find(is_theirs) else {
                    return;
                };
                let opening = *opening;
                let kind = self.peer.kind_of(opening);
                self.seats.remove(&opening);
                self.tell_peer(peer::Input::Ended { opening });
                self.has_news = true;
                if !kind.is_none_or(peer::ClientKind::understands_close) {
                    self.heard.closed = Some(reason);
                }
            }
        }
    }

    fn report(&self, member: MemberId, bytes: usize) {
        let mut places = self.seats.values();
        if let Some(Place { seat, .. }) = places.find(|place| place.seat.member == member) {
            seat.room.tell(Input::Drained { member, bytes });
        }
    }

    /// Takes a frame into the answer, and notes what it settles.
    fn hear(&mut self, member: Option<MemberId>, frame: Bytes) {
        let message = match Frame::decode(&frame, From::Server) {
            Ok(Frame::Document { message, .. }) => Some(message),
            _ => None,
        };
        let is_place = match message {
            Some(Message::Stateless(payload)) => {
                matches!(ServerFact::decode(payload), Some(ServerFact::Place(_)))
            }
            _ => false,
        };
        let is_granted = matches!(message, Some(Message::Auth(Auth::Granted { .. })));
        self.has_news |= !is_place && !is_granted;
        let mut seats = self.seats.values_mut();
        if let Some(seat) = seats.find(|place| Some(place.seat.member) == member) {
            let is_answer = matches!(message, Some(Message::Sync(SyncMessage::Step2(_))));
            if is_answer || is_place {
                seat.answers = seat.answers.saturating_sub(1);
            } else if let Some(Message::SyncStatus(_)) = message {
                seat.statuses = seat.statuses.saturating_sub(1);
            }
        }
        self.site.metrics.frames_out.add(1);
        self.site.metrics.bytes_out.add(frame.len() as u64);
        self.heard_bytes += frame.len();
        self.heard.frames.push(frame);
    }
}

fn is_token(frame: &Bytes) -> bool {
    matches!(
        Frame::decode(frame, From::Client),
        Ok(Frame::Document {
            message: Message::Auth(Auth::Token { .. }),
            ..
        })
    )
}
