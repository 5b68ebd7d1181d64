//! Seeded chance, hand-moved clocks and faulty links, for the tests of every crate.

pub mod chance;
pub mod picture;

pub use chance::Chance;
