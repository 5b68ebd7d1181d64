//! Ways in that somebody else made: an invitation to join, a link to set another password.

use leptos::prelude::*;
use sheaf_shared::api::entry::{self, InvitationSays};
use sheaf_shared::api::me::{As, Me};
use sheaf_shared::api::{Password, Secret};
use wasm_bindgen_futures::spawn_local;

use super::entering::{PASSWORD_HINT, account};
use crate::ask::{self, Trouble};
use crate::form::{Doing, Field, Outcome, Send};
use crate::host;
use crate::parts::Frame;

type Heard = RwSignal<Option<Result<InvitationSays, Trouble>>>;

fn look_at(secret: &str) -> Heard {
    let heard = Heard::new(None);
    let look = entry::Look {
        secret: Secret::from_text(secret.to_owned()),
    };
    spawn_local(async move {
        let said = ask::send("POST", "/api/invitations/look", &look).await;
        let _ = heard.try_set(Some(said));
    });
    heard
}

/// What stands there while the invitation is looked at, and when it is of no use.
fn no_invitation(trouble: Option<Trouble>) -> AnyView {
    let words = match trouble {
        None => return view! { <p class="hint" role="status">"One moment…"</p> }.into_any(),
        Some(trouble) if trouble.is_gone() => {
            "This link was used already, was taken back, or has ended. Ask whoever sent it for a new one.".to_owned()
        }
        Some(trouble) => trouble.words(),
    };
    view! {
        <h1>"This link does not work"</h1>
        <p class="lead" role="status">{words}</p>
        <div class="actions">
            <a class="button" href="/sign-in">"Sign in"</a>
        </div>
    }
    .into_any()
}

/// Makes an account of an invitation.
#[component]
pub fn Join(secret: String, me: Me) -> impl IntoView {
    let heard = look_at(&secret);
    let is_person = me.r#as == As::Person;
    let body = move || {
        match heard.get() {
        None => no_invitation(None),
        Some(Err(trouble)) => no_invitation(Some(trouble)),
        Some(Ok(_)) if is_person => view! {
            <h1>"You are signed in already"</h1>
            <p class="lead">
                "This invitation makes a new account. Sign out first if it is for somebody else at this browser; if it is for you, ask to be added to the space instead."
            </p>
            <div class="actions"><a class="primary" href="/">"Open your pages"</a></div>
        }
        .into_any(),
        Some(Ok(says)) => view! { <JoinForm secret=secret.clone() says=says/> }.into_any(),
    }
    };
    view! { <Frame title="Join">{body}</Frame> }
}

#[component]
fn JoinForm(secret: String, says: InvitationSays) -> impl IntoView {
    let doing = Doing::default();
    let is_fixed = says.email.is_some();
    let known = says.email.map(|email| email.as_str().to_owned());
    let email = RwSignal::new(known.unwrap_or_default());
    let (name, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let join = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let filled = account(
            &name.get_untracked(),
            &email.get_untracked(),
            &password.get_untracked(),
        );
        let (name, email, password) = match filled {
            Ok(filled) => filled,
            Err(why) => return doing.refuse(why),
        };
        let asked = entry::Join {
            secret: Secret::from_text(secret.clone()),
            name,
            email,
            password,
        };
        doing.run(async move {
            let me: Me = ask::send("POST", "/api/join", &asked).await?;
            host::remember(&me);
            host::go("/");
            Ok("")
        });
    };
    let by = says
        .by
        .map_or("Somebody".to_owned(), |by| by.as_str().to_owned());
    let lead = match says.space_name {
        Some(space) => format!(
            "{by} invites you to write together in “{}”.",
            space.as_str()
        ),
        None => format!("{by} invites you to write here."),
    };
    view! {
        <h1>"Make your account"</h1>
        <p class="lead">{lead}</p>
        <form class="card" on:submit=join>
            <Field id="name" label="Your name" value=name fills="name" first=true/>
            <Field id="email" label="Email address" value=email kind="email" fills="username" fixed=is_fixed hint=if is_fixed { "The invitation is for this address." } else { "You sign in with it." }/>
            <Field id="password" label="Password" value=password kind="password" fills="new-password" hint=PASSWORD_HINT/>
            <Outcome doing=doing/>
            <Send doing=doing label="Join" big=true/>
        </form>
    }
}

/// Sets another password.
#[component]
pub fn Reset(secret: String) -> impl IntoView {
    let heard = look_at(&secret);
    let body = move || match heard.get() {
        None => no_invitation(None),
        Some(Err(trouble)) => no_invitation(Some(trouble)),
        Some(Ok(says)) => view! { <ResetForm secret=secret.clone() says=says/> }.into_any(),
    };
    view! { <Frame title="New password">{body}</Frame> }
}

#[component]
fn ResetForm(secret: String, says: InvitationSays) -> impl IntoView {
    let doing = Doing::default();
    let password = RwSignal::new(String::new());
    let email = RwSignal::new(
        says.email
            .map(|email| email.as_str().to_owned())
            .unwrap_or_default(),
    );
    let set = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let asked = entry::Reset {
            secret: Secret::from_text(secret.clone()),
            password: Password::from_text(password.get_untracked()),
        };
        doing.run(async move {
            let me: Me = ask::send("POST", "/api/reset", &asked).await?;
            host::remember(&me);
            host::go("/");
            Ok("")
        });
    };
    let known = !email.get_untracked().is_empty();
    view! {
        <h1>"Choose a new password"</h1>
        <p class="lead">"All other browsers that are signed in to this account are signed out."</p>
        <form class="card" on:submit=set>
            {known.then(|| view! {
                <Field id="email" label="Account" value=email kind="email" fills="username" fixed=true/>
            })}
            <Field id="password" label="New password" value=password kind="password" fills="new-password" hint=PASSWORD_HINT first=true/>
            <Outcome doing=doing/>
            <Send doing=doing label="Set password and sign in" big=true/>
        </form>
    }
}
