//! Spaces and who is in them, links and who came by them, tokens, and the record of all that.

use serde_json::{Value, json};
use sheaf_server::app::directory::Directory;
use sheaf_shared::ids::{DocName, PageId, SpaceId, UserId};
use sheaf_shared::time::UnixMs;

use super::browser::Browser;
use super::{founded, id_of, join, make_space, me, secret_of};
use crate::server::TestServer;

/// A page of a space.
async fn page_in(server: &TestServer, owner: &mut Browser, space: &str) -> String {
    let maker = UserId::parse(&id_of(owner).await).unwrap();
    let page = PageId::from_bits(7).to_string();
    let directory = Directory::of(&**server.store()).unwrap();
    let (doc, space) = (
        DocName::parse(&page).unwrap(),
        SpaceId::parse(space).unwrap(),
    );
    directory
        .claim(&doc, space, maker, UnixMs(1))
        .await
        .unwrap();
    page
}

fn items(answer: &Value) -> &Vec<Value> {
    answer["items"].as_array().unwrap()
}

#[tokio::test]
async fn a_space_has_the_members_its_owner_says_and_is_never_nobodys() {
    let (_server, mut ada) = founded().await;
    let mut bob = join(&mut ada, "bob", "member").await;
    let (ada_id, bob_id) = (id_of(&mut ada).await, id_of(&mut bob).await);
    let space = make_space(&mut ada, "Team").await;
    let path = format!("/api/spaces/{space}");
    let of = |user: &str| format!("{path}/members/{user}");
    assert_eq!(bob.get(&path).await.status, 404);
    let names = ada.get("/api/people/names").await.ok().json();
    assert_eq!(items(&names).len(), 2);
    let body = json!({"role": "editor"});
    ada.ask("PUT", &of(&bob_id), Some(&body)).await.ok();
    assert_eq!(bob.get(&path).await.ok().json()["role"], "editor");
    let refused = bob
        .ask("PATCH", &path, Some(&json!({"name": "Mine"})))
        .await;
    assert_eq!(refused.status, 403);
    for (method, path, body) in [
        ("DELETE", of(&ada_id), None),
        ("POST", format!("{path}/leave"), Some(json!({}))),
        ("PUT", of(&ada_id), Some(json!({"role": "viewer"}))),
    ] {
        let last = ada.ask(method, &path, body.as_ref()).await;
        assert_eq!(
            (last.status, last.word().as_str()),
            (409, "last-owner"),
            "{method}"
        );
    }
    let private = me(&mut ada).await["spaces"][0]["id"].clone();
    let private = format!("/api/spaces/{}/members/{bob_id}", private.as_str().unwrap());
    let refused = ada.ask("PUT", &private, Some(&body)).await;
    assert_eq!(
        (refused.status, refused.word().as_str()),
        (409, "private-space")
    );
    bob.post(&format!("{path}/leave"), json!({})).await.ok();
    assert_eq!(bob.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_deleted_space_is_nowhere_until_an_owner_of_the_house_brings_it_back() {
    let (_server, mut ada) = founded().await;
    let mut bob = join(&mut ada, "bob", "member").await;
    let space = make_space(&mut bob, "Team").await;
    let path = format!("/api/spaces/{space}");
    bob.ask("DELETE", &path, None).await.ok();
    assert_eq!(bob.get(&path).await.status, 404);
    let listed = ada.get("/api/admin/spaces").await.ok().json();
    let found = items(&listed)
        .iter()
        .find(|found| found["id"] == space.as_str());
    assert!(found.unwrap()["deleted"].is_u64());
    let restore = format!("/api/admin/spaces/{space}/restore");
    ada.post(&restore, json!({})).await.ok();
    assert_eq!(bob.get(&path).await.ok().json()["name"], "Team");
    assert_eq!(ada.get(&path).await.status, 404, "she is no member");
}

#[tokio::test]
async fn a_guest_comes_by_a_link_and_its_password_and_is_out_when_it_is_taken_back() {
    let (server, mut ada) = founded().await;
    let space = make_space(&mut ada, "Team").await;
    let page = page_in(&server, &mut ada, &space).await;
    let path = format!("/api/pages/{page}/links");
    let body = json!({"lets": "comment", "below": true, "password": "sesame"});
    let link = ada.post(&path, body).await.ok().json();
    let secret = secret_of(&link["path"]);
    let mut guest = Browser::new(server.address);
    let look = json!({"secret": secret});
    let looked = guest
        .post("/api/links/look", look.clone())
        .await
        .ok()
        .json();
    assert_eq!(
        (&looked["needsPassword"], &looked["page"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(looked["spaceName"], Value::Null);
    let enter =
        |password: Option<&str>| json!({"secret": secret, "name": "Gus", "password": password});
    for password in [None, Some("Sesame"), Some("")] {
        let refused = guest.post("/api/links/enter", enter(password)).await;
        assert_eq!(
            (refused.status, refused.word().as_str()),
            (401, "wrong-password")
        );
    }
    let entered = guest.post("/api/links/enter", enter(Some("sesame"))).await;
    let entered = entered.ok().json();
    assert_eq!(
        (&entered["as"], &entered["name"]),
        (&json!("guest"), &json!("Gus"))
    );
    assert_eq!(entered["guest"]["role"], "commenter");
    assert_eq!(entered["guest"]["page"], page.as_str());
    let pages = guest.get("/api/guest/pages").await.ok().json();
    assert_eq!(items(&pages)[0]["id"], page.as_str());

    // A person who opens a link stays signed in, beside being a guest.
    let mut bob = join(&mut ada, "bob", "member").await;
    let both = bob.post("/api/links/enter", enter(Some("sesame"))).await;
    let both = both.ok().json();
    assert_eq!(
        (&both["as"], &both["guest"]["page"]),
        (&json!("person"), &json!(page))
    );
    assert_eq!(me(&mut bob).await["guest"]["page"], page.as_str());

    let listed = ada.get(&path).await.ok().json();
    assert_eq!(items(&listed)[0].get("path"), None, "told once");
    let path = format!("/api/links/{}", link["id"].as_str().unwrap());
    let body = json!({"password": null, "ends": null, "lets": "view"});
    let changed = ada.ask("PATCH", &path, Some(&body)).await.ok().json();
    assert_eq!(
        (&changed["hasPassword"], &changed["lets"]),
        (&json!(false), &json!("view"))
    );
    assert_eq!(me(&mut guest).await["guest"]["role"], "viewer");
    ada.ask("DELETE", &path, None).await.ok();
    assert_eq!(me(&mut guest).await["as"], "nobody");
    assert_eq!(guest.get("/api/guest/pages").await.status, 401);
    let gone = guest.post("/api/links/look", look).await;
    assert_eq!((gone.status, gone.word().as_str()), (410, "used-up"));
    assert_eq!(me(&mut bob).await["guest"], Value::Null);
}

#[tokio::test]
async fn a_token_goes_as_far_as_it_says_and_no_further_than_whoever_made_it() {
    let (server, mut ada) = founded().await;
    let space = make_space(&mut ada, "Team").await;
    let reach_all = json!({"name": "R", "reach": "read"});
    let reach_one = json!({"name": "M", "reach": "manage", "space": space});
    let mut programs = Vec::new();
    for body in [reach_all, reach_one] {
        let made = ada.post("/api/me/tokens", body).await.ok().json();
        let token = made["token"].as_str().unwrap();
        assert!(token.starts_with("sheaf_"));
        programs.push(Browser::program(server.address, token));
    }
    let [reads, manages] = &mut programs[..] else {
        panic!("two were made");
    };
    let path = format!("/api/spaces/{space}");
    assert_eq!(reads.get(&path).await.ok().json()["role"], "viewer");
    let rename = json!({"name": "Robots"});
    assert_eq!(reads.ask("PATCH", &path, Some(&rename)).await.status, 403);
    manages.ask("PATCH", &path, Some(&rename)).await.ok();
    assert_eq!(manages.ask("DELETE", &path, None).await.status, 403);
    assert_eq!(items(&reads.get("/api/spaces").await.json()).len(), 3);
    assert_eq!(items(&manages.get("/api/spaces").await.json()).len(), 1);
    let past = json!({"name": "P", "reach": "read", "ends": 1_000});
    assert_eq!(ada.post("/api/me/tokens", past).await.status, 400);
}

#[tokio::test]
async fn the_record_says_who_did_what_and_can_be_taken_away_whole() {
    let (_server, mut ada) = founded().await;
    for number in 0..230 {
        let body = json!({"name": format!("Robot {number}"), "reach": "read"});
        ada.post("/api/me/tokens", body).await.ok();
    }
    let first = ada.get("/api/admin/audit?limit=2").await.ok().json();
    assert_eq!(items(&first)[0]["deed"], "token.made");
    assert_eq!(items(&first)[0]["byName"], "Ada");
    assert_eq!(items(&first)[0]["address"], "127.0.0.1");
    let next = first["next"].as_str().unwrap();
    let before = format!("/api/admin/audit?limit=2&before={next}");
    let second = ada.get(&before).await.ok().json();
    assert_eq!(items(&second)[0]["detail"], "Robot 227");
    let whole = ada.get("/api/admin/audit.json").await.ok();
    let lines = whole.json();
    let lines = lines.as_array().unwrap();
    assert!(lines.len() > 230, "{}", lines.len());
    assert_eq!(lines.last().unwrap()["deed"], "house.founded");
    assert!(!whole.text().contains("sheaf_"), "no token is in it");
}

#[tokio::test]
async fn the_house_says_how_much_there_is() {
    let (_server, mut ada) = founded().await;
    let house = ada.get("/api/admin/house").await.ok().json();
    assert_eq!((&house["people"], &house["spaces"]), (&json!(1), &json!(2)));
    assert!(house["storageBytes"].as_u64().unwrap() > 4_096);
    assert_eq!(house["servers"], 1);
}
