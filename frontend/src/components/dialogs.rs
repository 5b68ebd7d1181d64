//! What lies above the page: settings, a last question before something is gone.

use leptos::html;
use leptos::prelude::*;
use sheaf_shared::ids::PageId;

use super::icon::{Drawing, Icon};
use super::identity::{Swatches, rename_me};
use super::switcher::Switcher;
use crate::local::worker;
use crate::platform;
use crate::stores::person::{Theme, set_theme};
use crate::stores::shell::{Dialog, Shell, shell, title_or_untitled};
use crate::who::{self, Kind};
use sheaf_shared::presence::person::NAME_CHARS_MAX;

/// Whichever dialog is open.
#[component]
pub fn Dialogs() -> impl IntoView {
    let shell = shell();
    move || match shell.dialog.get() {
        None => ().into_any(),
        Some(Dialog::Switcher) => view! { <Switcher/> }.into_any(),
        Some(Dialog::Settings) => view! { <Sheet name="Settings"><Settings/></Sheet> }.into_any(),
        Some(Dialog::DeleteForGood(page)) => {
            view! { <Sheet name="Delete for good?"><DeleteForGood page=page/></Sheet> }.into_any()
        }
    }
}

/// Opens a `<dialog>` over the page, in the same task in which it was asked for: the next key goes into it. The
/// browser keeps the focus inside; when the dialog goes, it is where it was before.
pub(super) fn open_above(dialog: NodeRef<html::Dialog>) {
    dialog.on_load(|dialog| {
        let drawn = dialog.clone();
        platform::when_drawn(
            move || drawn.is_connected().then(|| drawn.clone()),
            |dialog| drop(dialog.show_modal()),
        );
    });
    // A dialog that is taken away without being closed leaves the focus nowhere.
    on_cleanup(move || {
        if let Some(Some(dialog)) = dialog.try_get_untracked() {
            dialog.close();
        }
    });
}

/// A dialog said that it was closed, by the Escape key for instance. One that is gone already has no say, nor one that
/// is open again: what it says comes a moment late, and the next dialog may be drawn in the same element by then.
pub(super) fn closed(shell: Shell, dialog: NodeRef<html::Dialog>) {
    let stands = matches!(dialog.try_get_untracked(), Some(Some(dialog)) if dialog.is_connected() && !dialog.open());
    if stands {
        shell.dialog.set(None);
    }
}

#[component]
fn Sheet(name: &'static str, children: Children) -> impl IntoView {
    let shell = shell();
    let dialog = NodeRef::<html::Dialog>::new();
    open_above(dialog);
    let on_click = move |event: leptos::ev::MouseEvent| {
        // A click on the backdrop is a click on the dialog itself.
        let is_backdrop = dialog
            .get_untracked()
            .is_some_and(|dialog| event.target().as_ref() == Some(dialog.as_ref()));
        if is_backdrop {
            shell.dialog.set(None);
        }
    };
    view! {
        <dialog class="sheet" node_ref=dialog aria-label=name on:click=on_click on:close=move |_| closed(shell, dialog)>
            <header>
                <h2>{name}</h2>
                <button
                    type="button"
                    class="icon-button"
                    aria-label="Close"
                    on:click=move |_| shell.dialog.set(None)
                >
                    <Icon drawing=Drawing::Close/>
                </button>
            </header>
            {children()}
        </dialog>
    }
}

#[component]
fn Settings() -> impl IntoView {
    let shell = shell();
    let name = shell.me.get_untracked().name.unwrap_or_default();
    let themes = Theme::ALL
        .into_iter()
        .map(|theme| {
            view! {
                <label>
                    <input
                        type="radio"
                        name="theme"
                        value=theme.word()
                        prop:checked=move || shell.theme.get() == theme
                        on:change=move |_| set_theme(shell.theme, theme)
                    />
                    {theme.label()}
                </label>
            }
        })
        .collect_view();
    // Name and colour are the account's.
    let is_known = who::now() != Kind::Local;
    let offline = if worker::can_start_offline() {
        "Sheaf and every page you have opened here also open without a network."
    } else {
        "This address is plain HTTP, so the browser lets Sheaf open only with the server in reach. What you write is kept on this device all the same. With HTTPS, pages open offline too."
    };
    view! {
        <div class="group" hidden=is_known>
            <label class="field-label" for="settings-name">"Your name"</label>
            <input
                id="settings-name"
                class="field"
                type="text"
                autocomplete="nickname"
                placeholder="Guest"
                maxlength=NAME_CHARS_MAX.to_string()
                prop:value=name
                on:change=move |event| rename_me(shell, &event_target_value(&event))
            />
            <p class="hint">"Others see it at your caret. It is kept on this device only."</p>
        </div>
        <div class="group" hidden=is_known>
            <span class="field-label" aria-hidden="true">"Your colour"</span>
            <Swatches/>
        </div>
        <div class="group">
            <span class="field-label" id="settings-theme">"Light or dark"</span>
            <div class="choices" role="radiogroup" aria-labelledby="settings-theme">{themes}</div>
        </div>
        <div class="group">
            <span class="field-label">"On this device"</span>
            <p class="hint">{offline}</p>
        </div>
    }
}

#[component]
fn DeleteForGood(page: PageId) -> impl IntoView {
    let shell = shell();
    let tree = shell.tree.tree().get_untracked();
    let title = title_or_untitled(tree.page(page).map_or("", |page| page.title.as_str()));
    let inside = tree.subtree(page).len().saturating_sub(1);
    let what = match inside {
        0 => format!("“{title}” will be taken off the list for everyone. This can't be undone."),
        1 => format!(
            "“{title}” and the page inside it will be taken off the list for everyone. This can't be undone."
        ),
        more => format!(
            "“{title}” and the {more} pages inside it will be taken off the list for everyone. This can't be undone."
        ),
    };
    view! {
        <div class="group">
            <p>{what}</p>
        </div>
        <div class="actions">
            <button type="button" class="button" on:click=move |_| shell.dialog.set(None)>"Keep it"</button>
            <button
                type="button"
                class="button danger"
                on:click=move |_| {
                    shell.dialog.set(None);
                    shell.tree.delete_for_good(page);
                    platform::keep_focus_on_screen();
                }
            >
                "Delete for good"
            </button>
        </div>
    }
}
