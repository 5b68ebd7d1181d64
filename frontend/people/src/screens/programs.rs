//! Tokens: what programs show to read and write in one's name.

use leptos::prelude::*;
use sheaf_shared::api::me::{MadeToken, Me, NewToken, Reach, Token};
use sheaf_shared::ids::SpaceId;
use sheaf_shared::people::Name;

use crate::ask;
use crate::form::{Choice, Doing, Field, Outcome, Send, choices};
use crate::parts::{Asked, Instead, LinkBox, Sure};
use crate::{host, words};

/// The part of the settings.
#[component]
pub fn Programs(me: Me) -> impl IntoView {
    let tokens = Asked::<Token>::of("/api/me/tokens".to_owned());
    let rows = move || {
        tokens
            .known()
            .into_iter()
            .map(|token| view! { <Row token=token tokens=tokens/> })
            .collect_view()
    };
    view! {
        <section class="card">
            <h2>"Programs that act for you"</h2>
            <p class="hint">"A token lets a program read or write your pages without your password. Take it back when it is not needed any more."</p>
            <ul class="rows">{rows}</ul>
            <Instead words=Signal::derive(move || tokens.instead("No tokens."))/>
        </section>
        <New me=me tokens=tokens/>
    }
}

#[component]
fn New(me: Me, tokens: Asked<Token>) -> impl IntoView {
    let doing = Doing::default();
    let name = RwSignal::new(String::new());
    let reach = RwSignal::new("read".to_owned());
    let space = RwSignal::new(String::new());
    let lasts = RwSignal::new("30".to_owned());
    let made = RwSignal::new(None::<String>);
    let mut spaces = vec![(String::new(), "All your spaces".to_owned())];
    spaces.extend(
        me.spaces
            .into_iter()
            .map(|space| (space.id.to_string(), space.name.as_str().to_owned())),
    );
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let called = match Name::parse(&name.get_untracked()) {
            Ok(name) => name,
            Err(why) => return doing.refuse(why),
        };
        let asked = NewToken {
            name: called,
            reach: words::of_word(&words::REACHES, &reach.get_untracked()).unwrap_or(Reach::Read),
            space: SpaceId::parse(&space.get_untracked()).ok(),
            ends: words::end_after(&lasts.get_untracked(), host::now()),
        };
        doing.run(async move {
            let token: MadeToken = ask::send("POST", "/api/me/tokens", &asked).await?;
            made.set(Some(token.token.reveal().to_owned()));
            name.set(String::new());
            tokens.again();
            Ok("")
        });
    };
    view! {
        <form class="card" on:submit=make>
            <h2>"New token"</h2>
            <Field id="token-name" label="What is it for?" value=name hint="So that you know it later: “Backup at home”."/>
            <div class="row-of-fields">
                <Choice id="token-reach" label="May" value=reach choices=words::offered(&words::REACHES)/>
                <Choice id="token-space" label="Where" value=space choices=spaces/>
                <Choice id="token-lasts" label="For how long" value=lasts choices=choices(&words::LASTS)/>
            </div>
            <Outcome doing=doing/>
            <div class="actions"><Send doing=doing label="Make a token"/></div>
            {move || made.get().map(|token| view! {
                <LinkBox id="new-token" label="Your token: copy it now, it is shown only once" address=token new=true/>
            })}
        </form>
    }
}

#[component]
fn Row(token: Token, tokens: Asked<Token>) -> impl IntoView {
    let doing = Doing::default();
    let name = token.name.as_str().to_owned();
    let used = token.seen.map_or("never used".to_owned(), |seen| {
        format!("last used {}", host::moment(seen))
    });
    let ends = token
        .ends
        .map_or_else(String::new, |ends| format!(", until {}", host::day(ends)));
    let facts = format!(
        "{}{ends}, {used}",
        words::shown(&words::REACHES, token.reach)
    );
    let id = token.id;
    let take_back = move |()| {
        doing.run(async move {
            ask::delete(&format!("/api/me/tokens/{id}")).await?;
            tokens.again();
            Ok("")
        });
    };
    view! {
        <li>
            <span class="what">{name.clone()}<small>{facts}</small></span>
            <Sure label="Take back" sure="Really take back?" about=name on_sure=Callback::new(take_back)/>
            <Outcome doing=doing/>
        </li>
    }
}
