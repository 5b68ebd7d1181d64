//! The page's title: the first line of the page, and a text in the space's document.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use sheaf_shared::ids::PageId;
use wasm_bindgen::JsCast as _;

use crate::effect::effect;
use crate::platform;
use crate::stores::shell::{Shell, shell};
use crate::stores::text_edit::moved_caret;

/// The field.
#[component]
pub fn TitleField(page: PageId, may_edit: Memo<bool>) -> impl IntoView {
    let shell = shell();
    let field = NodeRef::<html::Textarea>::new();
    let composing = RwSignal::new(false);
    field.on_load(move |field| {
        field.set_value(&current(shell, page));
        fit(&field);
        if shell.just_made.get_untracked() == Some(page) {
            shell.just_made.set(None);
            let field = field.clone();
            platform::when_drawn(
                move || field.is_connected().then(|| field.clone()),
                |field| drop(field.focus()),
            );
        }
    });
    follow(shell, page, field, composing);
    let write = move || {
        if let Some(field) = field.get_untracked() {
            fit(&field);
            if !composing.get_untracked() {
                shell.tree.rename(page, &field.value());
            }
        }
    };
    view! {
        <textarea
            class="title"
            rows="1"
            placeholder="Untitled"
            aria-label="Page title"
            maxlength="400"
            spellcheck="true"
            readonly=move || !may_edit.get()
            node_ref=field
            on:keydown=move |event| on_key(page, field, &event)
            on:input=move |_| write()
            on:compositionstart=move |_| composing.set(true)
            on:compositionend=move |_| {
                composing.set(false);
                write();
            }
        ></textarea>
    }
}

/// What others change is put into the field, and the caret stays with its letters.
fn follow(shell: Shell, page: PageId, field: NodeRef<html::Textarea>, composing: RwSignal<bool>) {
    effect(move || {
        let title = shell.tree.title(page).unwrap_or_default();
        let Some(field) = field.get() else { return };
        let old = field.value();
        if old != title && !composing.get_untracked() {
            let caret = field.selection_start().ok().flatten();
            let end = field.selection_end().ok().flatten();
            field.set_value(&title);
            if let (Some(start), Some(end)) = (caret, end)
                && is_focused(&field)
            {
                let _ = field.set_selection_range(
                    moved_caret(&old, &title, start),
                    moved_caret(&old, &title, end),
                );
            }
            fit(&field);
        }
        let shown = if title.trim().is_empty() {
            "Untitled".to_owned()
        } else {
            title
        };
        platform::document().set_title(&format!("{shown} · Sheaf"));
    });
}

/// Enter, and the arrow down at the end, lead into the page.
fn on_key(page: PageId, field: NodeRef<html::Textarea>, event: &KeyboardEvent) {
    let Some(field) = field.get_untracked() else {
        return;
    };
    let at_end = field.selection_start().ok().flatten()
        == u32::try_from(field.value().encode_utf16().count()).ok();
    let leads_on = match event.key().as_str() {
        "Enter" => !event.is_composing(),
        "ArrowDown" => at_end,
        _ => false,
    };
    if leads_on {
        event.prevent_default();
        focus_body(page);
    }
}

fn current(shell: Shell, page: PageId) -> String {
    let tree = shell.tree.tree().get_untracked();
    tree.page(page)
        .map(|page| page.title.clone())
        .unwrap_or_default()
}

/// As high as its text; browsers that know `field-sizing` do it themselves.
fn fit(field: &web_sys::HtmlTextAreaElement) {
    let style = web_sys::HtmlElement::style(field);
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &format!("{}px", field.scroll_height()));
}

fn is_focused(field: &web_sys::HtmlTextAreaElement) -> bool {
    platform::document().active_element().as_ref() == Some(field.unchecked_ref())
}

/// Leads into the body of `page`; if its editor is still being loaded, as soon as it stands there, unless something
/// else has taken the focus meanwhile.
pub fn focus_body(page: PageId) {
    let from = platform::document().active_element();
    focus_body_from(page, from, EDITOR_FRAMES_MAX);
}

fn focus_body_from(page: PageId, from: Option<web_sys::Element>, frames_left: u32) {
    if let Some(body) = body_on_screen(page) {
        let _ = body.focus();
    } else if frames_left > 0 {
        platform::next_frame(move || {
            let now = platform::document().active_element();
            let is_idle = now
                .as_ref()
                .is_none_or(|now| matches!(now.tag_name().as_str(), "BODY" | "MAIN"));
            if now == from || is_idle {
                focus_body_from(page, from, frames_left - 1);
            }
        });
    }
}

fn body_on_screen(page: PageId) -> Option<web_sys::HtmlElement> {
    let editable = format!(".doc[data-document=\"{page}\"] [contenteditable=true]");
    let body = platform::document().query_selector(&editable);
    body.ok()??.dyn_into().ok()
}

/// Frames an editor may take to be loaded before nobody waits for it any more.
const EDITOR_FRAMES_MAX: u32 = 120;
