//! The left side: the space, search, the page tree, and what belongs to all pages.

use leptos::html;
use leptos::prelude::*;

use super::icon::{Drawing, Icon, Logo};
use super::tree::PageTree;
use crate::platform;
use crate::router::Route;
use crate::stores::shell::{Dialog, Shell, shell};
use crate::transfer;
use crate::who::{self, Kind, Space};

/// The sidebar; on a narrow screen it is a drawer.
#[component]
pub fn Sidebar() -> impl IntoView {
    let shell = shell();
    view! {
        <nav class="side" aria-label="Pages">
            <div class="brand">
                <Logo/>
                <span>"Sheaf"</span>
                <button
                    type="button"
                    class="icon-button only-narrow"
                    aria-label="Hide pages"
                    on:click=move |_| shell.drawer.set(false)
                >
                    <Icon drawing=Drawing::Close/>
                </button>
            </div>
            <button type="button" class="nav" on:click=move |_| shell.dialog.set(Some(Dialog::Switcher))>
                <Icon drawing=Drawing::Search/>
                "Go to page"
                <kbd class="only-wide">{if platform::is_apple() { "⌘ K" } else { "Ctrl K" }}</kbd>
            </button>
            <div class="spaces">
                {move || {
                    let spaces = shell.tree.spaces();
                    spaces.into_iter().map(|space| view! { <Section space=space/> }).collect_view()
                }}
            </div>
            <Foot/>
        </nav>
        <div class="scrim" on:click=move |_| shell.drawer.set(false)></div>
    }
}

/// A space: its name, what can be done with it, its pages.
#[component]
fn Section(space: Space) -> impl IntoView {
    let shell = shell();
    let is_local = who::now() == Kind::Local;
    let label = if is_local {
        "New page".to_owned()
    } else {
        format!("New page in {}", space.name)
    };
    let id = space.id;
    let heading = format!("space-{id}");
    let new = move |_| {
        shell.tree.go_on_in(id);
        transfer::new_page(shell, None);
    };
    let about = move |_| who::open("space", &id.to_string());
    let about_label = format!("About {}", space.name);
    view! {
        <div class="section">
            <h2 id=heading.clone()>{space.name}</h2>
            <button
                type="button"
                class="icon-button"
                aria-label=label
                title="New page"
                hidden=!space.may_edit
                on:click=new
            >
                <Icon drawing=Drawing::Plus/>
            </button>
            <button
                type="button"
                class="icon-button"
                aria-label=about_label
                title="Members and settings"
                hidden=is_local
                on:click=about
            >
                <Icon drawing=Drawing::More/>
            </button>
        </div>
        <PageTree space=id heading=heading/>
    }
}

/// What belongs to all pages.
#[component]
fn Foot() -> impl IntoView {
    let shell = shell();
    let files = NodeRef::<html::Input>::new();
    let import = move |_| {
        if let Some(files) = files.get_untracked() {
            files.click();
        }
    };
    let chosen = move |_| {
        if let Some(input) = files.get_untracked() {
            transfer::import(shell, input.files());
            // So that the same file can be chosen again.
            input.set_value("");
        }
    };
    let bin_current = move || (shell.route.get() == Route::Bin).then_some("page");
    view! {
            <div class="side-foot">
                <a class="nav" data-route="" href="/bin" aria-current=bin_current on:click=move |_| shell.drawer.set(false)>
                    <Icon drawing=Drawing::Bin/>
                    "Bin"
                </a>
                <button type="button" class="nav" on:click=import>
                    <Icon drawing=Drawing::Import/>
                    "Import…"
                </button>
                <input
                    type="file"
                    hidden=true
                    multiple=true
                    accept=".md,.markdown,.txt,.html,.htm,text/markdown,text/plain,text/html"
                    aria-label="Files to import"
                    node_ref=files
                    on:change=chosen
                />
                <button type="button" class="nav" on:click=move |_| who::open("account", "")>
                    <Icon drawing=Drawing::People/>
                    {move || account_label(shell)}
                </button>
                <button type="button" class="nav" on:click=move |_| shell.dialog.set(Some(Dialog::Settings))>
                    <Icon drawing=Drawing::Settings/>
                    "Settings"
                </button>
            </div>
    }
}

/// Who is signed in, or that nobody is.
fn account_label(shell: Shell) -> String {
    let me = shell.me.get();
    match who::now() {
        Kind::Local => "Make an account".to_owned(),
        Kind::Person | Kind::Guest => me.shown_name().to_owned(),
    }
}
