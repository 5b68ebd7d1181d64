//! Use cases: what is done with documents beside editing them.

pub mod compact;
pub mod repair;
pub mod verify;
