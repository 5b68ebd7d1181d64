//! The editing surface of a page's body.
//!
//! `surface` is the JavaScript half as Rust sees it, `session` ties one surface to one document. JavaScript is never
//! called while the replica or the binding is borrowed.

pub mod notice;
mod session;
mod surface;

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use crate::effect::effect;
use crate::stores::document::DocumentHandle;
use crate::stores::shell::shell;
use notice::EditorNotice;
use session::Session;

/// The session, once there is one.
type Open = Rc<RefCell<Option<Rc<Session>>>>;

/// Shows the body of `document` and takes edits. The document must be [ready](crate::stores::document::Phase::Ready).
#[component]
pub fn Editor(document: DocumentHandle) -> impl IntoView {
    let name = document.name().to_string();
    let me = shell().me;
    let place = NodeRef::<leptos::html::Div>::new();
    let failed = RwSignal::new(false);
    let in_vain = RwSignal::new(String::new());
    let may_edit = document.may_edit_signal();
    let about = document.clone();
    let open = Open::default();
    let slot = StoredValue::new_local(Rc::clone(&open));
    effect(move || {
        let Some(element) = place.get() else { return };
        let (document, open) = (document.clone(), Rc::clone(&open));
        leptos::task::spawn_local(async move {
            let Ok(module) = surface::load().await else {
                failed.set(true);
                return;
            };
            // The page may have been left meanwhile.
            if !element.is_connected() || open.borrow().is_some() {
                return;
            }
            match Session::open(&document, me, in_vain, &module, element.unchecked_ref()) {
                Ok(session) => {
                    // The role may have changed while the editor was on its way.
                    session.set_editable(may_edit.get_untracked());
                    *open.borrow_mut() = Some(session);
                }
                Err(error) => {
                    web_sys::console::error_1(&error);
                    failed.set(true);
                }
            }
        });
    });
    // Who one is to others follows the name one gives.
    effect(move || {
        me.track();
        slot.with_value(|open| {
            if let Some(session) = &*open.borrow() {
                session.announce();
            }
        });
    });
    effect(move || {
        let may_edit = may_edit.get();
        slot.with_value(|open| {
            if let Some(session) = &*open.borrow() {
                session.set_editable(may_edit);
            }
        });
    });
    on_cleanup(move || {
        slot.try_update_value(|open| {
            if let Some(session) = open.borrow_mut().take() {
                session.close();
            }
        });
    });
    view! {
        <div class="editor" data-document=name node_ref=place></div>
        <EditorNotice document=about in_vain=in_vain/>
        <Show when=move || failed.get()>
            <div class="notice" role="alert">
                <p>"The editor could not be loaded. What is written here is safe; it needs the network or a reload to be shown."</p>
                <button type="button" class="button" on:click=move |_| { let _ = window().location().reload(); }>"Reload"</button>
            </div>
        </Show>
    }
}
