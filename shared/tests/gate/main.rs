//! The byte gate, from outside: every known attack is refused, and no honest update is.

// On wasm32 `#[test]` is wasm-bindgen's, so that every test below runs there as well.
#[cfg(target_arch = "wasm32")]
#[macro_use]
extern crate sheaf_test_in_wasm;

mod attacks;
mod honest;
mod mutation;
mod nesting;
mod parts;
mod scribbler;
mod support;
mod wall;
mod yjs;
