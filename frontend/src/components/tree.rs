//! The page tree, by mouse and by keyboard. Which key does what is decided in `stores::tree_keys`.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use sheaf_shared::ids::{PageId, SpaceId};
use wasm_bindgen::JsCast as _;

use super::tree_row::{Dropping, Row, rename};
use crate::platform;
use crate::router::Route;
use crate::stores::document::Phase;
use crate::stores::shell::{Shell, shell};
use crate::stores::tree::Hide;
use crate::stores::tree_keys::{Key, TreeCommand, TreeRow, command, shown};

/// All pages of one space outside the bin; `heading` is the id of what names it.
#[component]
pub fn PageTree(space: SpaceId, heading: String) -> impl IntoView {
    let shell = shell();
    let list = NodeRef::<html::Ul>::new();
    let rows = Memo::new(move |_| {
        let rows = shell.tree.rows_of(space);
        let collapsed = shell.tree.collapsed().get();
        shown(&rows, &collapsed)
            .into_iter()
            .cloned()
            .collect::<Vec<TreeRow>>()
    });
    // The one row the Tab key reaches.
    let focused = RwSignal::new(None::<PageId>);
    let reachable = Memo::new(move |_| {
        let rows = rows.get();
        let is_shown = |id: &PageId| rows.iter().any(|row| row.id == *id);
        let current = match shell.route.get() {
            Route::Page(page) => Some(page),
            Route::Home | Route::Bin | Route::Nowhere => None,
        };
        focused
            .get()
            .filter(is_shown)
            .or(current.filter(is_shown))
            .or(rows.first().map(|row| row.id))
    });
    let dropping = RwSignal::new(None::<Dropping>);
    let on_keydown = move |event: KeyboardEvent| {
        let in_field = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .is_some_and(|target| target.tag_name() == "INPUT" || target.tag_name() == "BUTTON");
        let Some(at) = reachable.get_untracked() else {
            return;
        };
        if in_field || event.ctrl_key() || event.meta_key() {
            return;
        }
        let name = event.key();
        let key = Key {
            name: &name,
            alt: event.alt_key(),
        };
        let collapsed = shell.tree.collapsed().get_untracked();
        if let Some(command) = command(&shell.tree.rows_beside(at), &collapsed, at, key) {
            event.prevent_default();
            event.stop_propagation();
            obey(shell, focused, list, command);
        }
    };
    let empty = move || match shell.tree.phase().get() {
        Phase::Loading => "Loading…",
        Phase::Unknown | Phase::Unreadable(_) => {
            "The pages will show as soon as the server answers."
        }
        Phase::Ready => "No pages yet. Make the first one with +.",
        Phase::Broken => "Reload to see the pages.",
    };
    view! {
        <ul class="tree" role="tree" aria-labelledby=heading node_ref=list on:keydown=on_keydown>
            <For each=move || rows.get() key=|row| row.id let:row>
                <Row id=row.id rows=rows reachable=reachable focused=focused dropping=dropping/>
            </For>
        </ul>
        <Show when=move || rows.with(Vec::is_empty)>
            <p class="tree-empty">{empty}</p>
        </Show>
    }
}

fn obey(
    shell: Shell,
    focused: RwSignal<Option<PageId>>,
    list: NodeRef<html::Ul>,
    command: TreeCommand,
) {
    match command {
        TreeCommand::Focus(id) => focus(focused, list, id),
        TreeCommand::Expand(id) => {
            shell.tree.collapse(id, Hide::Show);
            focus(focused, list, id);
        }
        TreeCommand::Collapse(id) => {
            shell.tree.collapse(id, Hide::Hide);
            focus(focused, list, id);
        }
        TreeCommand::Open(id) => shell.go(Route::Page(id)),
        TreeCommand::Rename(id) => rename(shell, id),
        TreeCommand::Bin(id) => {
            let rows = shell.tree.rows_beside(id);
            let at = rows.iter().position(|row| row.id == id);
            let next = at.and_then(|at| rows.get(at + 1).or_else(|| rows.get(at.checked_sub(1)?)));
            let next = next.map(|row| row.id);
            shell.bin(id);
            match next {
                Some(next) => focus(focused, list, next),
                None => focus_new_page(),
            }
        }
        TreeCommand::Move(id, place) => {
            shell.tree.move_to(id, place);
            focus(focused, list, id);
        }
    }
}

/// The list is empty: the button that makes its first page is next.
fn focus_new_page() {
    let button = platform::document().query_selector(".side .section button");
    if let Ok(Some(button)) = button
        && let Ok(button) = button.dyn_into::<web_sys::HtmlElement>()
    {
        let _ = button.focus();
    }
}

/// Puts the focus on a row, once the list is drawn anew: moving a row takes the focus from it.
pub(super) fn focus(focused: RwSignal<Option<PageId>>, list: NodeRef<html::Ul>, id: PageId) {
    focused.set(Some(id));
    let find = move || {
        let list = list.try_get_untracked()??;
        let row = list
            .query_selector(&format!("[data-page=\"{id}\"]"))
            .ok()??;
        row.dyn_into::<web_sys::HtmlElement>().ok()
    };
    platform::when_drawn(find, |row| {
        let _ = row.focus();
        let options = web_sys::ScrollIntoViewOptions::new();
        options.set_block(web_sys::ScrollLogicalPosition::Nearest);
        row.scroll_into_view_with_scroll_into_view_options(&options);
    });
}
