//! What can be done with the page that is shown.

use leptos::prelude::*;
use sheaf_shared::file::Form;

use super::icon::{Drawing, Icon};
use super::popover::{Edge, Popover};
use crate::router::Route;
use crate::stores::shell::{Dialog, shell};
use crate::transfer;

/// The "···" button and its menu.
#[component]
pub fn PageMenu() -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <Popover
            button_class="icon-button"
            label="More about this page".to_owned()
            face=ViewFn::from(|| view! { <Icon drawing=Drawing::More/> })
            edge=Edge::End
            open=open
            content=ViewFn::from(move || view! { <Items open=open/> })
        />
    }
}

#[component]
fn Items(open: RwSignal<bool>) -> impl IntoView {
    let shell = shell();
    let page = move || match shell.route.get_untracked() {
        Route::Page(page) => Some(page),
        Route::Home | Route::Bin | Route::Nowhere => None,
    };
    let item = move |label: &'static str, act: Box<dyn Fn()>| {
        view! {
            <button
                type="button"
                class="menu-item"
                role="menuitem"
                on:click=move |_| {
                    open.set(false);
                    act();
                }
            >
                {label}
            </button>
        }
    };
    view! {
        {item("Copy link", Box::new(move || transfer::copy_link(shell)))}
        {item(
            "Duplicate",
            Box::new(move || {
                if let Some(page) = page() {
                    transfer::duplicate(shell, page);
                }
            }),
        )}
        <hr class="menu-line"/>
        {item("Export as Markdown", Box::new(move || transfer::download_page(shell, Form::Markdown)))}
        {item("Export as HTML", Box::new(move || transfer::download_page(shell, Form::Html)))}
        {item("Export as plain text", Box::new(move || transfer::download_page(shell, Form::Text)))}
        <hr class="menu-line"/>
        {item("Keyboard shortcuts", Box::new(move || shell.dialog.set(Some(Dialog::Keys))))}
        {item(
            "Move to bin",
            Box::new(move || {
                if let Some(page) = page() {
                    shell.bin(page);
                }
            }),
        )}
    }
}
