//! Letters: who forgot a password, and who is invited, by way of a mail server that only listens.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use sheaf_server::config::{RawConfig, RawOutside};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::browser::Browser;
use super::{found, founded, me};
use crate::client::PATIENCE;
use crate::server::TestServer;

/// The letters that a mail server took, each as the lines it was told.
#[derive(Clone, Default)]
pub(super) struct Letters(Arc<Mutex<Vec<Vec<String>>>>);

impl Letters {
    /// Those to `address`, when there are so many of them.
    pub(super) async fn to(&self, address: &str, count: usize) -> Vec<Vec<String>> {
        let limit = Instant::now() + PATIENCE;
        let recipient = format!("RCPT TO:<{address}>");
        loop {
            let found: Vec<Vec<String>> = {
                let letters = self.0.lock().unwrap();
                let letters = letters.iter().filter(|lines| lines.contains(&recipient));
                letters.cloned().collect()
            };
            if found.len() >= count {
                return found;
            }
            assert!(Instant::now() < limit, "no letter to {address}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

async fn take(socket: TcpStream, letters: Letters) {
    let mut lines = BufReader::new(socket);
    let (mut told, mut is_text) = (Vec::new(), false);
    let mut said = "220 sink".to_owned();
    loop {
        if !said.is_empty()
            && lines
                .write_all(format!("{said}\r\n").as_bytes())
                .await
                .is_err()
        {
            return;
        }
        let mut line = String::new();
        if lines.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end().to_owned();
        said = match (is_text, line.as_str()) {
            (true, ".") => {
                is_text = false;
                letters.0.lock().unwrap().push(std::mem::take(&mut told));
                "250 taken"
            }
            (true, _) => "",
            (false, "DATA") => {
                is_text = true;
                "354 go on"
            }
            (false, _) => "250 fine",
        }
        .to_owned();
        told.push(line);
    }
}

/// A mail server: its port, and what it takes.
pub(super) async fn mail_server() -> (u16, Letters) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let letters = Letters::default();
    let kept = letters.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(take(socket, kept.clone()));
        }
    });
    (port, letters)
}

/// A server that sends letters, and Ada, who made its first account.
async fn with_letters() -> (TestServer, Letters, Browser) {
    let (port, letters) = mail_server().await;
    let raw = RawConfig {
        outside: RawOutside {
            public_url: Some("https://sheaf.example".to_owned()),
            smtp_url: Some(format!("smtp://127.0.0.1:{port}").as_str().into()),
            mail_from: Some("sheaf@example.org".to_owned()),
            ..RawOutside::default()
        },
        ..RawConfig::default()
    };
    let server = TestServer::start_with(raw).await;
    let mut ada = Browser::new(server.address);
    found(&mut ada).await.ok();
    (server, letters, ada)
}

/// The end of the address to open.
fn secret_in(letter: &[String], path: &str) -> String {
    let begins = format!("https://sheaf.example{path}");
    let found = letter.iter().find_map(|line| line.strip_prefix(&begins));
    found.unwrap_or_else(|| panic!("{letter:?}")).to_owned()
}

#[tokio::test]
async fn who_forgot_a_password_gets_a_letter_and_sets_another_by_it() {
    let (server, letters, _ada) = with_letters().await;
    let mut browser = Browser::new(server.address);
    let forgot = |email: &str| json!({ "email": email });
    let nobody = browser
        .post("/api/forgot", forgot("nobody@example.org"))
        .await;
    let known = browser
        .post("/api/forgot", forgot("ada@example.org"))
        .await
        .ok();
    assert_eq!(
        known.as_seen(),
        nobody.as_seen(),
        "it says nothing of who has an account"
    );
    let letter = letters.to("ada@example.org", 1).await.swap_remove(0);
    assert_eq!(letters.count(), 1, "nobody else is written to");
    let body = json!({"secret": secret_in(&letter, "/reset/"), "password": "another long one"});
    browser.post("/api/reset", body.clone()).await.ok();
    assert_eq!(me(&mut browser).await["email"], "ada@example.org");
    let again = Browser::new(server.address).post("/api/reset", body).await;
    assert_eq!((again.status, again.word().as_str()), (410, "used-up"));
}

#[tokio::test]
async fn a_mailbox_is_not_filled_by_asking_again_and_again() {
    let (server, _letters, _ada) = with_letters().await;
    let mut browser = Browser::new(server.address);
    let mut refused = None;
    for _ in 0..30 {
        let answer = browser
            .post("/api/forgot", json!({"email": "ada@example.org"}))
            .await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.word(), "too-many");
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn who_is_invited_at_an_address_is_written_to() {
    let (server, letters, mut ada) = with_letters().await;
    let body = json!({"office": "member", "email": "bob@example.org"});
    let made = ada.post("/api/invitations", body).await.ok().json();
    assert_eq!(made["mailed"], true);
    let letter = letters.to("bob@example.org", 1).await.swap_remove(0);
    let body = json!({
        "secret": secret_in(&letter, "/join/"),
        "name": "Bob",
        "email": "bob@example.org",
        "password": super::PASSWORD,
    });
    let mut bob = Browser::new(server.address);
    bob.post("/api/join", body).await.ok();
    assert_eq!(me(&mut bob).await["name"], "Bob");
}

#[tokio::test]
async fn without_a_mail_server_it_is_said_that_somebody_else_must_help() {
    let (server, mut ada) = founded().await;
    let mut browser = Browser::new(server.address);
    let answer = browser
        .post("/api/forgot", json!({"email": "ada@example.org"}))
        .await;
    assert_eq!(answer.ok().json()["mail"], false);
    let body = json!({"office": "member", "email": "bob@example.org"});
    let made = ada.post("/api/invitations", body).await.ok().json();
    assert_eq!(made["mailed"], false);
    assert!(made["path"].as_str().unwrap().starts_with("/join/"));
}
