//! A place in a room, and by what somebody has it.

use std::sync::Arc;

use sheaf_core::room::{MemberId, Speaks, Visit};
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::close::CloseReason;

use super::holders::Entered;
use super::hub::{Hub, RoomHandle};
use super::outbox::Outbox;
use crate::adapters::system::monotonic_now;
use crate::app::gate::{Judged, Keys};

/// What somebody is let in by.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) keys: Keys,
    pub(crate) judged: Judged,
}

/// See the module. While there is one, its holder is judged again whenever anyone's rights change.
pub(crate) struct Seat {
    hub: Arc<Hub>,
    pub(crate) member: MemberId,
    pub(crate) room: RoomHandle,
    _entered: Option<Entered>,
}

impl Seat {
    /// Brings somebody who was let in into a document's room, for one exchange if `visit` says so.
    ///
    /// # Errors
    /// The reason to turn them away with.
    pub(crate) fn take(
        hub: &Arc<Hub>,
        doc: &DocName,
        speaks: Speaks,
        pass: Pass,
        outbox: &Arc<Outbox>,
        visit: Option<Box<Visit>>,
    ) -> Result<Self, CloseReason> {
        let Pass { keys, judged } = pass;
        let entered = hub
            .holders
            .enter(judged.whose, visit.is_some(), monotonic_now())?;
        let (member, room) =
            hub.join_for(doc, speaks, (judged.role, judged.whose), outbox, visit)?;
        hub.held
            .add(member, keys, doc.clone(), Arc::clone(&room), &judged);
        // What changed between the judgement and this moment was looked at without them.
        if judged.version < hub.gate.seen() {
            hub.gate.look_soon();
        }
        Ok(Self {
            hub: Arc::clone(hub),
            member,
            room,
            _entered: entered,
        })
    }

    /// Its holder showed something again, and was let in by that.
    pub(crate) fn show(&self, pass: Pass) {
        let Pass { keys, judged } = pass;
        self.hub.held.show(self.member, keys, judged);
        if judged.version < self.hub.gate.seen() {
            self.hub.gate.look_soon();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.held.remove(self.member);
    }
}
