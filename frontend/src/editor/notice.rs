//! What stands at the foot of a page that takes no edits, or whose edits the server did not take: where the words are
//! and what one can do.

use leptos::prelude::*;
use leptos::task::spawn_local;
use sheaf_shared::file::Form;
use sheaf_shared::sync::client::DocStatus;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::Refused;
use wasm_bindgen_futures::JsFuture;

use crate::platform;
use crate::stores::document::DocumentHandle;
use crate::stores::save_state::changes;
use crate::stores::shell::{Shell, shell};
use crate::transfer;

/// Why edits are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// This person may read, not write. So many edits of theirs did not reach the server before.
    ReadOnly { waiting: usize },
    /// The server is there and did not take so many edits.
    Refused { waiting: usize, why: Refused },
    /// The server shows this page to this person no longer. So many edits of theirs did not reach it before.
    Shut { waiting: usize, why: CloseReason },
}

fn trouble(may_edit: bool, status: Option<DocStatus>) -> Option<Trouble> {
    let refused = match status {
        Some(DocStatus::Refused { waiting, why }) => Some((waiting, why)),
        Some(DocStatus::Shut { waiting, why }) => return Some(Trouble::Shut { waiting, why }),
        _ => None,
    };
    match refused {
        _ if !may_edit => Some(Trouble::ReadOnly {
            waiting: refused.map_or(0, |(waiting, _)| waiting),
        }),
        Some((waiting, Refused::ReadOnly)) => Some(Trouble::ReadOnly { waiting }),
        Some((waiting, why)) => Some(Trouble::Refused { waiting, why }),
        None => None,
    }
}

impl Trouble {
    fn words(self) -> String {
        match self {
            Self::ReadOnly { waiting: 0 } => {
                "You can read this page, but not change it at the moment.".to_owned()
            }
            Self::ReadOnly { waiting } => format!(
                "You can read this page, but not change it at the moment. {} of yours did not reach the server: \
                 the words stay on this device.",
                changes(waiting)
            ),
            Self::Shut { waiting, why } => {
                let what = match why {
                    CloseReason::Unauthorized => "You are signed out here. Sign in again to go on.",
                    CloseReason::Gone => "This page was deleted.",
                    CloseReason::Forbidden | CloseReason::Revoked => {
                        "This page is no longer shared with you."
                    }
                    _ => "The server closed this page.",
                };
                match waiting {
                    0 => format!("{what} All you wrote had reached the server."),
                    waiting => format!(
                        "{what} {} of yours did not reach the server: the words stay on this device.",
                        changes(waiting)
                    ),
                }
            }
            Self::Refused { waiting, why } => format!(
                "{} {} kept on this device only.",
                match why {
                    Refused::TooLarge => "Your last change is larger than the server takes.",
                    Refused::DocumentFull => "This page has reached the size the server allows.",
                    Refused::ReadOnly | Refused::Invalid | Refused::NotYours | Refused::Unsaid =>
                        "The server did not take your last change.",
                },
                changes(waiting)
            ),
        }
    }

    const fn waiting(self) -> usize {
        match self {
            Self::ReadOnly { waiting }
            | Self::Refused { waiting, .. }
            | Self::Shut { waiting, .. } => waiting,
        }
    }
}

/// The bar, while there is something to say. `in_vain` is what was typed into a page that takes nothing.
#[component]
pub fn EditorNotice(document: DocumentHandle, in_vain: RwSignal<String>) -> impl IntoView {
    let shell = shell();
    let may_edit = document.may_edit_signal();
    let statuses = shell.workspace().statuses();
    let name = document.name().clone();
    let trouble = Memo::new(move |_| {
        let status = statuses.with(|statuses| statuses.get(&name).copied());
        trouble(may_edit.get(), status)
    });
    let has_words = Memo::new(move |_| !in_vain.with(String::is_empty));
    let is_kept_here = move || trouble.get().is_some_and(|trouble| trouble.waiting() > 0);
    let may_try = move || {
        let trouble = trouble.get();
        matches!(
            trouble,
            Some(Trouble::Refused { .. } | Trouble::Shut { .. })
        )
    };
    // Said by a region that is there before its words: only then do all screen readers say them.
    view! {
        <div class="editor-notices" role="status">
            <Show when=move || trouble.get().is_some()>
                <div class="notice fade-in" class:calm=move || !is_kept_here()>
                    <p>{move || trouble.get().map(Trouble::words)}</p>
                    <Show when=is_kept_here>
                        <button
                            type="button"
                            class="button"
                            on:click=move |_| transfer::download_page(shell, Form::Markdown)
                        >
                            "Download my copy"
                        </button>
                    </Show>
                    <Show when=may_try>
                        <button type="button" class="button" on:click=move |_| shell.workspace().try_again()>
                            "Try again"
                        </button>
                    </Show>
                </div>
            </Show>
            <Show when=move || has_words.get()>
                <div class="notice fade-in">
                    <p>
                        "What you typed meanwhile was not put in: "
                        <q class="in-vain">{move || in_vain.get()}</q>
                    </p>
                    <button
                        type="button"
                        class="button"
                        on:click=move |_| copy(shell, in_vain.get_untracked())
                    >
                        "Copy it"
                    </button>
                    <button type="button" class="button" on:click=move |_| in_vain.set(String::new())>
                        "Drop it"
                    </button>
                </div>
            </Show>
        </div>
    }
}

/// Puts `words` on the clipboard. Where the browser has none (plain HTTP) they are still there to be marked.
fn copy(shell: Shell, words: String) {
    if !platform::is_secure() {
        shell.say("This browser gives no clipboard to a page without HTTPS: mark the words and copy them by key.");
        return;
    }
    spawn_local(async move {
        let clipboard = platform::window().navigator().clipboard();
        match JsFuture::from(clipboard.write_text(&words)).await {
            Ok(_) => shell.say("What you typed is on the clipboard."),
            Err(_) => shell.say("The clipboard was refused: mark the words and copy them by key."),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn someone_who_may_only_read_is_told_so_without_alarm() {
        let calm = trouble(false, Some(DocStatus::Saved)).map(Trouble::words);
        let words = "You can read this page, but not change it at the moment.";
        assert_eq!(calm.as_deref(), Some(words));
        assert_eq!(trouble(true, Some(DocStatus::Saved)), None);
        assert_eq!(trouble(true, None), None);
    }

    #[test]
    fn changes_that_were_too_late_are_counted_and_said_to_be_kept() {
        let late = DocStatus::Refused {
            waiting: 2,
            why: Refused::ReadOnly,
        };
        for may_edit in [true, false] {
            let words = trouble(may_edit, Some(late)).map(Trouble::words);
            let words = words.unwrap_or_default();
            assert!(words.contains("2 changes of yours"), "{words}");
            assert!(words.contains("stay on this device"), "{words}");
        }
    }

    #[test]
    fn who_was_put_out_is_told_what_happened_and_where_the_words_are() {
        for (why, waiting, said) in [
            (CloseReason::Forbidden, 0, "no longer shared with you"),
            (CloseReason::Revoked, 3, "no longer shared with you"),
            (CloseReason::Unauthorized, 3, "signed out"),
            (CloseReason::Gone, 3, "deleted"),
        ] {
            let words = trouble(false, Some(DocStatus::Shut { waiting, why })).map(Trouble::words);
            let words = words.unwrap_or_default();
            assert!(words.contains(said), "{words}");
            let kept = "3 changes of yours did not reach the server";
            assert_eq!(words.contains(kept), waiting == 3, "{words}");
        }
    }

    #[test]
    fn a_refused_change_names_its_reason() {
        for (why, said) in [
            (Refused::TooLarge, "larger than the server takes"),
            (Refused::DocumentFull, "the size the server allows"),
            (Refused::Invalid, "did not take"),
            (Refused::Unsaid, "did not take"),
        ] {
            let status = DocStatus::Refused { waiting: 1, why };
            let words = trouble(true, Some(status)).map(Trouble::words);
            let words = words.unwrap_or_default();
            assert!(words.contains(said), "{words}");
            assert!(words.contains("1 change kept on this device"), "{words}");
        }
    }
}
