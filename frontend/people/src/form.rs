//! Forms: fields with their labels, what is under way, and what came of it.

use std::future::Future;

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::ask::Trouble;

/// What a form says below itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    #[default]
    Nothing,
    /// It was done.
    Done(String),
    /// It was not done.
    Wrong(String),
}

/// One thing a person does at a time: whether it is under way, and what came of it. Cheap to copy.
#[derive(Clone, Copy, Default)]
pub struct Doing {
    pub is_busy: RwSignal<bool>,
    pub said: RwSignal<Said>,
}

impl Doing {
    /// Does it, unless it is being done; says what it answers, or why it failed.
    pub fn run(self, deed: impl Future<Output = Result<&'static str, Trouble>> + 'static) {
        if self.is_busy.get_untracked() {
            return;
        }
        self.is_busy.set(true);
        self.said.set(Said::Nothing);
        spawn_local(async move {
            let said = match deed.await {
                Ok("") => Said::Nothing,
                Ok(words) => Said::Done(words.to_owned()),
                Err(trouble) => Said::Wrong(trouble.words()),
            };
            // What was asked may be gone from the screen.
            let _ = self.said.try_set(said);
            let _ = self.is_busy.try_set(false);
        });
    }

    /// Says that something was filled in wrong.
    pub fn refuse(self, why: impl ToString) {
        self.said.set(Said::Wrong(sentence(&why.to_string())));
    }
}

/// A reason as a sentence.
fn sentence(why: &str) -> String {
    let mut letters = why.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let end = if why.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}

/// What came of it; said aloud when it comes.
#[component]
pub fn Outcome(doing: Doing) -> impl IntoView {
    let words = move || match doing.said.get() {
        Said::Nothing => String::new(),
        Said::Done(words) | Said::Wrong(words) => words,
    };
    view! {
        <div
            class="said"
            class:wrong=move || matches!(doing.said.get(), Said::Wrong(_))
            role="status"
            hidden=move || doing.said.get() == Said::Nothing
        >
            {words}
        </div>
    }
}

/// The button that sends a form.
#[component]
pub fn Send(doing: Doing, label: &'static str, #[prop(optional)] big: bool) -> impl IntoView {
    view! {
        <button
            type="submit"
            class="primary"
            class:big=big
            disabled=move || doing.is_busy.get()
        >
            {move || if doing.is_busy.get() { "One moment…" } else { label }}
        </button>
    }
}

/// A field and its label.
#[component]
pub fn Field(
    /// Its id, different from all others on the screen.
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    /// The kind of field.
    #[prop(default = "text")]
    kind: &'static str,
    /// What a browser that remembers fills in.
    #[prop(default = "off")]
    fills: &'static str,
    /// What else to know.
    #[prop(optional)]
    hint: &'static str,
    /// Whether the caret begins here.
    #[prop(optional)]
    first: bool,
    /// Whether it can be left empty.
    #[prop(optional)]
    optional: bool,
    /// Whether it is only shown.
    #[prop(optional)]
    fixed: bool,
) -> impl IntoView {
    let field = NodeRef::<leptos::html::Input>::new();
    if first {
        focus_when_drawn(field);
    }
    let hint_id = format!("{id}-hint");
    let described = (!hint.is_empty()).then(|| hint_id.clone());
    view! {
        <div>
            <label class="field-label" for=id>{label}</label>
            <input
                id=id
                class="field"
                type=kind
                autocomplete=fills
                autocapitalize=(kind != "text").then_some("none")
                spellcheck="false"
                required=!optional
                readonly=fixed
                aria-describedby=described
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
                node_ref=field
            />
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// Gives a field the focus as soon as it is there.
pub fn focus_when_drawn(field: NodeRef<leptos::html::Input>) {
    field.on_load(|field| {
        // Drawn in this task; it can have the focus in the next.
        spawn_local(async move {
            let turn = js_sys::Promise::resolve(&wasm_bindgen::JsValue::UNDEFINED);
            let _ = wasm_bindgen_futures::JsFuture::from(turn).await;
            let _ = field.focus();
        });
    });
}

/// A field to choose from: pairs of a value and what is shown for it.
#[component]
pub fn Choice(
    /// Its id, different from all others on the screen.
    #[prop(into)]
    id: String,
    label: &'static str,
    value: RwSignal<String>,
    choices: Vec<(String, String)>,
) -> impl IntoView {
    let options = choices
        .into_iter()
        .map(|(word, shown)| {
            let is_chosen = value.get_untracked() == word;
            view! { <option value=word selected=is_chosen>{shown}</option> }
        })
        .collect_view();
    view! {
        <div>
            <label class="field-label" for=id.clone()>{label}</label>
            <select id=id class="field" on:change=move |event| value.set(event_target_value(&event))>
                {options}
            </select>
        </div>
    }
}

/// Texts as choices.
pub fn choices(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter()
        .map(|(word, shown)| ((*word).to_owned(), (*shown).to_owned()))
        .collect()
}
