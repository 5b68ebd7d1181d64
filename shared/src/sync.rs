//! The conversation between a browser and a server, told as a story (PROTOCOL.md). Sans-I/O: bytes and ticks in, bytes and wishes out.
//!
//! 1. The browser opens a socket and, for each document, sends its token and its state vector (step 1).
//! 2. The server lets it in, sends its own step 1, then what the browser lacks (step 2).
//! 3. The browser answers with what the server lacks (step 2). From here on each edit goes as one update.
//! 4. The server answers each step 2 and each update with one status, in order, once it is on disk.
//!
//! A new connection starts again at 1: nothing that was under way on the old one is trusted, and nothing is
//! queued for it, because state vectors say what is missing.

pub mod backoff;
pub mod client;
pub mod close;
pub mod exchanges;
pub mod facts;
pub mod peer;
