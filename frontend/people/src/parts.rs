//! What several screens and dialogs are made of.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::ask::Trouble;
use crate::form::focus_when_drawn;
use crate::{host, words};

/// A whole screen: the mark above, the rest below. `back` leads to the pages.
#[component]
pub fn Frame(
    title: &'static str,
    #[prop(optional)] wide: bool,
    #[prop(optional)] back: bool,
    children: Children,
) -> impl IntoView {
    if let Some(document) = host::window().document() {
        document.set_title(&format!("{title} · Sheaf"));
    }
    view! {
        <div class="people">
            <header class="people-head">
                <Logo/>
                <span>"Sheaf"</span>
                {back.then(|| view! { <a href="/">"Back to your pages"</a> })}
            </header>
            <main class="people-main" class:wide=wide id="main" tabindex="-1">
                {children()}
            </main>
        </div>
    }
}

/// The mark of the app.
#[component]
fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 3v18M12 12C8 11 6 8 5 4M12 12c4-1 6-4 7-8M12 16c-3 0-6-2-8-5M12 16c3 0 6-2 8-5"></path>
            <path d="M8.5 17.5h7"></path>
        </svg>
    }
}

/// Somebody's letters in their colour.
#[component]
pub fn Avatar(name: String, colour: String) -> impl IntoView {
    view! {
        <span class="avatar" style=("--person", colour) aria-hidden="true">
            {words::initials(&name)}
        </span>
    }
}

/// An address to be passed on, with the button that copies it. `id` tells it from other fields.
#[component]
pub fn LinkBox(
    #[prop(into)] id: String,
    label: &'static str,
    address: String,
    /// Whether it was just made: then it has the focus, and so it is read out, and copied by the keys for that.
    #[prop(optional)]
    new: bool,
) -> impl IntoView {
    let field = NodeRef::<leptos::html::Input>::new();
    if new {
        focus_when_drawn(field);
    }
    let is_copied = RwSignal::new(false);
    let shown = address.clone();
    let copy = move |_| {
        let address = address.clone();
        spawn_local(async move {
            let copied = host::copy(&address).await;
            if !copied && let Some(field) = field.get_untracked() {
                // To be copied by hand.
                field.select();
            }
            let _ = is_copied.try_set(copied);
        });
    };
    view! {
        <div>
            <label class="field-label" for=id.clone()>{label}</label>
            <div class="link-box">
                <input
                    id=id
                    class="field"
                    type="text"
                    readonly=true
                    prop:value=shown
                    node_ref=field
                    on:focus=move |_| {
                        if let Some(field) = field.get_untracked() {
                            field.select();
                        }
                    }
                />
                <button type="button" class="button" on:click=copy>
                    {move || if is_copied.get() { "Copied" } else { "Copy" }}
                </button>
            </div>
            <span class="unseen" role="status">
                {move || is_copied.get().then_some("The link is on the clipboard.")}
            </span>
        </div>
    }
}

/// A list that is asked of the server, and asked again when `again` changes. Cheap to copy.
pub struct Asked<T: Send + Sync + 'static> {
    pub items: RwSignal<Option<Result<Vec<T>, Trouble>>>,
    again: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Asked<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Asked<T> {}

impl<T: Clone + Send + Sync + serde::de::DeserializeOwned + 'static> Asked<T> {
    /// Asks for the list at `path`.
    pub fn of(path: String) -> Self {
        let asked = Self {
            items: RwSignal::new(None),
            again: RwSignal::new(0),
        };
        Effect::new(move || {
            asked.again.track();
            let path = path.clone();
            spawn_local(async move {
                let items = crate::ask::list(&path).await;
                let _ = asked.items.try_set(Some(items));
            });
        });
        asked
    }

    /// Asks for it once more.
    pub fn again(self) {
        self.again.update(|again| *again += 1);
    }

    /// What is there, as far as it is known.
    pub fn known(self) -> Vec<T> {
        match self.items.get() {
            Some(Ok(items)) => items,
            _ => Vec::new(),
        }
    }

    /// What stands in place of the list: that it is on its way, why it can't be had, or that it is empty.
    pub fn instead(self, empty: &'static str) -> String {
        self.items.with(|items| match items {
            None => "One moment…".to_owned(),
            Some(Err(trouble)) => trouble.words(),
            Some(Ok(items)) if items.is_empty() => empty.to_owned(),
            Some(Ok(_)) => String::new(),
        })
    }
}

/// What stands in place of a list; nothing if there is a list.
#[component]
pub fn Instead(words: Signal<String>) -> impl IntoView {
    view! {
        <p class="hint" role="status" hidden=move || words.with(String::is_empty)>
            {move || words.get()}
        </p>
    }
}

/// A button that asks once more before it does what can't be undone.
#[component]
pub fn Sure(
    /// What it says at first.
    label: &'static str,
    /// What it says when it asks.
    sure: &'static str,
    /// What it is about, for those who can't see what stands beside it.
    about: String,
    /// Whether it does no harm, and only leads to something new.
    #[prop(optional)]
    calm: bool,
    on_sure: Callback<()>,
) -> impl IntoView {
    let asks = RwSignal::new(false);
    view! {
        <button
            type="button"
            class="button"
            class:danger=!calm
            aria-label=move || format!("{}: {about}", if asks.get() { sure } else { label })
            on:click=move |_| {
                if asks.get_untracked() {
                    on_sure.run(());
                } else {
                    asks.set(true);
                }
            }
            on:blur=move |_| asks.set(false)
        >
            {move || if asks.get() { sure } else { label }}
        </button>
    }
}
