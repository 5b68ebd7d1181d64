//! A Hocuspocus socket: many documents over one connection, each a member of its room.

use std::collections::BTreeMap;
use std::sync::Arc;

use sheaf_core::room::{Input, MemberId, Speaks};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::peer::{self, OpeningId, Peer};
use sheaf_shared::time::MonotonicMs;

use super::{Session, Socket};
use crate::app::gate::Keys;
use crate::runtime::room_task::turn_away;
use crate::runtime::seat::{Pass, Seat};

/// The documents that are open on a socket.
pub(super) struct Openings {
    pub(super) peer: Peer,
    pub(super) seats: BTreeMap<OpeningId, Seat>,
    /// What the socket was opened with.
    pub(super) keys: Keys,
    /// By what the next who joins was let in.
    pub(super) pass: Option<Box<Pass>>,
    /// When the peer's logic wants to be woken.
    pub(super) wake_at: Option<MonotonicMs>,
}

impl Openings {
    pub(super) const fn new(keys: Keys, now: MonotonicMs) -> Self {
        Self {
            peer: Peer::new(now),
            seats: BTreeMap::new(),
            keys,
            pass: None,
            wake_at: Some(now.plus_ms(peer::AUTH_DEADLINE_MS)),
        }
    }
}

impl Socket {
    /// Gives the peer's logic an input, and all that follows from it.
    pub(super) fn tell_peer(&mut self, input: peer::Input, now: MonotonicMs) {
        let mut inputs = vec![input];
        let mut effects = Vec::new();
        while let Some(input) = inputs.pop() {
            let Session::Hocuspocus(openings) = &mut self.session else {
                return;
            };
            openings.peer.handle(input, now, &mut effects);
            for effect in std::mem::take(&mut effects) {
                inputs.extend(self.carry_out_for_peer(effect, now));
            }
        }
    }

    /// Does one thing for the peer's logic; what comes back is its next input.
    fn carry_out_for_peer(
        &mut self,
        effect: peer::Effect,
        now: MonotonicMs,
    ) -> Option<peer::Input> {
        let Session::Hocuspocus(openings) = &mut self.session else {
            return None;
        };
        match effect {
            peer::Effect::Judge {
                opening,
                doc,
                token,
            } => return self.judge(opening, doc, &token),
            peer::Effect::Join {
                opening,
                doc,
                address,
                kind,
                role: _,
            } => {
                let speaks = Speaks::Hocuspocus { address, kind };
                // Nobody joins without having been judged.
                let pass = openings.pass.take().ok_or(CloseReason::Fault);
                let hub = &self.site.hub;
                let taken = pass.and_then(|pass| {
                    Seat::take(hub, &doc, speaks.clone(), *pass, &self.outbox, None)
                });
                match taken {
                    Ok(seat) => {
                        openings.seats.insert(opening, seat);
                    }
                    Err(reason) => {
                        // It never became a member, so no room's close names it.
                        turn_away(&self.outbox, MemberId(0), &speaks, reason);
                        if !kind.understands_close() {
                            self.close(reason, now);
                            return None;
                        }
                        return Some(peer::Input::Ended { opening });
                    }
                }
            }
            peer::Effect::Deliver { opening, said } => {
                if let Some(seat) = openings.seats.get(&opening) {
                    let (member, inbox) = (seat.member, Arc::clone(&seat.room));
                    inbox.tell(Input::Said { member, said });
                    self.hold_if_full(&inbox);
                }
            }
            // The seat has told the room, which may know of another role than the peer's logic.
            peer::Effect::Role { .. } => {}
            peer::Effect::Leave { opening } => {
                if let Some(seat) = openings.seats.remove(&opening) {
                    seat.room.leave(seat.member);
                }
            }
            peer::Effect::Send(frame) => self.writer.put_message(frame),
            peer::Effect::HangUp(reason) => {
                self.site.metrics.closed_for_cause.add(1);
                self.close(reason, now);
            }
            peer::Effect::WakeAt(at) => {
                openings.wake_at = Some(at);
                self.set_alarm(self.next_alarm(now));
            }
        }
        None
    }
}
