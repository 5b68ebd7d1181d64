//! Where one is signed in.

use leptos::prelude::*;
use sheaf_shared::api::me::Session;

use crate::ask;
use crate::form::{Doing, Outcome};
use crate::host;
use crate::parts::{Asked, Instead, Sure};

/// The part of the settings.
#[component]
pub fn Devices() -> impl IntoView {
    let doing = Doing::default();
    let sessions = Asked::<Session>::of("/api/me/sessions".to_owned());
    let rows = move || {
        sessions
            .known()
            .into_iter()
            .map(|session| view! { <Row session=session sessions=sessions/> })
            .collect_view()
    };
    let has_others = move || sessions.known().len() > 1;
    let end_others = move |()| {
        doing.run(async move {
            ask::delete("/api/me/sessions").await?;
            sessions.again();
            Ok("All other browsers are signed out.")
        });
    };
    view! {
        <section class="card">
            <h2>"Where you are signed in"</h2>
            <p class="hint">"If you do not know one of these, end it and change your password."</p>
            <ul class="rows">{rows}</ul>
            <Instead words=Signal::derive(move || sessions.instead("Nowhere."))/>
            <Outcome doing=doing/>
            <div class="actions" hidden=move || !has_others()>
                <Sure label="Sign out everywhere else" sure="Really sign out everywhere else?" about="All other browsers".to_owned() on_sure=Callback::new(end_others)/>
            </div>
        </section>
    }
}

#[component]
fn Row(session: Session, sessions: Asked<Session>) -> impl IntoView {
    let doing = Doing::default();
    let name = browser(&session.agent);
    let facts = format!(
        "Since {}, last used {}{}",
        host::day(session.created),
        host::moment(session.seen),
        if session.address.is_empty() {
            String::new()
        } else {
            format!(", from {}", session.address)
        },
    );
    let id = session.id;
    let end = move |()| {
        doing.run(async move {
            ask::delete(&format!("/api/me/sessions/{id}")).await?;
            sessions.again();
            Ok("")
        });
    };
    let right = if session.current {
        view! { <span class="badge">"This browser"</span> }.into_any()
    } else {
        view! {
            <Sure label="Sign out" sure="Really sign out?" about=name.clone() on_sure=Callback::new(end)/>
        }
        .into_any()
    };
    view! {
        <li>
            <span class="what">{name}<small>{facts}</small></span>
            {right}
            <Outcome doing=doing/>
        </li>
    }
}

/// What a browser says of itself, as people call it.
fn browser(agent: &str) -> String {
    let first = |all: &[(&str, &'static str)]| {
        all.iter()
            .find(|(part, _)| agent.contains(part))
            .map(|(_, name)| *name)
    };
    let program = first(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS", "Mac"),
        ("Windows", "Windows"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if agent.is_empty() => "A browser".to_owned(),
        (None, None) => agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_what_people_call_it() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome on Linux");
        assert_eq!(browser("curl/8"), "curl/8");
        assert_eq!(browser(""), "A browser");
    }
}
