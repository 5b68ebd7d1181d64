//! One open document on the server, as a pure state machine: input and time in, effects out.
//!
//! No clock, no chance, no socket, no store: whoever runs a [`room::Room`] tells it the time and carries out
//! what it asks for. So a seeded simulation can run whole days of clients, faults and crashes in a second.

#![warn(missing_docs)]

pub mod access;
pub mod audit;
pub mod room;
pub mod rooms;
pub mod servers;
