//! The whole page: what is always there, and the screen that the address names.

use leptos::ev::{DragEvent, KeyboardEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use crate::components::dialogs::Dialogs;
use crate::components::sidebar::Sidebar;
use crate::components::toasts::Toasts;
use crate::components::top::Top;
use crate::effect::effect;
use crate::pages::bin::Bin;
use crate::pages::home::Home;
use crate::pages::page::Page;
use crate::pages::states::NotFound;
use crate::platform;
use crate::router::Route;
use crate::stores::shell::{Dialog, Shell};
use crate::transfer;
use crate::who::{self, Kind};

/// Shell and current screen.
#[component]
pub fn App() -> impl IntoView {
    let shell = Shell::start();
    let keys = window_event_listener(leptos::ev::keydown, move |event| on_key(shell, &event));
    on_cleanup(move || keys.remove());
    follow_with_focus(shell);
    files_are_dropped(shell);
    let screen = move || match shell.route.get() {
        Route::Home => view! { <Home/> }.into_any(),
        Route::Page(page) => view! { <Page page=page/> }.into_any(),
        Route::Bin => view! { <Bin/> }.into_any(),
        Route::Nowhere => view! { <NotFound/> }.into_any(),
    };
    view! {
        <a class="skip button" href="#main">"Skip to the page"</a>
        <div
            class="shell"
            class:drawer-open=move || shell.drawer.get()
            class:alone=who::now() == Kind::Guest
        >
            <Sidebar/>
            <div class="main">
                <Top/>
                {screen}
            </div>
        </div>
        <Show when=move || shell.dropping_files.get()>
            <div class="drop-hint" aria-hidden="true"><p>"Drop the files to make pages of them"</p></div>
        </Show>
        <Dialogs/>
        <Toasts/>
    }
}

/// A screen that goes takes the focus with it if it had it; then the next one gets it, and not nobody.
fn follow_with_focus(shell: Shell) {
    let mut before = None;
    effect(move || {
        let now = shell.route.get();
        if before.replace(now).is_some_and(|before| before != now) {
            platform::keep_focus_on_screen();
        }
    });
}

/// Files that are dropped anywhere become pages. The browser's own way would be to leave the app and show the file.
fn files_are_dropped(shell: Shell) {
    let over = window_event_listener(leptos::ev::dragover, move |event| {
        if holds_files(&event) && !event.default_prevented() {
            event.prevent_default();
            if !shell.dropping_files.get_untracked() {
                shell.dropping_files.set(true);
            }
        }
    });
    let left = window_event_listener(leptos::ev::dragleave, move |event| {
        // Left for another part of the page is not left.
        if event.related_target().is_none() {
            shell.dropping_files.set(false);
        }
    });
    let dropped = window_event_listener(leptos::ev::drop, move |event| {
        shell.dropping_files.set(false);
        if holds_files(&event) && !event.default_prevented() {
            event.prevent_default();
            transfer::import(shell, event.data_transfer().and_then(|data| data.files()));
        }
    });
    on_cleanup(move || {
        over.remove();
        left.remove();
        dropped.remove();
    });
}

fn holds_files(event: &DragEvent) -> bool {
    event.data_transfer().is_some_and(|data| {
        let kinds = data.types();
        kinds
            .iter()
            .any(|kind| kind.as_string().as_deref() == Some("Files"))
    })
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
            who::open("keys", "");
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
