//! The start: the page last read; the welcome if there is none yet.

use leptos::html;
use leptos::prelude::*;
use sheaf_shared::presence::person::NAME_CHARS_MAX;

use super::states::{Broken, LoadingLines, NotHereYet, Unreadable};
use crate::components::icon::{Drawing, Icon, Logo};
use crate::components::identity::{Swatches, rename_me};
use crate::effect::effect;
use crate::router::{self, Route};
use crate::stores::document::Phase;
use crate::stores::shell::shell;
use crate::transfer::{self, welcome};
use crate::who::{self, Kind};

/// Leads to a page, or welcomes.
#[component]
pub fn Home() -> impl IntoView {
    let shell = shell();
    let phase = shell.tree.phase();
    effect(move || {
        if shell.route.get() != Route::Home || phase.get() == Phase::Loading {
            return;
        }
        if let Some(page) = shell.page_to_start_with() {
            router::go_instead(shell.route, Route::Page(page));
        } else if phase.get() == Phase::Ready
            && who::now() == Kind::Person
            && shell.tree.may_edit(None)
        {
            // Who has just come in has been asked enough: there is a page, and the caret is in it.
            transfer::new_page(shell, None);
        }
    });
    view! {
        <div class="scroll">
            <main class="screen" id="main" tabindex="-1">
                {move || match phase.get() {
                    Phase::Loading => view! { <LoadingLines/> }.into_any(),
                    Phase::Unknown => view! { <NotHereYet/> }.into_any(),
                    Phase::Unreadable(fault) => view! { <Unreadable fault=fault/> }.into_any(),
                    Phase::Broken => view! { <Broken/> }.into_any(),
                    Phase::Ready => view! { <Welcome/> }.into_any(),
                }}
            </main>
        </div>
    }
}

#[component]
fn Welcome() -> impl IntoView {
    let shell = shell();
    let name = NodeRef::<html::Input>::new();
    let known = shell.me.get_untracked().name;
    let introduce = move || {
        if let Some(field) = name.get_untracked() {
            rename_me(shell, &field.value());
        }
    };
    let start = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        introduce();
        welcome::start_with_tour(shell);
    };
    let start_empty = move |_| {
        introduce();
        transfer::new_page(shell, None);
    };
    view! {
        <Logo/>
        <h1>"Write together, wherever you are"</h1>
        <p>"Sheaf is a place for pages that several people write at once, and that stay with you when the network does not."</p>
        <ul class="points">
            <li>
                <Icon drawing=Drawing::People/>
                <span><b>"Together."</b>" Send the link; everyone sees every letter as it is typed."</span>
            </li>
            <li>
                <Icon drawing=Drawing::Device/>
                <span><b>"Offline too."</b>" What you write is kept on this device first, and joins up by itself."</span>
            </li>
            <li>
                <Icon drawing=Drawing::Server/>
                <span><b>"Never lost."</b>" The words beside the title always say where your text is."</span>
            </li>
        </ul>
        <form class="card" on:submit=start aria-label="What should others call you?">
            <div>
                <label class="field-label" for="welcome-name">"What should others call you?"</label>
                <input
                    id="welcome-name"
                    class="field"
                    type="text"
                    autocomplete="nickname"
                    placeholder="Your name, or nothing"
                    maxlength=NAME_CHARS_MAX.to_string()
                    prop:value=known.unwrap_or_default()
                    node_ref=name
                />
            </div>
            <Swatches/>
            <p class="hint">"Name and colour stand at your caret. They are kept on this device; you can change them in the settings."</p>
            <div class="actions">
                <button type="submit" class="primary">"Start writing"</button>
                <button type="button" class="button" on:click=start_empty>"Start with an empty page"</button>
            </div>
        </form>
    }
}
