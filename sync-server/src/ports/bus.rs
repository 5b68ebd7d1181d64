//! The way between servers: small messages, carried quickly, and at most once. Nothing depends on their coming.

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

/// Groups of documents that share a channel. A server listens to the groups it has a document of open.
pub const GROUPS: u16 = 256;

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// To every server.
    Servers,
    /// To every server that has a document of this group open; below [`GROUPS`].
    Group(u16),
}

/// Why the way cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusFault {
    /// Nothing answers there.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It answers, and lets nobody in.
    #[error("it refuses: {0}")]
    Refused(String),
    /// It took too long.
    #[error("it took too long")]
    Slow,
    /// The connection is over.
    #[error("the connection is over")]
    Over,
}

/// Something that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A message, as it was sent.
    Message(Bytes),
    /// Others came faster than they were taken, and were dropped.
    SomeLost,
}

/// One connection. What goes wrong ends it; whoever needs one makes another.
pub struct Line {
    /// Where to say things.
    pub speaker: Box<dyn Speaker>,
    /// What arrives, one's own messages among it. Ends with the connection.
    pub arrivals: mpsc::Receiver<Arrival>,
}

/// The speaking end of a [`Line`].
#[async_trait]
pub trait Speaker: Send {
    /// From now on hears what is said on these channels. Said again, it changes nothing.
    ///
    /// # Errors
    /// [`BusFault`]: drop the line.
    async fn listen(&mut self, channels: &[Channel]) -> Result<(), BusFault>;

    /// From now on does not.
    ///
    /// # Errors
    /// [`BusFault`]: drop the line.
    async fn stop_listening(&mut self, channels: &[Channel]) -> Result<(), BusFault>;

    /// Says these, in order. `Ok` means that they were handed over, not that anyone heard them.
    ///
    /// # Errors
    /// [`BusFault`]: drop the line. Some may have been heard.
    async fn publish(&mut self, messages: Vec<(Channel, Bytes)>) -> Result<(), BusFault>;
}

/// A way between servers. Whoever calls sets the deadlines.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Connects. The line hears nothing until it is told what to listen to.
    ///
    /// # Errors
    /// [`BusFault`] when there is no way now.
    async fn connect(&self) -> Result<Line, BusFault>;
}
