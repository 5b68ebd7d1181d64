//! What time does to a socket: signs of life, and the end of one who gives none.

use std::time::Duration;

use sheaf_shared::limits::{HEARTBEAT_EVERY_MS, SILENCE_DEADLINE_MS};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::peer;
use sheaf_shared::time::MonotonicMs;

use super::super::websocket;
use super::{Session, Socket, Stage};

/// A tick may come a little early by the clock that measured the silence.
const HEARTBEAT_SLACK_MS: u64 = 500;

impl Socket {
    pub(super) fn tick(&mut self, now: MonotonicMs) {
        if let Stage::Closing { until } | Stage::Parting { until } = self.stage {
            if until.ms_since(now) == 0 {
                self.stage = Stage::Over;
            }
            return;
        }
        if let Session::Hocuspocus(openings) = &mut self.session
            && openings.wake_at.is_some_and(|at| at <= now)
        {
            openings.wake_at = None;
            self.tell_peer(peer::Input::Tick, now);
        }
        if !self.writer.is_empty() && now.ms_since(self.progressed_at) >= SILENCE_DEADLINE_MS {
            // It reads nothing: a close frame would not reach it either.
            self.stage = Stage::Over;
            return;
        }
        let listening = self.may_read && self.held_up.is_none();
        let heard_ms = now.ms_since(self.heard_at);
        if listening && heard_ms >= SILENCE_DEADLINE_MS {
            return self.close(CloseReason::Silent, now);
        }
        if heard_ms + HEARTBEAT_SLACK_MS >= HEARTBEAT_EVERY_MS && self.writer.is_empty() {
            self.writer.put(websocket::put_ping);
        }
    }

    /// Milliseconds until there is something to look at.
    pub(super) fn next_alarm(&self, now: MonotonicMs) -> u64 {
        match (&self.session, self.stage) {
            (_, Stage::Closing { until } | Stage::Parting { until }) => until.ms_since(now).max(1),
            (Session::Hocuspocus(openings), _) => {
                openings.wake_at.map_or(HEARTBEAT_EVERY_MS, |at| {
                    at.ms_since(now).clamp(1, HEARTBEAT_EVERY_MS)
                })
            }
            (Session::YWebsocket { .. }, _) => HEARTBEAT_EVERY_MS,
        }
    }

    pub(super) fn set_alarm(&mut self, in_ms: u64) {
        self.alarm
            .as_mut()
            .reset(tokio::time::Instant::now() + Duration::from_millis(in_ms));
    }
}
