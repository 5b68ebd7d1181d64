//! What somebody sees who came by a share link, before the page.

use leptos::prelude::*;
use sheaf_shared::api::entry::{self, LinkSays};
use sheaf_shared::api::links::Lets;
use sheaf_shared::api::me::{As, Me};
use sheaf_shared::api::{Password, Secret};
use sheaf_shared::people::Name;
use wasm_bindgen_futures::spawn_local;

use crate::ask::{self, Trouble};
use crate::form::{Doing, Field, Outcome, Send};
use crate::parts::Frame;
use crate::{host, words};

/// The door behind a share link.
#[component]
pub fn Enter(secret: String, me: Me) -> impl IntoView {
    let heard = RwSignal::new(None::<Result<LinkSays, Trouble>>);
    let look = entry::Look {
        secret: Secret::from_text(secret.clone()),
    };
    spawn_local(async move {
        let said = ask::send("POST", "/api/links/look", &look).await;
        let _ = heard.try_set(Some(said));
    });
    let body = move || match heard.get() {
        None => view! { <p class="hint" role="status">"One moment…"</p> }.into_any(),
        Some(Err(trouble)) => {
            let words = if trouble.is_gone() {
                "It may be cut short, it has ended, or somebody took it back. Ask whoever sent it for another one.".to_owned()
            } else {
                trouble.words()
            };
            view! {
                <h1>"This link does not work"</h1>
                <p class="lead" role="status">{words}</p>
                <div class="actions"><a class="button" href="/sign-in">"Sign in"</a></div>
            }
            .into_any()
        }
        Some(Ok(says)) => {
            view! { <Form secret=secret.clone() says=says me=me.clone()/> }.into_any()
        }
    };
    view! { <Frame title="Shared page">{body}</Frame> }
}

#[component]
fn Form(secret: String, says: LinkSays, me: Me) -> impl IntoView {
    let doing = Doing::default();
    let is_person = me.r#as == As::Person;
    let known = me.name.map(|name| name.as_str().to_owned());
    let name = RwSignal::new(known.clone().unwrap_or_default());
    let password = RwSignal::new(String::new());
    let needs_password = says.needs_password;
    let enter = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = match Name::parse(&name.get_untracked()) {
            Ok(name) => name,
            Err(why) => return doing.refuse(why),
        };
        let password = needs_password.then(|| Password::from_text(password.get_untracked()));
        let asked = entry::EnterLink {
            secret: Secret::from_text(secret.clone()),
            name,
            password,
        };
        doing.run(async move {
            let me: Me = ask::send("POST", "/api/links/enter", &asked).await?;
            host::remember(&me);
            let page = me.guest.map(|guest| guest.page.to_string());
            host::go(&page.map_or("/".to_owned(), |page| format!("/p/{page}")));
            Ok("")
        });
    };
    let may = match says.lets {
        Lets::View => "You can read it",
        Lets::Comment => "You can read it and comment on it",
        Lets::Edit => "You can read it and write in it",
    };
    let title = match says.page {
        Some(page) if !page.title.trim().is_empty() => words::titled(&page.title),
        Some(_) => "A page without a title".to_owned(),
        None => "A page is shared with you".to_owned(),
    };
    let from = says.space_name.map_or_else(String::new, |space| {
        format!("It lies in “{}”. ", space.as_str())
    });
    let lead = format!("{from}{may}, without an account.");
    let who = if is_person {
        view! {
            <p>{format!("Others see you as {}.", known.unwrap_or_default())}</p>
        }
        .into_any()
    } else {
        view! {
            <Field id="name" label="What should others call you?" value=name fills="nickname" first=true/>
        }
        .into_any()
    };
    view! {
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        <form class="card" on:submit=enter>
            {who}
            {needs_password.then(|| view! {
                <Field id="password" label="Password of the link" value=password kind="password" hint="Whoever sent you the link knows it." first=is_person/>
            })}
            <Outcome doing=doing/>
            <Send doing=doing label="Open the page" big=true/>
        </form>
        {(!is_person).then(|| view! {
            <p class="hint">"Do you have an account here? "<a href="/sign-in">"Sign in"</a></p>
        })}
    }
}
