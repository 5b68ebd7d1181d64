//! Every bound that both ends must agree on, with its unit in its name.
//!
//! What an operator may tune lives in the server's configuration; what is here belongs to the protocol.

/// Longest update, in bytes, that the gate lets through: a pasted book, a month offline.
pub const UPDATE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest WebSocket message, in bytes: one update and its address.
pub const FRAME_BYTES_MAX: usize = UPDATE_BYTES_MAX + 1024;
/// Longest state of one person's presence, in bytes of JSON.
pub const PRESENCE_STATE_BYTES_MAX: usize = 4 * 1024;
/// Deepest nesting of a value inside an update.
pub const VALUE_DEPTH_MAX: usize = 64;
/// Deepest nesting of shared types in a document.
pub const TREE_DEPTH_MAX: usize = 128;

/// Longest silence, in milliseconds, before either side gives the connection up.
pub const SILENCE_DEADLINE_MS: u64 = 30_000;
/// Pause, in milliseconds, between signs of life on an idle connection.
pub const HEARTBEAT_EVERY_MS: u64 = 10_000;
const _: () = assert!(
    HEARTBEAT_EVERY_MS * 2 < SILENCE_DEADLINE_MS,
    "one lost heartbeat must not end a connection"
);
const _: () = assert!(UPDATE_BYTES_MAX < FRAME_BYTES_MAX);
