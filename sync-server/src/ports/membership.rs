//! Which servers share a store. Each says again and again that it is there; one that falls silent is suspected, which
//! is something for people and monitors to know: nothing that is stored depends on it.

use async_trait::async_trait;

use super::StorageFault;

/// Pause, in milliseconds, between two signs of life of a server.
pub const MEMBER_BEAT_EVERY_MS: u64 = 5_000;
/// Silence, in milliseconds, after which a server is suspected to be gone.
pub const MEMBER_SILENT_MS: u64 = 20_000;
/// Silence, in milliseconds, after which nobody speaks of it any more.
pub const MEMBER_FORGOTTEN_MS: u64 = 24 * 60 * 60 * 1_000;
const _: () = assert!(
    MEMBER_BEAT_EVERY_MS * 3 < MEMBER_SILENT_MS,
    "two signs may be lost"
);

/// What a server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// It takes people in.
    Serving,
    /// It sends people away and then ends.
    Draining,
}

impl MemberState {
    /// One word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Draining => "draining",
        }
    }

    /// What a word stands for; one that a newer release has is none of ours.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        match word {
            "draining" => Self::Draining,
            _ => Self::Serving,
        }
    }
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Names this run of the server; another run has another name.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// Names the place where it runs, where only one server can run at a time: its machine and its address there.
    pub place: String,
    /// Milliseconds since it began, by its own clock.
    pub up_ms: u64,
    /// Its release.
    pub version: String,
    /// What it is doing.
    pub state: MemberState,
}

/// A server, as the store knows it. Times are by the store's clock alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Names this run of the server.
    pub name: String,
    /// Where it listens.
    pub address: String,
    /// Its release.
    pub version: String,
    /// What it was doing when it was last heard of.
    pub state: MemberState,
    /// Milliseconds since its first sign of life.
    pub up_ms: u64,
    /// Milliseconds since its last.
    pub silent_ms: u64,
}

impl Member {
    /// Whether it has been silent for too long.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent_ms >= MEMBER_SILENT_MS
    }
}

/// The list of servers that share a store.
#[async_trait]
pub trait Membership: Send + Sync {
    /// Notes a sign of life, and answers all servers, the longest running first. Those that ran at the same place and were
    /// last heard of before this one began are forgotten.
    ///
    /// # Errors
    /// [`StorageFault`] when it may not have been noted.
    async fn beat(&self, beat: &Beat) -> Result<Vec<Member>, StorageFault>;

    /// Takes a server off the list: it has ended as it should.
    ///
    /// # Errors
    /// [`StorageFault`] when it may still be on it.
    async fn leave(&self, name: &str) -> Result<(), StorageFault>;

    /// All servers, the longest running first.
    ///
    /// # Errors
    /// [`StorageFault`] when the store could not be asked.
    async fn members(&self) -> Result<Vec<Member>, StorageFault>;
}
