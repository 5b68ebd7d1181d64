//! One open document on the browser's side: the exchange, and the count of what is not yet on the server's disk.

mod sending;
mod status;

use std::collections::VecDeque;

use super::{CUT_GRACE_MS, DocStatus, Effect, Turn, sooner};
use crate::gate::update::PartBytes;
use crate::ids::{DocName, ReplicaId};
use crate::limits::PRESENCE_RENEW_EVERY_MS;
use crate::presence::{OwnPresence, Payload};
use crate::sync::close::{After, CloseReason};
use crate::sync::facts::{PROVIDER, Refused, ServerFact};
use crate::time::MonotonicMs;
use crate::wire::SyncMessage;
use crate::wire::hocuspocus::{Address, Auth, Message};
use sending::{ToCome, UnderWay};

/// Where the conversation about one document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No connection, or not yet greeted on it.
    Apart,
    /// On this connection, token and step 1 are sent. Edits wait in the replica until the server's step 1.
    Greeting,
    /// The server's step 1 is answered: each edit goes as one update.
    Live,
    /// Too much is under way, or goes out in parts: edits wait in the replica until all of it is acknowledged.
    Holding,
    /// The server closed the document; greet again then.
    Reopening(MonotonicMs),
    /// The server closed the document for good.
    Shut(CloseReason),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Document {
    phase: Phase,
    /// Edits that are in no message under way; the replica holds them.
    unsent: usize,
    /// In the order they were sent, which is the order of their statuses.
    under_way: VecDeque<UnderWay>,
    under_way_bytes: usize,
    to_come: Option<ToCome>,
    part_bytes: PartBytes,
    /// The server's step 2 was applied on this connection.
    caught_up: bool,
    /// Edits are not sent while this stands.
    refused: Option<Refused>,
    /// What the server said of the refusal to come.
    reason_to_come: Option<Refused>,
    stalled: bool,
    failures: crate::sync::backoff::Backoff,
    presence: Option<Shown>,
    pub(super) told: Option<DocStatus>,
}

impl Document {
    /// A document of whose edits `waiting` were never acknowledged; what is long goes out in parts.
    pub(super) fn new(waiting: usize, part_bytes: PartBytes) -> Self {
        Self {
            phase: Phase::Apart,
            unsent: waiting,
            under_way: VecDeque::new(),
            under_way_bytes: 0,
            to_come: None,
            part_bytes,
            caught_up: false,
            refused: None,
            reason_to_come: None,
            stalled: false,
            failures: crate::sync::backoff::Backoff::new(0),
            presence: None,
            told: None,
        }
    }

    fn waiting(&self) -> usize {
        let in_parts = self.to_come.as_ref().map_or(0, |to_come| to_come.edits);
        self.unsent + in_parts + self.under_way.iter().map(|sent| sent.edits).sum::<usize>()
    }

    /// Starts the exchange on an open socket.
    pub(super) fn greet(&mut self, doc: &DocName, token: &str, turn: &mut Turn<'_>) {
        if matches!(self.phase, Phase::Shut(_)) {
            return;
        }
        self.phase = Phase::Greeting;
        self.caught_up = false;
        self.refused = None;
        self.reason_to_come = None;
        self.send_token(doc, token, turn);
        let version = turn.replicas.version(doc);
        send(doc, Message::Sync(SyncMessage::Step1(&version)), turn);
        if let Some(shown) = self.presence.as_mut().filter(|shown| shown.is_here) {
            // Under a new clock: whoever dropped us meanwhile did it under the old one.
            shown.said_at = turn.now;
            let payload = shown.own.renew();
            send(doc, Message::Awareness(&payload), turn);
        }
    }

    pub(super) fn send_token(&self, doc: &DocName, token: &str, turn: &mut Turn<'_>) {
        let own = turn.replicas.token(doc);
        let auth = Auth::Token {
            token: own.as_deref().unwrap_or(token),
            provider: Some(PROVIDER),
        };
        send(doc, Message::Auth(auth), turn);
    }

    /// Says goodbye on an open socket.
    pub(super) fn take_leave(&mut self, doc: &DocName, turn: &mut Turn<'_>) {
        if !self.is_talking() {
            return;
        }
        if let Some(shown) = self.presence.as_mut().filter(|shown| shown.is_here) {
            let payload = shown.own.set(None);
            send(doc, Message::Awareness(&payload), turn);
        }
        send(doc, Message::Close(None), turn);
    }

    /// The connection is gone: nothing that was under way on it is trusted.
    pub(super) fn lose_line(&mut self, doc: &DocName, turn: &mut Turn<'_>) {
        let talked = self.is_talking();
        if !matches!(self.phase, Phase::Shut(_)) {
            self.phase = Phase::Apart;
        }
        self.forget_under_way();
        if talked {
            turn.out.push(Effect::PresenceLost { doc: doc.clone() });
        }
    }

    /// The connection is another one from now on; who is here is told on the new one.
    pub(super) fn change_line(&mut self) {
        if !matches!(self.phase, Phase::Shut(_)) {
            self.phase = Phase::Apart;
        }
        self.forget_under_way();
    }

    fn forget_under_way(&mut self) {
        self.unsent = self.waiting();
        self.to_come = None;
        self.under_way.clear();
        self.under_way_bytes = 0;
        self.caught_up = false;
        self.stalled = false;
    }

    fn is_talking(&self) -> bool {
        matches!(self.phase, Phase::Greeting | Phase::Live | Phase::Holding)
    }

    pub(super) fn receive_sync(
        &mut self,
        doc: &DocName,
        message: SyncMessage<'_>,
        turn: &mut Turn<'_>,
    ) {
        if !self.is_talking() {
            return;
        }
        match message {
            SyncMessage::Step1(theirs) => self.answer(doc, theirs, turn),
            SyncMessage::Step2(update) => {
                apply(doc, update, turn);
                if !self.caught_up {
                    self.caught_up = true;
                    self.failures.reset();
                    turn.out.push(Effect::Synced { doc: doc.clone() });
                }
            }
            SyncMessage::Update(update) => apply(doc, update, turn),
        }
    }

    /// Sends what the server lacks: all edits that are not under way are in it, and maybe some that are.
    fn answer(&mut self, doc: &DocName, theirs: &[u8], turn: &mut Turn<'_>) {
        // A server whose version does not read is of no use, and the edits stay where they are.
        let Ok(missing) = turn.replicas.missing_for(doc, theirs) else {
            return;
        };
        self.phase = Phase::Live;
        if self.refused.is_none() {
            self.send_missing(doc, missing, turn);
        }
    }

    pub(super) fn receive_status(&mut self, doc: &DocName, stored: bool, turn: &mut Turn<'_>) {
        let Some(sent) = self.under_way.pop_front() else {
            return;
        };
        self.under_way_bytes -= sent.bytes;
        if stored {
            self.stalled = false;
            if sent.edits > 0 {
                turn.out.push(Effect::Acknowledged {
                    doc: doc.clone(),
                    edits: sent.edits,
                    waiting: self.waiting(),
                });
            }
            self.send_parts(doc, turn);
        } else {
            let edits = self.give_up_with(sent);
            let why = self.reason_to_come.take().unwrap_or(Refused::Unsaid);
            self.take_back(doc, edits, why, turn);
        }
        self.go_on(doc, turn);
    }

    /// A step 1 of ours: the server answers with its own, and that brings out what waits.
    fn ask_again(&mut self, doc: &DocName, turn: &mut Turn<'_>) {
        self.phase = Phase::Greeting;
        let version = turn.replicas.version(doc);
        send(doc, Message::Sync(SyncMessage::Step1(&version)), turn);
    }

    /// Sends refused edits once more, and opens a document that was shut.
    pub(super) fn try_again(
        &mut self,
        doc: &DocName,
        token: &str,
        line_is_open: bool,
        turn: &mut Turn<'_>,
    ) {
        if matches!(self.phase, Phase::Shut(_) | Phase::Reopening(_)) {
            self.phase = Phase::Apart;
            if line_is_open {
                self.greet(doc, token, turn);
            }
        } else if self.refused.take().is_some() && line_is_open && self.is_talking() {
            self.ask_again(doc, turn);
        }
    }

    pub(super) fn receive_fact(&mut self, doc: &DocName, fact: ServerFact, turn: &mut Turn<'_>) {
        match fact {
            ServerFact::Refused(why) => self.reason_to_come = Some(why),
            ServerFact::Role(role) => {
                if role.may_edit() && self.refused == Some(Refused::ReadOnly) {
                    self.refused = None;
                    if self.is_talking() {
                        self.ask_again(doc, turn);
                    }
                }
            }
            ServerFact::StoreStalled => self.stalled = true,
            ServerFact::StoreBack => self.stalled = false,
            ServerFact::Draining { .. } | ServerFact::Place(_) => {}
        }
        turn.out.push(Effect::Fact {
            doc: doc.clone(),
            fact,
        });
    }

    pub(super) fn receive_presence(&mut self, doc: &DocName, payload: &[u8], turn: &mut Turn<'_>) {
        // What does not pass the gate goes no further: it could hurt the roster as well.
        let Ok(heard) = Payload::parse(payload) else {
            return;
        };
        if let Some(shown) = &mut self.presence
            && let Some(again) = shown.own.hear(heard)
        {
            shown.said_at = turn.now;
            send(doc, Message::Awareness(&again), turn);
        }
        turn.out.push(Effect::Presence {
            doc: doc.clone(),
            payload: payload.to_vec(),
        });
    }

    /// The server closed this document, or denied it.
    pub(super) fn receive_close(
        &mut self,
        doc: &DocName,
        reason: Option<CloseReason>,
        turn: &mut Turn<'_>,
    ) {
        self.lose_line(doc, turn);
        self.phase = match reason {
            Some(reason) if reason.after() == After::Stop => Phase::Shut(reason),
            _ => Phase::Reopening(turn.now.plus_ms(self.failures.fail())),
        };
    }

    pub(super) fn seed(&mut self, seed: u64) {
        self.failures = crate::sync::backoff::Backoff::new(seed);
    }

    pub(super) fn announce(
        &mut self,
        doc: &DocName,
        who: ReplicaId,
        state: Option<&str>,
        line_is_open: bool,
        turn: &mut Turn<'_>,
    ) {
        let shown = match &mut self.presence {
            Some(shown) if shown.who == who => shown,
            none_or_another => none_or_another.insert(Shown {
                who,
                own: OwnPresence::new(who.into()),
                is_here: false,
                said_at: turn.now,
            }),
        };
        shown.is_here = state.is_some();
        shown.said_at = turn.now;
        let payload = shown.own.set(state.map(str::to_owned));
        if line_is_open && self.is_talking() {
            send(doc, Message::Awareness(&payload), turn);
        }
    }

    /// What is due at `turn.now` on an open line.
    pub(super) fn on_time(&mut self, doc: &DocName, token: &str, turn: &mut Turn<'_>) {
        if let Phase::Reopening(at) = self.phase
            && turn.now >= at
        {
            self.greet(doc, token, turn);
        }
        if self.is_talking()
            && let Some(shown) = &mut self.presence
            && shown.renewal().is_some_and(|at| turn.now >= at)
        {
            shown.said_at = turn.now;
            let payload = shown.own.renew();
            send(doc, Message::Awareness(&payload), turn);
        }
    }

    pub(super) fn deadline(&self) -> Option<MonotonicMs> {
        let renewal = self
            .presence
            .as_ref()
            .filter(|_| self.is_talking())
            .and_then(Shown::renewal);
        let reopening = match self.phase {
            Phase::Reopening(at) => Some(at),
            _ => None,
        };
        sooner(renewal, reopening)
    }

    /// Whether a message awaits its status.
    pub(super) fn is_sending(&self) -> bool {
        !self.under_way.is_empty()
    }
}

/// What this browser shows of itself.
#[derive(Debug)]
struct Shown {
    who: ReplicaId,
    own: OwnPresence,
    is_here: bool,
    said_at: MonotonicMs,
}

impl Shown {
    /// When it must be said again; `None` while there is nothing to say.
    fn renewal(&self) -> Option<MonotonicMs> {
        self.is_here
            .then(|| self.said_at.plus_ms(PRESENCE_RENEW_EVERY_MS))
    }
}

fn apply(doc: &DocName, update: &[u8], turn: &mut Turn<'_>) {
    turn.out.push(Effect::Apply {
        doc: doc.clone(),
        update: update.to_vec(),
    });
}

fn send(doc: &DocName, message: Message<'_>, turn: &mut Turn<'_>) {
    let frame = message.to(Address(doc.as_str())).to_vec();
    turn.out.push(Effect::Send(frame));
}
