//! A Hocuspocus socket: many documents over one connection, each a member of its room.

use std::collections::BTreeMap;
use std::sync::Arc;

use sheaf_core::room::{Input, MemberId, Speaks};
use sheaf_shared::sync::peer::{self, OpeningId, Peer, Verdict};
use sheaf_shared::time::MonotonicMs;

use super::{Session, Socket};
use crate::adapters::http::guard::ROLE_OF_EVERYONE;
use crate::runtime::hub::RoomHandle;
use crate::runtime::room_task::turn_away;

/// The documents that are open on a socket.
pub(super) struct Openings {
    pub(super) peer: Peer,
    pub(super) seats: BTreeMap<OpeningId, (MemberId, RoomHandle)>,
    /// When the peer's logic wants to be woken.
    pub(super) wake_at: Option<MonotonicMs>,
}

impl Openings {
    pub(super) const fn new(now: MonotonicMs) -> Self {
        Self {
            peer: Peer::new(now),
            seats: BTreeMap::new(),
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
            // Without accounts every token is as good as none.
            peer::Effect::Judge { opening, .. } => {
                let verdict = Verdict::Granted(ROLE_OF_EVERYONE);
                return Some(peer::Input::Judged { opening, verdict });
            }
            peer::Effect::Join {
                opening,
                doc,
                address,
                role,
                kind,
            } => {
                let speaks = Speaks::Hocuspocus { address, kind };
                match self.site.hub.join(&doc, speaks.clone(), role, &self.outbox) {
                    Ok(joined) => {
                        openings.seats.insert(opening, joined);
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
                if let Some((member, inbox)) = openings.seats.get(&opening) {
                    let (member, inbox) = (*member, Arc::clone(inbox));
                    inbox.tell(Input::Said { member, said });
                    self.hold_if_full(&inbox);
                }
            }
            peer::Effect::Role { opening, role } => {
                if let Some((member, inbox)) = openings.seats.get(&opening) {
                    inbox.tell(Input::RoleChanged {
                        member: *member,
                        role,
                    });
                }
            }
            peer::Effect::Leave { opening } => {
                if let Some((member, inbox)) = openings.seats.remove(&opening) {
                    inbox.leave(member);
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
