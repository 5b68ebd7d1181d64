//! The outside world, one port or two each.

pub mod http;
pub mod memory;
pub mod sqlite;
pub mod system;
