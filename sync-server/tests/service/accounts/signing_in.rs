//! The first account, signing in and out, passwords, sessions.

use serde_json::json;
use sheaf_server::config::RawConfig;

use super::browser::Browser;
use super::{PASSWORD, found, founded, founded_with, id_of, join, me, secret_of};
use crate::server::TestServer;

#[tokio::test]
async fn who_sits_at_the_machine_owns_all_until_the_first_account_and_nobody_after() {
    let server = TestServer::start().await;
    let mut stranger = Browser::new(server.address);
    let before = me(&mut stranger).await;
    assert_eq!(
        (before["as"].as_str(), before["founded"].as_bool()),
        (Some("local"), Some(false))
    );
    assert_eq!(before["spaces"][0]["role"], "owner");
    let mut ada = Browser::new(server.address);
    let made = found(&mut ada).await.ok();
    assert_eq!(made.json()["as"], "person");
    assert_eq!(made.json()["office"], "owner");
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let spaces = made.json()["spaces"].as_array().unwrap().len();
    assert_eq!(spaces, 2, "her private one, and what was there before");
    assert_eq!(me(&mut stranger).await["as"], "nobody");
    assert_eq!(stranger.get("/api/spaces").await.word(), "signed-out");
    let again = found(&mut Browser::new(server.address)).await;
    assert_eq!((again.status, again.word().as_str()), (409, "founded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_make_the_first_account_at_once_one_does() {
    let server = TestServer::start().await;
    let tries = (0..6).map(|number| {
        let mut browser = Browser::new(server.address);
        tokio::spawn(async move {
            let email = format!("person{number}@example.org");
            let body = json!({"name": "Somebody", "email": email, "password": PASSWORD});
            browser.post("/api/first-run", body).await.status
        })
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            200 => made += 1,
            status => assert_eq!(status, 409),
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_session_begins_with_the_password_and_is_over_at_once_when_it_is_ended() {
    let (server, mut ada) = founded().await;
    let mut other = Browser::new(server.address);
    for (email, password) in [
        ("ada@example.org", "correct horse batterie"),
        ("nobody@example.org", PASSWORD),
    ] {
        let body = json!({"email": email, "password": password});
        let refused = other.post("/api/sign-in", body).await;
        assert_eq!(
            (refused.status, refused.word().as_str()),
            (401, "wrong-password")
        );
        assert!(other.cookies.is_empty());
    }
    let body = json!({"email": " ADA@example.org ", "password": PASSWORD});
    let signed_in = other.post("/api/sign-in", body).await.ok();
    assert_eq!(signed_in.json()["name"], "Ada");
    let cookie = signed_in.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );

    let sessions = ada.get("/api/me/sessions").await.ok().json();
    let items = sessions["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let others = items.iter().find(|session| session["current"] == false);
    let id = others.unwrap()["id"].as_str().unwrap();
    let path = format!("/api/me/sessions/{id}");
    ada.ask("DELETE", &path, None).await.ok();
    assert_eq!(other.get("/api/spaces").await.word(), "signed-out");

    ada.post("/api/sign-out", json!({})).await.ok();
    assert_eq!(me(&mut ada).await["as"], "nobody");
    let left: Vec<&String> = ada.cookies.keys().collect();
    assert_eq!(left, ["sheaf-known"], "its mark alone stays");
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_needs_the_old_one() {
    let (server, mut ada) = founded().await;
    let mut other = Browser::new(server.address);
    let body = json!({"email": "ada@example.org", "password": PASSWORD});
    other.post("/api/sign-in", body).await.ok();
    let change = |old: &str, new: &str| json!({"old": old, "new": new});
    for (old, new, word) in [
        ("wrong", "another long one", "wrong-password"),
        (PASSWORD, "short", "weak-password"),
        (PASSWORD, "ada@example.org", "weak-password"),
    ] {
        let body = change(old, new);
        let refused = ada.ask("PUT", "/api/me/password", Some(&body)).await;
        assert_eq!(refused.word(), word);
    }
    let body = change(PASSWORD, "another long one");
    ada.ask("PUT", "/api/me/password", Some(&body)).await.ok();
    assert_eq!(me(&mut ada).await["as"], "person");
    assert_eq!(me(&mut other).await["as"], "nobody");
    let body = json!({"email": "ada@example.org", "password": PASSWORD});
    assert_eq!(other.post("/api/sign-in", body).await.status, 401);
}

#[tokio::test]
async fn whoever_guesses_is_held_back_and_a_browser_that_was_let_in_before_is_not() {
    let (server, mut ada) = founded().await;
    ada.post("/api/sign-out", json!({})).await.ok();
    let mut guesser = Browser::new(server.address);
    let guess = |number| json!({"email": "ada@example.org", "password": format!("guess {number}")});
    for number in 0..10 {
        assert_eq!(
            guesser.post("/api/sign-in", guess(number)).await.status,
            401
        );
    }
    let right = json!({"email": "ada@example.org", "password": PASSWORD});
    let held = guesser.post("/api/sign-in", right.clone()).await;
    assert_eq!((held.status, held.word().as_str()), (429, "too-many"));
    let wait: u64 = held.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    ada.post("/api/sign-in", right).await.ok();
    assert_eq!(server.metrics.sign_ins_held_back.get(), 1);
    assert_eq!(server.metrics.sign_ins_failed.get(), 10);
}

#[tokio::test]
async fn an_invitation_and_a_reset_are_used_once_and_say_what_they_are_for() {
    let (server, mut ada) = founded().await;
    let body = json!({"office": "member", "email": "bob@example.org"});
    let made = ada.post("/api/invitations", body).await.ok().json();
    let secret = secret_of(&made["path"]);
    let mut bob = Browser::new(server.address);
    let look = bob.post("/api/invitations/look", json!({"secret": secret}));
    let looked = look.await.ok().json();
    assert_eq!(
        (
            looked["kind"].as_str(),
            looked["by"].as_str(),
            looked["email"].as_str()
        ),
        (Some("join"), Some("Ada"), Some("bob@example.org"))
    );
    let body = |name: &str| json!({"secret": secret, "name": name, "email": "else@example.org", "password": PASSWORD});
    let joined = bob.post("/api/join", body("Bob")).await.ok();
    assert_eq!(
        joined.json()["email"],
        "bob@example.org",
        "what the invitation says"
    );
    let again = Browser::new(server.address)
        .post("/api/join", body("Eve"))
        .await;
    assert_eq!((again.status, again.word().as_str()), (410, "used-up"));

    let id = id_of(&mut bob).await;
    let path = format!("/api/admin/people/{id}/reset");
    let reset = ada.post(&path, json!({})).await.ok().json();
    let secret = secret_of(&reset["path"]);
    let mut elsewhere = Browser::new(server.address);
    let body = json!({"secret": secret, "password": "a wholly new one"});
    elsewhere.post("/api/reset", body.clone()).await.ok();
    assert_eq!(me(&mut elsewhere).await["name"], "Bob");
    assert_eq!(
        me(&mut bob).await["as"],
        "nobody",
        "his other sessions are over"
    );
    assert_eq!(elsewhere.post("/api/reset", body).await.status, 410);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_join_by_one_invitation_at_once_one_does() {
    let (server, mut ada) = founded().await;
    let made = ada
        .post("/api/invitations", json!({"office": "member"}))
        .await;
    let secret = secret_of(&made.ok().json()["path"]);
    let tries = (0..6).map(|number| {
        let mut browser = Browser::new(server.address);
        let secret = secret.clone();
        tokio::spawn(async move {
            let email = format!("person{number}@example.org");
            let body =
                json!({"secret": secret, "name": "New", "email": email, "password": PASSWORD});
            browser.post("/api/join", body).await.status
        })
    });
    let mut statuses = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410, 410, 410, 410, 410]);
}

#[tokio::test]
async fn beyond_this_machine_secrets_are_taken_over_https_alone_as_a_trusted_proxy_says() {
    let raw = RawConfig {
        trusted_proxies: vec!["127.0.0.1".into()],
        hosts: vec!["pages.example".into()],
        first_account: Some("anyone".into()),
        ..RawConfig::default()
    };
    let server = TestServer::start_with(raw).await;
    let mut plain = Browser::told(server.address, "http", "pages.example");
    let refused = found(&mut plain).await;
    assert_eq!(
        (refused.status, refused.word().as_str()),
        (400, "needs-https")
    );
    let mut ada = Browser::told(server.address, "https", "pages.example");
    for (name, value) in [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "203.0.113.7"),
    ] {
        ada.always.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(
        me(&mut ada).await["as"],
        "nobody",
        "through a proxy nobody is local"
    );
    let made = found(&mut ada).await.ok();
    let cookie = made.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-sheaf") && cookie.contains("; Secure;"),
        "{cookie}"
    );
    assert!(made.header("strict-transport-security").is_some());
    let sessions = ada.get("/api/me/sessions").await.ok().json();
    assert_eq!(sessions["items"][0]["address"], "203.0.113.7");
}

#[tokio::test]
async fn on_a_public_pad_no_visitor_makes_the_first_account() {
    let raw = RawConfig {
        open: true,
        ..RawConfig::default()
    };
    let server = TestServer::start_with(raw).await;
    let refused = found(&mut Browser::new(server.address)).await;
    assert_eq!(
        (refused.status, refused.word().as_str()),
        (403, "forbidden")
    );
}

#[tokio::test]
async fn who_is_disabled_is_out_at_once_and_their_password_is_no_better_than_a_wrong_one() {
    let (server, mut ada) = founded_with(RawConfig::default()).await;
    let mut bob = join(&mut ada, "bob", "member").await;
    let id = id_of(&mut bob).await;
    let path = format!("/api/admin/people/{id}/disable");
    ada.post(&path, json!({"keepLinks": true})).await.ok();
    assert_eq!(bob.get("/api/spaces").await.status, 401);
    let body = json!({"email": "bob@example.org", "password": PASSWORD});
    let mut elsewhere = Browser::new(server.address);
    let refused = elsewhere.post("/api/sign-in", body.clone()).await;
    let mut stranger = Browser::new(server.address);
    let body_of_nobody = json!({"email": "nobody@example.org", "password": PASSWORD});
    let unknown = stranger.post("/api/sign-in", body_of_nobody).await;
    assert_eq!(refused.as_seen(), unknown.as_seen());
    let path = format!("/api/admin/people/{id}/enable");
    ada.post(&path, json!({})).await.ok();
    elsewhere.post("/api/sign-in", body).await.ok();
}
