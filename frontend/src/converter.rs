//! The converter as this module sees it: Markdown, HTML and plain text to pages and back.
//!
//! It is a WebAssembly module of its own (`frontend/converter`), loaded when a page has been open for a moment, or when
//! somebody needs it before that. Once loaded it answers at once, and without a network.

use std::cell::RefCell;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::platform;

/// Where it lies.
const MODULE: &str = "/sheaf-converter.js";
/// Milliseconds after which it is fetched although nobody has asked.
const FETCHED_AFTER_MS: u64 = 3_000;

#[wasm_bindgen(
    inline_js = "export function loadConverter(url) { return import(url).then((it) => it.default().then(() => it)); }"
)]
extern "C" {
    #[wasm_bindgen(js_name = loadConverter)]
    fn load_converter(url: &str) -> js_sys::Promise;
}

#[wasm_bindgen]
extern "C" {
    /// The loaded module. `frontend/converter/src/lib.rs` says what each call does.
    #[derive(Clone)]
    pub type Converter;

    #[wasm_bindgen(method, catch, js_name = readMarkdown)]
    pub fn read_markdown(this: &Converter, source: &str) -> Result<String, JsValue>;
    #[wasm_bindgen(method, catch, js_name = readFile)]
    pub fn read_file(this: &Converter, name: &str, source: &str) -> Result<js_sys::Array, JsValue>;
    #[wasm_bindgen(method, catch, js_name = writeFile)]
    pub fn write_file(
        this: &Converter,
        name: &str,
        title: &str,
        flow: &str,
    ) -> Result<String, JsValue>;
}

thread_local! {
    static LOADED: RefCell<Option<Converter>> = const { RefCell::new(None) };
}

/// The converter, if it is here already.
#[must_use]
pub fn loaded() -> Option<Converter> {
    LOADED.with_borrow(Clone::clone)
}

/// The converter, fetched if it is not here yet.
///
/// # Errors
/// Whatever the browser says when it can't be had.
pub async fn load() -> Result<Converter, JsValue> {
    if let Some(converter) = loaded() {
        return Ok(converter);
    }
    let module = JsFuture::from(load_converter(MODULE)).await?;
    let converter: Converter = module.unchecked_into();
    LOADED.set(Some(converter.clone()));
    Ok(converter)
}

/// Fetches the converter in a moment, so that it is here when the network may not be.
pub fn load_soon() {
    platform::after_ms(FETCHED_AFTER_MS, || {
        spawn_local(async {
            // Whoever needs it tries again, and says so if that fails too.
            drop(load().await);
        });
    });
}
