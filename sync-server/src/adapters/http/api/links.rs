//! Share links: made, changed and taken back by those who may share a page; looked at and entered by whoever holds one.

use sheaf_core::access::SharePage;
use sheaf_shared::api::entry::{EnterLink, LinkSays, LinkedPage, Look};
use sheaf_shared::api::links::{ChangeLink, GuestPage, Lets, Link, NewLink};
use sheaf_shared::api::{ErrorWord, List, Secret};
use sheaf_shared::ids::{DocName, LinkId, PageId};

use super::super::answers::{Done, Problem, json, nothing};
use super::super::caller::Cookie;
use super::entry::{append, end_session, new_session, session_cookie};
use super::{Call, Route, Takes, again, me, routes};
use crate::adapters::random::Drawn;
use crate::app::directory::facts::{About, Key};
use crate::app::directory::links::{self, Extent, LinkRecord, LinkTerms};
use crate::app::directory::secret::LinkSecret;
use crate::app::directory::sessions::Shown;
use crate::app::directory::{Granted, LIST_MAX};
use crate::app::tries::Door;

pub(super) const ROUTES: &[Route] = routes! {
    GET "/pages/{page}/links" Someone Takes::Nothing => list;
    POST "/pages/{page}/links" Someone Takes::Json => make;
    PATCH "/links/{id}" Someone Takes::Json => change;
    DELETE "/links/{id}" Someone Takes::Nothing => revoke;
    POST "/links/look" Anyone Takes::Json => look;
    POST "/links/enter" Anyone Takes::Json => enter;
    GET "/guest/pages" Someone Takes::Nothing => guest_pages;
};

const fn lets_said(lets: links::Lets) -> Lets {
    match lets {
        links::Lets::View => Lets::View,
        links::Lets::Comment => Lets::Comment,
        links::Lets::Edit => Lets::Edit,
    }
}

const fn lets_told(lets: Lets) -> links::Lets {
    match lets {
        Lets::View => links::Lets::View,
        Lets::Comment => links::Lets::Comment,
        Lets::Edit => links::Lets::Edit,
    }
}

const fn extent(below: bool) -> Extent {
    if below { Extent::Below } else { Extent::Page }
}

fn said(record: LinkRecord) -> Link {
    Link {
        id: record.link,
        page: record.doc,
        lets: lets_said(record.terms.lets),
        below: record.terms.extent == Extent::Below,
        has_password: record.terms.password.is_some(),
        ends: record.terms.ends_at,
        made_by: record.made_by,
        created: record.made_at,
        path: None,
    }
}

async fn shares(call: &Call, doc: &DocName) -> Result<Granted<SharePage>, Problem> {
    let gate = &call.site.gate;
    call.is_there(doc).await?;
    Ok(gate.page(&call.keys, doc, None, call.now).await?)
}

async fn list(call: Call) -> Done {
    let doc: DocName = call.named("page")?;
    let may = shares(&call, &doc).await?;
    let found = call.directory()?.links_of_document(&may).await?;
    Ok(json(&List::whole(found.into_iter().map(said).collect())))
}

async fn make(call: Call) -> Done {
    let NewLink {
        lets,
        below,
        ends,
        password,
    } = call.json()?;
    let doc: DocName = call.named("page")?;
    call.is_to_come(ends)?;
    // Before any work is done for whoever may not share it.
    let _may = shares(&call, &doc).await?;
    let (_, maker) = call.person()?;
    let password = match password {
        Some(password) => {
            password.check_for_link()?;
            Some(call.site.passwords.hash(password).await?)
        }
        None => None,
    };
    let terms = LinkTerms {
        extent: extent(below),
        lets: lets_told(lets),
        password,
        ends_at: ends,
    };
    let (id, secret) = (LinkId::draw()?, LinkSecret::from_random(Drawn::draw()?));
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = shares(&call, &doc).await?;
        Ok(directory
            .add_link(&may, (id, &secret), terms.clone(), maker.user, &by)
            .await?)
    })?;
    call.site.gate.changed();
    let made = directory.link(id).await?;
    let made = made.ok_or_else(|| Problem::of(ErrorWord::NotFound))?;
    Ok(json(&Link {
        path: Some(Secret::from_text(format!("/s/{}", secret.reveal()))),
        ..said(made)
    }))
}

/// The link that the path names, if who asks may share its page: whoever may not does not know which links there are.
async fn link_of(call: &Call) -> Result<(LinkRecord, Granted<SharePage>), Problem> {
    let unknown = || Problem::of(ErrorWord::NotFound);
    let id: LinkId = call.named("id")?;
    let found = call.directory()?.link(id).await?;
    let found = found.filter(|link| link.revoked_at.is_none());
    let found = found.ok_or_else(unknown)?;
    let may = shares(call, &found.doc).await;
    let may = may.map_err(|problem| {
        let is_refused = problem == Problem::of(ErrorWord::Forbidden);
        if is_refused { unknown() } else { problem }
    })?;
    Ok((found, may))
}

async fn change(call: Call) -> Done {
    let ChangeLink {
        lets,
        below,
        ends,
        password,
    } = call.json()?;
    call.is_to_come(ends.flatten())?;
    let _may = link_of(&call).await?;
    let kept = match password {
        Some(Some(password)) => {
            password.check_for_link()?;
            Some(Some(call.site.passwords.hash(password).await?))
        }
        Some(None) => Some(None),
        None => None,
    };
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let (found, may) = link_of(&call).await?;
        let was = found.terms;
        let terms = LinkTerms {
            extent: below.map_or(was.extent, extent),
            lets: lets.map_or(was.lets, lets_told),
            password: kept.clone().unwrap_or(was.password),
            ends_at: ends.unwrap_or(was.ends_at),
        };
        Ok(directory.change_link(&may, found.link, terms, &by).await?)
    })?;
    call.site.gate.changed();
    let (found, _) = link_of(&call).await?;
    Ok(json(&said(found)))
}

async fn revoke(call: Call) -> Done {
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let (found, may) = link_of(&call).await?;
        Ok(directory.revoke_link(&may, found.link, &by).await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}

fn used_up() -> Problem {
    Problem::of(ErrorWord::UsedUp)
}

/// The link that somebody holds the secret of, if it leads anywhere.
async fn held(call: &Call, secret: &Secret) -> Result<LinkRecord, Problem> {
    let secret = LinkSecret::parse(secret.reveal()).map_err(|_| used_up())?;
    let directory = call.directory()?;
    let found = directory.link_of_secret(&secret).await?;
    let found = found.filter(|link| link.is_open(call.now));
    let found = found.ok_or_else(used_up)?;
    let space = directory.space(found.space).await?;
    match space {
        Some(space) if space.deleted_at.is_none() => Ok(found),
        _ => Err(used_up()),
    }
}

async fn look(call: Call) -> Done {
    let Look { secret } = call.json()?;
    let link = held(&call, &secret).await?;
    let needs_password = link.terms.password.is_some();
    let mut says = LinkSays {
        page: None,
        lets: lets_said(link.terms.lets),
        needs_password,
        space_name: None,
    };
    if !needs_password {
        let title = me::title(&call, &link.doc, link.space).await?;
        says.page = Some(LinkedPage {
            id: link.doc,
            title: title.unwrap_or_default(),
        });
        let space = call.directory()?.space(link.space).await?;
        says.space_name = space.map(|space| space.name);
    }
    Ok(json(&says))
}

async fn enter(call: Call) -> Done {
    call.needs_private_line()?;
    let EnterLink {
        secret,
        name,
        password,
    } = call.json()?;
    let link = held(&call, &secret).await?;
    let shown = match link.terms.password {
        None => Shown::Secret,
        Some(kept) => {
            let wrong = || Problem::new(ErrorWord::WrongPassword, WRONG);
            let password = password.ok_or_else(wrong)?;
            let door = Door::Link(link.link);
            let checked = call.checks(&door, call.place(), password, Some(kept.clone()));
            checked.await.map_err(|problem| {
                let is_wrong = problem == Problem::of(ErrorWord::WrongPassword);
                if is_wrong { wrong() } else { problem }
            })?;
            Shown::Password(kept)
        }
    };
    let directory = call.directory()?;
    let new = new_session(&call)?;
    let (secret, by) = (new.secret.clone(), call.by_newcomer(&name));
    let entered = directory.enter_by_link(link.link, name, shown, new, &by);
    entered.await.map_err(|error| {
        let problem = Problem::from(error);
        let is_refused = problem == Problem::of(ErrorWord::SignedOut);
        if is_refused { used_up() } else { problem }
    })?;
    end_session(&call, Cookie::Guest).await;
    let mut call = call;
    call.replace_session(Cookie::Guest, secret.clone());
    let facts = call
        .directory()?
        .facts(Key::from(&secret), About::Nobody)
        .await?;
    let mut callers = call.callers.clone();
    callers.retain(|caller| caller.who.user().is_some());
    callers.push(facts.caller);
    let me = me::describe(&call, &callers).await?;
    let mut response = json(&me);
    append(
        &mut response,
        session_cookie(Cookie::Guest, &secret, call.peer),
    );
    Ok(response)
}

/// Said of the password of a link.
const WRONG: &str = "This password is wrong. Ask whoever sent you the link.";

/// The pages that a guest's link leads to, as far as they are in the tree: the shared one first, then what lies below.
async fn guest_pages(call: Call) -> Done {
    let root = me::root_of(&call).await?;
    let root = root.ok_or_else(|| Problem::of(ErrorWord::NotFound))?;
    let gate = &call.site.gate;
    let tree = gate.tree(root.space).await?;
    let Ok(page) = PageId::parse(root.doc.as_str()) else {
        let only = GuestPage {
            title: root.doc.as_str().to_owned(),
            id: root.doc,
            parent: None,
        };
        return Ok(json(&List::whole(vec![only])));
    };
    let below = match root.extent {
        Extent::Page => Vec::new(),
        Extent::Below => {
            let allowed = gate.below(root.space, page).await?;
            let ordered = tree.subtree(page).into_iter();
            ordered.filter(|page| allowed.contains(page)).collect()
        }
    };
    let pages = [page].into_iter().chain(below).take(PAGES_MAX);
    let items = pages.map(|id| {
        let found = tree.page(id);
        GuestPage {
            id: DocName::of_page(id),
            title: found.map(|page| page.title.clone()).unwrap_or_default(),
            parent: found
                .filter(|_| id != page)
                .and_then(|page| page.parent)
                .map(DocName::of_page),
        }
    });
    Ok(json(&List::whole(items.collect())))
}

/// Most pages that a guest is told of.
const PAGES_MAX: usize = 10_000;
const _: () = assert!(PAGES_MAX > LIST_MAX as usize);
