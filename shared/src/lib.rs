//! What both ends of Sheaf speak and believe.
//!
//! Everything here is pure: no clock, no randomness, no sockets, no DOM, no async. The same inputs give
//! the same outputs natively and in Wasm. The modules stand in the order a newcomer should read them.

#![warn(missing_docs)]

// On wasm32 `#[test]` is wasm-bindgen's, so that every test below runs there as well.
#[cfg(all(test, target_arch = "wasm32"))]
#[macro_use]
extern crate sheaf_test_in_wasm;

pub mod access;
pub mod api;
pub mod bytes;
pub mod file;
pub mod flow;
pub mod gate;
pub mod html;
pub mod ids;
pub mod json;
pub mod limits;
pub mod markdown;
pub mod people;
pub mod presence;
pub mod replica;
mod sorting;
pub mod space;
pub mod sync;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod time;
pub mod wire;
