//! Which other servers live, as far as can be heard.

use std::collections::BTreeMap;

use sheaf_shared::time::MonotonicMs;

use super::ServerId;

/// Pause, in milliseconds, between two signs of life of a server.
pub const BEAT_EVERY_MS: u64 = 1_000;
/// Silence, in milliseconds, after which a server counts as gone.
pub const SILENT_MS: u64 = 6_000;
/// Servers that are known at a time. More are not followed, and their people not shown.
pub const SERVERS_MAX: usize = 1_024;

const _: () = assert!(
    BEAT_EVERY_MS * 4 < SILENT_MS,
    "some lost signs of life must not end a server"
);

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    heard: BTreeMap<ServerId, MonotonicMs>,
}

impl Roll {
    /// A server was heard. `false` if there is no room for one more.
    pub fn heard(&mut self, server: ServerId, now: MonotonicMs) -> bool {
        if self.heard.len() >= SERVERS_MAX && !self.heard.contains_key(&server) {
            return false;
        }
        self.heard.insert(server, now);
        true
    }

    /// A server said that it goes. Answers whether it was known.
    pub fn left(&mut self, server: ServerId) -> bool {
        self.heard.remove(&server).is_some()
    }

    /// Takes those off the roll who were silent for too long, and names them.
    pub fn silent(&mut self, now: MonotonicMs) -> Vec<ServerId> {
        let mut silent = Vec::new();
        self.heard.retain(|server, heard| {
            let is_here = now.ms_since(*heard) < SILENT_MS;
            if !is_here {
                silent.push(*server);
            }
            is_here
        });
        silent
    }

    /// How many others there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.heard.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: MonotonicMs = MonotonicMs(1_000);

    #[test]
    fn a_server_is_gone_after_a_bounded_silence_and_here_again_when_it_is_heard() {
        let mut roll = Roll::default();
        assert!(roll.heard(ServerId(1), START));
        assert!(roll.heard(ServerId(2), START.plus_ms(2_000)));
        assert_eq!(roll.silent(START.plus_ms(SILENT_MS - 1)), []);
        assert_eq!(roll.silent(START.plus_ms(SILENT_MS)), [ServerId(1)]);
        assert_eq!(roll.silent(START.plus_ms(SILENT_MS)), [], "named once");
        assert!(roll.heard(ServerId(1), START.plus_ms(SILENT_MS)));
        assert_eq!(roll.count(), 2);
        assert!(roll.left(ServerId(2)));
        assert!(!roll.left(ServerId(2)));
    }

    #[test]
    fn a_flood_of_names_does_not_fill_memory() {
        let mut roll = Roll::default();
        for name in 0..5_000 {
            roll.heard(ServerId(name), START);
        }
        assert_eq!(roll.count(), SERVERS_MAX);
        assert!(roll.heard(ServerId(7), START), "those it knows go on");
    }
}
