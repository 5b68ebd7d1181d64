//! Letting the room work: whose work it is, how long it may take, and where it is done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use bytes::Bytes;
use sheaf_core::room::{Auditing, Input, MemberId};
use sheaf_shared::sync::peer::Said;

use super::{RoomTask, Stop};
use crate::adapters::system::monotonic_now;
use crate::runtime::aside::{self, Place, Weight};

/// Work on one letter, in microseconds, from which on the room is told whose it was.
const WORTH_TELLING_US: u64 = 1_000;

/// Whose work the room does.
enum Work {
    /// This member's.
    Of(MemberId),
    /// Theirs whose edits are in the append that is through.
    OfWriters,
    /// The document is being loaded.
    Loading,
    /// The room's own.
    OfNobody,
}

impl RoomTask {
    pub(super) async fn handle(&mut self, input: Input) -> Result<(), Stop> {
        if matches!(input, Input::Drained { .. }) {
            // There is one for each frame, and less to do than it takes to read the clock.
            return self.give(input, None, false);
        }
        let (work, weight) = self.look_at(&input);
        self.has_grown |= weight == Weight::Heavy;
        // While it waits for a place, nobody waits but those who are in this document.
        let place = match weight {
            Weight::Heavy if can_move_tasks_off() => Some(aside::enter(&self.doc).await),
            Weight::Heavy | Weight::Light => None,
        };
        let started = Instant::now();
        self.give(input, place, matches!(work, Work::Loading))?;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let workers = match work {
            _ if micros < WORTH_TELLING_US => return Ok(()),
            Work::Of(member) => vec![member],
            Work::OfWriters => std::mem::take(&mut self.written),
            Work::Loading | Work::OfNobody => return Ok(()),
        };
        let share = micros / workers.len().max(1) as u64;
        for member in workers {
            self.give(
                Input::Worked {
                    member,
                    micros: share,
                },
                None,
                false,
            )?;
        }
        Ok(())
    }

    /// Whose work an input is, and how long it may take.
    fn look_at(&mut self, input: &Input) -> (Work, Weight) {
        match input {
            Input::Said { member, said } => {
                if matches!(said, Said::Step2(_) | Said::Update(_))
                    && !self.writing.contains(member)
                {
                    self.writing.push(*member);
                }
                (Work::Of(*member), Weight::of_heard(said.len()))
            }
            Input::Appended { .. } => {
                let weight = Weight::of_applied(self.appending_bytes);
                (Work::OfWriters, weight)
            }
            Input::Audit(Auditing::TakeStock) => {
                (Work::OfNobody, Weight::of_heard(self.room.bytes()))
            }
            Input::Loaded(stored) => (Work::Loading, Weight::of_applied(stored.bytes())),
            Input::Read(read) => {
                let bytes = read.rows.iter().map(Bytes::len).sum();
                (Work::OfNobody, Weight::of_applied(bytes))
            }
            Input::Leave(member) | Input::Parted(member) => {
                if self.seats.remove(member).is_some() {
                    self.hub.left(&self.doc);
                }
                (Work::OfNobody, Weight::Light)
            }
            _ => (Work::OfNobody, Weight::Light),
        }
    }

    /// Lets the room work on one input, aside if there is a place, where a panic ends the room and not the program.
    pub(super) fn give(
        &mut self,
        input: Input,
        place: Option<Place<'_>>,
        while_loading: bool,
    ) -> Result<(), Stop> {
        let (room, effects) = (&mut self.room, &mut self.effects);
        #[cfg(test)]
        let hub = &self.hub;
        // The room is not used again after a panic, so nobody sees what it left half done.
        let work = AssertUnwindSafe(|| {
            #[cfg(test)]
            hub.strike_at(&input);
            room.handle(input, monotonic_now(), effects);
        });
        let worked = match place {
            Some(place) => tokio::task::block_in_place(|| aside::run(&place, work)),
            None => catch_unwind(work),
        };
        worked.map_err(|_| Stop::Fault { while_loading })
    }
}

fn can_move_tasks_off() -> bool {
    tokio::runtime::Handle::current().runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread
}
