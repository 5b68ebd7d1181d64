//! "What should others call you?": asked once, kept on this device, changed in the settings.

use leptos::html;
use leptos::prelude::*;
use sheaf_shared::presence::person::NAME_CHARS_MAX;

use crate::stores::person::{COLORS, fit_name};
use crate::stores::shell::{Shell, shell};

/// The small form of the first visit.
#[component]
pub fn Identity() -> impl IntoView {
    let shell = shell();
    let name = NodeRef::<html::Input>::new();
    let finish = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = name
            .get_untracked()
            .map(|field| field.value())
            .unwrap_or_default();
        rename_me(shell, &name);
    };
    view! {
        <form class="group" on:submit=finish>
            <label class="field-label" for="who-name">"What should others call you?"</label>
            <input
                id="who-name"
                class="field"
                type="text"
                autocomplete="nickname"
                placeholder="Your name, or nothing"
                maxlength=NAME_CHARS_MAX.to_string()
                node_ref=name
            />
            <p class="hint">"It stands at your caret while you write. It is kept on this device."</p>
            <Swatches/>
            <div class="actions">
                <button type="submit" class="primary">"That's me"</button>
                <button type="button" class="button" on:click=move |_| rename_me(shell, "")>"Stay a guest"</button>
            </div>
        </form>
    }
}

/// Keeps the name; other tabs see it.
pub fn rename_me(shell: Shell, name: &str) {
    shell.me.update(|me| me.name = Some(fit_name(name)));
    shell.me.get_untracked().keep();
}

/// The colours to choose from.
#[component]
pub fn Swatches() -> impl IntoView {
    let shell = shell();
    let choose = move |color: &'static str| {
        shell.me.update(|me| color.clone_into(&mut me.color));
        if shell.me.get_untracked().name.is_some() {
            shell.me.get_untracked().keep();
        }
    };
    let swatches = COLORS
        .into_iter()
        .map(|(color, word)| {
            view! {
                <label class="swatch" title=word style=("--person", color)>
                    <input
                        type="radio"
                        name="person-color"
                        aria-label=word
                        prop:checked=move || shell.me.get().color == color
                        on:change=move |_| choose(color)
                    />
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="swatches">
            <legend class="unseen">"Your colour"</legend>
            {swatches}
        </fieldset>
    }
}
