//! The whole page.

use leptos::prelude::*;
use sheaf_shared::ids::{DocName, ReplicaId, SpaceId};
use sheaf_shared::replica::Replica;

use crate::editor::Editor;
use crate::stores::document::DocumentHandle;

/// Shell and current page.
#[component]
pub fn App() -> impl IntoView {
    let document =
        DocumentHandle::new(DocName::of_space(SpaceId::HOME), Replica::new(ReplicaId(1)));
    view! { <Editor document=document/> }
}
