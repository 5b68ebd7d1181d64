//! The way to the server: bytes over a WebSocket, and the driver of the conversation.

pub mod session;
pub mod socket;
