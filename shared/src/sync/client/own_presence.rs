//! The presence this browser shows to others: its clock, its renewal, and its return from the dead.

use crate::bytes::{ReadError, Reader, put_text, put_var_uint};
use crate::ids::ReplicaId;
use crate::time::MonotonicMs;

/// Pause, in milliseconds, after which an unchanged presence is repeated: others forget it after 30 s.
const RENEW_EVERY_MS: u64 = 15_000;
/// What stands for "gone" where a state would.
const GONE: &str = "null";

/// One writer's own entry.
#[derive(Debug)]
pub(super) struct OwnPresence {
    who: ReplicaId,
    clock: u32,
    state: Option<String>,
    renewed_at: MonotonicMs,
}

impl OwnPresence {
    pub(super) fn new(who: ReplicaId) -> Self {
        Self {
            who,
            clock: 0,
            state: None,
            renewed_at: MonotonicMs(0),
        }
    }

    pub(super) const fn who(&self) -> ReplicaId {
        self.who
    }

    /// Shows another state. Every change has a clock of its own, or others would ignore it.
    pub(super) fn set(&mut self, state: Option<&str>) {
        self.state = state.map(str::to_owned);
        self.clock = self.clock.saturating_add(1);
    }

    /// Whether there is a state to show on a fresh connection.
    pub(super) const fn is_shown(&self) -> bool {
        self.state.is_some()
    }

    /// When it must be repeated; `None` while there is nothing to show.
    pub(super) fn renewal(&self) -> Option<MonotonicMs> {
        self.state
            .is_some()
            .then(|| self.renewed_at.plus_ms(RENEW_EVERY_MS))
    }

    /// Repeats the state under a new clock.
    pub(super) fn renew(&mut self, now: MonotonicMs) -> Vec<u8> {
        self.clock = self.clock.saturating_add(1);
        self.payload(now)
    }

    /// The awareness payload with this one entry.
    pub(super) fn payload(&mut self, now: MonotonicMs) -> Vec<u8> {
        self.renewed_at = now;
        let state = self.state.as_deref().unwrap_or(GONE);
        let mut out = Vec::with_capacity(state.len() + 16);
        put_var_uint(&mut out, 1);
        put_var_uint(&mut out, u64::from(self.who.0));
        put_var_uint(&mut out, u64::from(self.clock));
        put_text(&mut out, state);
        out
    }

    /// Whether `payload` tells others something about us that is not so: then the state must be shown again.
    ///
    /// A server that lost our old socket says that we are gone, under a clock of its own; without an answer we
    /// would stay invisible until our clock passed it.
    pub(super) fn is_contradicted_by(&mut self, payload: &[u8]) -> bool {
        if self.state.is_none() {
            return false;
        }
        let Ok(Some((clock, gone))) = entry_of(payload, self.who) else {
            return false;
        };
        let contradicted = clock > self.clock || (clock == self.clock && gone);
        if contradicted {
            self.clock = clock;
        }
        contradicted
    }
}

/// Clock of `who` in an awareness payload, and whether it says "gone".
fn entry_of(payload: &[u8], who: ReplicaId) -> Result<Option<(u32, bool)>, ReadError> {
    let mut reader = Reader::new(payload);
    let count = reader.var_uint()?;
    for _ in 0..count {
        let client = reader.var_uint()?;
        let clock = reader.var_u32()?;
        let state = reader.text()?;
        if client == u64::from(who.0) {
            return Ok(Some((clock, state == GONE)));
        }
    }
    Ok(None)
}
