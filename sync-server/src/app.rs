//! Use cases: what is done with documents beside editing them.

pub(crate) mod audit;
pub mod blobs;
pub mod compact;
pub mod copy;
pub mod directory;
pub mod export;
pub mod gate;
pub mod import;
pub mod letters;
pub mod pages;
pub mod repair;
pub mod tries;
pub mod verify;
