//! What every adapter of a port must honour. A bug found in one adapter becomes a clause for all.

pub mod blobs;
pub mod bus;
pub mod directory;
pub mod leases;
pub mod store;
pub mod tables;
