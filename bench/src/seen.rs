//! What a crowd saw: how late edits arrived, and how many there were.

use std::time::Duration;

use crate::histogram::Histogram;

/// What was seen since [`crate::crowd::Crowd::reset`].
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Send to receive.
    pub latency: Histogram,
    /// The same between people at one server.
    pub same_server: Histogram,
    /// The same between people at different servers.
    pub cross_server: Histogram,
    /// Frames with edits.
    pub frames: u64,
    /// Edits written.
    pub edits: u64,
}

impl Seen {
    /// An edit came so long after it was sent.
    pub fn arrived(&mut self, after: Duration, is_same_server: bool) {
        let us = after.as_micros() as u64;
        self.latency.add(us);
        if is_same_server {
            self.same_server.add(us);
        } else {
            self.cross_server.add(us);
        }
    }
}
