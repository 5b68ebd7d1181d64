//! The program around the rooms: ports, adapters, use cases.

pub mod adapters;
#[cfg(feature = "contract")]
pub mod contract;
pub mod metrics;
pub mod ports;
