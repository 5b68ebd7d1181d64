//! Sharing a page: who can open it, and links for those without an account.

use leptos::prelude::*;
use sheaf_shared::api::Password;
use sheaf_shared::api::links::{Lets, Link, NewLink};
use sheaf_shared::api::me::As;

use super::{Sheet, close};
use crate::ask;
use crate::form::{Choice, Doing, Field, Outcome, Send, choices};
use crate::parts::{Asked, Instead, LinkBox, Sure};
use crate::{host, words};

/// `about` is the page's id, a blank, and its title.
pub fn open(about: &str) -> AnyView {
    let (page, title) = about.split_once(' ').unwrap_or((about, "Untitled"));
    let (page, title) = (page.to_owned(), title.to_owned());
    let name = format!("Share {}", words::titled(&title));
    if host::me_now().r#as == As::Person {
        view! { <Sheet name=name><Share page=page title=title/></Sheet> }.into_any()
    } else {
        view! { <Sheet name=name><OpenToAll page=page/></Sheet> }.into_any()
    }
}

/// Without accounts there is nothing to decide.
#[component]
fn OpenToAll(page: String) -> impl IntoView {
    let close = close();
    view! {
        <div class="group">
            <LinkBox id="page-address" label="Address of this page" address=host::whole(&format!("/p/{page}"))/>
            <p class="in-one-sentence">
                "Everyone who can reach this address can read and change the page: there are no accounts yet."
            </p>
        </div>
        <div class="actions">
            <a class="button" href="/welcome">"Make an account to decide who may"</a>
            <button type="button" class="button" on:click=move |_| close.now()>"Done"</button>
        </div>
    }
}

#[component]
fn Share(page: String, title: String) -> impl IntoView {
    let links = Asked::<Link>::of(format!("/api/pages/{page}/links"));
    let made = RwSignal::new(None::<String>);
    let title_of_list = title.clone();
    let rows = move || {
        links
            .known()
            .into_iter()
            .map(|link| view! { <Row link=link title=title_of_list.clone() links=links/> })
            .collect_view()
    };
    let new = move || {
        made.get().map(|path| {
            view! {
                <LinkBox id="new-link" label="Your link: copy it now, it is shown only once" address=host::whole(&path) new=true/>
            }
        })
    };
    let has_links = move || {
        links
            .items
            .with(|items| matches!(items, Some(Ok(items)) if !items.is_empty()))
    };
    view! {
        <div class="group" hidden=move || made.with(Option::is_none)>{new}</div>
        <NewLinkForm page=page.clone() title=title links=links made=made/>
        <div class="group" hidden=move || !has_links()>
            <h3 class="field-label">"Links to this page"</h3>
            <ul class="rows">{rows}</ul>
        </div>
        <Instead words=Signal::derive(move || links.instead(""))/>
        <div class="group">
            <LinkBox id="page-address" label="Address for members of its space" address=host::whole(&format!("/p/{page}"))/>
        </div>
    }
}

/// What a link shall allow, said in one sentence before it is made.
#[component]
fn NewLinkForm(
    page: String,
    title: String,
    links: Asked<Link>,
    made: RwSignal<Option<String>>,
) -> impl IntoView {
    let doing = Doing::default();
    let lets = RwSignal::new("view".to_owned());
    let lasts = RwSignal::new(String::new());
    let password = RwSignal::new(String::new());
    let below = RwSignal::new(false);
    let chosen = move || words::of_word(&words::LETS, &lets.get()).unwrap_or(Lets::View);
    let sentence = move || {
        let ends = words::end_after(&lasts.get(), host::now()).map(host::day);
        let has_password = password.with(|password| !password.is_empty());
        words::link_sentence(chosen(), &title, below.get(), has_password, ends.as_deref())
    };
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = password.get_untracked();
        let asked = NewLink {
            lets: untrack(chosen),
            below: below.get_untracked(),
            ends: words::end_after(&lasts.get_untracked(), host::now()),
            password: (!typed.is_empty()).then(|| Password::from_text(typed)),
        };
        let path = format!("/api/pages/{page}/links");
        doing.run(async move {
            let link: Link = ask::send("POST", &path, &asked).await?;
            made.set(link.path.map(|path| path.reveal().to_owned()));
            password.set(String::new());
            links.again();
            Ok("")
        });
    };
    view! {
        <form class="group" on:submit=make>
            <div class="row-of-fields">
                <Choice id="link-lets" label="Who has the link" value=lets choices=words::offered(&words::LETS)/>
                <Choice id="link-lasts" label="For how long" value=lasts choices=choices(&words::LASTS)/>
            </div>
            <Field id="link-password" label="Password (if you want one)" value=password kind="text" optional=true/>
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=move || below.get()
                    on:change=move |event| below.set(event_target_checked(&event))
                />
                "Also the pages inside it"
            </label>
            <p class="in-one-sentence" role="status">{sentence}</p>
            <Outcome doing=doing/>
            <div class="actions"><Send doing=doing label="Make a link"/></div>
        </form>
    }
}

#[component]
fn Row(link: Link, title: String, links: Asked<Link>) -> impl IntoView {
    let doing = Doing::default();
    let sentence = words::sentence_of(&link, &title);
    let made = format!("Made on {}", host::day(link.created));
    let id = link.id;
    let take_back = move |()| {
        doing.run(async move {
            ask::delete(&format!("/api/links/{id}")).await?;
            links.again();
            Ok("")
        });
    };
    view! {
        <li>
            <span class="what">{sentence.clone()}<small>{made}</small></span>
            <Sure label="Take back" sure="Really take back?" about=sentence on_sure=Callback::new(take_back)/>
            <Outcome doing=doing/>
        </li>
    }
}
