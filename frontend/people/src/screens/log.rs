//! The record of who did what.

use leptos::prelude::*;
use sheaf_shared::api::List;
use sheaf_shared::api::admin::AuditLine;
use wasm_bindgen_futures::spawn_local;

use crate::ask::{self, Trouble};
use crate::{host, words};

/// Lines asked for at once.
const LINES: usize = 50;

/// The part of the administration.
#[component]
pub fn Log() -> impl IntoView {
    let lines = RwSignal::new(Vec::<AuditLine>::new());
    let trouble = RwSignal::new(None::<Trouble>);
    let has_more = RwSignal::new(true);
    let more = move || {
        let before = lines.with_untracked(|lines| lines.last().map(|line| line.id));
        let path = match before {
            Some(before) => format!("/api/admin/audit?limit={LINES}&before={before}"),
            None => format!("/api/admin/audit?limit={LINES}"),
        };
        spawn_local(async move {
            match ask::get::<List<AuditLine>>(&path).await {
                Ok(list) => {
                    let _ = has_more.try_set(list.next.is_some());
                    lines.update(|lines| lines.extend(list.items));
                    let _ = trouble.try_set(None);
                }
                Err(fault) => {
                    let _ = trouble.try_set(Some(fault));
                }
            }
        });
    };
    more();
    view! {
        <section class="card">
            <h2>"What was done"</h2>
            <p class="hint">
                "Every change of accounts, spaces, members and links, the latest first. "
                <a href="/api/admin/audit.json" rel="external" download="audit.json">"Download all of it"</a>
            </p>
            <ul class="rows">
                <For each=move || lines.get() key=|line| line.id let:line>
                    <Line line=line/>
                </For>
            </ul>
            {move || trouble.get().map(|trouble| view! { <p class="said wrong" role="alert">{trouble.words()}</p> })}
            <div class="actions" hidden=move || !has_more.get()>
                <button type="button" class="button" on:click=move |_| more()>"Show more"</button>
            </div>
        </section>
    }
}

#[component]
fn Line(line: AuditLine) -> impl IntoView {
    let by = match (line.by_name.is_empty(), line.deed.as_str()) {
        (false, _) => line.by_name,
        // Nobody knows who tried.
        (true, "session.refused") => "Somebody".to_owned(),
        (true, _) => "Whoever runs the server".to_owned(),
    };
    let detail = if line.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", line.detail)
    };
    let from = if line.address.is_empty() {
        String::new()
    } else {
        format!(", from {}", line.address)
    };
    view! {
        <li>
            <span class="what">
                {format!("{by}: {}{detail}", words::deed(&line.deed))}
                <small>{format!("{}{from}", host::moment(line.at))}</small>
            </span>
        </li>
    }
}
