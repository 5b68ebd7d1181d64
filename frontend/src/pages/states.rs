//! What stands in place of a page that can't be shown: each says what happened and what to do.

use leptos::prelude::*;

use crate::local::db::StorageFault;
use crate::platform;
use crate::stores::shell::shell;

/// Lines where text will be.
#[component]
pub fn LoadingLines() -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-label="Loading the page">
            <i></i>
            <i></i>
            <i></i>
        </div>
    }
}

/// The page is not on this device, and the server has not answered.
#[component]
pub fn NotHereYet() -> impl IntoView {
    let shell = shell();
    let wait_over = RwSignal::new(false);
    // Most of the time the server answers at once: no words for that.
    platform::after_ms(1_500, move || {
        let _ = wait_over.try_set(true);
    });
    view! {
        <Show when=move || wait_over.get() fallback=|| view! { <LoadingLines/> }>
            <div class="notice" role="status">
                <p>
                    "This page has not been opened on this device before, so it can only come from the server. It will show by itself as soon as the server answers."
                </p>
                <button type="button" class="button" on:click=move |_| shell.workspace().try_again()>
                    "Try now"
                </button>
            </div>
        </Show>
    }
}

/// What this device keeps of the page can't be read, and the server has not answered.
#[component]
pub fn Unreadable(fault: StorageFault) -> impl IntoView {
    let shell = shell();
    view! {
        <div class="notice" role="status">
            <p>
                {format!(
                    "The copy on this device can't be read: {fault}. Nothing is thrown away. The page will show as soon as the server answers.",
                )}
            </p>
            <button type="button" class="button" on:click=move |_| shell.workspace().try_again()>
                "Try now"
            </button>
        </div>
    }
}

/// This tab's copy can't be trusted any more.
#[component]
pub fn Broken() -> impl IntoView {
    view! {
        <div class="notice" role="alert">
            <p>
                "Something went wrong in this tab, and writing was stopped to keep your text safe. What you typed is kept on this device. Reloading brings it back."
            </p>
            <button type="button" class="primary" on:click=|_| drop(platform::window().location().reload())>
                "Reload"
            </button>
        </div>
    }
}

/// No such address, or a page that is in no tree.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <div class="scroll">
            <main class="screen" id="main" tabindex="-1">
                <h1>"There is no page here"</h1>
                <p>
                    "The link may be cut short, the page was deleted for good, or it is not shared with you. If somebody has just made it, it will show in the list on the left in a moment."
                </p>
                <div class="actions">
                    <a class="primary" data-route="" href="/">"Go to the first page"</a>
                    <a class="button" data-route="" href="/bin">"Look in the bin"</a>
                </div>
            </main>
        </div>
    }
}
