//! One's own settings, a part at a time.

use leptos::prelude::*;
use sheaf_shared::api::me::Me;

use super::{devices, programs, spaces, you};
use crate::parts::Frame;
use crate::screens::tabs::{Tabs, part};

/// Parts: the end of the address, and what it is called.
const PARTS: [(&str, &str); 4] = [
    ("", "You"),
    ("devices", "Where you are signed in"),
    ("spaces", "Spaces"),
    ("programs", "Programs"),
];

/// The screen.
#[component]
pub fn Settings(me: Me) -> impl IntoView {
    let at = part("/settings", &PARTS);
    let shown = move || match at.get() {
        "devices" => view! { <devices::Devices/> }.into_any(),
        "spaces" => view! { <spaces::Spaces me=me.clone()/> }.into_any(),
        "programs" => view! { <programs::Programs me=me.clone()/> }.into_any(),
        _ => view! { <you::You me=me.clone()/> }.into_any(),
    };
    view! {
        <Frame title="Settings" wide=true back=true>
            <h1>"Settings"</h1>
            <Tabs base="/settings" label="Parts of the settings" parts=&PARTS at=at/>
            {shown}
        </Frame>
    }
}
