//! What is said in passing, at the lower edge: notices, a newer release, "who are you?".

use leptos::prelude::*;

use super::icon::{Drawing, Icon};
use super::identity::Identity;
use crate::router::Route;
use crate::stores::eviction::Evicted;
use crate::stores::shell::shell;

/// All of them.
#[component]
pub fn Toasts() -> impl IntoView {
    let shell = shell();
    let is_asking =
        move || shell.me.get().name.is_none() && matches!(shell.route.get(), Route::Page(_));
    let evicted = shell.workspace().evicted();
    view! {
        <div class="toasts" role="region" aria-label="Notices">
            <Show when=move || evicted.get().is_some()>
                <div class="toast fade-in" role="alert">
                    <span>{move || evicted.get().map(Evicted::words)}</span>
                    <button type="button" class="button" on:click=move |_| evicted.set(None)>
                        "I understand"
                    </button>
                </div>
            </Show>
            <Show when=move || shell.update.with(Option::is_some)>
                <div class="toast fade-in" role="status">
                    <span>"A newer Sheaf is ready."</span>
                    <button
                        type="button"
                        class="primary"
                        on:click=move |_| {
                            shell.update.with_untracked(|update| {
                                if let Some(update) = update {
                                    update.accept();
                                }
                            });
                        }
                    >
                        "Reload"
                    </button>
                    <button
                        type="button"
                        class="icon-button"
                        aria-label="Later"
                        on:click=move |_| shell.update.set(None)
                    >
                        <Icon drawing=Drawing::Close/>
                    </button>
                </div>
            </Show>
            <Show when=is_asking>
                <div class="toast who fade-in">
                    <Identity/>
                </div>
            </Show>
            <For each=move || shell.notices.get() key=|notice| notice.number let:notice>
                <div class="toast fade-in" role="status">
                    <span>{notice.text.clone()}</span>
                    {notice
                        .undo_bin
                        .map(|page| {
                            view! {
                                <button
                                    type="button"
                                    class="button"
                                    on:click=move |_| {
                                        shell.tree.restore(page);
                                        shell.dismiss(notice.number);
                                    }
                                >
                                    "Undo"
                                </button>
                            }
                        })}
                </div>
            </For>
        </div>
    }
}
