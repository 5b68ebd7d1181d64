//! The clock, chance, and what this browser can't do.
//!
//! Quirks worked around anywhere in the page, each named where it is handled:
//! - Hidden and covered tabs get no animation frames: [`next_frame`] falls back to a timer.
//! - `navigator.locks`, service workers and persistent storage need HTTPS or localhost: [`is_secure`].
//! - Some private windows have IndexedDB objects that fail on first use: `local::db` asks by opening.
//! - Safari has no `requestIdleCallback`: [`idle_moment`] comes with the next task there.
//! - Safari has no `durability` option on transactions and ignores it: edits are then as durable as it makes them.

use std::cell::Cell;
use std::rc::Rc;

use sheaf_shared::ids::{PageId, ReplicaId};
use sheaf_shared::time::{MonotonicMs, UnixMs};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;

use crate::who;

/// The browser's window. The page runs nowhere else.
///
/// # Panics
/// Outside a browser window.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "without a window there is no page to report a fault on"
)]
pub fn window() -> web_sys::Window {
    web_sys::window().expect("the page runs in a browser window")
}

/// The document on screen.
///
/// # Panics
/// Outside a browser window.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "without a document there is no page to report a fault on"
)]
pub fn document() -> web_sys::Document {
    window().document().expect("the window shows a document")
}

/// Milliseconds since the page was opened; never steps back.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of milliseconds since the page was opened fits"
)]
pub fn now() -> MonotonicMs {
    MonotonicMs(window().performance().map_or(0.0, |clock| clock.now()) as u64)
}

/// The wall clock: for showing to people only.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 fit, and a clock before 1970 reads as 0"
)]
pub fn unix_now() -> UnixMs {
    UnixMs(js_sys::Date::now() as u64)
}

/// Fills a buffer with real chance.
///
/// # Panics
/// When the browser has no random source: equal replica ids would damage documents, so nothing may start.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "two writers with one id lose text; not starting is the lesser harm"
)]
pub fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("this browser has a random source");
    assert!(
        BYTES < 8 || bytes.iter().any(|byte| *byte != 0),
        "the random source answers with zeros"
    );
    bytes
}

/// A name for one opening of one document.
#[must_use]
pub fn new_replica_id() -> ReplicaId {
    // Yjs clients take 0 for "nobody" in places.
    ReplicaId(u32::from_le_bytes(random()).max(1))
}

/// A name for a new page.
#[must_use]
pub fn new_page_id() -> PageId {
    PageId::from_bits(u128::from_le_bytes(random()))
}

/// Whether the browser trusts this address enough for offline starts (HTTPS, or this very machine).
#[must_use]
pub fn is_secure() -> bool {
    window().is_secure_context()
}

/// Whether the tab is on screen.
#[must_use]
pub fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// Whether keys are named as on a Mac.
#[must_use]
pub fn is_apple() -> bool {
    let platform = window().navigator().platform().unwrap_or_default();
    platform.starts_with("Mac") || platform.starts_with("iP")
}

/// `text` in small letters. The browser's own tables do it: Rust's are 12 KB that everybody would have to fetch.
#[must_use]
pub fn lower_case(text: &str) -> String {
    if cfg!(target_arch = "wasm32") {
        return js_sys::JsString::from(text).to_lower_case().into();
    }
    text.to_lowercase()
}

/// `text` in capital letters; see [`lower_case`].
#[must_use]
pub fn upper_case(text: &str) -> String {
    if cfg!(target_arch = "wasm32") {
        return js_sys::JsString::from(text).to_upper_case().into();
    }
    text.to_uppercase()
}

/// Calls `f` after `ms` milliseconds.
pub fn after_ms(ms: u64, f: impl FnOnce() + 'static) {
    let callback = Closure::once_into_js(f);
    let ms = i32::try_from(ms).unwrap_or(i32::MAX);
    let outcome = window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(callback.unchecked_ref(), ms);
    debug_assert!(outcome.is_ok(), "a window takes timers");
}

/// Waits `ms` milliseconds.
pub async fn sleep_ms(ms: u64) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        after_ms(ms, move || {
            let _ = resolve.call0(&JsValue::UNDEFINED);
        });
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// Waits until the browser has nothing else to do, but no longer than `within_ms`.
pub async fn idle_moment(within_ms: u32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let options = web_sys::IdleRequestOptions::new();
        options.set_timeout(within_ms);
        if window()
            .request_idle_callback_with_options(&resolve, &options)
            .is_err()
        {
            after_ms(0, move || drop(resolve.call0(&JsValue::UNDEFINED)));
        }
    });
    drop(wasm_bindgen_futures::JsFuture::from(promise).await);
}

/// Calls `f` before the next painting, or soon if nothing is painted: a hidden tab gets no animation frames, and
/// a covered one may get none although it calls itself visible.
pub fn next_frame(f: impl FnOnce() + 'static) {
    let waiting = Rc::new(Cell::new(Some(f)));
    let painted = Rc::clone(&waiting);
    let callback = Closure::once_into_js(move || {
        if let Some(f) = painted.take() {
            f();
        }
    });
    let outcome = window().request_animation_frame(callback.unchecked_ref());
    debug_assert!(outcome.is_ok(), "a window paints");
    after_ms(UNPAINTED_FRAME_MS, move || {
        if let Some(f) = waiting.take() {
            f();
        }
    });
}

/// Calls `f` with what `find` finds, as soon as the changes of this task are drawn: before the next key is heard, so
/// that no letter goes elsewhere. What is not found by then is looked for once more at the next painting.
pub fn when_drawn<T: 'static>(find: impl Fn() -> Option<T> + 'static, f: impl FnOnce(T) + 'static) {
    wasm_bindgen_futures::spawn_local(async move {
        for _ in 0..DRAWING_TURNS_MAX {
            // Screens are drawn in turns of the microtask queue, which the browser empties before it goes on.
            let turn = js_sys::Promise::resolve(&JsValue::UNDEFINED);
            let _ = wasm_bindgen_futures::JsFuture::from(turn).await;
            if let Some(found) = find() {
                return f(found);
            }
        }
        next_frame(move || {
            if let Some(found) = find() {
                f(found);
            }
        });
    });
}

/// What is taken off the screen takes the focus along if it had it: then the screen as a whole gets it, and not nobody.
pub fn keep_focus_on_screen() {
    focus_screen_if(|document| {
        let focused = document.active_element();
        focused.is_none_or(|focused| focused.tag_name() == "BODY")
    });
}

/// The screen gets the focus as soon as no dialog is open any more: somebody chose in one where to go.
pub fn lead_focus_to_screen() {
    focus_screen_if(|document| matches!(document.query_selector("dialog[open]"), Ok(None)));
}

fn focus_screen_if(may: impl Fn(&web_sys::Document) -> bool + 'static) {
    let find = move || {
        let document = document();
        let main = document
            .get_element_by_id("main")
            .filter(|_| may(&document))?;
        main.dyn_into::<web_sys::HtmlElement>().ok()
    };
    when_drawn(find, |main| {
        let options = web_sys::FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = main.focus_with_options(&options);
    });
}

/// Turns of the microtask queue after which everything is drawn that one change of a signal asks for.
const DRAWING_TURNS_MAX: usize = 8;
/// Longest wait, in milliseconds, for a painting that may not come.
const UNPAINTED_FRAME_MS: u64 = 250;

/// Calls `f` for each `event` of `target`, for as long as the page lives.
pub fn listen(target: &web_sys::EventTarget, event: &str, f: impl FnMut(web_sys::Event) + 'static) {
    let callback = Closure::<dyn FnMut(web_sys::Event)>::new(f).into_js_value();
    let outcome = target.add_event_listener_with_callback(event, callback.unchecked_ref());
    debug_assert!(outcome.is_ok(), "an event target takes listeners");
}

/// One value kept by this browser for whoever sits here under `key`; `None` if there is none or storage is refused.
#[must_use]
pub fn kept(key: &str) -> Option<String> {
    window()
        .local_storage()
        .ok()??
        .get_item(&who::own(key))
        .ok()?
}

/// Keeps `value` under `key`. Returns whether the browser did.
pub fn keep(key: &str, value: &str) -> bool {
    matches!(window().local_storage(), Ok(Some(storage)) if storage.set_item(&who::own(key), value).is_ok())
}

/// Calls `f` with each key under which another tab has kept something else, once it can be read here.
pub fn on_kept_elsewhere(f: impl Fn(&str) + 'static) {
    listen(&window(), "storage", move |event| {
        let event: &web_sys::StorageEvent = event.unchecked_ref();
        if let Some(key) = event.key() {
            f(&key);
        }
    });
}

/// Keeps nothing under `key` any more.
pub fn forget(key: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // A storage that refuses keeps nothing anyway.
        let _ = storage.remove_item(&who::own(key));
    }
}
