//! A button that opens something beside it: closes on Escape, on a click elsewhere, and when focus leaves.

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use crate::platform;

/// Which edge of the button the opened thing shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The left one.
    Start,
    /// The right one.
    End,
}

/// A button and what it opens.
#[component]
pub fn Popover(
    /// Classes of the button.
    button_class: &'static str,
    /// What the button is called, if its content does not say.
    #[prop(into)]
    label: Signal<String>,
    /// What the button shows.
    face: ViewFn,
    /// Which edge they share.
    edge: Edge,
    /// Whether it is a panel of text, and not a list of commands.
    #[prop(optional)]
    panel: bool,
    /// Whether it is open.
    open: RwSignal<bool>,
    /// What it opens.
    content: ViewFn,
) -> impl IntoView {
    let anchor = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let body = NodeRef::<html::Div>::new();
    let close = move || {
        open.set(false);
        if let Some(button) = button.get_untracked() {
            let _ = button.focus();
        }
    };
    let on_keydown = move |event: KeyboardEvent| match event.key().as_str() {
        "Escape" if open.get_untracked() => {
            event.stop_propagation();
            close();
        }
        "ArrowDown" | "ArrowUp" if open.get_untracked() && !panel => {
            event.prevent_default();
            step(body, event.key() == "ArrowDown");
        }
        _ => {}
    };
    let on_focusout = move |event: FocusEvent| {
        let next = event
            .related_target()
            .and_then(|next| next.dyn_into::<web_sys::Node>().ok());
        let stays = next.is_none()
            || anchor
                .get_untracked()
                .is_some_and(|anchor| anchor.contains(next.as_ref()));
        if !stays {
            open.set(false);
        }
    };
    close_on_click_elsewhere(anchor, open);
    let class = match (edge, panel) {
        (Edge::Start, false) => "popover fade-in",
        (Edge::End, false) => "popover fade-in at-end",
        (Edge::Start, true) => "popover fade-in panel",
        (Edge::End, true) => "popover fade-in panel at-end",
    };
    view! {
        <div class="anchor" node_ref=anchor on:keydown=on_keydown on:focusout=on_focusout>
            <button
                type="button"
                class=button_class
                node_ref=button
                aria-label=move || Some(label.get()).filter(|label| !label.is_empty())
                aria-haspopup=if panel { "dialog" } else { "menu" }
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {face.run()}
            </button>
            <Show when=move || open.get()>
                <div
                    class=class
                    node_ref=body
                    role=if panel { "dialog" } else { "menu" }
                    aria-label=move || label.get()
                    tabindex="-1"
                >
                    <GiveFocusBack body=body button=button/>
                    {content.run()}
                </div>
            </Show>
        </div>
    }
}

/// When what is open goes with the focus inside, the focus goes back to the button.
#[component]
fn GiveFocusBack(body: NodeRef<html::Div>, button: NodeRef<html::Button>) -> impl IntoView {
    on_cleanup(move || {
        let focused = platform::document().active_element();
        let had_focus = matches!(body.try_get_untracked(), Some(Some(body)) if body.contains(focused.as_deref()));
        if let (true, Some(Some(button))) = (had_focus, button.try_get_untracked()) {
            let _ = button.focus();
        }
    });
}

fn close_on_click_elsewhere(anchor: NodeRef<html::Div>, open: RwSignal<bool>) {
    let handle = window_event_listener(leptos::ev::pointerdown, move |event| {
        if open.try_get_untracked() != Some(true) {
            return;
        }
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let inside = anchor
            .get_untracked()
            .is_some_and(|anchor| anchor.contains(target.as_ref()));
        if !inside {
            open.set(false);
        }
    });
    on_cleanup(move || handle.remove());
}

/// Puts the focus on the next or the previous command.
fn step(body: NodeRef<html::Div>, forward: bool) {
    let Some(body) = body.get_untracked() else {
        return;
    };
    let Ok(items) = body.query_selector_all("[role=menuitem]:not(:disabled)") else {
        return;
    };
    let items: Vec<web_sys::HtmlElement> = (0..items.length())
        .filter_map(|at| items.item(at)?.dyn_into().ok())
        // Some are for narrow screens only.
        .filter(|item: &web_sys::HtmlElement| item.offset_width() > 0)
        .collect();
    let focused = platform::document().active_element();
    let at = items
        .iter()
        .position(|item| focused.as_ref() == Some(item.as_ref()));
    let count = items.len();
    let next = match at {
        None if forward => 0,
        None => count.saturating_sub(1),
        Some(at) if forward => (at + 1) % count,
        Some(at) => (at + count - 1) % count,
    };
    if let Some(item) = items.get(next) {
        let _ = item.focus();
    }
}
