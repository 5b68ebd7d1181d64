//! The first account, and signing in.

use leptos::prelude::*;
use sheaf_shared::api::entry;
use sheaf_shared::api::me::{As, Me};
use sheaf_shared::api::{Password, Secret};
use sheaf_shared::people::{Email, Name};
use wasm_bindgen_futures::spawn_local;

use crate::ask;
use crate::form::{Doing, Field, Outcome, Send};
use crate::host::{self, Known};
use crate::parts::Frame;

/// What a password should be.
pub const PASSWORD_HINT: &str = "At least 10 characters. Several words make a good one.";

/// What whoever runs the server knows and nobody else.
const CODE_HINT: &str =
    "It is in the server's log, so that nobody but who runs this Sheaf makes it theirs.";

/// The first screen of a new installation: who looks after it.
#[component]
pub fn FirstRun(me: Me) -> impl IntoView {
    let doing = Doing::default();
    let name = RwSignal::new(
        me.name
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default(),
    );
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    // Who follows the address in the log brings it along.
    let code = RwSignal::new(host::fragment());
    let is_code_asked = RwSignal::new(!code.get_untracked().is_empty());
    spawn_local(async move {
        if let Ok(asks) = ask::get::<entry::FirstRunAsks>("/api/first-run").await {
            // What was asked may be gone from the screen.
            let _ = is_code_asked.try_set(asks.code);
        }
    });
    let begin = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let asked = match account(
            &name.get_untracked(),
            &email.get_untracked(),
            &password.get_untracked(),
        ) {
            Ok((name, email, password)) => entry::FirstRun {
                name,
                email,
                password,
                code: is_code_asked
                    .get_untracked()
                    .then(|| Secret::from_text(code.get_untracked())),
            },
            Err(why) => return doing.refuse(why),
        };
        doing.run(async move {
            let me: Me = ask::send("POST", "/api/first-run", &asked).await?;
            host::remember(&me);
            host::go("/");
            Ok("")
        });
    };
    let lead = if me.r#as == As::Local {
        "From then on, only people you invite can open these pages. Everything you wrote here stays where it is."
    } else {
        "You look after this Sheaf: you invite people and decide who sees what. It takes one minute."
    };
    view! {
        <Frame title="Welcome" back=me.r#as == As::Local>
            <h1>"Make the first account"</h1>
            <p class="lead">{lead}</p>
            <form class="card" on:submit=begin>
                <Field id="name" label="Your name" value=name fills="name" first=true/>
                <Field id="email" label="Email address" value=email kind="email" fills="username" hint="You sign in with it. Nothing is sent there unless mail was set up."/>
                <Field id="password" label="Password" value=password kind="password" fills="new-password" hint=PASSWORD_HINT/>
                {move || is_code_asked.get().then(|| view! {
                    <Field id="code" label="Set-up code" value=code hint=CODE_HINT/>
                })}
                <Outcome doing=doing/>
                <Send doing=doing label="Start writing" big=true/>
            </form>
        </Frame>
    }
}

/// What an account is made of, or what is wrong with it.
pub fn account(name: &str, email: &str, password: &str) -> Result<(Name, Email, Password), String> {
    let name = Name::parse(name).map_err(|why| why.to_string())?;
    let email = Email::parse(email).map_err(|why| why.to_string())?;
    let password = Password::from_text(password.to_owned());
    password
        .check(&email, &name)
        .map_err(|why| why.to_string())?;
    Ok((name, email, password))
}

/// Somebody has shown elsewhere that an address is theirs, and the account here that has it could be another's.
const UNCONFIRMED: &str = "unconfirmed";

/// The way to the account elsewhere, and from there to `path`.
fn elsewhere_then(path: &str) -> String {
    format!("/api/oidc/start?to={}", host::escaped(path))
}

/// Why somebody came back from an account elsewhere without being let in.
fn failed_elsewhere() -> &'static str {
    match host::query("failed").as_deref() {
        Some("provider") => {
            "The other account could not be asked, or its answer made no sense. Try again in a moment, or use your password."
        }
        Some("late") => "That took too long, or began in another window. Try again.",
        Some("declined") => "Nothing was done: you said no there.",
        Some("no-account") => {
            "Nobody here has an account with the verified address of that one. Ask whoever looks after this Sheaf to invite you at it."
        }
        Some(UNCONFIRMED) => {
            "There is an account with that address here, but nobody has confirmed yet that the address is yours. Sign in with its password once, and from then on the other account will do. Or ask whoever looks after this Sheaf to confirm it."
        }
        Some("closed") => {
            "Your account here is out of use. Ask whoever looks after this Sheaf about it."
        }
        _ => "That could not be done just now. Try again in a moment.",
    }
}

/// Has a letter sent by which a lost password can be replaced.
fn ask_for_letter(doing: Doing, email: &str) {
    let email = match Email::parse(email) {
        Ok(email) => email,
        Err(why) => return doing.refuse(why),
    };
    doing.run(async move {
        let asked = entry::Forgot { email };
        let says: entry::ForgotSays = ask::send("POST", "/api/forgot", &asked).await?;
        Ok(if says.mail {
            "If there is an account with this address, a letter with a link is on its way to it."
        } else {
            "This Sheaf sends no letters. Ask whoever looks after it: they can send you a link."
        })
    });
}

/// Signing in, and the way back to where one wanted to go.
#[component]
pub fn SignIn(known: Known) -> impl IntoView {
    let doing = Doing::default();
    let remembered = known.me.email.map(|email| email.as_str().to_owned());
    let email = RwSignal::new(remembered.unwrap_or_default());
    let password = RwSignal::new(String::new());
    let enter = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let email = match Email::parse(&email.get_untracked()) {
            Ok(email) => email,
            Err(why) => return doing.refuse(why),
        };
        let password = Password::from_text(password.get_untracked());
        doing.run(async move {
            let asked = entry::SignIn { email, password };
            let me: Me = ask::send("POST", "/api/sign-in", &asked).await?;
            host::remember(&me);
            // Back to the account elsewhere, which is known from then on as that of who has signed in here.
            let is_unconfirmed = host::query("failed").as_deref() == Some(UNCONFIRMED);
            host::go(&if is_unconfirmed {
                elsewhere_then(&host::wanted())
            } else {
                host::wanted()
            });
            Ok("")
        });
    };
    let why = match (host::query("ended").as_deref(), known.is_away) {
        (_, true) => {
            "The server can't be reached at the moment, so nobody can sign in. Look at your network, then reload."
        }
        (Some("link"), _) => {
            "The link you came by has ended or was taken back. Ask for another one, or sign in."
        }
        _ if host::query("failed").is_some() => failed_elsewhere(),
        _ if host::query("to").is_some() => "Sign in to open that page.",
        _ => "",
    };
    let forgot = move |_| ask_for_letter(doing, &email.get_untracked());
    let elsewhere = known.me.sign_in.oidc.map(|way| {
        let start = elsewhere_then(&host::wanted());
        view! {
            <p class="or">"or"</p>
            <a class="button" href=start rel="external">{format!("Sign in with {}", way.name)}</a>
        }
    });
    view! {
        <Frame title="Sign in">
            <h1>"Sign in"</h1>
            {(!why.is_empty()).then(|| view! { <p class="lead">{why}</p> })}
            <form class="card" on:submit=enter>
                <Field id="email" label="Email address" value=email kind="email" fills="username" first=true/>
                <Field id="password" label="Password" value=password kind="password" fills="current-password"/>
                <Outcome doing=doing/>
                <Send doing=doing label="Sign in" big=true/>
                {elsewhere}
            </form>
            <p class="hint">
                <button type="button" class="button" on:click=forgot>"I forgot my password"</button>
            </p>
            <p class="hint">
                "No account yet, or the password is lost? Ask whoever looks after this Sheaf: they can send you a link for either."
            </p>
        </Frame>
    }
}
