//! Name, colour, address and password of the account.

use leptos::prelude::*;
use sheaf_shared::api::Password;
use sheaf_shared::api::me::{ChangeEmail, ChangeMe, ChangePassword, Me};
use sheaf_shared::people::{Colour, Email, Name};

use super::entering::PASSWORD_HINT;
use crate::ask;
use crate::dialogs;
use crate::form::{Doing, Field, Outcome, Send};
use crate::host;

/// Colours of people, dark enough for white letters, with a word for those who can't tell them apart.
const COLOURS: [(&str, &str); 8] = [
    ("#2b6e5f", "Pine"),
    ("#2f62a8", "River"),
    ("#b0446b", "Rose"),
    ("#855800", "Amber"),
    ("#6f4fb0", "Violet"),
    ("#a8452c", "Brick"),
    ("#3f6b1f", "Moss"),
    ("#55606e", "Slate"),
];

/// The part of the settings.
#[component]
pub fn You(me: Me) -> impl IntoView {
    view! {
        <Seen me=me.clone()/>
        <Address me=me.clone()/>
        <NewPassword me=me/>
        <section class="card">
            <h2>"This browser"</h2>
            <p class="hint">"Signing out deletes what this browser keeps of your pages. They stay on the server."</p>
            <div class="actions">
                <button type="button" class="button" on:click=|_| dialogs::open("sign-out", "")>"Sign out…"</button>
            </div>
        </section>
    }
}

/// What others see.
#[component]
fn Seen(me: Me) -> impl IntoView {
    let doing = Doing::default();
    let name = RwSignal::new(
        me.name
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default(),
    );
    let colour = RwSignal::new(
        me.colour
            .map(|colour| colour.to_string())
            .unwrap_or_default(),
    );
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = match Name::parse(&name.get_untracked()) {
            Ok(name) => name,
            Err(why) => return doing.refuse(why),
        };
        let asked = ChangeMe {
            name: Some(name),
            colour: Colour::parse(&colour.get_untracked()).ok(),
        };
        doing.run(async move {
            let me: Me = ask::send("PATCH", "/api/me", &asked).await?;
            host::remember(&me);
            Ok("Saved.")
        });
    };
    let swatches = COLOURS
        .map(|(one, word)| {
            view! {
                <label class="swatch" title=word style=("--person", one)>
                    <input
                        type="radio"
                        name="colour"
                        aria-label=word
                        prop:checked=move || colour.get() == one
                        on:change=move |_| colour.set(one.to_owned())
                    />
                </label>
            }
        })
        .collect_view();
    view! {
        <form class="card" on:submit=save>
            <h2>"What others see"</h2>
            <Field id="name" label="Your name" value=name fills="name"/>
            <fieldset class="swatches">
                <legend class="field-label">"Your colour"</legend>
                {swatches}
            </fieldset>
            <Outcome doing=doing/>
            <div class="actions"><Send doing=doing label="Save"/></div>
        </form>
    }
}

#[component]
fn Address(me: Me) -> impl IntoView {
    let doing = Doing::default();
    let email = RwSignal::new(
        me.email
            .map(|email| email.as_str().to_owned())
            .unwrap_or_default(),
    );
    let password = RwSignal::new(String::new());
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let email = match Email::parse(&email.get_untracked()) {
            Ok(email) => email,
            Err(why) => return doing.refuse(why),
        };
        let asked = ChangeEmail {
            email,
            password: Password::from_text(password.get_untracked()),
        };
        doing.run(async move {
            let me: Me = ask::send("PUT", "/api/me/email", &asked).await?;
            host::remember(&me);
            password.set(String::new());
            Ok("From now on you sign in with this address.")
        });
    };
    view! {
        <form class="card" on:submit=save>
            <h2>"Email address"</h2>
            <Field id="email" label="You sign in with" value=email kind="email" fills="username"/>
            <Field id="email-password" label="Your password" value=password kind="password" fills="current-password"/>
            <Outcome doing=doing/>
            <div class="actions"><Send doing=doing label="Change address"/></div>
        </form>
    }
}

#[component]
fn NewPassword(me: Me) -> impl IntoView {
    // For whatever remembers passwords: whose this one is.
    let whose = me
        .email
        .map(|email| email.as_str().to_owned())
        .unwrap_or_default();
    let doing = Doing::default();
    let (old, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let asked = ChangePassword {
            old: Password::from_text(old.get_untracked()),
            new: Password::from_text(new.get_untracked()),
        };
        doing.run(async move {
            ask::tell("PUT", "/api/me/password", &asked).await?;
            old.set(String::new());
            new.set(String::new());
            Ok("Your password is changed. All other browsers are signed out.")
        });
    };
    view! {
        <form class="card" on:submit=save>
            <h2>"Password"</h2>
            <input type="email" autocomplete="username" hidden=true readonly=true prop:value=whose/>
            <Field id="old-password" label="The present one" value=old kind="password" fills="current-password"/>
            <Field id="new-password" label="The new one" value=new kind="password" fills="new-password" hint=PASSWORD_HINT/>
            <Outcome doing=doing/>
            <div class="actions"><Send doing=doing label="Change password"/></div>
        </form>
    }
}
