//! Seeded chance, hand-moved clocks and faulty links, for the tests of every crate.

pub mod bytes;
pub mod chance;
pub mod document;
pub mod picture;
pub mod plan;

pub use bytes::Bytes;
pub use chance::Chance;
