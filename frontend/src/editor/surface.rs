//! The JavaScript half of the editor (`frontend/surface`), as Rust sees it.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// Where the bundle lies; the page's head begins to load it before it is asked for.
const BUNDLE: &str = "/surface.js";

#[wasm_bindgen(inline_js = "export function loadModule(url) { return import(url); }")]
extern "C" {
    #[wasm_bindgen(js_name = loadModule)]
    fn load_module(url: &str) -> js_sys::Promise;
}

#[wasm_bindgen]
extern "C" {
    /// The bundle.
    pub(super) type Module;

    #[wasm_bindgen(method, catch)]
    pub(super) fn mount(
        this: &Module,
        place: &web_sys::HtmlElement,
        blocks: &str,
        editable: bool,
        label: &str,
        host: &JsValue,
    ) -> Result<Surface, JsValue>;

    /// One editing surface. `frontend/surface/src/surface.ts` says what each call does.
    #[derive(Clone)]
    pub(super) type Surface;

    #[wasm_bindgen(method, catch)]
    pub(super) fn show(this: &Surface, steps: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = showAnew)]
    pub(super) fn show_anew(this: &Surface, blocks: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, js_name = composingAt)]
    pub(super) fn composing_at(this: &Surface) -> i32;
    #[wasm_bindgen(method, catch, js_name = setCarets)]
    pub(super) fn set_carets(this: &Surface, carets: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = setEditable)]
    pub(super) fn set_editable(this: &Surface, editable: bool) -> Result<(), JsValue>;
    #[wasm_bindgen(method)]
    pub(super) fn stop(this: &Surface, why: &str);
    #[wasm_bindgen(method)]
    pub(super) fn destroy(this: &Surface);
}

/// Loads the bundle; the browser keeps it.
///
/// # Errors
/// Whatever the browser says when it can't be had.
pub(super) async fn load() -> Result<Module, JsValue> {
    Ok(JsFuture::from(load_module(BUNDLE)).await?.unchecked_into())
}
