//! The editing surface of a page's body.

use leptos::prelude::*;

use crate::stores::document::DocumentHandle;

/// Shows the body of `document` and takes edits.
#[component]
pub fn Editor(document: DocumentHandle) -> impl IntoView {
    let name = document.name().to_string();
    view! { <div class="editor" data-document=name></div> }
}
