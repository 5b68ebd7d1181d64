//! Whole screens, each at an address of its own.

pub mod admin;
pub mod devices;
pub mod entering;
pub mod installation;
pub mod invited;
pub mod linked;
pub mod log;
pub mod people;
pub mod programs;
pub mod settings;
pub mod spaces;
pub mod tabs;
pub mod you;

use leptos::prelude::*;
use sheaf_shared::api::me::As;
use wasm_bindgen_futures::spawn_local;

use crate::host::{self, Known};
use crate::parts::Frame;

/// The screen that the address names, once it is known who asks.
#[component]
pub fn Screen() -> impl IntoView {
    let known = RwSignal::new(None::<Known>);
    spawn_local(async move {
        known.set(Some(host::me().await));
    });
    move || match known.get() {
        None => view! {
            <Frame title="One moment">
                <p class="hint" role="status">"One moment…"</p>
            </Frame>
        }
        .into_any(),
        Some(known) => of_path(&host::path(), known),
    }
}

fn of_path(path: &str, known: Known) -> AnyView {
    let mut parts = path.trim_matches('/').splitn(2, '/');
    let (first, rest) = (parts.next().unwrap_or_default(), parts.next());
    let secret = rest.unwrap_or_default().to_owned();
    let me = known.me.clone();
    let is_person = me.r#as == As::Person;
    match first {
        "join" => view! { <invited::Join secret=secret me=me/> }.into_any(),
        "reset" => view! { <invited::Reset secret=secret/> }.into_any(),
        "s" => view! { <linked::Enter secret=secret me=me/> }.into_any(),
        "welcome" if me.founded => led_to(if is_person { "/" } else { "/sign-in" }),
        "welcome" => view! { <entering::FirstRun me=me/> }.into_any(),
        "settings" | "admin" if known.is_away => view! { <Away/> }.into_any(),
        "settings" if is_person => view! { <settings::Settings me=me/> }.into_any(),
        "admin" if is_person => view! { <admin::Admin me=me/> }.into_any(),
        _ if is_person => led_to(&host::wanted()),
        _ if !me.founded && !known.is_away => led_to("/welcome"),
        "settings" | "admin" => {
            let way = format!("/sign-in?to={}", host::escaped(path));
            led_to(&way)
        }
        _ => view! { <entering::SignIn known=known/> }.into_any(),
    }
}

fn led_to(path: &str) -> AnyView {
    host::go(path);
    ().into_any()
}

/// Nothing here works without the server.
#[component]
fn Away() -> impl IntoView {
    view! {
        <Frame title="No server" back=true>
            <h1>"This needs the server"</h1>
            <p class="lead">
                "The server can't be reached at the moment. Your pages open without it; settings do not."
            </p>
            <div class="actions">
                <a class="primary" href="/">"Open your pages"</a>
                <a class="button" href=host::path()>"Try again"</a>
            </div>
        </Frame>
    }
}
