//! Accounts and invitations, for those who look after people.

use leptos::prelude::*;
use sheaf_shared::api::admin::{ConfirmAddress, LetGo, Person, SetOffice};
use sheaf_shared::api::invitations::{Invitation, MadePath, NewInvitation};
use sheaf_shared::api::me::{Me, Nothing, Office};
use sheaf_shared::ids::UserId;
use sheaf_shared::people::Email;

use crate::ask::{self, Trouble};
use crate::form::{Choice, Doing, Field, Outcome, Send};
use crate::parts::{Asked, Avatar, Instead, LinkBox, Sure};
use crate::{host, words};

/// The part of the administration.
#[component]
pub fn People(me: Me) -> impl IntoView {
    let people = Asked::<Person>::of("/api/admin/people".to_owned());
    let own = me.id;
    let has_elsewhere = me.sign_in.oidc.is_some();
    let rows = move || {
        people
            .known()
            .into_iter()
            .map(|person| view! { <Row person=person own=own has_elsewhere=has_elsewhere people=people/> })
            .collect_view()
    };
    view! {
        <section class="card">
            <h2>"People"</h2>
            <ul class="rows">{rows}</ul>
            <Instead words=Signal::derive(move || people.instead("Nobody."))/>
        </section>
        <Invitations is_owner=me.office == Some(Office::Owner)/>
    }
}

#[component]
fn Row(
    person: Person,
    own: Option<UserId>,
    /// Whether people come in by accounts elsewhere, too.
    has_elsewhere: bool,
    people: Asked<Person>,
) -> impl IntoView {
    let doing = Doing::default();
    let name = person.name.as_str().to_owned();
    let email = person
        .email
        .as_ref()
        .map(|email| email.as_str().to_owned())
        .unwrap_or_default();
    let state = if person.disabled { ", out of use" } else { "" };
    let is_doubted = has_elsewhere && !person.confirmed;
    let doubt = if is_doubted {
        ", address not confirmed"
    } else {
        ""
    };
    let facts = format!("{email}, since {}{state}{doubt}", host::day(person.created));
    let is_me = own == Some(person.id);
    let shown = if is_me {
        format!("{name} (you)")
    } else {
        name.clone()
    };
    let tools = if is_me {
        view! { <span class="badge">{words::shown(&words::OFFICES, person.office)}</span> }
            .into_any()
    } else {
        view! { <Tools person=person.clone() is_doubted=is_doubted doing=doing people=people/> }
            .into_any()
    };
    view! {
        <li>
            <Avatar name=name colour=person.colour.to_string()/>
            <span class="what">{shown}<small>{facts}</small></span>
            {tools}
            <Outcome doing=doing/>
        </li>
    }
}

/// Does something with an account, then looks at all of them again.
async fn done(
    people: Asked<Person>,
    deed: impl Future<Output = Result<(), Trouble>>,
    words: &'static str,
) -> Result<&'static str, Trouble> {
    let outcome = deed.await;
    // What is shown is what the server says, whatever was chosen.
    people.again();
    outcome.map(|()| words)
}

#[component]
fn Tools(
    person: Person,
    /// Whether their address could be somebody else's.
    is_doubted: bool,
    doing: Doing,
    people: Asked<Person>,
) -> impl IntoView {
    let name = person.name.as_str().to_owned();
    let base = format!("/api/admin/people/{}", person.id);
    let path = StoredValue::new(base);
    let at = move |end: &str| path.with_value(|path| format!("{path}{end}"));
    let reset_path = RwSignal::new(None::<String>);
    let field = StoredValue::new(format!("reset-{}", person.id));
    let set_office = move |event| {
        let Some(office) = words::of_word(&words::OFFICES, &event_target_value(&event)) else {
            return;
        };
        let path = at("/office");
        doing.run(done(
            people,
            async move { ask::tell("POST", &path, &SetOffice { office }).await },
            "",
        ));
    };
    let reset = move |()| {
        let path = at("/reset");
        doing.run(async move {
            let made: MadePath = ask::send("POST", &path, &Nothing {}).await?;
            reset_path.set(Some(made.path.reveal().to_owned()));
            Ok("")
        });
    };
    let disable = move |()| {
        let path = at("/disable");
        let how = LetGo { keep_links: false };
        doing.run(done(
            people,
            async move { ask::tell("POST", &path, &how).await },
            "",
        ));
    };
    let enable = move |()| {
        let path = at("/enable");
        doing.run(done(
            people,
            async move { ask::tell("POST", &path, &Nothing {}).await },
            "",
        ));
    };
    let delete = move |()| {
        let path = at("");
        let how = LetGo { keep_links: false };
        doing.run(done(
            people,
            async move { ask::tell("DELETE", &path, &how).await },
            "",
        ));
    };
    let email = person.email.filter(|_| is_doubted);
    let confirm = email.map(|email| {
        let confirm = move |()| {
            let (path, email) = (at("/confirm"), email.clone());
            doing.run(done(
                people,
                async move { ask::tell("POST", &path, &ConfirmAddress { email }).await },
                "",
            ));
        };
        view! { <Sure label="Confirm address" sure="Is this really their address?" about=name.clone() on_sure=Callback::new(confirm)/> }
    });
    let office = person.office;
    let options = words::OFFICES
        .map(|(one, word, shown)| view! { <option value=word selected=one == office>{shown}</option> })
        .collect_view();
    let use_or_not = if person.disabled {
        view! { <Sure label="Let in again" sure="Really let in again?" about=name.clone() calm=true on_sure=Callback::new(enable)/> }.into_any()
    } else {
        view! { <Sure label="Put out" sure="Really put out, with the links they made?" about=name.clone() on_sure=Callback::new(disable)/> }.into_any()
    };
    view! {
        <div class="actions">
        <select class="field" aria-label=format!("What {name} is here") on:change=set_office>{options}</select>
        <Sure label="New password" sure="Really make a link for a new password?" about=name.clone() calm=true on_sure=Callback::new(reset)/>
        {confirm}
        {use_or_not}
        <Sure label="Delete" sure="Really delete the account?" about=name on_sure=Callback::new(delete)/>
        </div>
        {move || reset_path.get().map(|path| view! {
            <LinkBox id=field.get_value() label="Send them this link. With it they choose a new password." address=host::whole(&path) new=true/>
        })}
    }
}

/// Invitations that can still be used, and a new one.
#[component]
fn Invitations(is_owner: bool) -> impl IntoView {
    let doing = Doing::default();
    let invitations = Asked::<Invitation>::of("/api/invitations".to_owned());
    let email = RwSignal::new(String::new());
    let office = RwSignal::new("member".to_owned());
    let made = RwSignal::new(None::<String>);
    let invite = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = email.get_untracked();
        let email = match Some(typed.trim())
            .filter(|typed| !typed.is_empty())
            .map(Email::parse)
        {
            None => None,
            Some(Ok(email)) => Some(email),
            Some(Err(why)) => return doing.refuse(why),
        };
        let asked = NewInvitation {
            office: words::of_word(&words::OFFICES, &office.get_untracked())
                .unwrap_or(Office::Member),
            space: None,
            role: None,
            email,
            ends: None,
        };
        doing.run(async move {
            let path: MadePath = ask::send("POST", "/api/invitations", &asked).await?;
            made.set(Some(path.path.reveal().to_owned()));
            invitations.again();
            Ok("")
        });
    };
    let rows = move || {
        invitations
            .known()
            .into_iter()
            .map(|invitation| view! { <InvitationRow invitation=invitation invitations=invitations/> })
            .collect_view()
    };
    let offices = if is_owner {
        &words::OFFICES[..]
    } else {
        &words::OFFICES[..2]
    };
    view! {
        <section class="card">
            <h2>"Invite somebody"</h2>
            <form class="row-of-fields" on:submit=invite>
                <Field id="invite-email" label="Email address (if you know it)" value=email kind="email" optional=true/>
                <Choice id="invite-office" label="As" value=office choices=words::offered(offices)/>
                <Send doing=doing label="Make an invitation"/>
            </form>
            <Outcome doing=doing/>
            {move || made.get().map(|path| view! {
                <LinkBox id="invitation" label="Send them this link. It works once, for seven days." address=host::whole(&path) new=true/>
            })}
            <h3 class="field-label">"Invitations that were not used yet"</h3>
            <ul class="rows">{rows}</ul>
            <Instead words=Signal::derive(move || invitations.instead("None."))/>
        </section>
    }
}

#[component]
fn InvitationRow(invitation: Invitation, invitations: Asked<Invitation>) -> impl IntoView {
    let doing = Doing::default();
    let whom = invitation
        .email
        .map_or("Whoever has the link".to_owned(), |email| {
            email.as_str().to_owned()
        });
    let facts = format!(
        "{}, until {}",
        words::shown(&words::OFFICES, invitation.office),
        host::day(invitation.ends)
    );
    let id = invitation.id;
    let take_back = move |()| {
        doing.run(async move {
            ask::delete(&format!("/api/invitations/{id}")).await?;
            invitations.again();
            Ok("")
        });
    };
    view! {
        <li>
            <span class="what">{whom.clone()}<small>{facts}</small></span>
            <Sure label="Take back" sure="Really take back?" about=whom on_sure=Callback::new(take_back)/>
            <Outcome doing=doing/>
        </li>
    }
}
