//! A space: who its members are, inviting more, what it is called, leaving it.

use leptos::prelude::*;
use sheaf_shared::access::Role;
use sheaf_shared::api::invitations::{MadePath, NewInvitation};
use sheaf_shared::api::me::{As, MySpace, Nothing, Office};
use sheaf_shared::api::spaces::{Member, NameSpace, PersonName, SetMember, Space};
use sheaf_shared::ids::{SpaceId, UserId};
use sheaf_shared::people::{Email, Name};

use super::{Sheet, close};
use crate::ask;
use crate::form::{Choice, Doing, Field, Outcome, Send};
use crate::parts::{Asked, Avatar, Instead, LinkBox, Sure};
use crate::{host, words};

/// `about` is the space's id.
pub fn open(about: &str) -> AnyView {
    let me = host::me_now();
    let space = me
        .spaces
        .iter()
        .find(|space| space.id.to_string() == about)
        .filter(|_| me.r#as == As::Person);
    match (space.cloned(), me.id) {
        (Some(space), Some(id)) => {
            let name = space.name.as_str().to_owned();
            view! { <Sheet name=name><About space=space me=id/></Sheet> }.into_any()
        }
        _ => view! {
            <Sheet name="Space"><p>"You are no member of this space any more."</p></Sheet>
        }
        .into_any(),
    }
}

#[component]
fn About(space: MySpace, me: UserId) -> impl IntoView {
    let is_owner = space.role == Role::Owner;
    if space.private {
        return view! {
            <div class="group">
                <p>"This space is yours alone. To show a page of it to somebody, open the page and press “Share”."</p>
            </div>
            <Rename space=space/>
        }
        .into_any();
    }
    let members = Asked::<Member>::of(format!("/api/spaces/{}/members", space.id));
    let id = space.id;
    let rows = move || {
        members
            .known()
            .into_iter()
            .map(|member| view! { <MemberRow space=id member=member me=me may=is_owner members=members/> })
            .collect_view()
    };
    let may = if is_owner {
        "You own this space.".to_owned()
    } else {
        let can = words::shown(&words::ROLES, space.role).to_lowercase();
        format!("You {can} in this space.")
    };
    view! {
        <div class="group">
            <p class="hint">{may}</p>
            <h3 class="field-label">"Members"</h3>
            <ul class="rows">{rows}</ul>
            <Instead words=Signal::derive(move || members.instead("Nobody yet."))/>
        </div>
        {is_owner.then(|| view! {
            <Add space=id members=members/>
            <Invite space=id/>
            <Rename space=space.clone()/>
        })}
        <Leave space=space/>
    }
    .into_any()
}

#[component]
fn MemberRow(
    space: SpaceId,
    member: Member,
    me: UserId,
    may: bool,
    members: Asked<Member>,
) -> impl IntoView {
    let doing = Doing::default();
    let name = member.name.as_str().to_owned();
    let path = format!("/api/spaces/{space}/members/{}", member.id);
    let change = {
        let path = path.clone();
        move |event| {
            let Some(role) = words::of_word(&words::ROLES, &event_target_value(&event)) else {
                return;
            };
            let path = path.clone();
            doing.run(async move {
                let changed = ask::tell("PUT", &path, &SetMember { role }).await;
                // What is shown is what the server says, whatever was chosen.
                members.again();
                changed.map(|()| "")
            });
        }
    };
    let remove = move |()| {
        let path = path.clone();
        doing.run(async move {
            ask::delete(&path).await?;
            members.again();
            Ok("")
        });
    };
    let shown = if member.id == me {
        format!("{name} (you)")
    } else {
        name.clone()
    };
    let role = member.role;
    let rights = if may && member.id != me {
        let options = words::ROLES
            .map(|(one, word, shown)| view! { <option value=word selected=one == role>{shown}</option> })
            .collect_view();
        view! {
            <select class="field" aria-label=format!("What {name} may") on:change=change>{options}</select>
            <Sure label="Remove" sure="Really remove?" about=name.clone() on_sure=Callback::new(remove)/>
        }
        .into_any()
    } else {
        view! { <span class="badge">{words::shown(&words::ROLES, role)}</span> }.into_any()
    };
    view! {
        <li>
            <Avatar name=name colour=member.colour.to_string()/>
            <span class="what">{shown}{member.disabled.then(|| view! { <small>"Account out of use"</small> })}</span>
            {rights}
            <Outcome doing=doing/>
        </li>
    }
}

/// Makes somebody a member who has an account.
#[component]
fn Add(space: SpaceId, members: Asked<Member>) -> impl IntoView {
    let doing = Doing::default();
    let names = Asked::<PersonName>::of("/api/people/names".to_owned());
    let who = RwSignal::new(String::new());
    let role = RwSignal::new("editor".to_owned());
    let free = Memo::new(move |_| {
        let taken: Vec<UserId> = members.known().iter().map(|member| member.id).collect();
        names
            .known()
            .into_iter()
            .filter(|person| !taken.contains(&person.id))
            .map(|person| (person.id.to_string(), person.name.as_str().to_owned()))
            .collect::<Vec<_>>()
    });
    let add = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(role) = words::of_word(&words::ROLES, &role.get_untracked()) else {
            return;
        };
        let chosen = who.get_untracked();
        let first = free.with_untracked(|free| free.first().map(|(id, _)| id.clone()));
        let Some(who) = Some(chosen).filter(|who| !who.is_empty()).or(first) else {
            return;
        };
        doing.run(async move {
            let path = format!("/api/spaces/{space}/members/{who}");
            ask::tell("PUT", &path, &SetMember { role }).await?;
            members.again();
            Ok("Added.")
        });
    };
    view! {
        <form class="group" on:submit=add hidden=move || free.with(Vec::is_empty)>
            <h3 class="field-label">"Add somebody who has an account"</h3>
            <div class="row-of-fields">
                {move || {
                    who.set(String::new());
                    view! { <Choice id="add-who" label="Who" value=who choices=free.get()/> }
                }}
                <Choice id="add-role" label="May" value=role choices=words::offered(&words::ROLES)/>
                <Send doing=doing label="Add"/>
            </div>
            <Outcome doing=doing/>
        </form>
    }
}

/// Invites somebody who has no account yet.
#[component]
fn Invite(space: SpaceId) -> impl IntoView {
    let doing = Doing::default();
    let role = RwSignal::new("editor".to_owned());
    let email = RwSignal::new(String::new());
    let made = RwSignal::new(None::<String>);
    let invite = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = email.get_untracked();
        let email = match Some(typed.trim()).filter(|typed| !typed.is_empty()) {
            None => None,
            Some(typed) => match Email::parse(typed) {
                Ok(email) => Some(email),
                Err(why) => return doing.refuse(why),
            },
        };
        let asked = NewInvitation {
            office: Office::Member,
            space: Some(space),
            role: words::of_word(&words::ROLES, &role.get_untracked()),
            email,
            ends: None,
        };
        doing.run(async move {
            let path: MadePath = ask::send("POST", "/api/invitations", &asked).await?;
            made.set(Some(path.path.reveal().to_owned()));
            Ok("")
        });
    };
    view! {
        <form class="group" on:submit=invite>
            <h3 class="field-label">"Invite somebody who has no account yet"</h3>
            <div class="row-of-fields">
                <Field id="invite-email" label="Email address (if you know it)" value=email kind="email" optional=true/>
                <Choice id="invite-role" label="May" value=role choices=words::offered(&words::ROLES)/>
                <Send doing=doing label="Make an invitation"/>
            </div>
            <Outcome doing=doing/>
            {move || made.get().map(|path| view! {
                <LinkBox id="invitation" label="Send them this link. It works once, for seven days." address=host::whole(&path) new=true/>
            })}
        </form>
    }
}

#[component]
fn Rename(space: MySpace) -> impl IntoView {
    let doing = Doing::default();
    let name = RwSignal::new(space.name.as_str().to_owned());
    let id = space.id;
    let rename = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = match Name::parse(&name.get_untracked()) {
            Ok(name) => name,
            Err(why) => return doing.refuse(why),
        };
        doing.run(async move {
            ask::tell("PATCH", &format!("/api/spaces/{id}"), &NameSpace { name }).await?;
            host::look();
            Ok("Renamed.")
        });
    };
    view! {
        <form class="group" on:submit=rename>
            <div class="row-of-fields">
                <Field id="space-name" label="Name of the space" value=name/>
                <Send doing=doing label="Rename"/>
            </div>
            <Outcome doing=doing/>
        </form>
    }
}

/// Leaving the space, and deleting it.
#[component]
fn Leave(space: MySpace) -> impl IntoView {
    let doing = Doing::default();
    let (id, close) = (space.id, close());
    let name = space.name.as_str().to_owned();
    let leave = move |()| {
        doing.run(async move {
            let path = format!("/api/spaces/{id}/leave");
            ask::tell("POST", &path, &Nothing {}).await?;
            host::look();
            close.now();
            Ok("")
        });
    };
    let delete = move |()| {
        doing.run(async move {
            ask::delete(&format!("/api/spaces/{id}")).await?;
            host::look();
            close.now();
            Ok("")
        });
    };
    let is_owner = space.role == Role::Owner;
    view! {
        <div class="group">
            <Outcome doing=doing/>
            <div class="actions">
                <Sure label="Leave this space" sure="Really leave?" about=name.clone() on_sure=Callback::new(leave)/>
                {is_owner.then(|| view! {
                    <Sure label="Delete this space" sure="Really delete it for everyone?" about=name on_sure=Callback::new(delete)/>
                })}
            </div>
        </div>
    }
}

/// A new space, which whoever makes it owns.
#[component]
pub fn NewSpace() -> impl IntoView {
    let doing = Doing::default();
    let close = close();
    let name = RwSignal::new(String::new());
    let make = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let name = match Name::parse(&name.get_untracked()) {
            Ok(name) => name,
            Err(why) => return doing.refuse(why),
        };
        doing.run(async move {
            let _: Space = ask::send("POST", "/api/spaces", &NameSpace { name }).await?;
            host::look();
            host::say("The space is there. Add people to it with ··· beside its name.");
            close.now();
            Ok("")
        });
    };
    view! {
        <form class="group" on:submit=make>
            <p>"A space is a tree of pages with members of its own. You own it, and decide who comes in."</p>
            <Field id="space-name" label="Name" value=name first=true hint="A team, a project, a family."/>
            <Outcome doing=doing/>
            <div class="actions"><Send doing=doing label="Make the space"/></div>
        </form>
    }
}
