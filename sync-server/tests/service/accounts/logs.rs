//! What a server writes down of what people do, at its most talkative.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::browser::Browser;
use super::letters::mail_server;
use super::{id_of, make_space, secret_of};
use crate::engines::postgres::Postgres;
use crate::program::{Program, binary};
use crate::rights::ways::{Shows, socket};

/// Everything that must be in no line, with what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(
            secret.len() >= 8,
            "{what} would be found everywhere: {secret}"
        );
        self.0.push((what, secret.clone()));
        secret
    }

    /// What a browser holds by now.
    fn add_cookies(&mut self, browser: &Browser) {
        for value in browser.cookies.values() {
            self.add("a cookie", value.clone());
        }
    }

    fn are_not_in(&self, what: &str, text: &str) {
        for (kind, secret) in &self.0 {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{kind} in {what}");
        }
    }
}

fn told(answer: &Value, key: &str) -> String {
    answer[key].as_str().unwrap().to_owned()
}

/// The first account, a wrong password, other passwords and addresses.
async fn come_in(browser: &mut Browser, secrets: &mut Secrets) {
    let password = secrets.add("a password", "the first of many words");
    let email = secrets.add("an address", "ada.lovelace@example.org");
    let body = json!({"name": "Ada", "email": email, "password": password, "code": "none"});
    browser.post("/api/first-run", body.clone()).await.ok();
    secrets.add_cookies(browser);
    // As it is, once more, and broken off in the middle.
    browser.post("/api/first-run", body).await;
    let origin = format!("http://{}", browser.address);
    let headers = [
        ("Origin", origin.as_str()),
        ("Content-Type", "application/json"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let broken = format!("{{\"email\":\"{email}\",\"password\":\"{password}");
    browser
        .send("POST", "/api/sign-in", &headers, broken.as_bytes())
        .await;
    let wrong = secrets.add("a wrong password", "not the right words");
    let nobody = secrets.add("an address of nobody", "nobody.at.all@example.org");
    let mut other = Browser::new(browser.address);
    for email in [&email, &nobody] {
        let body = json!({"email": email, "password": wrong});
        assert_eq!(other.post("/api/sign-in", body).await.status, 401);
        other
            .post("/api/forgot", json!({ "email": email }))
            .await
            .ok();
    }
    let new = secrets.add("a new password", "quite another set of words");
    let body = json!({"old": password, "new": new});
    browser
        .ask("PUT", "/api/me/password", Some(&body))
        .await
        .ok();
    let moved = secrets.add("a new address", "countess@example.org");
    let body = json!({"email": moved, "password": new});
    browser.ask("PUT", "/api/me/email", Some(&body)).await.ok();
    let body = json!({"email": moved, "password": new});
    other.post("/api/sign-in", body).await.ok();
    secrets.add_cookies(&other);
    secrets.add_cookies(browser);
    other.post("/api/sign-out", json!({})).await.ok();
}

/// An invitation, a way to another password, and what comes of each.
async fn invite(ada: &mut Browser, secrets: &mut Secrets) {
    let email = secrets.add("an invited address", "bob.the.builder@example.org");
    let body = json!({"office": "member", "email": email});
    let made = ada.post("/api/invitations", body).await.ok().json();
    let secret = secrets.add("an invitation", secret_of(&made["path"]));
    let mut bob = Browser::new(ada.address);
    bob.get(&format!("/join/{secret}")).await;
    bob.post("/api/invitations/look", json!({ "secret": secret }))
        .await
        .ok();
    let password = secrets.add("his password", "bricks and mortar here");
    let body = json!({"secret": secret, "name": "Bob", "email": email, "password": password});
    bob.post("/api/join", body).await.ok();
    secrets.add_cookies(&bob);
    let id = id_of(&mut bob).await;
    let path = format!("/api/admin/people/{id}/reset");
    let reset = ada.post(&path, json!({}));
    let reset = secrets.add(
        "a way to another password",
        secret_of(&reset.await.ok().json()["path"]),
    );
    bob.get(&format!("/reset/{reset}")).await;
    let password = secrets.add("his next password", "more bricks than before");
    let body = json!({"secret": reset, "password": password});
    bob.post("/api/reset", body).await.ok();
    secrets.add_cookies(&bob);
}

/// A link with a password and a guest, a token and a program, on every way there is.
async fn share(ada: &mut Browser, secrets: &mut Secrets) {
    let space = make_space(ada, "Team").await;
    let body = json!({"title": "Plan", "markdown": "One\n"});
    let page = ada.post(&format!("/api/spaces/{space}/pages"), body).await;
    let page = told(&page.ok().json(), "id");
    let password = secrets.add("a link's password", "open sesame please");
    let body = json!({"lets": "edit", "below": false, "password": password});
    let link = ada.post(&format!("/api/pages/{page}/links"), body).await;
    let secret = secrets.add("a link", secret_of(&link.ok().json()["path"]));
    let mut guest = Browser::new(ada.address);
    guest.get(&format!("/s/{secret}")).await;
    let wrong = secrets.add("a wrong password of a link", "open barley please");
    for password in [&wrong, &password] {
        let body = json!({"secret": secret, "name": "Gus", "password": password});
        guest.post("/api/links/enter", body).await;
    }
    secrets.add_cookies(&guest);
    let body = json!({"name": "Robot", "reach": "write", "space": space});
    let made = ada.post("/api/me/tokens", body).await.ok().json();
    let token = secrets.add("a token", told(&made, "token"));
    let mut robot = Browser::program(ada.address, &token);
    robot.get("/api/spaces").await.ok();
    let made_up = secrets.add("a made-up token", "sheaf_of_somebody_who_guesses");
    Browser::program(ada.address, &made_up)
        .get("/api/spaces")
        .await;
    let cookie = |browser: &Browser| {
        let pairs = browser.cookies.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Shows::Cookie(pairs.join("; "))
    };
    for shows in [
        Shows::Token(token),
        Shows::Token(made_up),
        cookie(ada),
        cookie(&guest),
    ] {
        for path in [format!("/sync/{page}"), "/collab".to_owned()] {
            let mut socket = socket(ada.address, &path, &shows).await;
            let _ = socket.close(None).await;
        }
    }
}

/// Nonsense with secrets in it, where secrets do not belong.
async fn misuse(ada: &mut Browser, secrets: &mut Secrets) {
    let lost = secrets.add("a secret in an address", "sheaf_lost_in_an_address");
    for path in [
        "/api/me?token=",
        "/sync/page?token=",
        "/collab?token=",
        "/p/?auth=",
        "/nowhere/",
    ] {
        ada.get(&format!("{path}{lost}")).await;
    }
    let headers = [
        ("Authorization".to_owned(), format!("Basic {lost}")),
        (
            "Sec-WebSocket-Protocol".to_owned(),
            format!("sheaf.token.{lost}"),
        ),
        ("Origin".to_owned(), "https://elsewhere.example".to_owned()),
    ];
    ada.send("POST", "/api/sign-out", &headers, b"{}").await;
    ada.send("GET", "/sync/page", &headers, b"").await;
    let mut raw = tokio::net::TcpStream::connect(ada.address).await.unwrap();
    let broken = format!("GET /s/{lost} HTTP/1.1\r\nCookie sheaf={lost}\r\n\r\n");
    raw.write_all(broken.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = raw.read_to_end(&mut answer).await;
}

async fn nothing_secret_is_told(data: &Path, more: &[&str]) {
    let log = data.join("log");
    let mut command = Command::new(binary());
    command.stderr(File::create(&log).unwrap());
    let (port, letters) = mail_server().await;
    let mut secrets = Secrets::default();
    let client = secrets.add("what it shows the provider", "a secret of the client");
    let client = format!("--oidc-client-secret={client}");
    let smtp = format!("--smtp-url=smtp://127.0.0.1:{port}");
    let mut arguments = vec![
        "--log-level=trace",
        "--public-url=https://pages.example",
        "--mail-from=sheaf@example.org",
        "--first-account=anyone",
        // Nobody listens there.
        "--oidc-issuer=http://127.0.0.1:1",
        "--oidc-client-id=sheaf",
        &client,
        &smtp,
    ];
    arguments.extend(more);
    let here = "127.0.0.1".parse().unwrap();
    let program = Program::start_by(command, here, &data.join("data"), &arguments, &[]);
    let mut ada = Browser::new(program.address);
    come_in(&mut ada, &mut secrets).await;
    invite(&mut ada, &mut secrets).await;
    share(&mut ada, &mut secrets).await;
    misuse(&mut ada, &mut secrets).await;
    let away = ada.get("/api/oidc/start?to=/").await;
    assert_eq!(away.header("location"), Some("/sign-in?failed=provider"));
    letters.to("bob.the.builder@example.org", 1).await;
    let metrics = ada.get("/metrics").await.ok().text();
    drop(program);
    let log = std::fs::read_to_string(&log).unwrap();
    // What happens is written down.
    assert!(
        log.contains("could not sign in by an account elsewhere"),
        "{log}"
    );
    secrets.are_not_in("the log", &log);
    secrets.are_not_in("the metrics", &metrics);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_and_no_metric_holds_a_password_a_cookie_a_token_a_link_or_an_address_with_sqlite()
{
    let folder = tempfile::tempdir().unwrap();
    nothing_secret_is_told(folder.path(), &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_and_no_metric_holds_a_password_a_cookie_a_token_a_link_or_an_address_with_postgres()
 {
    let folder = tempfile::tempdir().unwrap();
    let url = Postgres::shared().fresh_url().await;
    let url = format!("--database-url={url}");
    nothing_secret_is_told(folder.path(), &[&url, "--log-format=json"]).await;
}
