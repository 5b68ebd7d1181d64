//! The top bar: where the page stands, where its text is, who is here.

use leptos::prelude::*;

use super::avatars::Avatars;
use super::chip::StateChip;
use super::icon::{Drawing, Icon};
use super::page_menu::PageMenu;
use crate::platform;
use crate::router::Route;
use crate::stores::shell::{Shell, shell, title_or_untitled};
use crate::who::{self, Kind};

/// The top bar of every screen.
#[component]
pub fn Top() -> impl IntoView {
    let shell = shell();
    view! {
        <header class="top">
            <button
                type="button"
                class="icon-button only-narrow"
                aria-label="Show pages"
                aria-expanded=move || shell.drawer.get().to_string()
                on:click=move |_| shell.drawer.set(true)
            >
                <Icon drawing=Drawing::Menu/>
            </button>
            <nav class="crumbs" aria-label="Where this page stands">
                <ol>{move || crumbs(shell)}</ol>
            </nav>
            <StateChip/>
            <div class="grow"></div>
            <Show when=move || matches!(shell.route.get(), Route::Page(_))>
                <Avatars/>
                <Share/>
                <PageMenu/>
            </Show>
        </header>
    }
}

/// Leads to who may see the page; a guest is led to where one signs in.
#[component]
fn Share() -> impl IntoView {
    let shell = shell();
    let is_guest = who::now() == Kind::Guest;
    let share = move |_| {
        if is_guest {
            return drop(platform::window().location().set_href("/sign-in"));
        }
        if let Route::Page(page) = shell.route.get_untracked() {
            let title = title_or_untitled(&shell.tree.title(page).unwrap_or_default());
            who::open("share", &format!("{page} {title}"));
        }
    };
    let label = if is_guest { "Sign in" } else { "Share" };
    view! { <button type="button" class="primary share" on:click=share>{label}</button> }
}

fn crumbs(shell: Shell) -> Vec<AnyView> {
    match shell.route.get() {
        Route::Home => vec![view! { <li>"Sheaf"</li> }.into_any()],
        Route::Bin => vec![view! { <li aria-current="page">"Bin"</li> }.into_any()],
        Route::Nowhere => vec![view! { <li>"Not found"</li> }.into_any()],
        Route::Page(page) => {
            let tree = shell.tree.tree().get();
            let name =
                |page| title_or_untitled(tree.page(page).map_or("", |page| page.title.as_str()));
            let mut crumbs: Vec<AnyView> = tree
                .path(page)
                .into_iter()
                .map(|above| {
                    let path = Route::Page(above).path();
                    view! { <li><a data-route="" href=path>{name(above)}</a></li> }.into_any()
                })
                .collect();
            let here = name(page);
            crumbs.push(
                view! { <li aria-current="page" title=here.clone()>{here.clone()}</li> }.into_any(),
            );
            crumbs
        }
    }
}
