//! Looking after people and the installation, a part at a time.

use leptos::prelude::*;
use sheaf_shared::api::me::{Me, Office};

use super::tabs::{Tabs, part};
use super::{installation, log, people};
use crate::parts::Frame;

/// Parts: the end of the address, and what it is called.
const PARTS: [(&str, &str); 4] = [
    ("", "People"),
    ("spaces", "Spaces"),
    ("log", "What was done"),
    ("installation", "This installation"),
];

/// The screen.
#[component]
pub fn Admin(me: Me) -> impl IntoView {
    if !matches!(me.office, Some(Office::Admin | Office::Owner)) {
        return view! {
            <Frame title="People and installation" back=true>
                <h1>"This is for admins"</h1>
                <p class="lead">"You do not look after this Sheaf. Ask one of its admins if you need something changed."</p>
                <div class="actions"><a class="primary" href="/">"Open your pages"</a></div>
            </Frame>
        }
        .into_any();
    }
    let at = part("/admin", &PARTS);
    let shown = move || match at.get() {
        "spaces" => view! { <installation::Spaces/> }.into_any(),
        "log" => view! { <log::Log/> }.into_any(),
        "installation" => view! { <installation::Installation/> }.into_any(),
        _ => view! { <people::People me=me.clone()/> }.into_any(),
    };
    view! {
        <Frame title="People and installation" wide=true back=true>
            <h1>"People and installation"</h1>
            <Tabs base="/admin" label="Parts of the administration" parts=&PARTS at=at/>
            {shown}
        </Frame>
    }
    .into_any()
}
