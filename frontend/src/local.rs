//! What this device keeps, and the other tabs on it. All of it can fail; failing is said, never hidden.

pub mod db;
pub mod idb;
pub mod locks;
pub mod tabs;
pub mod worker;
