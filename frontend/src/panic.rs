//! When the program itself fails: nothing more is typed into a copy that can't be trusted, what is on screen
//! stays readable, and the way back is shown. What was typed is in the log of this device already.
//!
//! A failed program must not be called again, so all of this is done with the browser's own means.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Document, Element, HtmlElement};

use crate::platform;

const WORDS: &str = "Something went wrong in this tab, and writing was stopped to keep your text safe. \
    What you typed is kept on this device; reloading brings it back.";

/// Has failures handled here from now on.
pub fn watch() {
    std::panic::set_hook(Box::new(on_panic));
}

fn on_panic(info: &PanicHookInfo<'_>) {
    static FAILED: AtomicBool = AtomicBool::new(false);
    web_sys::console::error_1(&JsValue::from_str(&info.to_string()));
    // What fails while failing must not hide the first.
    if FAILED.swap(true, Ordering::Relaxed) {
        return;
    }
    let document = platform::document();
    stop_writing(&document);
    let _ = show_way_back(&document);
}

fn stop_writing(document: &Document) {
    let Ok(fields) = document.query_selector_all("[contenteditable=true], textarea, input") else {
        return;
    };
    for at in 0..fields.length() {
        let Some(field) = fields
            .item(at)
            .and_then(|field| field.dyn_into::<Element>().ok())
        else {
            continue;
        };
        let _ = field.set_attribute("contenteditable", "false");
        let _ = field.set_attribute("readonly", "");
    }
}

fn show_way_back(document: &Document) -> Result<(), JsValue> {
    let notice = document.create_element("div")?;
    notice.set_class_name("notice failed");
    notice.set_attribute("role", "alert")?;
    let words = document.create_element("p")?;
    words.set_text_content(Some(WORDS));
    notice.append_child(&words)?;
    // Links, so that no code of ours has to run when they are pressed.
    let reload: HtmlElement = document.create_element("a")?.unchecked_into();
    reload.set_class_name("primary");
    reload.set_attribute("href", &platform::window().location().href()?)?;
    reload.set_text_content(Some("Reload"));
    notice.append_child(&reload)?;
    if let Some(text) = text_on_screen(document) {
        let copy: HtmlElement = document.create_element("a")?.unchecked_into();
        copy.set_class_name("button");
        let text = js_sys::encode_uri_component(&text);
        copy.set_attribute("href", &format!("data:text/plain;charset=utf-8,{text}"))?;
        copy.set_attribute("download", "page.txt")?;
        copy.set_text_content(Some("Download what is on screen"));
        notice.append_child(&copy)?;
    }
    if let Some(body) = document.body() {
        body.append_child(&notice)?;
    }
    Ok(())
}

fn text_on_screen(document: &Document) -> Option<String> {
    let main: HtmlElement = document
        .query_selector(".page-body")
        .ok()??
        .dyn_into()
        .ok()?;
    Some(main.inner_text())
}
