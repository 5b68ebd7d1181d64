//! Accounts on two servers of one database that hear each other by Redis.

use std::time::{Duration, Instant};

use serde_json::json;
use sheaf_shared::flow;
use sheaf_shared::sync::close::CloseReason;

use super::browser::{Answer, Browser};
use super::{found, me, secret_of};
use crate::client::{Client, PATIENCE, Speaks};
use crate::engines::redis::Redis;
use crate::rights::ways::{Shows, enter};
use crate::together::{Started, two_together};

/// Ada, who has made the first account, at the first server; and the first space.
async fn founded() -> (Redis, [Started; 2], Browser, String) {
    let (redis, servers) = two_together().await;
    let mut ada = Browser::new(servers[0].0.address);
    found(&mut ada).await.ok();
    let me = me(&mut ada).await;
    let mut spaces = me["spaces"].as_array().unwrap().iter();
    let shared = spaces.find(|space| space["private"] == false).unwrap();
    let space = shared["id"].as_str().unwrap().to_owned();
    (redis, servers, ada, space)
}

async fn make_page(ada: &mut Browser, space: &str) -> String {
    let body = json!({"title": "Plan", "markdown": "one\n\ntwo\n"});
    let made = ada.post(&format!("/api/spaces/{space}/pages"), body).await;
    made.ok().json()["id"].as_str().unwrap().to_owned()
}

/// The same person at another server.
fn at(server: &Started, browser: &Browser) -> Browser {
    let mut there = Browser::new(server.0.address);
    there.cookies.clone_from(&browser.cookies);
    there
}

fn cookies(browser: &Browser) -> Shows {
    let pairs = browser.cookies.iter();
    let pairs: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Shows::Cookie(pairs.join("; "))
}

/// Comes in at `server` by a link made at another, and stays.
async fn guest_at(server: &Started, page: &str, secret: &str) -> Client {
    let mut browser = Browser::new(server.0.address);
    let body = json!({"secret": secret, "name": "Gus"});
    browser.post("/api/links/enter", body).await.ok();
    let shows = cookies(&browser);
    let mut guest = enter(server.0.address, page, Speaks::Hocuspocus, &shows).await;
    guest.until("it is in", |guest| guest.stored > 0).await;
    guest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_taken_back_at_one_server_puts_its_guest_out_of_the_other_by_a_word_on_the_bus()
 {
    const ROUNDS: u32 = 8;
    let (_redis, servers, mut ada, space) = founded().await;
    let page = make_page(&mut ada, &space).await;
    let mut took = Duration::ZERO;
    for _ in 0..ROUNDS {
        let body = json!({"lets": "edit", "below": false});
        let path = format!("/api/pages/{page}/links");
        let link = ada.post(&path, body).await.ok().json();
        let mut guest = guest_at(&servers[1], &page, &secret_of(&link["path"])).await;
        let path = format!("/api/links/{}", link["id"].as_str().unwrap());
        let began = Instant::now();
        ada.ask("DELETE", &path, None).await.ok();
        let closed = guest.until_closed().await.expect("a reason");
        took += began.elapsed();
        let reason = CloseReason::of_text(&closed.reason);
        assert_eq!(reason, Some(CloseReason::Unauthorized));
    }
    // A server that asks by itself does so every four seconds: half of that on average, if the word were lost.
    assert!(took < Duration::from_millis(1_500) * ROUNDS, "{took:?}");
}

async fn put(browser: &mut Browser, page: &str, text: &str, tag: &str) -> Answer {
    let origin = format!("http://{}", browser.address);
    let headers = [
        ("Origin", origin.as_str()),
        ("Content-Type", "text/markdown"),
        ("x-sheaf", "1"),
        ("If-Match", tag),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let path = format!("/api/pages/{page}/content");
    browser.send("PUT", &path, &headers, text.as_bytes()).await
}

async fn read(browser: &mut Browser, page: &str) -> (String, String) {
    let read = browser
        .get(&format!("/api/pages/{page}/content"))
        .await
        .ok();
    (read.text(), read.header("etag").unwrap().to_owned())
}

/// Changes one line of a page as a program does: reads it, puts it back changed, and begins anew if it was late.
async fn change_line(browser: &mut Browser, page: &str, from: &str, to: &str) {
    let limit = Instant::now() + PATIENCE;
    loop {
        let (text, tag) = read(browser, page).await;
        let wanted = text.replace(from, to);
        assert_ne!(wanted, text, "{from} is gone");
        let answer = put(browser, page, &wanted, &tag).await;
        match (answer.status, answer.word().as_str()) {
            (200, _) => return,
            (412, "changed") => assert!(Instant::now() < limit, "it is late for ever"),
            _ => panic!("{} {}", answer.status, answer.text()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_at_two_servers_each_change_a_line_and_both_are_kept_and_seen_by_who_has_it_open()
 {
    let (_redis, servers, mut here, space) = founded().await;
    let page = make_page(&mut here, &space).await;
    let mut there = at(&servers[1], &here);
    // Somebody has it open at each.
    let mut open = Vec::new();
    for server in &servers {
        let shows = cookies(&here);
        let mut client = enter(server.0.address, &page, Speaks::Hocuspocus, &shows).await;
        client.until("it is in", |it| it.stored > 0).await;
        open.push(client);
    }
    let (text, first_tag) = read(&mut there, &page).await;
    assert_eq!(text, "one\n\ntwo\n");
    for round in 0..4 {
        let [one, two] = ["one", "two"].map(|line| match round {
            0 => line.to_owned(),
            _ => format!("{line}{}", round - 1),
        });
        let (new_one, new_two) = (format!("one{round}"), format!("two{round}"));
        tokio::join!(
            change_line(&mut here, &page, &one, &new_one),
            change_line(&mut there, &page, &two, &new_two)
        );
        let expected = format!("{new_one}\n\n{new_two}\n");
        let seen = (read(&mut here, &page).await, read(&mut there, &page).await);
        assert_eq!(seen.0, seen.1);
        assert_eq!(seen.0.0, expected);
    }
    for client in &mut open {
        let is_seen = |it: &Client| {
            let blocks = flow::to_delta(&it.replica);
            let text = format!("{blocks:?}");
            text.contains("one3") && text.contains("two3")
        };
        client.until("both lines", is_seen).await;
    }
    let stale = put(&mut there, &page, "late\n", &first_tag).await;
    assert_eq!((stale.status, stale.word().as_str()), (412, "changed"));
}
