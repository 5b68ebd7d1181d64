//! What runs the rooms: one task for each open document, queues in and out, and the way down.

pub(crate) mod aside;
pub mod blobs_watch;
pub mod courier;
pub(crate) mod following;
pub(crate) mod heartbeat;
mod holders;
pub mod hub;
pub mod inbox;
pub mod outbox;
pub(crate) mod rights;
pub mod room_task;
pub mod scribe;
pub(crate) mod seat;
pub mod shutdown;
pub mod sweeping;
