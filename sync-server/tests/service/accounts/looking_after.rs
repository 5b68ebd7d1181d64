//! What those do who look after people and the installation, and what is left of whom they let go.

use serde_json::{Value, json};

use super::browser::Browser;
use super::{PASSWORD, founded, id_of, join, make_space, me, secret_of};

fn items(answer: &Value) -> &Vec<Value> {
    answer["items"].as_array().unwrap()
}

/// Makes a page, and answers its id.
async fn make_page(owner: &mut Browser, space: &str) -> String {
    let body = json!({"title": "Plan", "markdown": "What Bob wrote\n"});
    let made = owner
        .post(&format!("/api/spaces/{space}/pages"), body)
        .await;
    made.ok().json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_deleted_person_is_out_and_their_pages_stay_and_an_owner_gives_their_spaces_to_somebody()
{
    let (server, mut ada) = founded().await;
    let mut bob = join(&mut ada, "bob", "member").await;
    let mut eve = join(&mut ada, "eve", "member").await;
    let (bobs_id, eves_id) = (id_of(&mut bob).await, id_of(&mut eve).await);
    let space = make_space(&mut bob, "Team").await;
    let page = make_page(&mut bob, &space).await;
    let token = json!({"name": "Robot", "reach": "read"});
    let token = bob.post("/api/me/tokens", token).await.ok().json();
    let mut robot = Browser::program(server.address, token["token"].as_str().unwrap());
    robot.get("/api/spaces").await.ok();
    let give = format!("/api/admin/spaces/{space}/give");
    let early = ada.post(&give, json!({"to": eves_id})).await;
    assert_eq!((early.status, early.word().as_str()), (409, "has-owner"));

    let account = format!("/api/admin/people/{bobs_id}");
    let delete = async |who: &mut Browser| {
        let body = json!({"keepLinks": false});
        who.ask("DELETE", &account, Some(&body)).await
    };
    assert_eq!(delete(&mut eve).await.status, 403);
    delete(&mut ada).await.ok();
    assert_eq!(delete(&mut ada).await.status, 404, "once");
    assert_eq!(bob.get("/api/spaces").await.status, 401);
    assert_eq!(robot.get("/api/spaces").await.status, 401);
    let sign_in = json!({"email": "bob@example.org", "password": PASSWORD});
    let refused = Browser::new(server.address)
        .post("/api/sign-in", sign_in)
        .await;
    assert_eq!(refused.word(), "wrong-password");
    let people = ada.get("/api/admin/people").await.ok().json();
    assert!(items(&people).iter().all(|it| it["id"] != bobs_id.as_str()));

    let spaces = ada.get("/api/admin/spaces").await.ok().json();
    let orphans = items(&spaces).iter().filter(|it| it["orphaned"] == true);
    assert_eq!(orphans.count(), 2, "the team's, and what was his alone");
    let content = format!("/api/pages/{page}/content");
    assert_eq!(
        ada.get(&content).await.status,
        404,
        "she opens nothing by that"
    );
    assert_eq!(eve.post(&give, json!({"to": eves_id})).await.status, 403);
    let nobody = ada.post(&give, json!({"to": bobs_id})).await;
    assert_eq!(nobody.status, 404, "not to who is gone");
    ada.post(&give, json!({"to": eves_id})).await.ok();
    assert_eq!(eve.get(&content).await.ok().text(), "What Bob wrote\n");
    let role = &eve.get(&format!("/api/spaces/{space}")).await.ok().json()["role"];
    assert_eq!(role, "owner");
    // His address is free.
    let again = join(&mut ada, "bob", "member").await.clone();
    assert_ne!(id_of(&mut again.clone()).await, bobs_id);
}

#[tokio::test]
async fn an_invitation_that_was_taken_back_makes_no_account_and_only_who_could_make_it_takes_it_back()
 {
    let (server, mut ada) = founded().await;
    let mut admin = join(&mut ada, "cem", "admin").await;
    let mut bob = join(&mut ada, "bob", "member").await;
    let body = json!({"office": "owner"});
    let made = ada.post("/api/invitations", body).await.ok().json();
    let path = format!("/api/invitations/{}", made["id"].as_str().unwrap());
    assert_eq!(bob.ask("DELETE", &path, None).await.status, 403);
    // An admin makes no owners, and unmakes none.
    assert_eq!(admin.ask("DELETE", &path, None).await.status, 404);
    let listed = ada.get("/api/invitations").await.ok().json();
    assert_eq!(items(&listed).len(), 1);
    ada.ask("DELETE", &path, None).await.ok();
    assert_eq!(ada.ask("DELETE", &path, None).await.status, 404, "once");
    let listed = ada.get("/api/invitations").await.ok().json();
    assert_eq!(items(&listed).len(), 0);
    let mut late = Browser::new(server.address);
    let secret = secret_of(&made["path"]);
    let looked = late.post("/api/invitations/look", json!({"secret": secret}));
    assert_eq!(looked.await.word(), "used-up");
    let body = json!({"secret": secret, "name": "Late", "email": "late@example.org", "password": PASSWORD});
    let refused = late.post("/api/join", body).await;
    assert_eq!((refused.status, refused.word().as_str()), (410, "used-up"));
    assert_eq!(me(&mut late).await["as"], "nobody");
}
