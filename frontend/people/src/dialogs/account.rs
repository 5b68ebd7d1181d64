//! The account menu, and signing out.

use std::time::Duration;

use leptos::prelude::*;
use sheaf_shared::api::me::{As, Me, Nothing, Office};
use wasm_bindgen_futures::JsFuture;

use super::{Sheet, close};
use crate::ask::{self, Trouble};
use crate::form::{Doing, Outcome};
use crate::parts::Avatar;
use crate::{host, words};

/// Time between two looks at what is on this device only.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Who is signed in, and where to go from there; the way to the first account if there is none.
pub fn open() -> AnyView {
    let me = host::me_now();
    if me.r#as == As::Person {
        view! { <Sheet name="Your account"><Menu me=me/></Sheet> }.into_any()
    } else {
        view! { <Sheet name="Make an account"><NoAccount/></Sheet> }.into_any()
    }
}

#[component]
fn NoAccount() -> impl IntoView {
    let close = close();
    view! {
        <div class="group">
            <p>
                "So far, whoever can open this address reads and writes everything here, without a name or a password. That is fine for one person at one machine."
            </p>
            <p>
                "With accounts you invite people, share single pages by a link, and decide who may do what. All pages stay where they are, and so does what this browser keeps."
            </p>
        </div>
        <div class="actions">
            <a class="primary" href="/welcome">"Make the first account"</a>
            <button type="button" class="button" on:click=move |_| close.now()>"Not now"</button>
        </div>
    }
}

#[component]
fn Menu(me: Me) -> impl IntoView {
    let name = me
        .name
        .map(|name| name.as_str().to_owned())
        .unwrap_or_default();
    let email = me
        .email
        .map(|email| email.as_str().to_owned())
        .unwrap_or_default();
    let colour = me
        .colour
        .map(|colour| colour.to_string())
        .unwrap_or_default();
    let manages = matches!(me.office, Some(Office::Admin | Office::Owner));
    let shown = name.clone();
    view! {
        <ul class="rows">
            <li>
                <Avatar name=name colour=colour/>
                <span class="what">{shown}<small>{email}</small></span>
            </li>
        </ul>
        <div class="group">
            <a class="menu-item" href="/settings">"Your settings"</a>
            {manages.then(|| view! { <a class="menu-item" href="/admin">"People and installation"</a> })}
            <button type="button" class="menu-item" on:click=|_| super::open("new-space", "")>"New space…"</button>
            <button type="button" class="menu-item" on:click=|_| super::open("sign-out", "")>"Sign out…"</button>
        </div>
    }
}

/// Ends the session and deletes what this device keeps, after saying what would be lost.
#[component]
pub fn SignOut() -> impl IntoView {
    let close = close();
    let doing = Doing::default();
    let unsent = unsent_as_it_is();
    let leave = move |_| {
        // What was typed a moment ago may not have been counted when this was drawn.
        let counted = host::unsent();
        if counted > 0 && unsent.get_untracked() == 0 {
            return unsent.set(counted);
        }
        doing.run(async move {
            match ask::tell("POST", "/api/sign-out", &Nothing {}).await {
                // Who is not signed in any more is signed out.
                Ok(()) | Err(Trouble::Said(..)) => {}
                Err(trouble) => return Err(trouble),
            }
            // It leads away; there is nobody to tell of a failure.
            let _ = JsFuture::from(host::forget()).await;
            Ok("")
        });
    };
    let warning = move || {
        let changes = words::count(unsent.get(), "change of yours is", "changes of yours are");
        format!(
            "{changes} on this device only, and would be lost. Wait until the words beside the title say “Saved”, or download your copy first."
        )
    };
    let loses = move || unsent.get() > 0;
    view! {
        <div class="group">
            <p class="said wrong" role="alert" hidden=move || !loses()>{warning}</p>
            <p>"Your pages stay on the server. What this browser keeps of them is deleted from this device."</p>
            <Outcome doing=doing/>
        </div>
        <div class="actions">
            <button
                type="button"
                class=move || if loses() { "button danger" } else { "primary" }
                disabled=move || doing.is_busy.get()
                on:click=leave
            >
                {move || if loses() { "Sign out and lose them" } else { "Sign out" }}
            </button>
            <button type="button" class="button" on:click=move |_| close.now()>"Stay signed in"</button>
        </div>
    }
}

/// How many changes are on this device only, as the app goes on counting them: what is on its way arrives meanwhile.
fn unsent_as_it_is() -> RwSignal<usize> {
    let unsent = RwSignal::new(host::unsent());
    let look = move || {
        let counted = host::unsent();
        if unsent.try_get_untracked() != Some(counted) {
            let _ = unsent.try_set(counted);
        }
    };
    if let Ok(looking) = set_interval_with_handle(look, LOOK_EVERY) {
        on_cleanup(move || looking.clear());
    }
    unsent
}

/// Says that the server does not know this browser any more.
pub fn signed_out(was_guest: bool) -> AnyView {
    view! { <Sheet name="You are signed out"><SignedOut was_guest=was_guest/></Sheet> }.into_any()
}

#[component]
fn SignedOut(was_guest: bool) -> impl IntoView {
    let close = close();
    let here = host::escaped(&host::path());
    let (words, way) = if was_guest {
        (
            "The link you came by has ended or was taken back. What you wrote and had not been sent stays on this device: you can download your copy at the foot of the page.",
            "Sign in with an account",
        )
    } else {
        (
            "Your session has ended: you signed out elsewhere, set a new password, or somebody ended it. What you wrote stays on this device, and is sent when you sign in again.",
            "Sign in again",
        )
    };
    view! {
        <div class="group"><p>{words}</p></div>
        <div class="actions">
            <a class="primary" href=format!("/sign-in?to={here}")>{way}</a>
            <button type="button" class="button" on:click=move |_| close.now()>"Stay on this page"</button>
        </div>
    }
}
