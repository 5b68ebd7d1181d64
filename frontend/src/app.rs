//! The whole page.

use leptos::prelude::*;
use sheaf_shared::ids::{DocName, SpaceId};

use crate::editor::Editor;
use crate::stores::workspace::Workspace;

/// Shell and current page.
#[component]
pub fn App() -> impl IntoView {
    let workspace = Workspace::start();
    let document = workspace.open(&DocName::of_space(SpaceId::HOME));
    view! { <Editor document=document/> }
}
