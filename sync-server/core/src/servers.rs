//! Servers that have the same documents open: who there is, what they say to each other, and when the way between them
//! counts as broken.
//!
//! Nothing here is needed for a document to be right: what is stored is found by asking the store. This only makes it
//! quick, and carries presence.

pub mod absence;
pub mod breaker;
pub mod message;
pub mod roll;

/// Names one run of one server: drawn anew at each start, so that a server that came back is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u64);
