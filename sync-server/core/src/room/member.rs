//! One member of a room: how to talk to it, how much is queued for it, how much it may still send.

use std::sync::Arc;

use bytes::Bytes;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, Holder, Seq};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::time::MonotonicMs;
use sheaf_shared::wire::hocuspocus;
use sheaf_shared::wire::y_websocket::QUIET_MS_MAX;

use super::catch_up::CatchingUp;
use super::contest::Contest;
use super::effect::{Effect, FrameClass};
use super::input::{ClientKind, LineKey, Speaks, Visit};
use super::{MemberId, RoomConfig};

/// How far ahead of its share, in milliseconds, a member may run before it is not read for a while.
const BURST_MS: u64 = 2_000;
/// How often the soft bound fits into what may be queued of frames that cannot be dropped.
const KEPT_FACTOR: usize = 16;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) id: MemberId,
    pub(super) speaks: Speaks,
    pub(super) role: Role,
    /// Who it is.
    pub(super) whose: Holder,
    /// The id it is here by, once it has said so.
    pub(super) own: Option<ClientId>,
    /// It writes under an id that is somebody else's, so far as is known here.
    pub(super) contest: Option<Box<Contest>>,
    /// It is here for one exchange.
    pub(super) visit: Option<Box<Visit>>,
    /// It was answered a step 1: from then on it hears of each commit.
    pub(super) is_synced: bool,
    /// It missed frames; a catch-up goes out when its queue is empty.
    pub(super) is_lagging: bool,
    /// What it lacks is being sent to it in parts. It lags meanwhile.
    pub(super) catching_up: Option<CatchingUp>,
    /// Whether what it wrote before its last connection was told to it again (y-websocket only).
    pub(super) is_confirmed: bool,
    /// Bytes queued and not yet reported as drained.
    pub(super) outgoing_bytes: usize,
    /// When the queue last became shorter, or stopped being empty.
    pub(super) progress_at: MonotonicMs,
    /// When something was last sent to it.
    pub(super) spoken_at: MonotonicMs,
    /// It has surely been sent the first so many of all updates that were told.
    pub(super) delivered: u64,
    /// Its messages in the write path that have no answer yet.
    pub(super) unanswered: u32,
    /// Updates of it in a row which left something missing.
    pub(super) repairs: u32,
    /// Its share is used up until then, in microseconds.
    used_until_us: u64,
    stopped: Stopped,
}

/// Why a member is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stopped {
    for_store: bool,
    until: Option<MonotonicMs>,
}

impl Stopped {
    const fn is_reading(self) -> bool {
        !self.for_store && self.until.is_none()
    }
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queued {
    /// It is on its way, or will be made up for.
    Fine,
    /// The member must be closed: too much that cannot be dropped is queued.
    Overflow,
}

impl Member {
    pub(super) const fn new(
        id: MemberId,
        speaks: Speaks,
        role: Role,
        whose: Holder,
        now: MonotonicMs,
    ) -> Self {
        Self {
            id,
            speaks,
            role,
            whose,
            own: None,
            contest: None,
            visit: None,
            is_synced: false,
            is_lagging: false,
            catching_up: None,
            is_confirmed: false,
            outgoing_bytes: 0,
            progress_at: now,
            spoken_at: now,
            delivered: 0,
            unanswered: 0,
            repairs: 0,
            used_until_us: 0,
            stopped: Stopped {
                for_store: false,
                until: None,
            },
        }
    }

    /// Queues a frame. One that may be dropped is dropped if the queue is too long, and the member lags from then on.
    pub(super) fn send(
        &mut self,
        frame: Bytes,
        class: FrameClass,
        config: &RoomConfig,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) -> Queued {
        if class == FrameClass::Droppable {
            if self.is_lagging {
                return Queued::Fine;
            }
            // One long frame alone is fine: nothing shorter would say the same.
            if self.outgoing_bytes > 0
                && self.outgoing_bytes + frame.len() > config.outgoing_bytes_soft
            {
                self.is_lagging = true;
                out.push(Effect::DropQueued { of: self.id });
                return Queued::Fine;
            }
        }
        if self.outgoing_bytes == 0 {
            self.progress_at = now;
        } else if self.outgoing_bytes > config.outgoing_bytes_soft * KEPT_FACTOR {
            return Queued::Overflow;
        }
        self.outgoing_bytes += frame.len();
        self.spoken_at = now;
        out.push(Effect::Send {
            to: self.id,
            frame,
            class,
        });
        Queued::Fine
    }

    /// Its share of the memory of what it is being sent in parts, in bytes.
    pub(super) fn catch_up_bytes(&self) -> usize {
        self.catching_up.as_ref().map_or(0, CatchingUp::bytes)
    }

    /// Its socket took so many bytes, or they were dropped.
    pub(super) fn drained(&mut self, bytes: usize, now: MonotonicMs) {
        self.outgoing_bytes = self.outgoing_bytes.saturating_sub(bytes);
        self.progress_at = now;
    }

    /// Counts one message against the member's share; stops reading it if that is used up.
    pub(super) fn meter(
        &mut self,
        bytes: usize,
        config: &RoomConfig,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let message_us = 1_000_000 / u64::from(config.messages_per_s.max(1));
        let bytes_us =
            (bytes as u64).saturating_mul(1_000_000) / u64::from(config.bytes_per_s.max(1));
        self.use_share(message_us.max(bytes_us), now, out);
    }

    /// Counts work against the member's share.
    pub(super) fn meter_work(
        &mut self,
        micros: u64,
        config: &RoomConfig,
        now: MonotonicMs,
        out: &mut Vec<Effect>,
    ) {
        let share = u64::from(config.work_ms_per_s.max(1));
        self.use_share(micros.saturating_mul(1_000) / share, now, out);
    }

    fn use_share(&mut self, us: u64, now: MonotonicMs, out: &mut Vec<Effect>) {
        let now_us = now.0.saturating_mul(1_000);
        self.used_until_us = self.used_until_us.max(now_us).saturating_add(us);
        let ahead_ms = (self.used_until_us - now_us) / 1_000;
        if ahead_ms > BURST_MS && self.stopped.until.is_none() {
            let before = self.stopped;
            self.stopped.until = Some(now.plus_ms(ahead_ms - BURST_MS / 2));
            self.tell_reading(before, out);
        }
    }

    /// Stops reading it because the store takes nothing.
    pub(super) fn stop_for_store(&mut self, out: &mut Vec<Effect>) {
        let before = self.stopped;
        self.stopped.for_store = true;
        self.tell_reading(before, out);
    }

    /// The store takes edits again.
    pub(super) fn resume_for_store(&mut self, out: &mut Vec<Effect>) {
        let before = self.stopped;
        self.stopped.for_store = false;
        self.tell_reading(before, out);
    }

    /// Reads it again if its share has grown back.
    pub(super) fn on_time(&mut self, now: MonotonicMs, out: &mut Vec<Effect>) {
        if self.stopped.until.is_some_and(|until| now >= until) {
            let before = self.stopped;
            self.stopped.until = None;
            self.tell_reading(before, out);
        }
    }

    /// Until when its share is used up, in microseconds.
    pub(super) const fn used_until_us(&self) -> u64 {
        self.used_until_us
    }

    /// Its share is used up until then at least: it was here before.
    pub(super) fn has_used(&mut self, until_us: u64) {
        self.used_until_us = self.used_until_us.max(until_us);
    }

    /// Whose line of visits it belongs to.
    pub(super) fn line(&self) -> Option<LineKey> {
        self.visit.as_ref().map(|visit| visit.line)
    }

    /// When its share will have grown back.
    pub(super) const fn resumes_at(&self) -> Option<MonotonicMs> {
        self.stopped.until
    }

    /// When it must be looked at again.
    pub(super) fn next_check(&self, is_told: bool) -> Option<MonotonicMs> {
        let quiet = is_told.then(|| self.spoken_at.plus_ms(QUIET_MS_MAX));
        let stuck =
            (self.outgoing_bytes > 0).then(|| self.progress_at.plus_ms(super::NO_PROGRESS_MS));
        let contest = self.contest.as_ref().map(|contest| contest.gives_up_at());
        [quiet, stuck, contest, self.stopped.until]
            .into_iter()
            .fold(None, super::sooner)
    }

    fn tell_reading(&self, before: Stopped, out: &mut Vec<Effect>) {
        match (before.is_reading(), self.stopped.is_reading()) {
            (true, false) => out.push(Effect::StopReading { of: self.id }),
            (false, true) => out.push(Effect::ResumeReading { of: self.id }),
            (true, true) | (false, false) => {}
        }
    }

    pub(super) const fn is_sheaf(&self) -> bool {
        matches!(
            self.speaks,
            Speaks::Hocuspocus {
                kind: ClientKind::Sheaf,
                ..
            }
        )
    }

    pub(super) const fn is_hocuspocus(&self) -> bool {
        matches!(self.speaks, Speaks::Hocuspocus { .. })
    }

    /// The frame of a Hocuspocus message to this member; `None` in the other dialect.
    pub(super) fn hocuspocus_frame(&self, message: hocuspocus::Message<'_>) -> Option<Bytes> {
        match &self.speaks {
            Speaks::Hocuspocus { address, .. } => Some(hocuspocus_frame(address, message)),
            Speaks::YWebsocket => None,
        }
    }

    /// The frame that closes the document for this member; `None` if only closing its socket does.
    pub(super) fn close_frame(&self, reason: CloseReason) -> Option<Bytes> {
        match &self.speaks {
            Speaks::Hocuspocus { address, kind } if kind.understands_close() => {
                let message = hocuspocus::Message::Close(Some(reason.text()));
                Some(hocuspocus_frame(address, message))
            }
            Speaks::Hocuspocus { .. } | Speaks::YWebsocket => None,
        }
    }

    /// The frame that tells one who comes by exchanges how far it has come; `None` for others.
    pub(super) fn place_frame(&self, place: Seq) -> Option<Bytes> {
        self.visit.as_ref()?;
        self.fact_frame(ServerFact::Place(place))
    }

    /// The frame that tells this member a fact; `None` if it would not understand.
    pub(super) fn fact_frame(&self, fact: ServerFact) -> Option<Bytes> {
        if !self.is_sheaf() {
            return None;
        }
        self.hocuspocus_frame(hocuspocus::Message::Stateless(&fact.encode()))
    }
}

pub(super) fn hocuspocus_frame(address: &Arc<str>, message: hocuspocus::Message<'_>) -> Bytes {
    message.to(hocuspocus::Address(address)).to_vec().into()
}
