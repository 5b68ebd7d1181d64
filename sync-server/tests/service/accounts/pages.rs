//! Pages over HTTP, for programs.

use serde_json::{Value, json};

use super::browser::{Answer, Browser};
use super::{founded, join, me};

async fn space_of(browser: &mut Browser) -> String {
    let me = me(browser).await;
    let spaces = me["spaces"].as_array().unwrap();
    let shared = spaces.iter().find(|space| space["private"] == false);
    shared.unwrap()["id"].as_str().unwrap().to_owned()
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

async fn put(browser: &mut Browser, path: &str, text: &str, condition: Option<&str>) -> Answer {
    let origin = format!("http://{}", browser.address);
    let mut said = headers(&[
        ("Origin", &origin),
        ("Content-Type", "text/markdown"),
        ("x-sheaf", "1"),
    ]);
    said.extend(condition.map(|tag| ("If-Match".to_owned(), tag.to_owned())));
    browser.send("PUT", path, &said, text.as_bytes()).await
}

async fn made(browser: &mut Browser, space: &str, body: Value) -> String {
    let made = browser
        .post(&format!("/api/spaces/{space}/pages"), body)
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_program_makes_a_page_reads_it_and_writes_it_by_its_tag() {
    let (_server, mut ada) = founded().await;
    let space = space_of(&mut ada).await;
    let body = json!({"title": "Plan", "markdown": "One\n\n**Two**\n"});
    let page = made(&mut ada, &space, body).await;
    let facts = ada.get(&format!("/api/pages/{page}")).await.ok().json();
    assert_eq!(
        (
            facts["title"].as_str(),
            facts["space"].as_str(),
            facts["role"].as_str()
        ),
        (Some("Plan"), Some(space.as_str()), Some("owner"))
    );
    let content = format!("/api/pages/{page}/content");
    let read = ada.get(&content).await.ok();
    assert_eq!(read.text(), "One\n\n**Two**\n");
    let tag = read.header("etag").unwrap().to_owned();
    for (form, kind) in [
        ("html", "text/html; charset=utf-8"),
        ("json", "application/json"),
    ] {
        let read = ada.get(&format!("{content}?as={form}")).await.ok();
        assert_eq!(read.header("content-type"), Some(kind));
        assert_eq!(read.header("etag"), Some(tag.as_str()));
    }

    let bare = put(&mut ada, &content, "Three\n", None).await;
    assert_eq!(
        (bare.status, bare.word().as_str()),
        (428, "condition-missing")
    );
    let written = put(&mut ada, &content, "One\n\nThree\n", Some(&tag))
        .await
        .ok();
    assert_eq!(written.json()["changed"], true);
    let now = written.header("etag").unwrap().to_owned();
    let late = put(&mut ada, &content, "Late\n", Some(&tag)).await;
    assert_eq!((late.status, late.word().as_str()), (412, "changed"));
    assert_eq!(late.header("etag"), Some(now.as_str()));
    assert_eq!(ada.get(&content).await.text(), "One\n\nThree\n");
    let known = headers(&[("If-None-Match", &now)]);
    let unchanged = ada.send("GET", &content, &known, b"").await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let any = put(&mut ada, &content, "One\n\nThree\n", Some("*"))
        .await
        .ok();
    assert_eq!(any.json()["changed"], false);
}

#[tokio::test]
async fn whoever_may_not_know_of_a_page_is_answered_as_if_there_were_none() {
    let (_server, mut ada) = founded().await;
    let space = space_of(&mut ada).await;
    let page = made(
        &mut ada,
        &space,
        json!({"title": "Plan", "markdown": "One\n"}),
    )
    .await;
    let mut bob = join(&mut ada, "bob", "member").await;
    let nowhere = "AAAAAAAAAAAAAAAAAAAAAA";
    for path in ["", "/content"] {
        let hidden = bob.get(&format!("/api/pages/{page}{path}")).await;
        let absent = bob.get(&format!("/api/pages/{nowhere}{path}")).await;
        assert_eq!(hidden.as_seen(), absent.as_seen());
        assert_eq!(hidden.status, 404);
    }
    let written = put(
        &mut bob,
        &format!("/api/pages/{page}/content"),
        "x",
        Some("*"),
    )
    .await;
    assert_eq!(written.status, 404);
    for path in ["pages", "export.zip"] {
        let hidden = bob.get(&format!("/api/spaces/{space}/{path}")).await;
        let absent = bob.get(&format!("/api/spaces/{nowhere}/{path}")).await;
        assert_eq!(hidden.as_seen(), absent.as_seen());
        assert_eq!(hidden.status, 404);
    }
    let page_there = json!({"title": "Mine"});
    let refused = bob
        .post(&format!("/api/spaces/{space}/pages"), page_there)
        .await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn who_may_only_read_reads_lists_and_exports_and_changes_nothing() {
    let (_server, mut ada) = founded().await;
    let space = space_of(&mut ada).await;
    let page = made(
        &mut ada,
        &space,
        json!({"title": "Plan", "markdown": "One\n"}),
    )
    .await;
    let mut bob = join(&mut ada, "bob", "member").await;
    let id = super::id_of(&mut bob).await;
    let member = format!("/api/spaces/{space}/members/{id}");
    ada.ask("PUT", &member, Some(&json!({"role": "viewer"})))
        .await
        .ok();
    let listed = bob
        .get(&format!("/api/spaces/{space}/pages"))
        .await
        .ok()
        .json();
    assert_eq!(listed["items"][0]["title"], "Plan");
    assert_eq!(
        bob.get(&format!("/api/pages/{page}/content"))
            .await
            .ok()
            .text(),
        "One\n"
    );
    let zip = bob
        .get(&format!("/api/spaces/{space}/export.zip"))
        .await
        .ok();
    assert_eq!(zip.header("content-type"), Some("application/zip"));
    assert!(zip.body.starts_with(b"PK"));
    let written = put(
        &mut bob,
        &format!("/api/pages/{page}/content"),
        "x",
        Some("*"),
    )
    .await;
    assert_eq!(
        (written.status, written.word().as_str()),
        (403, "forbidden")
    );
    let refused = bob
        .post(&format!("/api/spaces/{space}/pages"), json!({}))
        .await;
    assert_eq!(
        (refused.status, refused.word().as_str()),
        (403, "forbidden")
    );
}

#[tokio::test]
async fn a_file_becomes_a_page_below_another_and_what_makes_no_sense_is_refused() {
    let (_server, mut ada) = founded().await;
    let space = space_of(&mut ada).await;
    let parent = made(&mut ada, &space, json!({"title": "Plan"})).await;
    let origin = format!("http://{}", ada.address);
    let said = |kind: &str| {
        headers(&[
            ("Origin", &origin),
            ("Content-Type", kind),
            ("x-sheaf", "1"),
        ])
    };
    let import = format!("/api/spaces/{space}/import");
    let path = format!("{import}?name=My%20notes.html&parent={parent}");
    let text = b"<p>Some <b>text</b></p>";
    let imported = ada.send("POST", &path, &said("text/html"), text).await;
    assert_eq!(imported.status, 201, "{}", imported.text());
    assert_eq!(imported.json()["title"], "My notes");
    assert_eq!(imported.json()["parent"], parent.as_str());
    let id = imported.json()["id"].as_str().unwrap().to_owned();
    let read = ada.get(&format!("/api/pages/{id}/content")).await.ok();
    assert_eq!(read.text(), "Some **text**\n");

    let odd = ada.send("POST", &import, &said("image/png"), b"x").await;
    assert_eq!((odd.status, odd.word().as_str()), (415, "unsupported-type"));
    let binary = ada
        .send("POST", &import, &said("text/markdown"), b"\xff\xfe")
        .await;
    assert_eq!((binary.status, binary.word().as_str()), (400, "invalid"));
    let nowhere = json!({"title": "Lost", "parent": "AAAAAAAAAAAAAAAAAAAAAA"});
    let lost = ada
        .post(&format!("/api/spaces/{space}/pages"), nowhere)
        .await;
    assert_eq!((lost.status, lost.word().as_str()), (400, "invalid"));
    // A form of another site can send neither the header nor our origin.
    let foreign = headers(&[
        ("Origin", "http://evil.example"),
        ("Content-Type", "text/markdown"),
        ("x-sheaf", "1"),
    ]);
    let crossed = ada.send("POST", &import, &foreign, b"x").await;
    assert_eq!(
        (crossed.status, crossed.word().as_str()),
        (403, "cross-site")
    );
    let listed = ada
        .get(&format!("/api/spaces/{space}/pages"))
        .await
        .ok()
        .json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_program_with_a_token_writes_where_that_reaches() {
    let (server, mut ada) = founded().await;
    let space = space_of(&mut ada).await;
    let page = made(
        &mut ada,
        &space,
        json!({"title": "Plan", "markdown": "One\n"}),
    )
    .await;
    let content = format!("/api/pages/{page}/content");
    for (reach, status) in [("write", 200), ("read", 403)] {
        let token = ada
            .post("/api/me/tokens", json!({"name": "script", "reach": reach}))
            .await;
        let token = token.ok().json()["token"].as_str().unwrap().to_owned();
        let mut script = Browser::new(server.address);
        let bearer = format!("Bearer {token}");
        let said = headers(&[
            ("Authorization", &bearer),
            ("Content-Type", "text/markdown"),
            ("If-Match", "*"),
        ]);
        let written = script.send("PUT", &content, &said, b"Two\n").await;
        assert_eq!(written.status, status, "{reach}: {}", written.text());
    }
    assert_eq!(ada.get(&content).await.ok().text(), "Two\n");
}

#[tokio::test]
async fn the_description_of_the_api_is_served_to_whoever_asks() {
    let (server, _ada) = founded().await;
    let mut stranger = Browser::new(server.address);
    let described = stranger.get("/api/openapi.json").await.ok().json();
    assert_eq!(described["openapi"], "3.1.0");
    assert!(described["paths"]["/pages/{page}/content"]["put"].is_object());
}
