//! An open document: who is in it, what is stored, what everyone has been told.
//!
//! The write path: validate → gather → append to the log → **commit** → apply, fan out, acknowledge. Nothing
//! leaves a room before the store has answered that it is on disk. One append is under way at a time; what comes
//! meanwhile makes the next one, so an idle room commits at once and a busy one in large batches.
//!
//! A panic inside [`Room::handle`] (the replica may meet bytes that slipped through the gate) must end the room:
//! drop it, close its members with `CloseReason::Fault`, and open it afresh from the log. Run it on a
//! thread with a large stack.

pub mod effect;
pub mod input;

pub use effect::{Effect, FrameClass};
pub use input::{Input, Joining, Rows, Speaks, StoreFault, Stored, Ticket};

use sheaf_shared::time::MonotonicMs;

/// Names one member of a room. Never reused while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub u64);

/// What an operator may tune.
#[derive(Clone, Copy, Debug)]
pub struct RoomConfig {
    /// Bytes queued for one member before it counts as lagging.
    pub outgoing_bytes_soft: usize,
    /// Bytes of edits that wait for the store before senders are no longer read.
    pub waiting_bytes_soft: usize,
    /// Messages a second one member may send for long.
    pub messages_per_s: u32,
    /// Bytes a second one member may send for long.
    pub bytes_per_s: u32,
    /// Milliseconds of this room's work a second that one member may cause for long.
    pub work_ms_per_s: u32,
}

impl Default for RoomConfig {
    fn default() -> Self {
        Self {
            outgoing_bytes_soft: 1024 * 1024,
            waiting_bytes_soft: 4 * 1024 * 1024,
            messages_per_s: 5_000,
            bytes_per_s: 16 * 1024 * 1024,
            work_ms_per_s: 250,
        }
    }
}

/// One open document.
#[derive(Debug)]
pub struct Room {
    config: RoomConfig,
}

impl Room {
    /// A room nobody has joined yet. It asks for its document with [`Effect::Load`] when the first member comes.
    #[must_use]
    pub fn new(config: RoomConfig) -> Self {
        Self { config }
    }

    /// Takes one input; appends what is to be done to `out`, in order.
    pub fn handle(&mut self, _input: Input, _now: MonotonicMs, _out: &mut Vec<Effect>) {
        let _ = self.config;
    }

    /// An estimate of the memory this room holds, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}
