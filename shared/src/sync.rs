//! The conversation between a browser and a server, told as a story (PROTOCOL.md). Sans-I/O: bytes and ticks in, bytes and wishes out.

pub mod backoff;
pub mod client;
