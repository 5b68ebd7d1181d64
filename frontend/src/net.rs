//! The way to the server: bytes over a WebSocket or in exchanges, and the driver of the conversation.

pub mod exchange;
pub mod session;
pub mod socket;
