//! Oneself: who is signed in, their account, their sessions and tokens.

use sheaf_core::access::{self, Guest, ManageOwnAccount, Person, ReadPage, Who};
use sheaf_shared::access::Role;
use sheaf_shared::api::me::{
    As, ChangeEmail, ChangeMe, ChangePassword, MadeToken, Me, MyLink, MySpace, NewToken, Office,
    OidcWay, Reach, Session, SignInWays, Token,
};
use sheaf_shared::api::{ErrorWord, List, Secret};
use sheaf_shared::ids::{DocName, PageId, SessionId, SpaceId, TokenId};
use sheaf_shared::people::Name;

use super::super::answers::{Done, Problem, json, nothing};
use super::super::caller::Cookie;
use super::entry::{HOME_NAME, append};
use super::known::{MARK_S, door_of, mark};
use super::{Call, Route, Takes, again, routes};
use crate::adapters::random::Drawn;
use crate::app::directory::Granted;
use crate::app::directory::facts::{About, Caller, Key, Root};
use crate::app::directory::links::Extent;
use crate::app::directory::people::PersonRecord;
use crate::app::directory::secret::TokenSecret;
use crate::app::directory::tokens::TokenTerms;
use crate::app::gate::Keys;

pub(super) const ROUTES: &[Route] = routes! {
    GET "/me" Anyone Takes::Nothing => show;
    PATCH "/me" Someone Takes::Json => change;
    PUT "/me/email" Someone Takes::Json => change_email;
    PUT "/me/password" Someone Takes::Json => change_password;
    GET "/me/sessions" Someone Takes::Nothing => sessions;
    DELETE "/me/sessions" Someone Takes::Nothing => end_other_sessions;
    DELETE "/me/sessions/{id}" Someone Takes::Nothing => end_session;
    GET "/me/tokens" Someone Takes::Nothing => tokens;
    POST "/me/tokens" Someone Takes::Json => make_token;
    DELETE "/me/tokens/{id}" Someone Takes::Nothing => revoke_token;
};

/// An office as the API says it.
pub(super) const fn office_said(office: access::Office) -> Office {
    match office {
        access::Office::Member => Office::Member,
        access::Office::Admin => Office::Admin,
        access::Office::Owner => Office::Owner,
    }
}

/// An office that the API was told.
pub(super) const fn office_told(office: Office) -> access::Office {
    match office {
        Office::Member => access::Office::Member,
        Office::Admin => access::Office::Admin,
        Office::Owner => access::Office::Owner,
    }
}

async fn show(call: Call) -> Done {
    let callers = call.callers.clone();
    Ok(json(&describe(&call, &callers).await?))
}

/// Who they are that brought these keys.
pub(super) async fn describe(call: &Call, callers: &[Caller]) -> Result<Me, Problem> {
    let directory = call.directory()?;
    let mut me = Me {
        r#as: As::Nobody,
        founded: directory.is_founded().await?,
        id: None,
        name: None,
        email: None,
        colour: None,
        office: None,
        session: None,
        spaces: Vec::new(),
        guest: None,
        sign_in: SignInWays {
            oidc: call.site.oidc.as_ref().map(|oidc| OidcWay {
                name: oidc.name().to_owned(),
            }),
        },
    };
    for caller in callers.iter().filter(|caller| call.is_living(caller)) {
        match &caller.who {
            Who::Local => {
                me.r#as = As::Local;
                me.spaces = vec![home()?];
            }
            Who::Person(person) => describe_person(call, &mut me, caller, person, None).await?,
            Who::Program(program) => {
                let only = Some((program.space, program.reach));
                describe_person(call, &mut me, caller, &program.of, only).await?;
            }
            Who::Guest(guest) => {
                me.guest = describe_guest(call, guest).await?;
                if me.r#as == As::Nobody && me.guest.is_some() {
                    me.r#as = As::Guest;
                    me.name.clone_from(&caller.name);
                    me.session = caller.session;
                }
                if let Some(mine) = &mut me.guest {
                    mine.name.clone_from(&caller.name);
                }
            }
            Who::Stranger => {}
        }
    }
    Ok(me)
}

async fn describe_person(
    call: &Call,
    me: &mut Me,
    caller: &Caller,
    person: &Person,
    only: Option<(Option<SpaceId>, access::Reach)>,
) -> Result<(), Problem> {
    let record = call.directory()?.person(person.user).await?;
    me.r#as = As::Person;
    me.id = Some(person.user);
    me.name.clone_from(&caller.name);
    me.email = record.and_then(|record| record.email);
    me.colour = caller.colour;
    me.office = Some(office_said(person.office));
    me.session = caller.session;
    me.spaces = spaces_of(call, person, only).await?;
    Ok(())
}

/// The spaces of somebody, as far as a program may go that asks for them.
pub(super) async fn spaces_of(
    call: &Call,
    person: &Person,
    only: Option<(Option<SpaceId>, access::Reach)>,
) -> Result<Vec<MySpace>, Problem> {
    // That it is them was shown: by their session, or by a token of theirs, which may see where it can be used.
    let own = Granted::<ManageOwnAccount>::to_operator(&access::Account { user: person.user })?;
    let found = call.directory()?.spaces_of(&own).await?;
    let spaces = found.into_iter().filter_map(|space| {
        let role = space.role?;
        let role = match only {
            Some((Some(only), _)) if only != space.space => return None,
            Some((_, access::Reach::Read)) => role.min(Role::Viewer),
            Some((_, access::Reach::Write)) => role.min(Role::Editor),
            Some((_, access::Reach::Manage)) | None => role,
        };
        Some(MySpace {
            id: space.space,
            name: space.name,
            role,
            private: space.private_of.is_some(),
        })
    });
    Ok(spaces.collect())
}

/// The one space there is until there are accounts.
pub(super) fn home() -> Result<MySpace, Problem> {
    Ok(MySpace {
        id: SpaceId::HOME,
        name: Name::parse(HOME_NAME).map_err(|_| Problem::of(ErrorWord::TryAgain))?,
        role: Role::Owner,
        private: false,
    })
}

async fn describe_guest(call: &Call, guest: &Guest) -> Result<Option<MyLink>, Problem> {
    let Some(root) = root_of(call).await? else {
        return Ok(None);
    };
    // A link that never ends by itself ends with the session, which is nobody's plan.
    let link = call.directory()?.link(guest.link).await?;
    Ok(Some(MyLink {
        link: guest.link,
        title: title(call, &root.doc, root.space).await?,
        page: root.doc,
        below: root.extent == Extent::Below,
        role: guest.role.min(Role::Editor),
        name: None,
        ends: link.and_then(|link| link.terms.ends_at),
    }))
}

/// Where the link of a guest leads, if it still leads there.
pub(super) async fn root_of(call: &Call) -> Result<Option<Root>, Problem> {
    let Some(secret) = call.session(Cookie::Guest) else {
        return Ok(None);
    };
    let key = Key::from(&secret);
    let facts = call.directory()?.facts(key, About::Nobody).await?;
    let Some(root) = facts.root else {
        return Ok(None);
    };
    let keys = Keys::new(vec![key]);
    let may = call
        .site
        .gate
        .page::<ReadPage>(&keys, &root.doc, None, call.now)
        .await;
    match may.map_err(Problem::from) {
        Ok(_) => Ok(Some(root)),
        Err(refused) if refused == Problem::of(ErrorWord::NotFound) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What a page is called in the tree of its space, if it is there.
pub(super) async fn title(
    call: &Call,
    doc: &DocName,
    space: SpaceId,
) -> Result<Option<String>, Problem> {
    let Ok(page) = PageId::parse(doc.as_str()) else {
        return Ok(None);
    };
    let tree = call.site.gate.tree(space).await?;
    Ok(tree.page(page).map(|page| page.title.clone()))
}

async fn record(call: &Call, person: &Person) -> Result<PersonRecord, Problem> {
    let found = call.directory()?.person(person.user).await?;
    found.ok_or_else(|| Problem::of(ErrorWord::SignedOut))
}

impl Call {
    /// That who asks may change their own account.
    pub(super) async fn own(&self) -> Result<Granted<ManageOwnAccount>, Problem> {
        self.person()?;
        Ok(self.site.gate.own_account(&self.keys, self.now).await?)
    }
}

async fn change(call: Call) -> Done {
    let ChangeMe { name, colour } = call.json()?;
    let (directory, by) = (call.directory()?, call.by());
    call.person()?;
    if let Some(name) = name {
        again!({
            Ok(directory
                .rename_person(&call.own().await?, name.clone(), &by)
                .await?)
        })?;
    }
    if let Some(colour) = colour {
        again!({
            Ok(directory
                .recolour_person(&call.own().await?, colour, &by)
                .await?)
        })?;
    }
    call.site.gate.changed();
    describe_anew(&call).await
}

/// Who asks, after something of theirs was changed.
async fn describe_anew(call: &Call) -> Done {
    let mut callers = Vec::new();
    for key in call.keys.iter() {
        let facts = call.directory()?.facts(key, About::Nobody).await?;
        callers.push(facts.caller);
    }
    Ok(json(&describe(call, &callers).await?))
}

async fn change_email(call: Call) -> Done {
    call.needs_private_line()?;
    let ChangeEmail { email, password } = call.json()?;
    let (_, person) = call.person()?;
    let record = record(&call, person).await?;
    let door = record
        .email
        .as_ref()
        .map_or_else(|| door_of(&email), door_of);
    call.checks(&door, call.place(), password, record.password)
        .await?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        Ok(directory
            .readdress_person(&call.own().await?, email.clone(), &by)
            .await?)
    })?;
    call.site.gate.changed();
    describe_anew(&call).await
}

async fn change_password(call: Call) -> Done {
    call.needs_private_line()?;
    let ChangePassword { old, new } = call.json()?;
    let (caller, person) = call.person()?;
    let record = record(&call, person).await?;
    let signed_out = || Problem::of(ErrorWord::SignedOut);
    let email = record.email.ok_or_else(signed_out)?;
    call.checks(&door_of(&email), call.place(), old, record.password)
        .await?;
    new.check(&email, &record.name)?;
    let kept = call.site.passwords.hash(new).await?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let own = call.own().await?;
        Ok(directory
            .set_password(&own, kept.clone(), caller.session, &by)
            .await?)
    })?;
    call.site.gate.changed();
    let mut response = nothing();
    let mark = mark(person.user, &kept)?;
    append(
        &mut response,
        Cookie::Known.keep(&mark, call.peer.line, MARK_S),
    );
    Ok(response)
}

async fn sessions(call: Call) -> Done {
    let own = call.own().await?;
    let (caller, _) = call.person()?;
    let found = call.directory()?.sessions_of(&own, call.now).await?;
    let sessions = found.into_iter().map(|session| Session {
        id: session.session,
        created: session.created_at,
        seen: session.used_at,
        address: session.address,
        agent: session.agent,
        current: caller.session == Some(session.session),
    });
    Ok(json(&List::whole(sessions.collect())))
}

async fn end_session(call: Call) -> Done {
    call.person()?;
    let session: SessionId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        Ok(directory
            .end_session(&call.own().await?, session, &by)
            .await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}

async fn end_other_sessions(call: Call) -> Done {
    let (caller, _) = call.person()?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let own = call.own().await?;
        Ok(directory
            .end_other_sessions(&own, caller.session, &by)
            .await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}

async fn tokens(call: Call) -> Done {
    let own = call.own().await?;
    let found = call.directory()?.tokens_of(&own).await?;
    let tokens = found.into_iter().map(|token| Token {
        id: token.token,
        name: token.terms.label,
        reach: match token.terms.reach {
            access::Reach::Read => Reach::Read,
            access::Reach::Write => Reach::Write,
            access::Reach::Manage => Reach::Manage,
        },
        space: token.terms.space,
        created: token.made_at,
        seen: token.used_at,
        ends: token.terms.ends_at,
    });
    Ok(json(&List::whole(tokens.collect())))
}

async fn make_token(call: Call) -> Done {
    let NewToken {
        name,
        reach,
        space,
        ends,
    } = call.json()?;
    call.person()?;
    call.is_to_come(ends)?;
    let terms = TokenTerms {
        label: name,
        space,
        reach: match reach {
            Reach::Read => access::Reach::Read,
            Reach::Write => access::Reach::Write,
            Reach::Manage => access::Reach::Manage,
        },
        ends_at: ends,
    };
    let (id, secret) = (TokenId::draw()?, TokenSecret::from_random(Drawn::draw()?));
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let own = call.own().await?;
        Ok(directory
            .add_token(&own, (id, &secret), terms.clone(), &by)
            .await?)
    })?;
    call.site.gate.changed();
    let token = Secret::from_text(secret.reveal());
    Ok(json(&MadeToken { token, id }))
}

async fn revoke_token(call: Call) -> Done {
    call.person()?;
    let token: TokenId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        Ok(directory
            .revoke_token(&call.own().await?, token, &by)
            .await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}
