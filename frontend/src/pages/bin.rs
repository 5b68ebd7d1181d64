//! What was thrown away: to be taken back, or deleted for good.

use leptos::prelude::*;

use crate::platform;
use crate::router::Route;
use crate::stores::shell::{Dialog, shell, title_or_untitled};

/// The bin.
///
/// What is taken out of it takes its buttons along; the focus then goes to the list as a whole.
#[component]
pub fn Bin() -> impl IntoView {
    let shell = shell();
    let rows = move || {
        let tree = shell.tree.tree().get();
        tree.bin()
            .iter()
            .map(|id| {
                let id = *id;
                let title = title_or_untitled(tree.page(id).map_or("", |page| page.title.as_str()));
                let inside = tree.subtree(id).len().saturating_sub(1);
                let what = match inside {
                    0 => String::new(),
                    1 => "with 1 page inside".to_owned(),
                    more => format!("with {more} pages inside"),
                };
                view! {
                    <li>
                        <span class="what">
                            <a data-route="" href=Route::Page(id).path()>{title.clone()}</a>
                            " "
                            <span class="hint">{what}</span>
                        </span>
                        <button
                            type="button"
                            class="button"
                            aria-label=format!("Restore: {title}")
                            on:click=move |_| {
                                shell.tree.restore(id);
                                platform::keep_focus_on_screen();
                            }
                        >
                            "Restore"
                        </button>
                        <button
                            type="button"
                            class="button danger"
                            aria-label=format!("Delete for good: {title}")
                            on:click=move |_| shell.dialog.set(Some(Dialog::DeleteForGood(id)))
                        >
                            "Delete for good"
                        </button>
                    </li>
                }
            })
            .collect_view()
    };
    let is_empty = move || shell.tree.tree().get().bin().is_empty();
    view! {
        <div class="scroll">
            <main class="screen" id="main" tabindex="-1">
                <h1>"Bin"</h1>
                <p>"Pages stay here until you delete them for good. Restoring one brings back what is inside it."</p>
                <Show when=move || !is_empty()>
                    <ul class="bin-list">{rows}</ul>
                </Show>
                <Show when=is_empty>
                    <p>"The bin is empty."</p>
                </Show>
            </main>
        </div>
    }
}
