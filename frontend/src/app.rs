//! The whole page: what is always there, and the screen that the address names.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use crate::components::dialogs::Dialogs;
use crate::components::sidebar::Sidebar;
use crate::components::toasts::Toasts;
use crate::components::top::Top;
use crate::pages::bin::Bin;
use crate::pages::home::Home;
use crate::pages::page::Page;
use crate::pages::states::NotFound;
use crate::router::Route;
use crate::stores::shell::{Dialog, Shell};

/// Shell and current screen.
#[component]
pub fn App() -> impl IntoView {
    let shell = Shell::start();
    let keys = window_event_listener(leptos::ev::keydown, move |event| on_key(shell, &event));
    on_cleanup(move || keys.remove());
    let screen = move || match shell.route.get() {
        Route::Home => view! { <Home/> }.into_any(),
        Route::Page(page) => view! { <Page page=page/> }.into_any(),
        Route::Bin => view! { <Bin/> }.into_any(),
        Route::Nowhere => view! { <NotFound/> }.into_any(),
    };
    view! {
        <a class="skip button" href="#main">"Skip to the page"</a>
        <div class="shell" class:drawer-open=move || shell.drawer.get()>
            <Sidebar/>
            <div class="main">
                <Top/>
                {screen}
            </div>
        </div>
        <Dialogs/>
        <Toasts/>
    }
}

/// Keys that work everywhere.
fn on_key(shell: Shell, event: &KeyboardEvent) {
    if event.default_prevented() || event.is_composing() {
        return;
    }
    let modified = event.ctrl_key() || event.meta_key();
    match event.key().as_str() {
        "k" | "K" if modified && !event.shift_key() && !event.alt_key() => {
            event.prevent_default();
            shell.dialog.set(Some(Dialog::Switcher));
        }
        "?" if !modified && !is_writing(event) => {
            event.prevent_default();
            shell.dialog.set(Some(Dialog::Keys));
        }
        "Escape" if shell.drawer.get_untracked() => shell.drawer.set(false),
        _ => {}
    }
}

/// Whether the key goes into some text.
fn is_writing(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
    target.is_some_and(|target| {
        target.is_content_editable() || matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA")
    })
}
