//! The spaces one is a member of.

use leptos::prelude::*;
use sheaf_shared::api::me::Me;

use crate::dialogs;
use crate::words;

/// The part of the settings.
#[component]
pub fn Spaces(me: Me) -> impl IntoView {
    let rows = me
        .spaces
        .into_iter()
        .map(|space| {
            let id = space.id.to_string();
            let name = space.name.as_str().to_owned();
            let facts = if space.private {
                "Yours alone"
            } else {
                words::shown(&words::ROLES, space.role)
            };
            let label = format!("Members and settings: {name}");
            view! {
                <li>
                    <span class="what">{name}<small>{facts}</small></span>
                    <button type="button" class="button" aria-label=label on:click=move |_| dialogs::open("space", &id)>
                        "Members and settings"
                    </button>
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="card">
            <h2>"Your spaces"</h2>
            <ul class="rows">{rows}</ul>
            <div class="actions">
                <button type="button" class="button" on:click=|_| dialogs::open("new-space", "")>"New space…"</button>
            </div>
        </section>
    }
}
