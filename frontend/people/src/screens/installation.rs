//! All spaces, and the installation in numbers.

use leptos::prelude::*;
use sheaf_shared::api::admin::{AnySpace, GiveSpace, House, Person};
use sheaf_shared::api::me::Nothing;
use sheaf_shared::ids::UserId;
use wasm_bindgen_futures::spawn_local;

use crate::ask::{self, Trouble};
use crate::form::{Choice, Doing, Outcome, Send};
use crate::parts::{Asked, Instead, Sure};
use crate::{host, words};

/// All spaces, without what is in them.
#[component]
pub fn Spaces() -> impl IntoView {
    let spaces = Asked::<AnySpace>::of("/api/admin/spaces".to_owned());
    let people = Asked::<Person>::of("/api/admin/people".to_owned());
    let rows = move || {
        let people = people.known();
        spaces
            .known()
            .into_iter()
            .map(|space| view! { <Row space=space people=people.clone() spaces=spaces/> })
            .collect_view()
    };
    view! {
        <section class="card">
            <h2>"Spaces"</h2>
            <p class="hint">"Names and owners only: what is in a space is for its members."</p>
            <ul class="rows">{rows}</ul>
            <Instead words=Signal::derive(move || spaces.instead("None yet."))/>
        </section>
    }
}

#[component]
fn Row(space: AnySpace, people: Vec<Person>, spaces: Asked<AnySpace>) -> impl IntoView {
    let doing = Doing::default();
    let name = space.name.as_str().to_owned();
    let owner = space
        .private_of
        .and_then(|owner| people.iter().find(|person| person.id == owner));
    let kind = match (owner, space.private_of) {
        (Some(owner), _) => format!("Private space of {}", owner.name.as_str()),
        (None, Some(_)) => "Private space of somebody who is gone".to_owned(),
        (None, None) => "Shared".to_owned(),
    };
    let state = match (space.deleted, space.orphaned) {
        (Some(at), _) => format!(", deleted on {}", host::day(at)),
        (None, true) => ", nobody decides about it any more".to_owned(),
        (None, false) => String::new(),
    };
    let facts = format!("{kind}, since {}{state}", host::day(space.created));
    let id = space.id;
    let restore = move |()| {
        doing.run(async move {
            ask::tell(
                "POST",
                &format!("/api/admin/spaces/{id}/restore"),
                &Nothing {},
            )
            .await?;
            spaces.again();
            Ok("")
        });
    };
    let to = RwSignal::new(String::new());
    let in_use: Vec<(String, String)> = people
        .iter()
        .filter(|person| !person.disabled)
        .map(|person| (person.id.to_string(), person.name.as_str().to_owned()))
        .collect();
    let first = in_use.first().map(|(id, _)| id.clone()).unwrap_or_default();
    let give = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let chosen = Some(to.get_untracked()).filter(|to| !to.is_empty());
        let Ok(to) = UserId::parse(&chosen.unwrap_or_else(|| first.clone())) else {
            return;
        };
        doing.run(async move {
            ask::tell(
                "POST",
                &format!("/api/admin/spaces/{id}/give"),
                &GiveSpace { to },
            )
            .await?;
            spaces.again();
            Ok("")
        });
    };
    view! {
        <li>
            <span class="what">{name.clone()}<small>{facts}</small></span>
            {space.deleted.is_some().then(|| view! {
                <Sure label="Bring back" sure="Really bring back?" about=name calm=true on_sure=Callback::new(restore)/>
            })}
            {space.orphaned.then(|| view! {
                <form class="row-of-fields" on:submit=give>
                    <Choice id=format!("give-{id}") label="Give it to" value=to choices=in_use/>
                    <Send doing=doing label="Give"/>
                </form>
            })}
            <Outcome doing=doing/>
        </li>
    }
}

/// The installation in numbers.
#[component]
pub fn Installation() -> impl IntoView {
    let house = RwSignal::new(None::<Result<House, Trouble>>);
    spawn_local(async move {
        let said = ask::get("/api/admin/house").await;
        let _ = house.try_set(Some(said));
    });
    let body = move || match house.get() {
        None => view! { <p class="hint" role="status">"One moment…"</p> }.into_any(),
        Some(Err(trouble)) => {
            view! { <p class="said wrong" role="alert">{trouble.words()}</p> }.into_any()
        }
        Some(Ok(house)) => numbers(&house),
    };
    view! {
        <section class="card">
            <h2>"This installation"</h2>
            {body}
        </section>
    }
}

fn numbers(house: &House) -> AnyView {
    let on = |is_on: bool| if is_on { "Set up" } else { "Not set up" };
    let facts = [
        ("Release", house.version.clone()),
        ("People", house.people.to_string()),
        ("Spaces", house.spaces.to_string()),
        ("Documents", house.documents.to_string()),
        ("Storage", words::bytes(house.storage_bytes)),
        ("Servers", house.servers.to_string()),
        ("Mail", on(house.mail).to_owned()),
        ("Sign-in elsewhere", on(house.oidc).to_owned()),
    ];
    let facts = facts
        .map(|(what, value)| view! { <div><dt>{what}</dt><dd>{value}</dd></div> })
        .collect_view();
    view! {
        <dl class="numbers">{facts}</dl>
        <p class="hint">"Settings are given to the server when it is started: the handbook for operators names all of them."</p>
    }
    .into_any()
}
