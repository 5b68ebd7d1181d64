//! Between the editing surface and the flow: steps become operations, changes become steps. Pure.

// On wasm32 `#[test]` is wasm-bindgen's, so that every test below runs there as well.
#[cfg(all(test, target_arch = "wasm32"))]
#[macro_use]
extern crate sheaf_test_in_wasm;
