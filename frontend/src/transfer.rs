//! Pages in and out of this browser: new ones, imported ones, copies, downloads. No server is asked.

pub mod files;
pub mod welcome;

use leptos::prelude::*;
use sheaf_shared::flow::delta::DeltaOp;
use sheaf_shared::flow::{self, edit, facts};
use sheaf_shared::ids::PageId;
use sheaf_shared::replica::{Origin, Replica};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::components::title;
use crate::platform;
use crate::router::Route;
use crate::stores::document::Phase;
use crate::stores::shell::{Shell, title_or_untitled};

pub use files::{download_page, import};

/// Makes an empty page inside `parent`, shows it and puts the caret into its title.
pub fn new_page(shell: Shell, parent: Option<PageId>) {
    let page = shell
        .tree
        .create(parent, "", shell.me.get_untracked().shown_name());
    shell.just_made.set(Some(page));
    fill(shell, page, Vec::new());
    shell.go(Route::Page(page));
}

/// Makes an empty page with a title and shows it.
pub fn new_page_named(shell: Shell, parent: Option<PageId>, title: &str) {
    let page = shell
        .tree
        .create(parent, title, shell.me.get_untracked().shown_name());
    fill(shell, page, Vec::new());
    shell.go(Route::Page(page));
    title::focus_body(page);
}

/// Makes a page with content, without showing it.
pub fn new_page_with(
    shell: Shell,
    parent: Option<PageId>,
    title: &str,
    content: Vec<DeltaOp>,
) -> PageId {
    let page = shell
        .tree
        .create(parent, title, shell.me.get_untracked().shown_name());
    fill(shell, page, content);
    page
}

/// Makes a page beside `page` with the same content.
pub fn duplicate(shell: Shell, page: PageId) {
    let document = shell.page_document(page);
    if document.phase_now() != Phase::Ready {
        shell.say("This page is not here yet, so it can't be copied.");
        return;
    }
    let content = flow::to_delta(&document.replica().borrow());
    let tree = shell.tree.tree().get_untracked();
    let Some(original) = tree.page(page) else {
        return;
    };
    let title = format!("{} (copy)", title_or_untitled(&original.title));
    let copy = new_page_with(shell, original.parent, &title, content);
    shell.tree.move_to(
        copy,
        crate::stores::tree_keys::Place {
            parent: original.parent,
            after: Some(page),
        },
    );
    shell.go(Route::Page(copy));
}

/// Puts the address of the page on the clipboard.
pub fn copy_link(shell: Shell) {
    let address = platform::window().location().href().unwrap_or_default();
    // Plain HTTP beyond this machine has no clipboard: then the address is shown, to be copied by hand.
    if !platform::is_secure() {
        let _ = platform::window().prompt_with_message_and_default("Copy this link:", &address);
        return;
    }
    spawn_local(async move {
        let promise = platform::window()
            .navigator()
            .clipboard()
            .write_text(&address);
        match JsFuture::from(promise).await {
            Ok(_) => shell.say("The link is on the clipboard."),
            Err(_) => shell.say(format!("The clipboard was refused. The link is {address}")),
        }
    });
}

/// Space this site takes on the device, in words.
pub async fn storage_used() -> Option<String> {
    // Plain HTTP beyond this machine has no such question.
    if !platform::is_secure() {
        return None;
    }
    let promise = platform::window().navigator().storage().estimate().ok()?;
    let estimate = JsFuture::from(promise).await.ok()?;
    let estimate: web_sys::StorageEstimate = estimate.unchecked_into();
    estimate.get_usage().map(size_in_words)
}

/// In whole numbers: writing fractions would bring 15 KB of code.
fn size_in_words(bytes: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of bytes fits"
    )]
    let kilobytes = (bytes / 1024.0).round() as u64;
    if kilobytes < 1024 {
        return format!("{kilobytes} KB");
    }
    let tenths = (kilobytes * 10 + 512) / 1024;
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// Writes the first edits of a page that was just made here.
fn fill(shell: Shell, page: PageId, content: Vec<DeltaOp>) {
    let document = shell.new_page_document(page);
    spawn_local(async move {
        document.loaded().await;
        // The replica is free again before anybody hears of the edits.
        let edits = first_edits(&mut document.replica().borrow_mut(), &content);
        for update in edits {
            document.local_edit(update);
        }
        // An editor that is open already shows what was filled in.
        document.tell_remote();
    });
}

fn first_edits(replica: &mut Replica, content: &[DeltaOp]) -> Vec<Vec<u8>> {
    let format = facts::write_format(replica, Origin::Local);
    let body = if content.is_empty() {
        None
    } else {
        // Content that comes from a file was checked when it was read; a page too large for one edit says so.
        edit::apply_delta(replica, Origin::Local, content).unwrap_or_else(|error| {
            leptos::logging::error!("A page could not be filled: {error}");
            None
        })
    };
    format.into_iter().chain(body).collect()
}
