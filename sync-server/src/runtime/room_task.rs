//! One open document: letters in, the pure room, its effects carried out.
//!
//! Everything that waits is handled before effects are carried out, so a busy room sends and stores in large
//! pieces without a timer, and a lone keystroke waits for nobody. What is to be stored is on its way before anything
//! is sent, so that the disk and the sockets work at the same time.

mod errands;
mod work;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use sheaf_core::room::{Auditing, Effect, Input, Joining, MemberId, Room, Speaks};
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::hocuspocus::{Address, Message};
use tokio::time::Sleep;

use super::hub::Hub;
use super::inbox::{Inbox, Letter};
use super::outbox::Outbox;
use crate::adapters::system::monotonic_now;
use crate::app::repair;

/// Sockets that a room writes to by itself in one turn. Their own tasks do the others: a large room must not hold up
/// what else waits for its thread.
const FLUSHES_PER_TURN: usize = 256;
/// Wait for a turn from which on the thread counts as crowded.
const CROWDED_AFTER: Duration = Duration::from_micros(300);
/// Turns between two measurements of a room's memory.
const TURNS_PER_MEASUREMENT: u32 = 64;

/// Why a room's task stops working on it.
enum Stop {
    /// The room said it is done.
    Ended,
    /// The room panicked.
    Fault {
        /// While it was applying what the store holds.
        while_loading: bool,
    },
}

/// Someone in the room, as the task sees them.
struct Seat {
    outbox: Arc<Outbox>,
    speaks: Speaks,
    /// It is in [`RoomTask::unflushed`].
    is_unflushed: bool,
}

impl Seat {
    const fn new(outbox: Arc<Outbox>, speaks: Speaks) -> Self {
        Self {
            outbox,
            speaks,
            is_unflushed: false,
        }
    }
}

type Answering = Pin<Box<dyn Future<Output = Input> + Send>>;

pub(super) struct RoomTask {
    hub: Arc<Hub>,
    doc: DocName,
    inbox: Arc<Inbox>,
    room: Room,
    seats: HashMap<MemberId, Seat>,
    effects: Vec<Effect>,
    /// Members for whom something is queued that is not written, nor left to their tasks.
    unflushed: Vec<MemberId>,
    /// The store's answer to the append under way; there is one at a time.
    appending: Option<Answering>,
    /// There was much to do on this thread before this room's last letters.
    is_crowded: bool,
    /// The room stores nothing further before its next turn.
    gathers: bool,
    /// That answer, seen and not told to the room yet.
    appended: Option<Input>,
    appending_bytes: usize,
    /// Who said something that may be in the next append, and in the one under way: their edits are applied when
    /// it is through, and that work is theirs.
    writing: Vec<MemberId>,
    written: Vec<MemberId>,
    /// Set to when the room wants a tick. Kept between turns: setting a timer costs more than most turns.
    alarm: Option<Pin<Box<Sleep>>>,
    turns: u32,
    /// It may have become much larger since it was measured.
    has_grown: bool,
}

impl RoomTask {
    pub(super) fn new(hub: Arc<Hub>, doc: DocName, inbox: Arc<Inbox>) -> Self {
        let room = Room::new(hub.room_config());
        Self {
            hub,
            doc,
            inbox,
            room,
            seats: HashMap::new(),
            effects: Vec::new(),
            unflushed: Vec::new(),
            appending: None,
            is_crowded: false,
            gathers: false,
            appended: None,
            appending_bytes: 0,
            writing: Vec::new(),
            written: Vec::new(),
            alarm: None,
            turns: 0,
            has_grown: false,
        }
    }

    /// Works until the room is done. The future is what an open document holds at rest, so it is kept small.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function would hold the task twice: as what it was called with, and as its own"
    )]
    pub(super) fn run(mut self) -> impl Future<Output = ()> + Send {
        async move {
            self.hub.metrics.rooms.up();
            let mut letters = Vec::new();
            let stop = loop {
                if let Err(stop) = self.turn(&mut letters).await {
                    break stop;
                }
            };
            self.hub.metrics.rooms.down();
            // Boxed: else every open document would hold the memory of its own end.
            Box::pin(self.end(stop)).await;
        }
    }

    /// Waits for something to happen, works on all that has, and writes what is to be said. In a busy room, or on a
    /// crowded thread, that is written a turn later, when whoever else waits has had theirs: by then there may be more to
    /// say to the same sockets.
    async fn turn(&mut self, letters: &mut Vec<Letter>) -> Result<(), Stop> {
        let was_put_off = self.gathers || !self.unflushed.is_empty();
        let input = if was_put_off {
            tokio::task::yield_now().await;
            self.poll_append().await;
            self.take_answer()
        } else {
            self.wait().await
        };
        let started = Instant::now();
        // Letters first: what a socket has written since the last turn must count before more is queued for it,
        // or before a tick asks who stands still.
        if let Some(told) = self.inbox.take_now(letters) {
            self.is_crowded = started.duration_since(told) > CROWDED_AFTER;
        }
        let has_gathered = std::mem::take(&mut self.gathers);
        // Those who are answered now go on typing while others have their turn: one commit then serves them too.
        self.gathers = self.is_crowded && matches!(input, Some(Input::Appended { .. }));
        let is_held = has_gathered || self.gathers || letters.len() > 1;
        if is_held {
            self.give(Input::Gather, None, false)?;
        }
        for letter in letters.drain(..) {
            match letter {
                Letter::Join(joining, outbox) => self.seat(joining, outbox).await?,
                Letter::Tell(input) => self.handle(input).await?,
            }
        }
        if let Some(input) = input {
            self.handle(input).await?;
        }
        if is_held && !self.gathers {
            self.give(Input::Gathered, None, false)?;
        }
        if letters.capacity() > 256 {
            letters.shrink_to(32);
        }
        // Before anybody hears of it: what was acknowledged counts already.
        self.measure();
        let mut ended = self.carry_out();
        // The disk works while we write.
        self.poll_append().await;
        let is_busy = self.appending.is_some() || self.is_crowded;
        if was_put_off || self.gathers || !is_busy {
            self.flush()?;
            ended |= self.carry_out();
        }
        if ended {
            self.leave_to_tasks();
        }
        self.hub.metrics.room_turn.observe(started.elapsed());
        if ended { Err(Stop::Ended) } else { Ok(()) }
    }

    async fn wait(&mut self) -> Option<Input> {
        if let Some(input) = self.take_answer() {
            return Some(input);
        }
        tokio::select! {
            biased;
            input = answer(&mut self.appending) => {
                self.appending = None;
                Some(input)
            }
            () = self.inbox.told() => None,
            () = ring(&mut self.alarm) => {
                self.alarm = None;
                Some(Input::Tick)
            }
        }
    }

    async fn seat(&mut self, joining: Joining, outbox: Arc<Outbox>) -> Result<(), Stop> {
        let seat = Seat::new(outbox, joining.speaks.clone());
        self.seats.insert(joining.member, seat);
        self.handle(Input::Join(joining)).await
    }

    /// Does what the room asked for; answers whether it has ended.
    fn carry_out(&mut self) -> bool {
        let mut ended = false;
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Send { to, frame, class } => {
                    if let Some(seat) = self.seats.get_mut(&to) {
                        seat.outbox.queue(to, frame, class);
                        if !std::mem::replace(&mut seat.is_unflushed, true) {
                            self.unflushed.push(to);
                        }
                    }
                }
                Effect::DropQueued { of } => {
                    if let Some(seat) = self.seats.get(&of) {
                        seat.outbox.drop_queued(of);
                    }
                }
                Effect::Close { member, reason } => {
                    if let Some(seat) = self.seats.remove(&member) {
                        seat.outbox.close(member, reason);
                        self.hub.left(&self.doc);
                    }
                }
                Effect::StopReading { of } => {
                    if let Some(seat) = self.seats.get(&of) {
                        seat.outbox.stop_reading(of);
                    }
                }
                Effect::ResumeReading { of } => {
                    if let Some(seat) = self.seats.get(&of) {
                        seat.outbox.resume_reading(of);
                    }
                }
                Effect::Load => self.load(),
                Effect::Append { ticket, rows } => self.append(ticket, rows),
                Effect::ReadSince { after } => self.read_since(after),
                Effect::TellRows(rows) => self.tell_rows(rows),
                Effect::TellPresence(presence) => self.tell_presence(presence),
                Effect::TakeStock => self.inbox.tell(Input::Audit(Auditing::TakeStock)),
                Effect::TellState { seq, digest } => self.tell_state(seq, digest),
                Effect::Disagree { seq, own, theirs } => self.report_disagreement(seq, own, theirs),
                Effect::Compare { seq, digest } => self.compare(seq, digest),
                Effect::LogWentBack { known, given } => self.report_log_went_back(known, given),
                Effect::Mend { through, whole } => self.mend(through, whole),
                Effect::Compact { known, .. } => self.compact(known),
                Effect::BadRow { at } => self.put_aside(at),
                Effect::RowsWait { first, rows } => {
                    repair::report_waiting(&self.hub, &self.doc, first, rows);
                }
                Effect::WakeAt(at) => self.set_alarm(at),
                Effect::Ended => ended = true,
            }
        }
        self.effects = effects;
        if self.effects.capacity() > 256 {
            self.effects.shrink_to(32);
        }
        ended
    }

    /// Hands the store what is to be stored, or sees whether it is.
    async fn poll_append(&mut self) {
        let Some(appending) = self.appending.as_mut().filter(|_| self.appended.is_none()) else {
            return;
        };
        let polled = poll_fn(|context| Poll::Ready(appending.as_mut().poll(context))).await;
        if let Poll::Ready(input) = polled {
            self.appended = Some(input);
        }
    }

    /// The store's answer, if it was seen.
    fn take_answer(&mut self) -> Option<Input> {
        let input = self.appended.take()?;
        self.appending = None;
        Some(input)
    }

    /// Writes what was queued in this turn, as far as it goes at once, and tells the room what went.
    fn flush(&mut self) -> Result<(), Stop> {
        let mut unflushed = std::mem::take(&mut self.unflushed);
        for (nth, member) in unflushed.drain(..).enumerate() {
            let Some(seat) = self.seats.get_mut(&member) else {
                continue;
            };
            seat.is_unflushed = false;
            if nth >= FLUSHES_PER_TURN {
                seat.outbox.leave_to_task();
                continue;
            }
            let bytes = seat.outbox.flush(member);
            if bytes > 0 {
                self.give(Input::Drained { member, bytes }, None, false)?;
            }
        }
        self.unflushed = unflushed;
        Ok(())
    }

    fn leave_to_tasks(&mut self) {
        for member in self.unflushed.drain(..) {
            if let Some(seat) = self.seats.get_mut(&member) {
                seat.is_unflushed = false;
                seat.outbox.leave_to_task();
            }
        }
    }

    fn set_alarm(&mut self, at: MonotonicMs) {
        let after = Duration::from_millis(at.ms_since(monotonic_now()));
        match &mut self.alarm {
            Some(alarm) => alarm.as_mut().reset(tokio::time::Instant::now() + after),
            None => self.alarm = Some(Box::pin(tokio::time::sleep(after))),
        }
    }

    fn measure(&mut self) {
        if self.turns.is_multiple_of(TURNS_PER_MEASUREMENT) || self.has_grown {
            self.has_grown = false;
            self.hub.measured(&self.doc, self.room.bytes());
        }
        self.turns = self.turns.wrapping_add(1);
    }

    /// Lets everyone go who is still here, and gives the document free.
    async fn end(mut self, stop: Stop) {
        let fault = match stop {
            Stop::Ended => None,
            Stop::Fault { while_loading } => Some(while_loading),
        };
        for letter in self.inbox.close() {
            match letter {
                // They came too late for this room: it had no members left when it ended.
                Letter::Join(joining, outbox) => {
                    let seat = Seat::new(outbox, joining.speaks);
                    self.seats.insert(joining.member, seat);
                }
                Letter::Tell(Input::Leave(member) | Input::Parted(member)) => {
                    if self.seats.remove(&member).is_some() {
                        self.hub.left(&self.doc);
                    }
                }
                Letter::Tell(_) => {}
            }
        }
        let reason = if fault.is_some() {
            // Before anyone hears of it: who asks the metrics then finds it there.
            self.hub.metrics.room_panics.add(1);
            CloseReason::Fault
        } else {
            CloseReason::Busy
        };
        for (member, seat) in self.seats.drain() {
            turn_away(&seat.outbox, member, &seat.speaks, reason);
            self.hub.left(&self.doc);
        }
        if let Some(while_loading) = fault {
            tracing::error!(doc.name = %self.doc, while_loading, "A document failed in memory; it is loaded afresh from the log");
            // A replica that panicked may panic again when it is dropped, and that would end the process.
            std::mem::forget(self.room);
            if while_loading {
                repair::put_poison_aside(&self.hub, &self.doc).await;
            }
        }
        self.hub.ended(&self.doc);
    }
}

/// Tells a member in its dialect that it is out, then closes it.
pub(crate) fn turn_away(outbox: &Outbox, member: MemberId, speaks: &Speaks, reason: CloseReason) {
    if let Speaks::Hocuspocus { address, kind } = speaks
        && kind.understands_close()
    {
        let frame = Message::Close(Some(reason.text()))
            .to(Address(address))
            .to_vec();
        outbox.send(member, frame.into(), sheaf_core::room::FrameClass::Kept);
    }
    outbox.close(member, reason);
}

async fn answer(appending: &mut Option<Answering>) -> Input {
    match appending {
        Some(appending) => appending.await,
        None => std::future::pending().await,
    }
}

async fn ring(alarm: &mut Option<Pin<Box<Sleep>>>) {
    match alarm {
        Some(alarm) => alarm.as_mut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
