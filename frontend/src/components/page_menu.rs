//! What can be done with the page that is shown.

use leptos::prelude::*;
use sheaf_shared::file::Form;
use sheaf_shared::ids::PageId;

use super::icon::{Drawing, Icon};
use super::popover::{Edge, Popover};
use crate::router::Route;
use crate::stores::shell::{Shell, shell};
use crate::stores::tree_keys::{Key, TreeCommand, command};
use crate::transfer;
use crate::who;

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
    let item_of = move |class: &'static str, label: &'static str, act: Box<dyn Fn()>| {
        view! {
            <button
                type="button"
                class=class
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
    let item = move |label, act| item_of("menu-item", label, act);
    // Where there is no mouse to drag with and no keyboard with an Alt key.
    let moving = MOVES.map(|(label, key)| {
        let act = move || {
            if let Some(page) = page() {
                move_by(shell, page, key);
            }
        };
        item_of("menu-item only-narrow", label, Box::new(act))
    });
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
        {moving.into_iter().collect_view()}
        <hr class="menu-line only-narrow"/>
        {item("Keyboard shortcuts", Box::new(move || who::open("keys", "")))}
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

/// Ways to move a page, and the arrow that does the same with Alt in the tree.
const MOVES: [(&str, &str); 4] = [
    ("Move up", "ArrowUp"),
    ("Move down", "ArrowDown"),
    ("Put inside the page above", "ArrowRight"),
    ("Take out one level", "ArrowLeft"),
];

fn move_by(shell: Shell, page: PageId, arrow: &str) {
    let key = Key {
        name: arrow,
        alt: true,
    };
    let collapsed = shell.tree.collapsed().get_untracked();
    match command(&shell.tree.rows_beside(page), &collapsed, page, key) {
        Some(TreeCommand::Move(page, place)) => {
            shell.tree.move_to(page, place);
            shell.say("Moved.");
        }
        _ => shell.say("It can't go further that way."),
    }
}
