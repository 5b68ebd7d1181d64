//! Load generator for any server that speaks the y-websocket dialect, driven by URL.
//!
//! One thread plays all clients, so latencies hold the generator's own share. Each program in `bin/` asks one
//! question; what they share stands here, in reading order. It measures and refuses to judge.

#![expect(clippy::print_stdout, reason = "figures go to standard output")]

pub mod account;
pub mod crowd;
pub mod engines;
pub mod histogram;
pub mod report;
pub mod seen;
pub mod server;
pub mod setup;
pub mod trace;
pub mod updates;
pub mod websocket;
pub mod ydoc;
