//! Waiting to be let in: what a socket asks the gate, and what follows from the answers. The socket goes on meanwhile.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sheaf_core::room::Speaks;
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::peer::{self, OpeningId, Token};
use sheaf_shared::time::MonotonicMs;

use super::{Session, Socket, Stage};
use crate::adapters::http::judging::{self, Outcome};
use crate::app::gate::{Ask, Keys};
use crate::runtime::seat::Seat;

/// The one opening of a socket that is for one document.
const ONLY: OpeningId = OpeningId(0);

/// Questions of one socket that are under way, from which on it is not read.
const ASKED_MAX: usize = 4;

type Answering = Pin<Box<dyn Future<Output = Vec<(OpeningId, Outcome)>> + Send>>;

/// What a socket waits for. Most have nothing to wait for, and hold nothing.
#[derive(Default)]
pub(super) struct Doorway {
    /// To be asked together.
    to_ask: Vec<(OpeningId, Ask)>,
    asked: Vec<Answering>,
    /// What came before anyone was let in, on a socket for one document.
    unread: Vec<u8>,
}

impl Socket {
    /// Comes to the door of the one document that the socket is for. `read_already` came with it.
    pub(super) fn come_to_one(
        &mut self,
        doc: DocName,
        keys: Keys,
        mut read_already: Vec<u8>,
        now: MonotonicMs,
    ) {
        let ask = Ask {
            keys,
            doc,
            claim: None,
        };
        if let Some(outcome) = judging::judge_now(&self.site.gate, &ask, &self.site.metrics) {
            self.let_in_one(&ask.doc, outcome, now);
            if !read_already.is_empty() {
                self.take_in(&mut read_already, now);
            }
            return;
        }
        if let Session::YWebsocket { wanted, .. } = &mut self.session {
            *wanted = Some(Box::new(ask.doc.clone()));
        }
        let doorway = self.doorway.get_or_insert_default();
        doorway.unread = read_already;
        doorway.to_ask.push((ONLY, ask));
    }

    /// Whether nothing is to be read before there is an answer. One who shows token after token waits for the answers, too.
    pub(super) fn waits_at_the_door(&self) -> bool {
        let is_unknown = matches!(
            &self.session,
            Session::YWebsocket {
                wanted: Some(_),
                ..
            }
        );
        let doorway = self.doorway.as_ref();
        is_unknown || doorway.is_some_and(|doorway| doorway.asked.len() >= ASKED_MAX)
    }

    fn let_in_one(&mut self, doc: &DocName, outcome: Outcome, now: MonotonicMs) {
        let hub = Arc::clone(&self.site.hub);
        let taken = match outcome {
            Outcome::In(pass) => {
                Seat::take(&hub, doc, Speaks::YWebsocket, pass, &self.outbox, None)
            }
            Outcome::Out(shut) => Err(judging::reason_to_keep_out(shut)),
            Outcome::NotNow => Err(sheaf_shared::sync::close::CloseReason::Unreadable),
        };
        match taken {
            Ok(seat) => {
                self.session = Session::YWebsocket {
                    seat: Some(seat),
                    wanted: None,
                }
            }
            Err(reason) => self.close(reason, now),
        }
    }

    /// Has a token judged. What can be said without asking is answered at once.
    pub(super) fn judge(
        &mut self,
        opening: OpeningId,
        doc: DocName,
        token: &Token,
    ) -> Option<peer::Input> {
        let Session::Hocuspocus(openings) = &mut self.session else {
            return None;
        };
        let ask = judging::ask_of(&openings.keys, doc, token);
        match judging::judge_now(&self.site.gate, &ask, &self.site.metrics) {
            Some(outcome) => Some(self.judged(opening, outcome)),
            None => {
                let doorway = self.doorway.get_or_insert_default();
                // Only what it showed last counts.
                doorway.to_ask.retain(|(asking, _)| *asking != opening);
                doorway.to_ask.push((opening, ask));
                None
            }
        }
    }

    /// Notes by what somebody is let in, and tells the peer's logic.
    fn judged(&mut self, opening: OpeningId, outcome: Outcome) -> peer::Input {
        let verdict = outcome.verdict();
        if let (Session::Hocuspocus(openings), Outcome::In(pass)) = (&mut self.session, outcome) {
            match openings.seats.get(&opening) {
                Some(seat) => seat.show(pass),
                None => openings.pass = Some(Box::new(pass)),
            }
        }
        peer::Input::Judged { opening, verdict }
    }

    /// Asks what is to be asked, and takes what is answered. `true` if something was.
    pub(super) fn poll_doorway(&mut self, context: &mut Context<'_>, now: MonotonicMs) -> bool {
        let Some(doorway) = &mut self.doorway else {
            return false;
        };
        if !doorway.to_ask.is_empty() {
            let to_ask = std::mem::take(&mut doorway.to_ask);
            let (openings, asks): (Vec<_>, Vec<_>) = to_ask.into_iter().unzip();
            let gate = Arc::clone(&self.site.gate);
            let metrics = Arc::clone(&self.site.metrics);
            doorway.asked.push(Box::pin(async move {
                let outcomes = judging::judge(gate, asks, metrics).await;
                openings.into_iter().zip(outcomes).collect()
            }));
        }
        let mut answers = Vec::new();
        doorway
            .asked
            .retain_mut(|asked| match asked.as_mut().poll(context) {
                Poll::Ready(answered) => {
                    answers.extend(answered);
                    false
                }
                Poll::Pending => true,
            });
        let unread = if doorway.asked.is_empty() {
            let doorway = self.doorway.take();
            doorway.map_or_else(Vec::new, |doorway| doorway.unread)
        } else {
            Vec::new()
        };
        let is_answered = !answers.is_empty();
        for (opening, outcome) in answers {
            self.take_outcome(opening, outcome, now);
        }
        if !unread.is_empty() {
            let mut unread = unread;
            self.take_in(&mut unread, now);
        }
        is_answered
    }

    fn take_outcome(&mut self, opening: OpeningId, outcome: Outcome, now: MonotonicMs) {
        if self.stage != Stage::Open {
            return;
        }
        match &mut self.session {
            Session::YWebsocket { wanted, .. } => {
                if let Some(doc) = wanted.take() {
                    self.let_in_one(&doc, outcome, now);
                }
            }
            Session::Hocuspocus(_) => {
                let judged = self.judged(opening, outcome);
                self.tell_peer(judged, now);
                if let Session::Hocuspocus(openings) = &mut self.session {
                    openings.pass = None;
                }
            }
        }
    }
}
