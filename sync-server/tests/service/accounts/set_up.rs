//! Who makes the first account where others reach the server.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sheaf_server::app::directory::Directory;
use sheaf_server::app::directory::set_up::SetUpCode;
use sheaf_server::config::RawConfig;

use super::browser::{Answer, Browser};
use super::{PASSWORD, found, me};
use crate::program::{Program, binary};
use crate::server::TestServer;

/// One that others reach by a proxy on this machine.
fn behind_a_proxy() -> RawConfig {
    RawConfig {
        trusted_proxies: vec!["127.0.0.1".into()],
        hosts: vec!["pages.example".into()],
        ..RawConfig::default()
    }
}

/// Somebody who comes by that proxy.
fn over_the_network(server: &TestServer) -> Browser {
    let mut browser = Browser::told(server.address, "https", "pages.example");
    for (name, value) in [
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "203.0.113.7"),
    ] {
        browser.always.push((name.to_owned(), value.to_owned()));
    }
    browser
}

async fn found_by(browser: &mut Browser, code: Option<&str>) -> Answer {
    let mut body = json!({"name": "Ada", "email": "ada@example.org", "password": PASSWORD});
    if let Some(code) = code {
        body["code"] = Value::from(code);
    }
    browser.post("/api/first-run", body).await
}

async fn asks_for_code(browser: &mut Browser) -> bool {
    let asks = browser.get("/api/first-run").await.ok().json();
    asks["code"].as_bool().unwrap()
}

#[tokio::test]
async fn over_the_network_the_first_account_is_made_by_whoever_has_read_the_code_in_the_log() {
    let server = TestServer::start_with(behind_a_proxy()).await;
    let directory = Directory::of(&**server.store()).unwrap();
    let code = directory.set_up_code(SetUpCode::from_random([7; 10])).await;
    let code = code.unwrap().unwrap();
    let mut ada = over_the_network(&server);
    assert!(asks_for_code(&mut ada).await);
    let almost = format!("{}0", code.reveal());
    for wrong in [None, Some(""), Some("0000-0000-0000-0000"), Some(&almost)] {
        let refused = found_by(&mut ada, wrong).await;
        let told = (refused.status, refused.word());
        assert_eq!(told, (403, "forbidden".to_owned()), "{wrong:?}");
        assert!(!refused.text().contains(code.reveal()));
    }
    assert_eq!(me(&mut ada).await["founded"], false);
    let shouted = code.reveal().to_uppercase();
    found_by(&mut ada, Some(&shouted)).await.ok();
    assert_eq!(me(&mut ada).await["office"], "owner");
    let late = over_the_network(&server).get("/api/first-run").await;
    assert_eq!((late.status, late.word().as_str()), (409, "founded"));
}

#[tokio::test]
async fn who_sits_at_the_machine_needs_no_code_and_neither_does_anyone_where_that_is_said() {
    let server = TestServer::start_with(behind_a_proxy()).await;
    let mut at_the_machine = Browser::new(server.address);
    assert!(!asks_for_code(&mut at_the_machine).await);
    found(&mut at_the_machine).await.ok();

    let server = TestServer::start_with(RawConfig {
        first_account: Some("anyone".into()),
        ..behind_a_proxy()
    })
    .await;
    let mut first = over_the_network(&server);
    assert!(!asks_for_code(&mut first).await);
    found_by(&mut first, None).await.ok();
}

/// What a server that others reach writes to its log until it is ready.
fn log_of_a_start(folder: &Path, log: &Path) -> String {
    let mut command = Command::new(binary());
    command.stderr(std::fs::File::create(log).unwrap());
    let arguments = [
        "--log-level=info",
        "--trusted-proxy=127.0.0.1",
        "--public-url=https://pages.example",
    ];
    let here = "127.0.0.1".parse().unwrap();
    drop(Program::start_by(command, here, folder, &arguments, &[]));
    std::fs::read_to_string(log).unwrap()
}

#[test]
fn the_log_leads_to_the_first_account_and_says_the_same_at_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    let told: Vec<String> = (0..2)
        .map(|_| {
            let log = log_of_a_start(&data, &log);
            let (_, rest) = log
                .split_once("https://pages.example/welcome#")
                .unwrap_or_else(|| panic!("{log}"));
            rest[..19].to_owned()
        })
        .collect();
    assert_eq!(told[0], told[1]);
    let mut add = Command::new(binary());
    add.args(["user", "add", "ada@example.org", "Ada", "--data-dir"]);
    assert!(add.arg(&data).output().unwrap().status.success());
    let log = log_of_a_start(&data, &log);
    assert!(!log.contains("welcome"), "{log}");
}
