//! The state chip: where the text is, in words, always on screen; a click shows the details.

use leptos::prelude::*;
use sheaf_shared::file::Form;
use wasm_bindgen_futures::spawn_local;

use super::popover::{Edge, Popover};
use crate::local::db::StorageFault;
use crate::local::worker;
use crate::platform;
use crate::router::Route;
use crate::stores::save_state::{Chip, Facts, Storage, Tone, changes, chip};
use crate::stores::shell::{Shell, shell};
use crate::transfer;

fn derived(shell: Shell) -> Memo<Chip> {
    let workspace = shell.workspace();
    let (statuses, unsent, storage, way) = (
        workspace.statuses(),
        workspace.unsent(),
        workspace.storage(),
        workspace.way(),
    );
    Memo::new(move |_| {
        let unsent = unsent.get();
        chip(&Facts {
            statuses: statuses.with(|statuses| statuses.values().copied().collect()),
            waiting: unsent.waiting,
            unkept: unsent.unkept,
            uncounted: unsent.uncounted,
            storage: storage.get(),
            way: way.get(),
        })
    })
}

/// The chip and its panel.
#[component]
pub fn StateChip() -> impl IntoView {
    let shell = shell();
    let chip = derived(shell);
    let open = RwSignal::new(false);
    let tone = move || match chip.get().tone {
        Tone::Good => "good",
        Tone::Busy => "busy",
        Tone::Away => "away",
        Tone::Warning => "warning",
    };
    let face = move || {
        view! {
            <span class="chip" data-tone=tone data-state-chip="">
                <i class="dot" aria-hidden="true"></i>
                <span class="only-wide">{move || chip.get().label}</span>
                <span class="only-narrow chip-short">{move || chip.get().short}</span>
            </span>
        }
    };
    view! {
        <Popover
            button_class="chip-button"
            label=Signal::derive(move || chip.with(name))
            face=ViewFn::from(face)
            edge=Edge::Start
            panel=true
            open=open
            content=ViewFn::from(move || view! { <ChipPanel chip=chip/> })
        />
        // Said once for each change of words, for those who can't see the chip.
        <span class="unseen" role="status">{move || chip.get().label}</span>
    }
}

/// What the chip is called. It holds what one sees on a narrow screen too: who speaks to the device says what is seen.
fn name(chip: &Chip) -> String {
    let Chip { label, short, .. } = chip;
    let show = "Show where your text is";
    if label.contains(short.as_str()) {
        format!("{label}. {show}")
    } else {
        format!("{short}. {label}. {show}")
    }
}

#[component]
fn ChipPanel(chip: Memo<Chip>) -> impl IntoView {
    let shell = shell();
    let workspace = shell.workspace();
    let (storage, unsent) = (workspace.storage(), workspace.unsent());
    let used = RwSignal::new(None::<String>);
    spawn_local(async move {
        let text = transfer::storage_used().await;
        let _ = used.try_set(text);
    });
    let kept = move || match storage.get() {
        Storage::Opening => "Looking…",
        Storage::Keeping {
            persistent: Some(true),
        } => "Kept for good",
        Storage::Keeping { .. } => "Kept; the browser may clear it",
        Storage::Failed(StorageFault::Refused) => "Nothing is kept",
        Storage::Failed(_) => "Nothing new is kept",
    };
    let waiting = move || match unsent.get().waiting {
        0 => "Nothing".to_owned(),
        count => changes(count),
    };
    let offline = if worker::can_start_offline() {
        "Yes"
    } else {
        "No: needs HTTPS"
    };
    view! {
        <h2>{move || chip.get().label}</h2>
        {move || chip.get().details.into_iter().map(|line| view! { <p>{line}</p> }).collect_view()}
        <dl class="facts">
            <dt>"Not on the server yet"</dt>
            <dd>{waiting}</dd>
            <dt>"Copy on this device"</dt>
            <dd>{kept}</dd>
            <dt>"Space used"</dt>
            <dd>{move || used.get().unwrap_or_else(|| "–".to_owned())}</dd>
            <dt>"Opens without a network"</dt>
            <dd>{offline}</dd>
        </dl>
        <Show when=|| !platform::is_secure()>
            <p>
                "This address is plain HTTP. Writing together works, and what you write is kept here while the page is open or reloaded with the server in reach; opening Sheaf without the server needs HTTPS."
            </p>
        </Show>
        <div class="actions">
            <Show when=move || matches!(shell.route.get(), Route::Page(_))>
                <button
                    type="button"
                    class="button"
                    on:click=move |_| transfer::download_page(shell, Form::Markdown)
                >
                    "Download my copy"
                </button>
            </Show>
            <button type="button" class="button" on:click=move |_| shell.workspace().try_again()>
                "Try the server now"
            </button>
        </div>
    }
}
