//! Frames over plain HTTP, for those whose network lets no WebSocket through: as true as sockets, and as well bounded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sheaf_server::adapters::sqlite::{CommitFault, Options};
use sheaf_server::config::RawConfig;
use sheaf_server::ports::StorageFault;
use sheaf_shared::ids::{ClientId, DocName};
use sheaf_shared::limits::{EXCHANGE_BYTES_MAX, EXCHANGE_FRAMES_MAX};
use sheaf_shared::presence::{OwnPresence, Payload};
use sheaf_shared::wire::y_websocket;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use crate::client::{Client, PATIENCE, Speaks, insert};
use crate::engines::postgres::Postgres;
use crate::program::Program;
use crate::server::TestServer;
use crate::visitor::{For, Visitor, post, read};

/// Clock and state last heard of somebody.
fn last_heard(presence: &[Vec<u8>], who: ClientId) -> Option<(u32, bool)> {
    heard(presence, who).last().copied()
}

/// Clocks and states heard of somebody, in order.
fn heard(presence: &[Vec<u8>], who: ClientId) -> Vec<(u32, bool)> {
    let payloads = presence
        .iter()
        .map(|payload| Payload::parse(payload).unwrap());
    let entries = payloads.flat_map(|payload| payload.entries().collect::<Vec<_>>());
    let theirs = entries.filter(|entry| entry.client == who);
    theirs
        .map(|entry| (entry.clock, entry.state.is_some()))
        .collect()
}

async fn until_metric(what: &str, is_so: impl Fn() -> bool) {
    let limit = tokio::time::Instant::now() + PATIENCE;
    while !is_so() {
        assert!(
            tokio::time::Instant::now() < limit,
            "waited in vain: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_by_exchanges_and_who_comes_by_a_socket_write_one_text() {
    let server = TestServer::start().await;
    let mut ada = Visitor::new("page");
    ada.come(server.address).await;
    assert_eq!(ada.stored, 1, "the answer to the server's question");
    let mut ben = Client::join(server.address, "page", Speaks::Hocuspocus).await;
    ada.type_at(server.address, 0, "hers ").await;
    assert_eq!(ada.stored, 2);
    ben.until_text("hers ").await;
    let waiting = post(server.address, "", &ada.body(For::Waiting, &[])).await;
    ben.type_at(5, "his").await;
    ada.take(&read(waiting).await);
    ada.until(&[server.address], "his words", |ada| {
        ada.text() == "hers his"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_says_how_far_she_has_come_is_told_what_is_new_and_no_more() {
    let server = TestServer::start().await;
    let mut ada = Visitor::new("page");
    ada.come(server.address).await;
    let mut ben = Client::join(server.address, "page", Speaks::YWebsocket).await;
    for word in ["one ", "two ", "three "] {
        ben.type_at(0, word).await;
    }
    ada.until(&[server.address], "all three", |ada| ada.text().len() == 14)
        .await;
    assert_eq!(ada.compared, 1, "only the first time by state vectors");
    // What she says herself ends no exchange in which she waits.
    let waiting = post(server.address, "", &ada.body(For::Waiting, &[])).await;
    until_metric("it waits", || server.metrics.exchanges.open.get() == 1).await;
    ada.type_at(server.address, 0, "own ").await;
    ben.until_text("own three two one ").await;
    assert_eq!(server.metrics.exchanges.open.get(), 1, "it still waits");
    ben.type_at(0, "four ").await;
    ada.take(&read(waiting).await);
    assert_eq!(ada.text(), "four own three two one ");
    // A place that nobody remembers any more is no reason to miss anything.
    let server = server.restart().await;
    let mut late = Visitor::new("page");
    late.place = Some(sheaf_shared::ids::Seq(0));
    late.exchange(server.address, For::Hearing, &[]).await;
    assert_eq!(late.text(), "four own three two one ");
    assert_eq!(late.compared, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_is_acknowledged_when_the_edit_is_on_the_disk_and_not_before() {
    let failing = CommitFault::default();
    let options = Options {
        commit_fault: Arc::clone(&failing),
        ..Options::default()
    };
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let server = TestServer::open(folder, RawConfig::default(), options).await;
    let mut ada = Visitor::new("page");
    ada.come(server.address).await;
    *failing.lock().unwrap() = Some(StorageFault::Busy);
    let update = insert(&mut ada.replica, 0, "kept");
    let body = ada.body(For::Saying, &[ada.update(&update)]);
    let mut saying = tokio::spawn(async move { read(post(server.address, "", &body).await).await });
    let early = tokio::time::timeout(Duration::from_millis(700), &mut saying).await;
    assert!(early.is_err(), "answered without a disk");
    *failing.lock().unwrap() = None;
    ada.take(&saying.await.unwrap());
    assert_eq!(ada.stored, 2);
    let doc = DocName::parse("page").unwrap();
    let on_disk = server.store().load(&doc).await.unwrap().unwrap();
    assert!(on_disk.log.iter().any(|entry| *entry.update == *update));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_two_exchanges_nobody_seems_to_leave_and_who_is_cut_off_is_soon_gone() {
    let server = TestServer::start().await;
    let mut ada = Visitor::new("page");
    let who = ClientId::from(ada.who());
    let mut own = OwnPresence::new(who);
    let mut ben = Client::join(server.address, "page", Speaks::Hocuspocus).await;
    ada.come(server.address).await;
    let here = ada.announce(&mut own, Some("{\"a\":1}"));
    ada.exchange(server.address, For::Saying, std::slice::from_ref(&here))
        .await;
    ben.until("her presence", |ben| {
        last_heard(&ben.presence, who).is_some()
    })
    .await;
    for word in ["x", "y", "z"] {
        ada.type_at(server.address, 0, word).await;
        ada.exchange(server.address, For::Hearing, std::slice::from_ref(&here))
            .await;
    }
    ben.until_text("zyx").await;
    assert_eq!(last_heard(&ben.presence, who), Some((1, true)));
    assert_eq!(ben.presence.len(), 1, "she was told of once");
    let said = server.metrics.frames_in.get();
    let waiting = post(server.address, "", &ada.body(For::Waiting, &[here])).await;
    until_metric("it waits, and has said its three frames", || {
        server.metrics.frames_in.get() >= said + 3
    })
    .await;
    drop(waiting);
    ben.until("her departure", |ben| {
        last_heard(&ben.presence, who) == Some((1, false))
    })
    .await;
    until_metric("nothing is left", || {
        server.metrics.exchanges.open.get() == 0
    })
    .await;
}

/// A server of a cluster without a bus, and the folder it would use if it used one.
fn start(url: &str) -> (Program, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--database-url", url, "--drain-seconds", "0"];
    let program = Program::start(folder.path(), &arguments);
    (program, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanges_that_go_to_another_server_each_time_lose_nothing_and_go_on_when_one_is_killed() {
    let url = Postgres::shared().fresh_url().await;
    let (mut first, _folder) = start(&url);
    let (second, _other) = start(&url);
    let both = [first.address, second.address];
    let mut ada = Visitor::new("page");
    let mut ben = Visitor::new("page");
    ada.come(both[0]).await;
    ben.come(both[1]).await;
    for round in 0..6 {
        ada.type_at(both[round % 2], 0, "a").await;
        ben.type_at(both[(round + 1) % 2], 0, "b").await;
    }
    assert_eq!((ada.stored, ben.stored), (7, 7), "each edit at once");
    for one in [&mut ada, &mut ben] {
        one.until(&both, "all of both", |one| one.text().len() == 12)
            .await;
    }
    assert_eq!(ada.text(), ben.text());
    first.kill();
    ada.type_at(both[1], 0, "c").await;
    assert_eq!(ada.stored, 8);
    ben.until(&both[1..], "what came after", |ben| ben.text().len() == 13)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_by_exchanges_to_another_server_each_time_sees_everyone_and_is_seen_without_a_break()
 {
    let (_redis, servers) = crate::together::two_together().await;
    let addresses = [servers[0].0.address, servers[1].0.address];
    let mut ada = Visitor::new("page");
    let who = ClientId::from(ada.who());
    let mut own = OwnPresence::new(who);
    let mut others = Vec::new();
    for (address, state) in addresses.into_iter().zip(["{\"at\":0}", "{\"at\":1}"]) {
        let mut one = Client::join(address, "page", Speaks::YWebsocket).await;
        let mut presence = OwnPresence::new(one.replica.id().into());
        let payload = presence.set(Some(state.to_owned()));
        one.send(y_websocket::Message::Awareness(&payload).to_vec())
            .await;
        others.push(one);
    }
    ada.come(addresses[0]).await;
    let here = ada.announce(&mut own, Some("{\"a\":1}"));
    let here = std::slice::from_ref(&here);
    for address in addresses.into_iter().cycle().take(6) {
        ada.exchange(address, For::Saying, here).await;
    }
    for (server, other) in others.iter_mut().enumerate() {
        let is_here = Some((1, true));
        other
            .until("Ada", |other| last_heard(&other.presence, who) == is_here)
            .await;
        let id = other.replica.id().into();
        let sees = |ada: &Visitor| last_heard(&ada.presence, id).is_some_and(|(_, here)| here);
        ada.until(&addresses, &format!("who is at server {server}"), sees)
            .await;
    }
    for address in addresses.into_iter().cycle().take(6) {
        ada.exchange(address, For::Hearing, here).await;
    }
    let gone = ada.announce(&mut own, None);
    ada.exchange(addresses[1], For::Saying, &[gone]).await;
    for other in &mut others {
        let is_gone = |clock| Some((clock, false));
        other
            .until("her goodbye", |other| {
                last_heard(&other.presence, who) == is_gone(2)
            })
            .await;
        assert!(
            !heard(&other.presence, who).contains(&(1, false)),
            "she seemed to leave in between"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_answers_those_who_wait_and_sends_newcomers_elsewhere() {
    let raw = RawConfig {
        drain_seconds: Some("60".into()),
        ..RawConfig::default()
    };
    let mut server = TestServer::start_with(raw).await;
    let mut ada = Visitor::new("page");
    ada.come(server.address).await;
    let waiting = post(server.address, "", &ada.body(For::Waiting, &[])).await;
    until_metric("it waits", || server.metrics.exchanges.open.get() == 1).await;
    // Keeps the server up until he goes.
    let ben = Client::join(server.address, "page", Speaks::YWebsocket).await;
    server.begin_stopping();
    ada.take(&read(waiting).await);
    assert!(ada.draining, "and says why");
    let refused = read(post(server.address, "", &ada.body(For::Hearing, &[])).await).await;
    assert_eq!(refused.status, 503);
    assert!(refused.head.to_lowercase().contains("retry-after: 1"));
    drop(ben);
    server.stop().await;
}

async fn status_of(address: SocketAddr, headers: &str, body: &[u8]) -> u16 {
    read(post(address, headers, body).await).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_no_exchange_get_a_clear_answer_and_change_nothing() {
    let server = TestServer::start().await;
    let address = server.address;
    let ada = Visitor::new("page");
    let good = ada.body(For::Hearing, &[]);
    assert_eq!(status_of(address, "", &good).await, 200);
    for garbage in [&b""[..], b"<html>", &[0xff; 300], &good[..good.len() - 1]] {
        assert_eq!(status_of(address, "", garbage).await, 400, "{garbage:?}");
    }
    let many = vec![vec![9]; EXCHANGE_FRAMES_MAX];
    assert_eq!(
        status_of(address, "", &ada.body(For::Hearing, &many)).await,
        400
    );
    let foreign = "Origin: http://evil.example\r\n";
    assert_eq!(status_of(address, foreign, &good).await, 403);
    let mut long = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /collab/exchange HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        EXCHANGE_BYTES_MAX + 1
    );
    long.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read(long).await.status, 413);
    // A frame that is none closes what it is about, as on a socket; a refused edit costs nothing else.
    let broken = ada.update(b"\x01\x01\x07");
    let answered = read(post(address, "", &ada.body(For::Saying, &[broken])).await).await;
    let answer = sheaf_shared::wire::exchange::Answer::decode(&answered.body).unwrap();
    assert_eq!(answer.closed, None);
    let statuses = answer
        .frames
        .iter()
        .filter(|frame| frame.ends_with(&[8, 0]));
    assert_eq!(statuses.count(), 1, "{:?}", answer.frames);
    let nonsense = vec![b"\x04page\x63".to_vec()];
    let answered = read(post(address, "", &ada.body(For::Saying, &nonsense)).await).await;
    assert_eq!(answered.status, 200);
    let mut newcomer = Visitor::new("page");
    newcomer.come(address).await;
    assert_eq!(newcomer.text(), "", "nothing was stored");
    assert_eq!(server.metrics.exchanges.open.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanges_beyond_the_bound_are_turned_away_at_once_and_taken_when_there_is_room() {
    let raw = RawConfig {
        exchanges_max: Some("20".into()),
        ..RawConfig::default()
    };
    let server = TestServer::start_with(raw).await;
    let mut crowd = Vec::new();
    for _ in 0..20 {
        let mut one = Visitor::new("page");
        one.come(server.address).await;
        let waiting = post(server.address, "", &one.body(For::Waiting, &[])).await;
        crowd.push((one, waiting));
    }
    until_metric("they wait", || server.metrics.exchanges.open.get() == 20).await;
    let mut late = Visitor::new("page");
    let body = late.body(For::Hearing, &[]);
    for _ in 0..50 {
        assert_eq!(status_of(server.address, "", &body).await, 503);
    }
    assert_eq!(server.metrics.exchanges.busy.get(), 50);
    let (_, cut) = crowd.pop().unwrap();
    drop(cut);
    until_metric("one is gone", || server.metrics.exchanges.open.get() < 20).await;
    late.come(server.address).await;
    late.type_at(server.address, 0, "all hear").await;
    for (mut one, waiting) in crowd {
        one.take(&read(waiting).await);
        one.until(&[server.address], "the news", |one| {
            one.text() == "all hear"
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_document_comes_in_several_exchanges_none_of_which_is_long() {
    let server = TestServer::start().await;
    let mut ada = Visitor::new("page");
    ada.come(server.address).await;
    for at in 0..5 {
        let text: String = std::iter::repeat_with(|| fastrand::char('a'..='z'))
            .take(600_000)
            .collect();
        ada.type_at(server.address, at * 600_000, &text).await;
    }
    assert_eq!(ada.stored, 6);
    let mut ben = Visitor::new("page");
    let mut rounds = 0;
    while ben.compared == 0 {
        let body = ben.body(For::Hearing, &[]);
        let answered = read(post(server.address, "", &body).await).await;
        assert!(
            answered.body.len() < 2 * 1024 * 1024,
            "{}",
            answered.body.len()
        );
        ben.take(&answered);
        rounds += 1;
    }
    assert!(rounds > 1, "in several");
    assert_eq!(ben.text(), ada.text());
}
