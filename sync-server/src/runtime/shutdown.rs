//! The way down: stop letting people in, finish what is being stored, send everyone off, end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::hub::Hub;

/// How far the program is on its way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Serving.
    Open,
    /// Not ready any more: nobody is let in, those inside are being sent off.
    Draining,
    /// What is still open is cut.
    Closed,
}

/// Time, in milliseconds, that rooms and sockets get beyond the drain to finish what is being stored and said.
const GRACE_MS: u64 = 5_000;

/// Where the program stands, for everyone who must know.
#[derive(Clone, Debug)]
pub struct Shutdown {
    phase: Arc<watch::Sender<Phase>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self {
            phase: Arc::new(watch::Sender::new(Phase::Open)),
        }
    }
}

impl Shutdown {
    /// Where it stands now.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Waits until it stands at `phase` or further.
    pub async fn reached(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        // The sender lives as long as `self`.
        let _ = phases.wait_for(|now| *now >= phase).await;
    }

    fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Goes down: returns when every room has ended, or the time for it is over.
    ///
    /// Rooms end only when nothing of theirs is being stored.
    pub async fn drain(&self, hub: &Hub, within_ms: u64) {
        self.enter(Phase::Draining);
        tracing::info!(
            rooms = hub.rooms_open(),
            within_ms,
            "Going down: sending everyone off"
        );
        hub.drain(within_ms);
        let limit = Duration::from_millis(within_ms.saturating_add(GRACE_MS));
        if tokio::time::timeout(limit, hub.all_ended()).await.is_err() {
            tracing::warn!(
                rooms = hub.rooms_open(),
                "Some documents did not end in time; what was shown as saved is on the disk"
            );
        }
        self.enter(Phase::Closed);
    }
}
