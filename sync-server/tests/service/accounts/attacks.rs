//! What nobody honest sends.

use serde_json::json;

use super::browser::{Browser, exchange};
use super::{PASSWORD, founded, id_of, join, make_space, me, secret_of};
use crate::server::TestServer;

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing_done_with_a_visitors_cookies() {
    let (server, mut ada) = founded().await;
    let space = make_space(&mut ada, "Team").await;
    let path = format!("/api/spaces/{space}");
    let body = br#"{"name":"Taken over"}"#;
    let json = ("Content-Type", "application/json");
    let own = format!("http://{}", server.address);
    for sent in [
        &[json, ("Origin", "https://evil.example")][..],
        &[json, ("Origin", "null")],
        &[json, ("Origin", "")],
        &[json, ("Sec-Fetch-Site", "cross-site")],
        &[json, ("Sec-Fetch-Site", "same-site")],
        &[json, ("Sec-Fetch-Site", "none")],
        &[json],
    ] {
        let answer = ada.send("PATCH", &path, &headers(sent), body).await;
        assert_eq!(
            (answer.status, answer.word().as_str()),
            (403, "cross-site"),
            "{sent:?}"
        );
    }
    // What a form can send, from wherever it may come.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let sent = headers(&[("Origin", &own), ("Content-Type", kind)]);
        let answer = ada.send("POST", "/api/me/tokens", &sent, body).await;
        assert_eq!(answer.status, 415, "{kind}");
    }
    assert_eq!(ada.get(&path).await.ok().json()["name"], "Team");
    let sent = headers(&[json, ("Sec-Fetch-Site", "same-origin")]);
    ada.send("PATCH", &path, &sent, body).await.ok();
    let options = headers(&[
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "PATCH"),
    ]);
    let preflight = ada.send("OPTIONS", &path, &options, b"").await;
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn bodies_that_are_too_long_broken_or_say_more_than_is_known_change_nothing() {
    let (server, mut ada) = founded().await;
    let origin = format!("http://{}", server.address);
    let kind = ("Content-Type", "application/json; charset=utf-8");
    let sent = headers(&[("Origin", &origin), kind]);
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(20_000));
    let too_long = format!(r#"{{"name":"{}"}}"#, "é".repeat(81));
    for (body, status) in [
        (&long[..], 413),
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("null", 400),
        (r#"{"name":"a","name":"b"}"#, 400),
        (r#"{"name":"a","office":"owner"}"#, 400),
        (r#"{"name":null}"#, 400),
        (r#"{"name":{"$ne":1}}"#, 400),
        (&too_long, 400),
        (r#"{"name":"a\u0000b"}"#, 400),
        (r#"{"name":"a"}{}"#, 400),
        (r#"{"name":"\u202eevil"}"#, 400),
        (r#"{"name":"\u200b"}"#, 400),
        (r#"{"name":"\ud800"}"#, 400),
    ] {
        let answer = ada
            .send("POST", "/api/spaces", &sent, body.as_bytes())
            .await;
        assert_eq!(answer.status, status, "{body:.60}");
        assert!(!answer.word().is_empty(), "{body:.60}");
    }
    let bytes = b"{\"name\":\"\xff\"}";
    let invalid = ada.send("POST", "/api/spaces", &sent, bytes).await;
    assert_eq!(invalid.status, 400);
    let spaces = me(&mut ada).await["spaces"].as_array().unwrap().len();
    assert_eq!(spaces, 2, "none was made");
    let body = json!({"name": "  two \r\n lines\t"});
    let made = ada.post("/api/spaces", body).await.ok().json();
    assert_eq!(made["name"], "two lines");
}

#[tokio::test]
async fn odd_addresses_are_not_there_and_a_known_one_says_what_it_does_not_do() {
    let (_server, mut ada) = founded().await;
    for path in [
        "/api/nothing",
        "/api/../api/nothing",
        "/api/spaces/%2e%2e/members",
        "/api/spaces/%ff",
        "/api/spaces/%00",
        "/api/spaces/AAAAAAAAAAAAAAAAAAAAAA%0d%0aSet-Cookie:x=y",
        "/api//me",
        "/api/me/",
        "/API/me",
        "/api/admin/people/x",
    ] {
        let answer = ada.get(path).await;
        assert!(
            [400, 404, 405].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
    let answer = ada.ask("DELETE", "/api/me", None).await;
    assert_eq!(
        (answer.status, answer.word().as_str()),
        (405, "method-not-allowed")
    );
    for query in ["after=x", "after=", "after=%00"] {
        let answer = ada.get(&format!("/api/admin/people?{query}")).await;
        assert_eq!(
            (answer.status, answer.word().as_str()),
            (400, "invalid"),
            "{query}"
        );
    }
    for query in ["before=-1", "before=99999999999999999999", "limit=x"] {
        let answer = ada.get(&format!("/api/admin/audit?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
    }
}

#[tokio::test]
async fn two_cookies_of_one_name_are_nobodys() {
    let (server, mut ada) = founded().await;
    let mut eve = join(&mut ada, "eve", "member").await;
    let (hers, evil) = (&ada.cookies["sheaf"], &eve.cookies["sheaf"]);
    for cookies in [
        format!("sheaf={hers}; sheaf={evil}"),
        format!("sheaf={evil}; sheaf={hers}"),
        format!("sheaf={hers}\r\nCookie: sheaf={evil}"),
    ] {
        let request = format!(
            "GET /api/spaces HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: {cookies}\r\n\r\n",
            server.address
        );
        let answer = exchange(server.address, request.as_bytes()).await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(me(&mut eve).await["name"], "eve");
}

#[tokio::test]
async fn nobody_lifts_themselves_by_somebody_else() {
    let (_server, mut ada) = founded().await;
    let mut admin = join(&mut ada, "admin", "admin").await;
    let mut member = join(&mut ada, "member", "member").await;
    let ada_id = id_of(&mut ada).await;
    let invite = |office: &str| json!({"office": office});
    let refused = admin.post("/api/invitations", invite("owner")).await;
    assert_eq!(refused.status, 403);
    let refused = member.post("/api/invitations", invite("member")).await;
    assert_eq!(refused.status, 403);
    for (deed, body) in [
        ("reset", json!({})),
        ("disable", json!({"keepLinks": true})),
        ("office", json!({"office": "member"})),
    ] {
        let path = format!("/api/admin/people/{ada_id}/{deed}");
        assert_eq!(admin.post(&path, body).await.status, 403, "{deed}");
    }
    let path = format!("/api/admin/people/{ada_id}/office");
    let last = ada.post(&path, json!({"office": "member"})).await;
    assert_eq!((last.status, last.word().as_str()), (409, "last-owner"));
}

#[tokio::test]
async fn a_secret_of_one_kind_opens_no_door_of_another() {
    let (server, mut ada) = founded().await;
    let made = ada
        .post("/api/invitations", json!({"office": "owner"}))
        .await;
    let join_secret = secret_of(&made.ok().json()["path"]);
    let path = format!("/api/admin/people/{}/reset", id_of(&mut ada).await);
    let reset = ada.post(&path, json!({})).await.ok().json();
    let reset_secret = secret_of(&reset["path"]);
    let session = ada.cookies["sheaf"].clone();
    let mut eve = Browser::new(server.address);
    let reset = json!({"secret": join_secret, "password": PASSWORD});
    assert_eq!(eve.post("/api/reset", reset).await.status, 410);
    for secret in [&reset_secret, &session, "", "x", &join_secret[1..]] {
        let body = json!({"secret": secret, "name": "Eve", "email": "eve@example.org", "password": PASSWORD});
        let answer = eve.post("/api/join", body).await;
        assert_eq!((answer.status, answer.word().as_str()), (410, "used-up"));
    }
    for value in [join_secret.as_str(), "\"\"", "x"] {
        let mut odd = Browser::new(server.address);
        odd.cookies.insert("sheaf".to_owned(), value.to_owned());
        assert_eq!(me(&mut odd).await["as"], "nobody");
    }
    let mut program = Browser::program(server.address, &session);
    assert_eq!(program.get("/api/spaces").await.status, 401);
}

#[tokio::test]
async fn what_is_said_of_a_wrong_body_holds_nothing_that_was_secret_in_it() {
    let server = TestServer::start().await;
    let mut browser = Browser::new(server.address);
    for (password, also, word) in [
        (json!("hunter22222"), json!(1), "invalid"),
        (json!(["hunter22222"]), json!(null), "invalid"),
        (json!("hunter2"), json!(null), "weak-password"),
    ] {
        let mut body = json!({"name": "Ada", "email": "ada@example.org", "password": password});
        if !also.is_null() {
            body["also"] = also;
        }
        let answer = browser.post("/api/first-run", body).await;
        assert_eq!(answer.word(), word);
        assert!(!answer.text().contains("hunter"), "{}", answer.text());
    }
}
