//! Who sits here, as `who.js` knows it, and the browser: the only way from this module to what is outside it.

use serde::Deserialize;
use sheaf_shared::api::me::{As, Me, SignInWays};
use sheaf_shared::time::UnixMs;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = sheaf, js_name = me)]
    fn asked() -> js_sys::Promise;

    #[wasm_bindgen(js_namespace = sheaf, js_name = meNow)]
    fn known() -> String;

    #[wasm_bindgen(js_namespace = sheaf, js_name = remember)]
    fn remember_text(me: &str);

    #[wasm_bindgen(js_namespace = sheaf, js_name = unsent)]
    fn unsent_text() -> String;

    /// Deletes all that this device keeps of whoever sits here, and leads to where one signs in.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn forget() -> js_sys::Promise;

    /// Says something in passing, in the app.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn say(words: &str);

    /// Asks the server again who sits here.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn look();
}

/// Who sits here, and whether that is only what this device remembers.
#[derive(Clone, Debug)]
pub struct Known {
    pub me: Me,
    pub is_away: bool,
}

#[derive(Deserialize)]
struct Away {
    #[serde(default)]
    away: bool,
}

/// As the server says it, else as this device remembers it.
pub async fn me() -> Known {
    let said = JsFuture::from(asked()).await.ok();
    let text = said.and_then(|said| said.as_string()).unwrap_or_default();
    let is_away = serde_json::from_str::<Away>(&text).is_ok_and(|it| it.away);
    Known {
        me: read(&text),
        is_away,
    }
}

/// As last heard.
pub fn me_now() -> Me {
    read(&known())
}

/// From now on this is who sits here.
pub fn remember(me: &Me) {
    if let Ok(text) = serde_json::to_string(me) {
        remember_text(&text);
    }
}

/// Changes that are on this device only, as last counted.
pub fn unsent() -> usize {
    unsent_text().parse().unwrap_or(0)
}

fn read(text: &str) -> Me {
    serde_json::from_str(text).unwrap_or(Me {
        r#as: As::Nobody,
        founded: true,
        id: None,
        name: None,
        email: None,
        colour: None,
        office: None,
        session: None,
        spaces: Vec::new(),
        guest: None,
        sign_in: SignInWays::default(),
    })
}

/// The browser's window.
///
/// # Panics
/// Outside a browser.
#[expect(
    clippy::expect_used,
    reason = "without a window there is no screen to report a fault on"
)]
pub fn window() -> web_sys::Window {
    web_sys::window().expect("this runs in a browser window")
}

/// Whether keys are named as on a Mac.
#[must_use]
pub fn is_apple() -> bool {
    let platform = window().navigator().platform().unwrap_or_default();
    platform.starts_with("Mac") || platform.starts_with("iP")
}

/// The path of the address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// What the address says after `?` under `key`.
pub fn query(key: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    web_sys::UrlSearchParams::new_with_str(&search)
        .ok()?
        .get(key)
}

/// What the address says after `#`; empty if nothing.
pub fn fragment() -> String {
    let hash = window().location().hash().unwrap_or_default();
    hash.strip_prefix('#').unwrap_or_default().to_owned()
}

/// A text as a part of an address.
pub fn escaped(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// Where to go after signing in: only to places of this app.
pub fn wanted() -> String {
    query("to")
        .filter(|to| is_place_here(to))
        .unwrap_or_else(|| "/".to_owned())
}

/// Whether `to` is a path of this site and of no other, however a browser reads it: it drops line ends and tabs, and takes
/// `\` for `/`, so that `/⇥/example.org` would lead elsewhere. What is beyond ASCII stands escaped in an address.
fn is_place_here(to: &str) -> bool {
    to.starts_with('/')
        && !to.starts_with("//")
        && to
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// Opens another place of the app, and forgets this one.
pub fn go(path: &str) {
    // An address of our own, which the browser takes.
    let _ = window().location().replace(path);
}

/// The whole address of a path of this installation.
pub fn whole(path: &str) -> String {
    format!("{}{path}", window().location().origin().unwrap_or_default())
}

/// Milliseconds since 1970 by this device's clock.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 fit"
)]
pub fn now() -> UnixMs {
    UnixMs(js_sys::Date::now() as u64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 stay below 2^53"
)]
fn date(at: UnixMs) -> js_sys::Date {
    js_sys::Date::new(&(at.0 as f64).into())
}

/// A day, as this person writes days.
pub fn day(at: UnixMs) -> String {
    written(at, &[("dateStyle", "long")])
}

/// A day and the time, as this person writes them.
pub fn moment(at: UnixMs) -> String {
    written(at, &[("dateStyle", "medium"), ("timeStyle", "short")])
}

fn written(at: UnixMs, how: &[(&str, &str)]) -> String {
    let options = js_sys::Object::new();
    for (key, value) in how {
        // A plain object takes properties.
        let _ = js_sys::Reflect::set(&options, &(*key).into(), &(*value).into());
    }
    date(at).to_locale_string("default", &options).into()
}

/// Puts a text on the clipboard; says whether it is there.
pub async fn copy(text: &str) -> bool {
    // Plain HTTP beyond this machine has no clipboard.
    if !window().is_secure_context() {
        return false;
    }
    let clipboard = window().navigator().clipboard();
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_one_is_led_to_places_of_this_site_alone() {
        for here in ["/", "/p/AAAA", "/s/AAAA?a=b#c", "/%E2%80%AE", "/a//b"] {
            assert!(is_place_here(here), "{here:?}");
        }
        for elsewhere in [
            "",
            "p",
            "//example.org",
            "/\t/example.org",
            "/\n/example.org",
            "\t//example.org",
            "/\\example.org",
            "\\\\example.org",
            "https://example.org",
            "javascript:alert(1)",
            "data:,x",
            "/\u{0}/x",
            "/\u{202e}x",
            " /x",
        ] {
            assert!(!is_place_here(elsewhere), "{elsewhere:?}");
        }
    }
}
