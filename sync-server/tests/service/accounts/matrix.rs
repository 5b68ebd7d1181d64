//! Every route of the API, as everyone who can ask, about everything there is, isn't, or is somebody else's: nobody is let in
//! wrongly, and what one may not know of is answered like what is not there, byte for byte.

mod rules;
mod world;

use std::net::SocketAddr;

use serde_json::json;
use sheaf_server::adapters::http::api::{Route, all_routes};
use sheaf_server::ports::Store;

use super::browser::Answer;
use crate::engines::postgres::Postgres;
use crate::rights::house::House;
use crate::server::TestServer;
use rules::{Expected, expected};
use world::{Caller, Relation, World};

/// What is sent to each route that takes something: right in itself, and harmless where it is allowed.
fn body_of(route: &Route, world: &World) -> Option<serde_json::Value> {
    let name = format!("{} {}", route.method, route.path);
    Some(match name.as_str() {
        "PATCH /me" | "PATCH /links/{id}" => json!({}),
        "PUT /me/email" => json!({"email": "new@example.org", "password": "not the right one"}),
        "PUT /me/password" => json!({"old": "not the right one", "new": "another long one"}),
        "POST /me/tokens" => json!({"name": "Robot", "reach": "read"}),
        "POST /spaces/{id}/pages" => json!({"title": "Plans"}),
        "POST /spaces" | "PATCH /spaces/{id}" => json!({"name": "Team"}),
        "PUT /spaces/{id}/members/{user}" => json!({"role": "viewer"}),
        "POST /pages/{page}/links" => json!({"lets": "view", "below": false}),
        "POST /invitations" => json!({"office": "member"}),
        "POST /admin/people/{id}/disable" | "DELETE /admin/people/{id}" => {
            json!({"keepLinks": true})
        }
        "POST /admin/people/{id}/confirm" => json!({"email": "somebody@example.org"}),
        "POST /admin/people/{id}/office" => json!({"office": "member"}),
        "POST /admin/spaces/{id}/give" => json!({"to": world.objects(Relation::Team).user}),
        _ if [http::Method::POST, http::Method::PUT].contains(&route.method) => json!({}),
        _ => return None,
    })
}

async fn ask(route: &Route, caller: &mut Caller, world: &World, relation: Relation) -> Answer {
    let objects = world.objects(relation);
    let id = match route.path {
        path if path.contains("/sessions/") => &objects.session,
        path if path.contains("/tokens/") => &objects.token,
        path if path.contains("/links/") => &objects.link,
        path if path.contains("/invitations/") => &objects.invitation,
        path if path.contains("/people/") => &objects.user,
        _ => &objects.space,
    };
    let path = route
        .path
        .replace("{id}", id)
        .replace("{page}", &objects.page)
        .replace("{user}", &objects.user);
    let body = body_of(route, world);
    let path = format!("/api{path}");
    caller
        .browser
        .ask(route.method.as_str(), &path, body.as_ref())
        .await
}

/// Goes through all of it, and answers how many requests that were.
async fn go_through(address: SocketAddr, store: &dyn Store) -> usize {
    let (world, mut callers) = World::of(address, store).await;
    let mut wrong = Vec::new();
    let mut unknown: Option<Answer> = None;
    let mut asked = 0;
    for route in all_routes() {
        let name = format!("{} {}", route.method, route.path);
        let relations = if route.path.contains('{') {
            &Relation::ALL[..]
        } else {
            &Relation::ALL[..1]
        };
        for caller in &mut callers {
            for relation in relations {
                let Some(rule) = rules::rule_of(&name) else {
                    panic!("say in rules.rs who may {name}");
                };
                let expected = expected(rule, &caller.is, *relation);
                if expected == Expected::NotTried {
                    continue;
                }
                asked += 1;
                let answer = ask(route, caller, &world, *relation).await;
                let case = format!("{name} as {} about {relation:?}", caller.called);
                if !expected.is_met_by(&answer) {
                    let got = format!("{} {}", answer.status, answer.text());
                    wrong.push(format!("{case}: {expected:?} expected, was {got}"));
                }
                if answer.status == 404 {
                    let known = unknown.get_or_insert_with(|| answer.clone());
                    assert_eq!(known.as_seen(), answer.as_seen(), "{case}");
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_lets_anyone_do_what_they_may_not_or_know_what_they_may_not_know_of() {
    let server = TestServer::start().await;
    let asked = go_through(server.address, server.store().as_ref()).await;
    assert!(asked > 1_500, "only {asked} requests");
}

/// Its answers come from other statements of the database, and from a server in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_any_with_postgres() {
    let url = Postgres::shared().fresh_url().await;
    let house = House::on_postgres(&url, 1, &[]).await;
    let asked = go_through(house.address, house.store.as_ref()).await;
    assert!(asked > 1_500, "only {asked} requests");
}
