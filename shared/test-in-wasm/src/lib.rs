//! Lets a pure package's ordinary tests run as WebAssembly too. With these lines in its `lib.rs`,
//! `#[test]` means Rust's own attribute natively and `wasm-bindgen-test`'s on wasm32:
//!
//! ```ignore
//! #[cfg(all(test, target_arch = "wasm32"))]
//! #[macro_use]
//! extern crate sheaf_test_in_wasm;
//! ```
//!
//! The same lines, without `test`, go into a file in `tests/`. What needs a thread, a clock, a file or
//! an unwinding panic stays out with `#[cfg(not(target_arch = "wasm32"))]`.

pub use wasm_bindgen_test::wasm_bindgen_test as test;
