//! The outside world, one port or two each.

pub mod blobs;
pub(crate) mod codec;
pub mod http;
pub mod in_process;
mod leases;
pub mod memory;
pub mod oidc;
pub mod passwords;
pub mod postgres;
pub mod random;
pub mod redis;
pub mod smtp;
pub mod sqlite;
pub mod system;
mod whole;
