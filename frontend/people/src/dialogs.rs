//! Dialogs over the app, each opened by its name.

pub mod account;
pub mod keys;
pub mod share;
pub mod space;

use std::cell::RefCell;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::host;

/// Closes the dialog. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Close(NodeRef<leptos::html::Dialog>);

impl Close {
    pub fn now(self) {
        if let Some(Some(dialog)) = self.0.try_get_untracked() {
            dialog.close();
        }
    }
}

thread_local! {
    /// What is drawn for the dialog that is open.
    static OPEN: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// Opens the dialog called `what`.
pub fn open(what: &str, about: &str) {
    let (what, about) = (what.to_owned(), about.to_owned());
    // In a task of its own: a dialog that opens the next one goes, and nothing of the next may belong to it.
    spawn_local(async move {
        take_away();
        let document = host::window().document();
        let Some(body) = document.and_then(|document| document.body()) else {
            return;
        };
        let handle = leptos::mount::mount_to(body.unchecked_into(), move || of(&what, &about));
        OPEN.set(Some(Box::new(move || drop(handle))));
    });
}

fn take_away() {
    if let Some(take_away) = OPEN.take() {
        take_away();
    }
}

fn of(what: &str, about: &str) -> AnyView {
    match what {
        "keys" => keys::open(),
        "share" => share::open(about),
        "space" => space::open(about),
        "new-space" => view! { <Sheet name="New space"><space::NewSpace/></Sheet> }.into_any(),
        "signed-out" => account::signed_out(about == "guest"),
        "sign-out" => view! { <Sheet name="Sign out"><account::SignOut/></Sheet> }.into_any(),
        _ => account::open(),
    }
}

/// A dialog with a heading. The browser keeps the focus inside, and gives it back when the dialog goes.
#[component]
pub fn Sheet(#[prop(into)] name: String, children: Children) -> impl IntoView {
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    provide_context(Close(dialog));
    dialog.on_load(|dialog| {
        spawn_local(async move {
            let turn = js_sys::Promise::resolve(&wasm_bindgen::JsValue::UNDEFINED);
            let _ = JsFuture::from(turn).await;
            if dialog.is_connected() {
                let _ = dialog.show_modal();
            }
        });
    });
    let close = Close(dialog);
    let on_click = move |event: leptos::ev::MouseEvent| {
        // A click on the backdrop is a click on the dialog itself.
        let is_backdrop = dialog
            .get_untracked()
            .is_some_and(|dialog| event.target().as_ref() == Some(dialog.as_ref()));
        if is_backdrop {
            close.now();
        }
    };
    // Taken away in a task of its own: what the dialog is drawn from may be at work.
    let on_close = move |_| spawn_local(async { take_away() });
    let label = name.clone();
    view! {
        <dialog class="sheet people-sheet" node_ref=dialog aria-label=label on:click=on_click on:close=on_close>
            <header>
                <h2>{name}</h2>
                <button type="button" class="icon-button" aria-label="Close" on:click=move |_| close.now()>
                    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M4 4l8 8M12 4l-8 8"></path>
                    </svg>
                </button>
            </header>
            {children()}
        </dialog>
    }
}

/// What closes the dialog that is drawn.
pub fn close() -> Close {
    expect_context()
}
