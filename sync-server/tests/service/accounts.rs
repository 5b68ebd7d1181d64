//! Accounts over HTTP: the first one, signing in and out, spaces and who is in them, links, invitations, tokens.

mod attacks;
pub(crate) mod browser;
mod command_line;
mod described;
mod elsewhere;
mod letters;
mod logs;
mod looking_after;
mod matrix;
mod pages;
mod set_up;
mod sharing;
mod signing_in;
mod two_servers;

use serde_json::{Value, json};
use sheaf_server::config::RawConfig;

use crate::server::TestServer;
use browser::{Answer, Browser};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server at which Ada has made the first account, and her browser.
pub(crate) async fn founded() -> (TestServer, Browser) {
    founded_with(RawConfig::default()).await
}

pub(crate) async fn founded_with(raw: RawConfig) -> (TestServer, Browser) {
    let server = TestServer::start_with(raw).await;
    let mut ada = Browser::new(server.address);
    found(&mut ada).await.ok();
    (server, ada)
}

pub(crate) async fn found(browser: &mut Browser) -> Answer {
    let body = json!({"name": "Ada", "email": "ada@example.org", "password": PASSWORD});
    browser.post("/api/first-run", body).await
}

/// The last part of a path that was told once.
pub(crate) fn secret_of(path: &Value) -> String {
    let path = path.as_str().unwrap();
    path.rsplit_once('/').unwrap().1.to_owned()
}

/// Has somebody join by an invitation of `inviter`, and answers their browser.
pub(crate) async fn join(inviter: &mut Browser, name: &str, office: &str) -> Browser {
    let invited = inviter.post("/api/invitations", json!({"office": office}));
    let secret = secret_of(&invited.await.ok().json()["path"]);
    let mut browser = Browser::new(inviter.address);
    let email = format!("{name}@example.org");
    let body = json!({"secret": secret, "name": name, "email": email, "password": PASSWORD});
    browser.post("/api/join", body).await.ok();
    browser
}

/// Makes a space of `owner`.
pub(crate) async fn make_space(owner: &mut Browser, name: &str) -> String {
    let made = owner.post("/api/spaces", json!({"name": name})).await.ok();
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Who somebody is.
pub(crate) async fn me(browser: &mut Browser) -> Value {
    browser.get("/api/me").await.ok().json()
}

pub(crate) async fn id_of(browser: &mut Browser) -> String {
    me(browser).await["id"].as_str().unwrap().to_owned()
}
