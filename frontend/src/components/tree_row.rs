//! One row of the page tree.

use leptos::attr::custom::custom_attribute;
use leptos::ev::{DragEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use sheaf_shared::ids::PageId;
use wasm_bindgen::JsCast as _;

use super::icon::{Drawing, Icon};
use crate::platform;
use crate::router::Route;
use crate::stores::shell::{Shell, shell, title_or_untitled};
use crate::stores::tree::Hide;
use crate::stores::tree_keys::{TreeRow, Zone, dropped};
use crate::transfer;

/// A page that is being dragged, and where it would land.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropping {
    dragged: PageId,
    over: Option<(PageId, Zone)>,
}

/// A row: name, what is inside, who is there, and a quick tool.
#[component]
pub fn Row(
    id: PageId,
    rows: Memo<Vec<TreeRow>>,
    reachable: Memo<Option<PageId>>,
    focused: RwSignal<Option<PageId>>,
    dropping: RwSignal<Option<Dropping>>,
) -> impl IntoView {
    let shell = shell();
    let row = Memo::new(move |_| {
        rows.with(|rows| rows.iter().find(|row| row.id == id).cloned())
            .unwrap_or_else(|| TreeRow::nameless(id))
    });
    let title = Memo::new(move |_| row.with(|row| title_or_untitled(&row.title)));
    let has_children = Memo::new(move |_| row.with(|row| row.has_children));
    let depth = Memo::new(move |_| row.with(|row| row.depth));
    let is_current = move || shell.route.get() == Route::Page(id);
    let is_collapsed = move || shell.tree.collapsed().get().contains(&id);
    let drop_mark = move || {
        let (over, zone) = dropping.get()?.over?;
        (over == id).then(|| zone.word())
    };
    let toggle = move |event: leptos::ev::MouseEvent| {
        if has_children.get_untracked() {
            event.stop_propagation();
            let hide = if is_collapsed() {
                Hide::Show
            } else {
                Hide::Hide
            };
            shell.tree.collapse(id, hide);
        }
    };
    view! {
        <li
            class="tree-row"
            role="treeitem"
            data-page=id.to_string()
            style=("--depth", move || depth.get().to_string())
            {..custom_attribute("aria-level", move || (depth.get() + 1).to_string())}
            aria-selected=move || is_current().to_string()
            aria-expanded=move || has_children.get().then(|| (!is_collapsed()).to_string())
            aria-label=move || title.get()
            tabindex=move || if reachable.get() == Some(id) { "0" } else { "-1" }
            draggable="true"
            data-drop=drop_mark
            on:focus=move |_| focused.set(Some(id))
            on:click=move |_| shell.go(Route::Page(id))
            on:dblclick=move |_| rename(shell, id)
            on:dragstart=move |event| start_drag(&event, dropping, id)
            on:dragover=move |event| drag_over(&event, shell, dropping, id)
            on:drop=move |event| finish_drag(&event, shell, dropping)
            on:dragend=move |_| dropping.set(None)
        >
            <span class="twist" aria-hidden="true" on:click=toggle>
                <Show when=move || has_children.get()>
                    <Icon drawing=Drawing::Chevron/>
                </Show>
            </span>
            <Name id=id row=row title=title/>
            <People id=id/>
            <span class="row-tools">
                <button
                    type="button"
                    class="icon-button"
                    tabindex="-1"
                    aria-label=move || format!("New page inside {}", title.get())
                    title="New page inside"
                    on:click=move |event| {
                        event.stop_propagation();
                        transfer::new_page(shell, Some(id));
                    }
                >
                    <Icon drawing=Drawing::Plus/>
                </button>
            </span>
        </li>
    }
}

/// Makes a field of the name, where it may be changed.
pub(super) fn rename(shell: Shell, id: PageId) {
    if shell.tree.may_edit(Some(id)) {
        shell.renaming.set(Some(id));
    } else {
        shell.say("You can read the pages of this space, but not change them.");
    }
}

/// The title, or the field in which it is changed.
#[component]
fn Name(id: PageId, row: Memo<TreeRow>, title: Memo<String>) -> impl IntoView {
    let shell = shell();
    let is_renaming = move || shell.renaming.get() == Some(id);
    let is_untitled = move || row.with(|row| row.title.trim().is_empty());
    view! {
        <Show
            when=is_renaming
            fallback=move || {
                view! {
                    <span class="tree-name" class:untitled=is_untitled>
                        {move || title.get()}
                    </span>
                }
            }
        >
            <Rename id=id title=row.get_untracked().title/>
        </Show>
    }
}

/// Dots of those who look at the page.
#[component]
fn People(id: PageId) -> impl IntoView {
    let shell = shell();
    let here = Memo::new(move |_| {
        let me = shell.me.get();
        let people = shell.people.get();
        people
            .into_iter()
            .filter(|person| person.page == Some(id))
            .filter(|person| person.name != me.shown_name() || person.color != me.color)
            .map(|person| (person.name, person.color))
            .collect::<Vec<_>>()
    });
    view! {
        <Show when=move || !here.with(Vec::is_empty)>
            <span class="dots">
                {move || {
                    here.get()
                        .into_iter()
                        .take(3)
                        .map(|(name, color)| {
                            view! { <i class="dot" title=format!("{name} is here") style=("--person", color)></i> }
                        })
                        .collect_view()
                }}
            </span>
        </Show>
    }
}

/// The field in which a page is renamed: Enter and leaving keep the name, Escape does not.
#[component]
fn Rename(id: PageId, title: String) -> impl IntoView {
    let shell = shell();
    let field = NodeRef::<html::Input>::new();
    field.on_load(|field| {
        platform::when_drawn(
            move || field.is_connected().then(|| field.clone()),
            |field| {
                let _ = field.focus();
                field.select();
            },
        );
    });
    let finish = move |keep: bool| {
        if shell.renaming.get_untracked() != Some(id) {
            return;
        }
        let name = field.get_untracked().map(|field| field.value());
        if let (true, Some(name)) = (keep, name) {
            shell.tree.rename(id, name.trim());
        }
        shell.renaming.set(None);
    };
    // By a key the focus goes back to the row, by a click it went where the click was.
    let finish_by_key = move |keep: bool| {
        let row = field
            .get_untracked()
            .and_then(|field| field.closest(".tree-row").ok()?);
        finish(keep);
        if let Some(row) = row.and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = row.focus();
        }
    };
    let on_keydown = move |event: KeyboardEvent| {
        event.stop_propagation();
        match event.key().as_str() {
            "Enter" if !event.is_composing() => finish_by_key(true),
            "Escape" => finish_by_key(false),
            _ => {}
        }
    };
    view! {
        <input
            type="text"
            node_ref=field
            aria-label="Page title"
            prop:value=title
            on:keydown=on_keydown
            on:click=|event| event.stop_propagation()
            on:dblclick=|event| event.stop_propagation()
            on:blur=move |_| finish(true)
        />
    }
}

fn start_drag(event: &DragEvent, dropping: RwSignal<Option<Dropping>>, id: PageId) {
    if let Some(transfer) = event.data_transfer() {
        transfer.set_effect_allowed("move");
        // Firefox starts no drag without data.
        let _ = transfer.set_data("text/plain", &Route::Page(id).path());
    }
    dropping.set(Some(Dropping {
        dragged: id,
        over: None,
    }));
}

fn drag_over(event: &DragEvent, shell: Shell, dropping: RwSignal<Option<Dropping>>, id: PageId) {
    let Some(Dropping { dragged, over }) = dropping.get_untracked() else {
        return;
    };
    let Some(row) = event
        .current_target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
    else {
        return;
    };
    let bounds = row.get_bounding_client_rect();
    let zone = Zone::at(f64::from(event.client_y()) - bounds.top(), bounds.height());
    let now = dropped(&shell.tree.rows_beside(id), dragged, id, zone).map(|_| (id, zone));
    if now.is_some() {
        event.prevent_default();
    }
    if now != over {
        dropping.set(Some(Dropping { dragged, over: now }));
    }
}

fn finish_drag(event: &DragEvent, shell: Shell, dropping: RwSignal<Option<Dropping>>) {
    // What is not a row, a file for instance, is somebody else's.
    if dropping.get_untracked().is_none() {
        return;
    }
    event.prevent_default();
    let Some(Dropping {
        dragged,
        over: Some((over, zone)),
    }) = dropping.get_untracked()
    else {
        return;
    };
    dropping.set(None);
    if let Some(place) = dropped(&shell.tree.rows_beside(over), dragged, over, zone) {
        shell.tree.move_to(dragged, place);
    }
}
