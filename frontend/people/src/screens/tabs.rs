//! Parts of a screen, each with an address.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;

use crate::host;

/// Parts: the end of the address, and what it is called.
pub type Parts = &'static [(&'static str, &'static str)];

/// The part that the address names, below `base`: a signal that follows the browser's buttons.
pub fn part(base: &'static str, parts: Parts) -> RwSignal<&'static str> {
    let at = RwSignal::new(of_path(base, parts));
    let back = Closure::<dyn Fn()>::new(move || {
        let _ = at.try_set(of_path(base, parts));
    });
    // As long as the page lives.
    let callback = back.into_js_value();
    let _ = host::window().add_event_listener_with_callback("popstate", callback.unchecked_ref());
    at
}

fn of_path(base: &str, parts: Parts) -> &'static str {
    let path = host::path();
    let end = path
        .strip_prefix(base)
        .unwrap_or_default()
        .trim_matches('/');
    let found = parts.iter().find(|(part, _)| *part == end);
    found.map_or("", |(part, _)| part)
}

/// The links to all parts.
#[component]
pub fn Tabs(
    base: &'static str,
    label: &'static str,
    parts: Parts,
    at: RwSignal<&'static str>,
) -> impl IntoView {
    let links = parts
        .iter()
        .map(|(part, name)| {
            let address = if part.is_empty() {
                base.to_owned()
            } else {
                format!("{base}/{part}")
            };
            let way = address.clone();
            let open = move |event: leptos::ev::MouseEvent| {
                if event.ctrl_key() || event.meta_key() || event.shift_key() {
                    return;
                }
                event.prevent_default();
                if let Ok(history) = host::window().history() {
                    // An address of our own, which the browser takes.
                    let _ = history.push_state_with_url(&JsValue::NULL, "", Some(&way));
                }
                at.set(part);
            };
            let current = move || (at.get() == *part).then_some("page");
            view! { <a href=address aria-current=current on:click=open>{*name}</a> }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }
}
