//! Web Locks, bound by hand: the browser has had them for years and the bindings still call them unstable.
//!
//! A lock frees itself when its tab dies. Locks exist on HTTPS and localhost only; whoever needs one must stay
//! safe without.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        callback: &js_sys::Function,
    ) -> Result<js_sys::Promise, JsValue>;
}

/// Waits for the lock `name`, calls `held` once it is ours, and keeps it until this tab ends or the returned
/// handle is dropped. `None` when this browser has no locks here.
pub fn hold(name: &str, held: impl FnOnce() + 'static) -> Option<Held> {
    let navigator = crate::platform::window().navigator();
    let locks = js_sys::Reflect::get(&navigator, &"locks".into()).ok()?;
    if locks.is_undefined() {
        return None;
    }
    let locks: LockManager = locks.unchecked_into();
    let mut release = None;
    let until = js_sys::Promise::new(&mut |resolve, _| release = Some(resolve));
    let release = release?;
    let callback = Closure::once_into_js(move |_lock: JsValue| {
        held();
        until
    });
    let granted = locks.request(name, callback.unchecked_ref()).ok()?;
    // The promise is settled when the lock is freed; nobody waits for that.
    wasm_bindgen_futures::spawn_local(async move {
        let _ = wasm_bindgen_futures::JsFuture::from(granted).await;
    });
    Some(Held { release })
}

/// A lock that is held or waited for; dropping it lets others have it.
#[must_use = "dropping it frees the lock"]
pub struct Held {
    release: js_sys::Function,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}
