//! Go to a page by its title: Ctrl or ⌘ and K. Works on what this device knows, so offline too.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use sheaf_shared::ids::PageId;

use super::dialogs::{closed, open_above};
use crate::platform;
use crate::router::Route;
use crate::stores::finding::{Candidate, find};
use crate::stores::shell::{Shell, shell, title_or_untitled};
use crate::transfer;

/// How many pages are offered at once.
const OFFERED_MAX: usize = 12;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Offer {
    Page {
        id: PageId,
        title: String,
        path: String,
    },
    New {
        title: String,
    },
}

fn offers(shell: Shell, query: &str) -> Vec<Offer> {
    let tree = shell.tree.tree().get();
    let name = |id| title_or_untitled(tree.page(id).map_or("", |page| page.title.as_str()));
    let walk = tree.walk();
    let candidates: Vec<Candidate> = walk
        .iter()
        .map(|(_, id)| Candidate {
            id: *id,
            title: name(*id),
        })
        .collect();
    let mut offers: Vec<Offer> = find(&candidates, query)
        .into_iter()
        .take(OFFERED_MAX)
        .map(|id| {
            let above: Vec<String> = tree.path(id).into_iter().map(name).collect();
            Offer::Page {
                id,
                title: name(id),
                path: above.join(" / "),
            }
        })
        .collect();
    if !query.trim().is_empty() {
        offers.push(Offer::New {
            title: query.trim().to_owned(),
        });
    }
    offers
}

fn take(shell: Shell, offer: &Offer) {
    shell.dialog.set(None);
    match offer {
        Offer::Page { id, .. } => {
            shell.go(Route::Page(*id));
            platform::lead_focus_to_screen();
        }
        Offer::New { title } => transfer::new_page_named(shell, None, title),
    }
}

/// The dialog.
#[component]
pub fn Switcher() -> impl IntoView {
    let shell = shell();
    let dialog = NodeRef::<html::Dialog>::new();
    open_above(dialog);
    let query = RwSignal::new(String::new());
    let at = RwSignal::new(0_usize);
    let offered = Memo::new(move |_| offers(shell, &query.get()));
    let on_keydown = move |event: KeyboardEvent| {
        let count = offered.with(Vec::len);
        match event.key().as_str() {
            "ArrowDown" if count > 0 => {
                event.prevent_default();
                at.update(|at| *at = (*at + 1) % count);
            }
            "ArrowUp" if count > 0 => {
                event.prevent_default();
                at.update(|at| *at = (*at + count - 1) % count);
            }
            "Enter" if !event.is_composing() => {
                event.prevent_default();
                if let Some(offer) = offered.get_untracked().get(at.get_untracked()) {
                    take(shell, offer);
                }
            }
            _ => {}
        }
    };
    let on_click = move |event: leptos::ev::MouseEvent| {
        let is_backdrop = dialog
            .get_untracked()
            .is_some_and(|dialog| event.target().as_ref() == Some(dialog.as_ref()));
        if is_backdrop {
            shell.dialog.set(None);
        }
    };
    view! {
        <dialog
            class="sheet switcher"
            node_ref=dialog
            aria-label="Go to page"
            on:click=on_click
            on:close=move |_| closed(shell, dialog)
        >
            <input
                type="text"
                class="query"
                role="combobox"
                autofocus=true
                autocomplete="off"
                placeholder="Go to page…"
                aria-label="Page title"
                aria-expanded="true"
                aria-controls="offers"
                aria-activedescendant=move || format!("offer-{}", at.get())
                on:input=move |event| {
                    query.set(event_target_value(&event));
                    at.set(0);
                }
                on:keydown=on_keydown
            />
            <ul class="results" id="offers" role="listbox" aria-label="Pages"><Lines offered=offered at=at/></ul>
            <Show when=move || offered.with(Vec::is_empty)>
                <p class="none">"No pages yet. Type a title to make one."</p>
            </Show>
        </dialog>
    }
}

/// What is offered, a line each.
#[component]
fn Lines(offered: Memo<Vec<Offer>>, at: RwSignal<usize>) -> impl IntoView {
    let shell = shell();
    move || {
        offered
            .get()
            .into_iter()
            .enumerate()
            .map(|(line, offer)| {
                let (name, path) = match &offer {
                    Offer::Page { title, path, .. } => (title.clone(), path.clone()),
                    Offer::New { title } => (format!("New page “{title}”"), String::new()),
                };
                view! {
                    <li
                        role="option"
                        id=format!("offer-{line}")
                        aria-selected=move || (at.get() == line).to_string()
                        on:pointermove=move |_| at.set(line)
                        on:click=move |_| take(shell, &offer)
                    >
                        <span>{name}</span>
                        <small>{path}</small>
                    </li>
                }
            })
            .collect_view()
    }
}
