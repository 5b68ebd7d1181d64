//! A house with a team in it: everyone who can ask, and everything there is to ask about.

use std::net::SocketAddr;

use serde_json::json;
use sheaf_server::app::directory::Directory;
use sheaf_server::ports::Store;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, PageId, SpaceId, UserId};
use sheaf_shared::time::UnixMs;

use super::super::browser::Browser;
use super::super::{found, id_of, join, make_space, secret_of};

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// Nobody, or nobody any more.
    Nobody,
    /// Someone with an account: their office (0 to 2), their role in the team, whether they are of the other space, and whether they
    /// decide about some space that is not private.
    Person {
        office: u8,
        team: Option<Role>,
        is_other: bool,
        manages: bool,
    },
    /// Someone with a link to the team's page.
    Guest(Role),
    /// A program of whoever owns the team, that may so much there.
    Program(Option<Role>),
}

impl Is {
    /// What they are in the space that stands in this relation.
    pub(super) fn role(&self, relation: Relation) -> Option<Role> {
        match (self, relation) {
            (Self::Person { team, .. }, Relation::Team) => *team,
            (Self::Person { is_other: true, .. }, Relation::Other) => Some(Role::Owner),
            (Self::Program(role), Relation::Team) => *role,
            _ => None,
        }
    }

    /// And in its page.
    pub(super) fn role_in_page(&self, relation: Relation) -> Option<Role> {
        match (self, relation) {
            (Self::Guest(role), Relation::Team) => Some(*role),
            _ => self.role(relation),
        }
    }
}

/// How what is asked about stands to the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The team's.
    Team,
    /// Another space's, whose only member is none of the team.
    Other,
    /// There is none with this id.
    Missing,
    /// This is no id.
    Malformed,
}

impl Relation {
    pub(super) const ALL: [Self; 4] = [Self::Team, Self::Other, Self::Missing, Self::Malformed];

    pub(super) const fn is_there(self) -> bool {
        matches!(self, Self::Team | Self::Other)
    }
}

/// Someone who asks.
pub(super) struct Caller {
    pub(super) called: &'static str,
    pub(super) is: Is,
    pub(super) browser: Browser,
}

/// What can be named in a path.
#[derive(Clone, Default)]
pub(super) struct Objects {
    pub(super) space: String,
    pub(super) page: String,
    pub(super) link: String,
    pub(super) user: String,
    pub(super) session: String,
    pub(super) token: String,
    pub(super) invitation: String,
}

/// See the module.
pub(super) struct World {
    team: Objects,
    other: Objects,
}

fn person(called: &'static str, office: u8, team: Option<Role>, browser: Browser) -> Caller {
    let manages = called == "the owner of the house" || team == Some(Role::Owner);
    let is = Is::Person {
        office,
        team,
        is_other: false,
        manages,
    };
    Caller {
        called,
        is,
        browser,
    }
}

fn caller(called: &'static str, is: Is, browser: Browser) -> Caller {
    Caller {
        called,
        is,
        browser,
    }
}

impl World {
    pub(super) fn objects(&self, relation: Relation) -> Objects {
        match relation {
            Relation::Team => self.team.clone(),
            Relation::Other => self.other.clone(),
            Relation::Missing => all("AAAAAAAAAAAAAAAAAAAAAQ"),
            Relation::Malformed => Objects {
                // Any text names a document.
                page: "nothing".to_owned(),
                ..all("..%2f..%00'\"")
            },
        }
    }

    /// Makes all of it.
    pub(super) async fn of(address: SocketAddr, store: &dyn Store) -> (Self, Vec<Caller>) {
        let mut ada = Browser::new(address);
        found(&mut ada).await.ok();
        let admin = join(&mut ada, "admin", "admin").await;
        let mut carl = join(&mut ada, "carl", "member").await;
        let mut zoe = join(&mut ada, "zoe", "member").await;
        let team = make_space(&mut carl, "Team").await;
        let mut callers = vec![
            person("an admin", 1, None, admin),
            caller("a stranger", Is::Nobody, Browser::new(address)),
        ];
        for (called, name, role) in [
            ("a viewer", "vera", Role::Viewer),
            ("a commenter", "cora", Role::Commenter),
            ("an editor", "edda", Role::Editor),
        ] {
            let mut member = join(&mut ada, name, "member").await;
            let id = id_of(&mut member).await;
            let path = format!("/api/spaces/{team}/members/{id}");
            let body = json!({"role": role});
            carl.ask("PUT", &path, Some(&body)).await.ok();
            callers.push(person(called, 0, Some(role), member));
        }
        let viewer = id_of(&mut callers[2].browser).await;
        callers.extend(dead(&mut ada).await);
        callers.extend(programs(&mut carl, &team).await);
        let here = things(store, &mut carl, &team, &viewer).await;
        callers.extend(guests(&mut carl, &here.page).await);
        let elsewhere = make_space(&mut zoe, "Elsewhere").await;
        // Somebody who never asks, whose session and token are nobody's own.
        let mut silent = join(&mut ada, "silent", "member").await;
        let (session, token) = belongings(&mut silent).await;
        let theirs = id_of(&mut silent).await;
        let mut there = things(store, &mut zoe, &elsewhere, &theirs).await;
        let invited = ada.post("/api/invitations", json!({"office": "member"}));
        let invitation = invited.await.ok().json()["id"].as_str().unwrap().to_owned();
        there.invitation.clone_from(&invitation);
        there.session.clone_from(&session);
        there.token.clone_from(&token);
        let here = Objects {
            session,
            token,
            invitation,
            ..here
        };
        callers.push(person("the owner of the team", 0, Some(Role::Owner), carl));
        callers.push(person("the owner of the house", 2, None, ada));
        let is = Is::Person {
            office: 0,
            team: None,
            is_other: true,
            manages: true,
        };
        callers.push(caller("the owner of another space", is, zoe));
        let world = Self {
            team: here,
            other: there,
        };
        (world, callers)
    }
}

fn all(id: &str) -> Objects {
    let id = || id.to_owned();
    Objects {
        space: id(),
        page: id(),
        link: id(),
        user: id(),
        session: id(),
        token: id(),
        invitation: id(),
    }
}

/// A page of a space with a link to it.
async fn things(store: &dyn Store, owner: &mut Browser, space: &str, user: &str) -> Objects {
    let bits = u128::from_be_bytes(std::array::from_fn(|_| fastrand::u8(..)));
    let page = PageId::from_bits(bits).to_string();
    let maker = UserId::parse(&id_of(owner).await).unwrap();
    let directory = Directory::of(store).unwrap();
    let doc = DocName::parse(&page).unwrap();
    let at = SpaceId::parse(space).unwrap();
    directory.claim(&doc, at, maker, UnixMs(1)).await.unwrap();
    let body = json!({"lets": "view", "below": false});
    let path = format!("/api/pages/{page}/links");
    let link = owner.post(&path, body).await.ok().json();
    Objects {
        space: space.to_owned(),
        page,
        link: link["id"].as_str().unwrap().to_owned(),
        user: user.to_owned(),
        ..Objects::default()
    }
}

/// A session and a token of somebody.
async fn belongings(browser: &mut Browser) -> (String, String) {
    let body = json!({"name": "Robot", "reach": "read"});
    let token = browser.post("/api/me/tokens", body).await.ok().json();
    let session = browser.get("/api/me").await.ok().json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&session["session"]), text(&token["id"]))
}

/// Those who were somebody.
async fn dead(ada: &mut Browser) -> Vec<Caller> {
    let mut disabled = join(ada, "disabled", "admin").await;
    let body = json!({"name": "Robot", "reach": "manage"});
    let token = disabled.post("/api/me/tokens", body).await.ok().json();
    let token = token["token"].as_str().unwrap();
    let orphan = Browser::program(ada.address, token);
    let id = id_of(&mut disabled).await;
    let path = format!("/api/admin/people/{id}/disable");
    ada.post(&path, json!({"keepLinks": true})).await.ok();
    let mut over = join(ada, "over", "admin").await;
    let kept = over.clone();
    over.post("/api/sign-out", json!({})).await.ok();
    vec![
        caller("somebody disabled", Is::Nobody, disabled),
        caller("a program of somebody disabled", Is::Nobody, orphan),
        caller("a session that is over", Is::Nobody, kept),
    ]
}

/// Programs of whoever owns the team.
async fn programs(owner: &mut Browser, team: &str) -> Vec<Caller> {
    let private = super::super::me(owner).await["spaces"][0]["id"].clone();
    let mut programs = Vec::new();
    for (called, reach, space, is) in [
        (
            "a program that reads",
            "read",
            None,
            Is::Program(Some(Role::Viewer)),
        ),
        (
            "a program that writes",
            "write",
            None,
            Is::Program(Some(Role::Editor)),
        ),
        (
            "a program that manages",
            "manage",
            Some(json!(team)),
            Is::Program(Some(Role::Owner)),
        ),
        (
            "a program for another space",
            "manage",
            Some(private),
            Is::Program(None),
        ),
        (
            "a program whose token was taken back",
            "manage",
            None,
            Is::Nobody,
        ),
    ] {
        let body = json!({"name": called, "reach": reach, "space": space});
        let made = owner.post("/api/me/tokens", body).await.ok().json();
        if is == Is::Nobody {
            let path = format!("/api/me/tokens/{}", made["id"].as_str().unwrap());
            owner.ask("DELETE", &path, None).await.ok();
        }
        let program = Browser::program(owner.address, made["token"].as_str().unwrap());
        programs.push(caller(called, is, program));
    }
    programs
}

/// Guests of the team's page, and one whose link was taken back.
async fn guests(owner: &mut Browser, page: &str) -> Vec<Caller> {
    let mut guests = Vec::new();
    for (called, lets, is) in [
        ("a guest who views", "view", Is::Guest(Role::Viewer)),
        (
            "a guest who comments",
            "comment",
            Is::Guest(Role::Commenter),
        ),
        ("a guest who edits", "edit", Is::Guest(Role::Editor)),
        ("a guest whose link was taken back", "edit", Is::Nobody),
    ] {
        let path = format!("/api/pages/{page}/links");
        let body = json!({"lets": lets, "below": true});
        let link = owner.post(&path, body).await.ok().json();
        let mut guest = Browser::new(owner.address);
        let body = json!({"secret": secret_of(&link["path"]), "name": "Guest"});
        guest.post("/api/links/enter", body).await.ok();
        if is == Is::Nobody {
            let path = format!("/api/links/{}", link["id"].as_str().unwrap());
            owner.ask("DELETE", &path, None).await.ok();
        }
        guests.push(caller(called, is, guest));
    }
    guests
}
