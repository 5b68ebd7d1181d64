//! All that people see of accounts: the screens before one is in, settings, administration, and the dialogs about who may
//! see what.
//!
//! A WebAssembly module of its own: nobody needs it to read or write a page, so it comes when it is asked for. It and the
//! app know nothing of each other; both know `who.js` ([`host`]).

pub mod ask;
pub mod dialogs;
pub mod form;
pub mod host;
pub mod parts;
pub mod screens;
pub mod words;

use wasm_bindgen::prelude::*;

/// Draws the screen that the address names.
#[wasm_bindgen]
pub fn screen() {
    leptos::mount::mount_to_body(screens::Screen);
}

/// Opens the dialog called `what`; `about` says what it is about, in the way of that dialog.
#[wasm_bindgen]
pub fn open(what: &str, about: &str) {
    dialogs::open(what, about);
}
