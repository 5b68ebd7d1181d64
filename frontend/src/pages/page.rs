//! One page: its title, its body, and whoever is here.

use leptos::prelude::*;
use sheaf_shared::ids::{DocName, PageId};
use sheaf_shared::sync::client::DocStatus;

use super::states::{Broken, LoadingLines, NotFound, NotHereYet, Unreadable};
use crate::components::title::TitleField;
use crate::editor::Editor;
use crate::effect::effect;
use crate::router::Route;
use crate::stores::document::{DocumentHandle, Phase};
use crate::stores::shell::{shell, title_or_untitled};
use crate::who::{self, Kind};

/// The page `page`.
#[component]
pub fn Page(page: PageId) -> impl IntoView {
    let shell = shell();
    let document = StoredValue::new_local(shell.page_document(page));
    let phase = document.with_value(DocumentHandle::phase);
    // Told again of the phase it is in (each time the server comes back), a page keeps its editor: a new one would
    // not have the focus, and what is typed meanwhile would go nowhere.
    let phase = Memo::new(move |_| phase.get());
    let space = shell.tree.phase();
    let is_listed = Memo::new(move |_| shell.tree.tree().get().page(page).is_some());
    let may_name = Memo::new(move |_| is_listed.get() && shell.tree.may_edit(Some(page)));
    let statuses = shell.workspace().statuses();
    // A link may be opened before the tree has heard of the page; a page nobody ever wrote on is none.
    let is_nowhere = Memo::new(move |_| {
        let is_shut = statuses.with(|statuses| {
            let status = statuses.get(&DocName::of_page(page));
            matches!(status, Some(DocStatus::Shut { .. }))
        });
        if is_shut && phase.get() == Phase::Unknown {
            return true;
        }
        let is_blank = document.with_value(|document| {
            phase.get() == Phase::Ready && document.replica().borrow().is_empty()
        });
        space.get() == Phase::Ready && !is_listed.get() && is_blank
    });
    let is_alone = who::now() == Kind::Guest;
    let inside = move || shell.tree.tree().get().children(Some(page)).to_vec();
    let is_binned = Memo::new(move |_| shell.tree.tree().get().is_binned(page));
    effect(move || {
        if is_listed.get() {
            shell.note_read(page);
        }
    });
    let body = move || match phase.get() {
        Phase::Loading => view! { <LoadingLines/> }.into_any(),
        Phase::Unknown => view! { <NotHereYet/> }.into_any(),
        Phase::Unreadable(fault) => view! { <Unreadable fault=fault/> }.into_any(),
        Phase::Broken => view! { <Broken/> }.into_any(),
        Phase::Ready => view! { <Editor document=document.get_value()/> }.into_any(),
    };
    view! {
        <Show when=move || !is_nowhere.get() fallback=|| view! { <NotFound/> }>
            <div class="scroll">
                <main class="doc" id="main" tabindex="-1" data-document=page.to_string()>
                    <Show when=move || is_binned.get()>
                        <div class="notice" role="status">
                            <p>"This page is in the bin."</p>
                            <button type="button" class="button" on:click=move |_| restore(page)>"Restore"</button>
                        </div>
                    </Show>
                    <TitleField page=page may_edit=may_name/>
                    <p class="byline">{move || byline(page)}</p>
                    <div class="page-body">{body}</div>
                    <nav class="inside" aria-label="Pages inside this one" hidden=move || !is_alone || inside().is_empty()>
                        <ul>{move || is_alone.then(|| links_to(inside()))}</ul>
                    </nav>
                </main>
            </div>
        </Show>
    }
}

/// Who came by a link has no tree: the pages below stand at the foot of the page.
fn links_to(pages: Vec<PageId>) -> impl IntoView {
    let shell = shell();
    let link = move |page: PageId| {
        let title = title_or_untitled(&shell.tree.title(page).unwrap_or_default());
        view! { <li><a data-route="" href=Route::Page(page).path()>{title}</a></li> }
    };
    pages.into_iter().map(link).collect_view()
}

fn restore(page: PageId) {
    let shell = shell();
    let tree = shell.tree.tree().get_untracked();
    // What is in the bin may be a page above this one.
    let binned = tree.path(page).into_iter().chain([page]).find(|above| {
        tree.page(*above)
            .is_some_and(|above| above.trashed_at.is_some())
    });
    if let Some(binned) = binned {
        shell.tree.restore(binned);
    }
}

fn byline(page: PageId) -> String {
    let shell = shell();
    let tree = shell.tree.tree().get();
    let Some(facts) = tree.page(page) else {
        return String::new();
    };
    let mut words = String::new();
    // The tour has no date: it is the same for whoever makes it.
    if let Some(at) = facts.created_at.filter(|at| at.0 > 0) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds since 1970 stay below 2^53"
        )]
        let date = js_sys::Date::new(&(at.0 as f64).into());
        let options = js_sys::Object::new();
        let _ = js_sys::Reflect::set(&options, &"dateStyle".into(), &"long".into());
        let day: String = date.to_locale_date_string("default", &options).into();
        words = format!("Begun {day}");
        if let Some(by) = facts.created_by.as_ref().filter(|by| !by.is_empty()) {
            words = format!("{words} by {by}");
        }
    }
    words
}
