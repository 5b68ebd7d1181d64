//! The eight fallacies of distributed computing, each with the day on which somebody who believed it would have lost something.
//! Nobody does.
//!
//! 1. The network is reliable. 2. Latency is zero. 3. Bandwidth is infinite. 4. The network is secure. 5. Topology doesn't change.
//! 6. There is one administrator. 7. Transport cost is zero. 8. The network is homogeneous.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use rustix::process::Signal;
use sheaf_server::config::RawConfig;
use sheaf_shared::ids::ClientId;
use sheaf_shared::presence::OwnPresence;
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::y_websocket;
use tokio::sync::watch;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::bad_line::{Lines, Manners, Targets};
use crate::chaos::checker::{check_words, is_made_of, known_of};
use crate::chaos::robot::{Orders, Robot};
use crate::chaos::settling::{Board, Settling};
use crate::client::{Client, FIRST, PATIENCE, Speaks, connect, insert, new_replica};
use crate::engines::postgres::Postgres;
use crate::engines::redis::Redis;
use crate::program::Program;
use crate::server::TestServer;
use crate::together::{cross, metric, start, start_with, until_together};

/// Robots that type, each over a line of its own.
struct Robots {
    settling: Settling,
    board: Board,
    lines: Vec<Lines>,
    living: Vec<tokio::task::JoinHandle<Robot>>,
}

impl Robots {
    async fn start(count: usize, docs: &[&str], targets: &Targets) -> Self {
        let board = Board::default();
        let (order, orders) = watch::channel(Orders::Type);
        let mut robots = Self {
            settling: Settling::new(Board::clone(&board), order),
            board: Board::clone(&board),
            lines: Vec::new(),
            living: Vec::new(),
        };
        for name in 0..count {
            let here = Ipv4Addr::LOCALHOST.into();
            let line = Lines::open(here, Arc::clone(targets), name as u64).await;
            let robot = Robot::new(name, fastrand::u64(..), docs, Board::clone(&board));
            robots
                .living
                .push(tokio::spawn(robot.live(line.address(), orders.clone())));
            robots.lines.push(line);
        }
        robots
    }

    async fn until_online(&self, robot: usize) {
        let limit = Instant::now() + PATIENCE;
        let is_online = || {
            let board = self.board.lock().unwrap();
            board.get(&robot).is_some_and(|shown| shown.is_online)
        };
        while !is_online() {
            assert!(Instant::now() < limit, "robot {robot} does not come back");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Everything is acknowledged; then each server shows every word once, and no other.
    async fn settle(self, servers: &[SocketAddr]) -> usize {
        self.settling.all_acknowledged().await;
        self.settling.order(Orders::Vanish);
        let mut robots = Vec::new();
        for robot in self.living {
            robots.push(robot.await.unwrap());
        }
        let mut acknowledged = 0;
        for (doc, known) in known_of(robots) {
            acknowledged += known.acknowledged;
            for server in servers {
                let mut fresh = Client::join(*server, doc.as_str(), Speaks::YWebsocket).await;
                // What was taken away elsewhere may take a moment to be gone here.
                fresh
                    .until("every word and no other", |fresh| {
                        known.is_all_of(&fresh.text())
                    })
                    .await;
                check_words(&fresh.text(), &known, &doc);
            }
        }
        acknowledged
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_is_not_reliable_and_lines_that_break_in_the_middle_of_anything_lose_and_double_no_word()
 {
    let server = TestServer::start().await;
    let targets = Arc::new(Mutex::new(vec![server.address]));
    let robots = Robots::start(6, &["broken/one", "broken/two"], &targets).await;
    for round in 0..4 {
        for (robot, line) in robots.lines.iter().enumerate() {
            robots.until_online(robot).await;
            line.cut_behind(fastrand::u64(1..200 << (2 * round))).await;
        }
        // Its own pause before it dials again is long enough.
        robots
            .lines
            .iter()
            .for_each(|line| line.behave(Manners::Good));
    }
    let acknowledged = robots.settle(&[server.address]).await;
    assert!(acknowledged >= 24, "hardly anything was typed");
}

/// `url` by way of another address.
pub(crate) fn by_way_of(url: &str, line: &Lines) -> String {
    let (head, tail) = url.split_once('@').unwrap();
    let (_, path) = tail.split_once('/').unwrap();
    format!("{head}@{}/{path}", line.address())
}

/// Where the engine behind this address listens.
pub(crate) fn address_in(url: &str) -> SocketAddr {
    let (_, tail) = url.split_once('@').unwrap();
    tail.split_once('/').unwrap().0.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latency_is_not_zero_and_nobody_waits_for_one_edit_before_the_next() {
    const EDITS: usize = 60;
    const EACH_WAY_MS: u64 = 250;
    let database = Postgres::shared().fresh_url().await;
    let to_database = Lines::to(address_in(&database)).await;
    let folder = tempfile::tempdir().unwrap();
    let url = by_way_of(&database, &to_database);
    let program = Program::start(folder.path(), &["--database-url", &url]);
    let server = (program, folder);
    let address = server.0.address;
    let to_server = Lines::to(address).await;
    let mut ada = Client::join(to_server.address(), "far", Speaks::Hocuspocus).await;
    let mut ben = Client::join(address, "far", Speaks::YWebsocket).await;
    ada.until("its first answer", |ada| ada.stored == FIRST)
        .await;
    to_database.behave(Manners::Slow(EACH_WAY_MS / 5));
    to_server.behave(Manners::Slow(EACH_WAY_MS));
    let commits = metric(&server, "sheaf_store_commit_seconds_count").await;
    let began = Instant::now();
    for _ in 0..EDITS {
        ada.type_at(0, "x").await;
    }
    assert_eq!(ada.stored, FIRST, "typing waited for answers");
    ada.until("all answers", |ada| ada.stored == FIRST + EDITS)
        .await;
    // One after the other they would take this long at least.
    let one_by_one = Duration::from_millis(EDITS as u64 * 2 * EACH_WAY_MS);
    assert!(began.elapsed() < one_by_one, "{:?}", began.elapsed());
    let commits = metric(&server, "sheaf_store_commit_seconds_count").await - commits;
    assert!(
        commits < EDITS as u64 / 2,
        "each waited for the commit of the one before: {commits} commits"
    );
    ben.until_text(&"x".repeat(EDITS)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bandwidth_is_not_infinite_and_one_on_a_thin_line_gets_everything_in_few_pieces_and_holds_nobody_up()
 {
    // Far more than the kernel keeps for a socket.
    const PIECES: usize = 200;
    const PIECE_BYTES: usize = 96 * 1024;
    let server = TestServer::start().await;
    let thin = Lines::to(server.address).await;
    let mut cy = Client::join(thin.address(), "big", Speaks::YWebsocket).await;
    let mut ada = Client::join(server.address, "big", Speaks::Hocuspocus).await;
    let mut ben = Client::join(server.address, "big", Speaks::YWebsocket).await;
    thin.behave(Manners::Thin(64 * 1024));
    let all = PIECES * PIECE_BYTES;
    let reading = tokio::spawn(async move {
        while cy.text().len() < all {
            assert!(cy.take_one().await, "who reads slowly was sent away");
        }
        cy
    });
    let piece = "b".repeat(PIECE_BYTES);
    let before = thin.passed();
    for sent in 1..=PIECES {
        ada.type_at(0, &piece).await;
        // In step, so that it is the thin line alone that is behind.
        ada.until("its acknowledgement", |ada| ada.stored >= sent)
            .await;
        ben.keep_up().await;
    }
    ben.until("everything", |ben| ben.text().len() == all).await;
    let passed = usize::try_from(thin.passed() - before).unwrap();
    assert!(passed < all / 2, "the line was not thin: {passed} bytes");
    thin.behave(Manners::Good);
    let cy = reading.await.unwrap();
    assert!(
        cy.echoed.len() < PIECES * 3 / 4,
        "{} of {PIECES} pieces waited one by one",
        cy.echoed.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_is_not_secure_and_what_is_altered_forged_or_foreign_becomes_nobodys_text() {
    let database = Postgres::shared().fresh_url().await;
    let redis = Redis::start(&[]);
    let line = Lines::to(([127, 0, 0, 1], redis.port()).into()).await;
    let bent = format!("redis://{}", line.address());
    let servers = [start(&database, &bent), start(&database, &bent)];
    until_together(&servers).await;
    let mut ada = Client::join(servers[0].0.address, "page", Speaks::YWebsocket).await;
    let mut ben = Client::join(servers[1].0.address, "page", Speaks::YWebsocket).await;
    line.behave(Manners::Garbled);
    let channels = redis.command(&["pubsub", "channels"]);
    for round in 0..15 {
        let channel = channels
            .lines()
            .nth(round * 17 % channels.lines().count().max(1));
        redis.command(&[
            "publish",
            channel.unwrap_or("sheaf"),
            "forged by a stranger",
        ]);
        cross(&mut ada, &mut ben, &format!("a{round} ")).await;
        cross(&mut ben, &mut ada, &format!("b{round} ")).await;
    }
    line.behave(Manners::Good);
    let mut page = format!("ws://{}/sync/page", servers[0].0.address)
        .into_client_request()
        .unwrap();
    let evil = "http://evil.example".parse().unwrap();
    page.headers_mut().insert("origin", evil);
    assert!(
        connect_async(page).await.is_err(),
        "a page of another site got in"
    );
    until_together(&servers).await;
    let refused = metric(&servers[0], "sheaf_bus_refused_total").await
        + metric(&servers[1], "sheaf_bus_refused_total").await;
    assert!(refused > 0, "nothing was altered");
    // `cross` has compared each text to the letter; a newcomer reads the same.
    let mut late = Client::join(servers[1].0.address, "page", Speaks::Hocuspocus).await;
    late.until_text(&ada.text()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topology_changes_and_people_type_on_while_every_server_is_replaced_by_another_elsewhere() {
    let database = Postgres::shared().fresh_url().await;
    let first_redis = Redis::start(&[]);
    let mut servers = vec![
        start(&database, &first_redis.url()),
        start(&database, &first_redis.url()),
    ];
    let address_of = |server: &(Program, _)| server.0.address;
    let targets = Arc::new(Mutex::new(servers.iter().map(address_of).collect()));
    let robots = Robots::start(4, &["moving/one", "moving/two"], &targets).await;
    for robot in 0..4 {
        robots.until_online(robot).await;
    }
    // Redis moves too: those who have moved do not hear those who have not.
    let second_redis = Redis::start(&[]);
    for _ in 0..2 {
        servers.push(start(&database, &second_redis.url()));
        let mut old = servers.remove(0);
        *targets.lock().unwrap() = servers.iter().map(address_of).collect();
        old.0.signal(Signal::TERM);
        let ended = tokio::task::block_in_place(|| old.0.ended_within(PATIENCE));
        assert!(
            ended.success(),
            "a server that was asked to go ended with {ended}"
        );
    }
    drop(first_redis);
    until_together(&servers).await;
    let here: Vec<SocketAddr> = servers.iter().map(address_of).collect();
    assert!(robots.settle(&here).await >= 4);
}

/// What another release's migration may do to the tables of this one.
const NEXT_RELEASE: &str = "ALTER TABLE doc ADD COLUMN thought_of_later TEXT;
    CREATE TABLE thought_of_later (id INTEGER PRIMARY KEY);
    INSERT INTO migration (version, floor, name) VALUES (9000, 1, 'thought of later');";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_more_than_one_administrator_and_servers_they_set_up_differently_keep_one_text() {
    let postgres = Postgres::start(&[]);
    let database = postgres.url();
    let redis = Redis::start(&[]);
    let another = Redis::start(&[]);
    // One has found the right Redis, one another, and one none.
    let mut right = start(&database, &redis.url());
    let wrong = start_with(&database, &another.url(), &[("SHEAF_LOG_LEVEL", "warn")]);
    let folder = tempfile::tempdir().unwrap();
    let none = Program::start(
        folder.path(),
        &["--database-url", &database, "--threads", "1"],
    );
    let mut ada = Client::join(right.0.address, "page", Speaks::YWebsocket).await;
    let mut ben = Client::join(wrong.0.address, "page", Speaks::YWebsocket).await;
    let mut cy = Client::join(none.address, "page", Speaks::YWebsocket).await;
    cross(&mut ada, &mut ben, "one ").await;
    cross(&mut ben, &mut cy, "two ").await;
    // Somebody upgrades; the others go on as they are.
    postgres.execute(NEXT_RELEASE).await;
    cross(&mut cy, &mut ada, "three ").await;
    // And somebody else rolls back.
    right.0.kill();
    let right = start(&database, &redis.url());
    let mut ada = Client::join(right.0.address, "page", Speaks::Hocuspocus).await;
    ada.until_text("three two one ").await;
    cross(&mut ada, &mut ben, "four ").await;
    cy.until_text("four three two one ").await;
    // A change that this release could not live with is one it says so of, and touches nothing.
    postgres
        .execute("INSERT INTO migration (version, floor, name) VALUES (9001, 9001, 'too new')")
        .await;
    let verify = Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(["verify", "--database-url", &database])
        .output();
    let refused = tokio::task::block_in_place(|| verify).unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("newer release"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transport_costs_something_and_what_passes_is_in_proportion_to_what_is_new() {
    const TEXT_BYTES: usize = 1024 * 1024;
    let server = TestServer::start().await;
    let line = Lines::to(server.address).await;
    let mut ada = Client::join(server.address, "long", Speaks::Hocuspocus).await;
    ada.type_at(0, &"long ".repeat(TEXT_BYTES / 5)).await;
    ada.until("its acknowledgement", |ada| ada.stored == FIRST + 1)
        .await;
    let mut ben = Client::join(line.address(), "long", Speaks::YWebsocket).await;
    ben.until("the text", |ben| ben.text().len() >= TEXT_BYTES - 5)
        .await;
    assert!(line.passed() < 2 * TEXT_BYTES as u64, "the text came twice");

    let before = line.passed();
    ada.type_at(0, "a letter: x").await;
    ben.until("the letter", |ben| ben.text().starts_with('a'))
        .await;
    let cost = line.passed() - before;
    assert!(cost < 512, "a few letters cost {cost} bytes");

    // Who comes back with what it had is sent what it lacks, and not the text.
    let Client { replica, .. } = ben;
    ada.type_at(0, "meanwhile ").await;
    ada.until("its acknowledgement", |ada| ada.stored == FIRST + 3)
        .await;
    let before = line.passed();
    let mut ben = Client::join_with(line.address(), "long", Speaks::YWebsocket, replica).await;
    ben.until("what it missed", |ben| ben.text().starts_with("meanwhile"))
        .await;
    let cost = line.passed() - before;
    assert!(cost < 4_096, "coming back cost {cost} bytes");

    // A caret that is dragged is not worth a message for each place it was at.
    let mut own = OwnPresence::new(ClientId(7));
    ben.presence.clear();
    for place in 0..500 {
        let moved = own.set(Some(format!("{{\"at\":{place}}}")));
        let frame = sheaf_shared::wire::hocuspocus::Message::Awareness(&moved)
            .to(sheaf_shared::wire::hocuspocus::Address("long"))
            .to_vec();
        ada.send(frame).await;
    }
    let is_last = |payload: &Vec<u8>| payload.windows(8).any(|some| some == b"\"at\":499");
    ben.until("the last place", |ben| ben.presence.iter().any(is_last))
        .await;
    let told = ben.presence.len();
    assert!(told < 250, "500 places were told in {told} messages");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_is_not_homogeneous_and_all_dialects_over_all_kinds_of_lines_make_one_text() {
    let server = TestServer::start_with(RawConfig::default()).await;
    let targets = Arc::new(Mutex::new(vec![server.address]));
    // Somebody behind a proxy that passes a few bytes at a time; somebody far away; one with our own client, on a thin line.
    let chopped = Lines::to(server.address).await;
    // Only once it is open: the tests' own WebSocket takes an answer in so many pieces for an attack.
    let through_proxy = connect(chopped.address(), "/sync/mixed").await;
    chopped.behave(Manners::Chopped);
    let far = Lines::to(server.address).await;
    far.behave(Manners::Slow(30));
    let robots = Robots::start(2, &["mixed"], &targets).await;
    robots.lines[0].behave(Manners::Thin(64 * 1024));
    let replica = new_replica();
    let mut ada = Client::join_over(through_proxy, "mixed", Speaks::YWebsocket, replica).await;
    let mut ben = Client::join(far.address(), "mixed", Speaks::Hocuspocus).await;
    let mut cy = join_as_some_browsers_do(server.address, "mixed").await;
    for round in 0..10 {
        ada.type_at(0, &format!("<ada.{round}>")).await;
        ben.type_at(0, &format!("<ben.{round}>")).await;
        type_in_fragments(&mut cy, &format!("<cy.{round}>")).await;
    }
    ada.until("its echoes", |ada| ada.echoed.len() >= 10).await;
    ben.until("its answers", |ben| ben.stored == FIRST + 10)
        .await;
    let words = |client: &Client, who: &str| client.text().matches(who).count();
    for client in [&mut ada, &mut ben, &mut cy] {
        for who in ["<ada.", "<ben.", "<cy."] {
            client
                .until("everyone's words", |one| words(one, who) == 10)
                .await;
        }
    }
    robots.settling.all_acknowledged().await;
    let mut late = Client::join(server.address, "mixed", Speaks::Hocuspocus).await;
    let mut all = robots.words_kept().await;
    for who in ["ada", "ben", "cy"] {
        all.extend((0..10).map(|round| format!("<{who}.{round}>")));
    }
    for client in [&mut ada, &mut ben, &mut cy, &mut late] {
        client
            .until("every word and no other", |one| {
                is_made_of(&one.text(), &all)
            })
            .await;
    }
    let text = late.text();
    for client in [&ada, &ben, &cy] {
        assert_eq!(client.text(), text);
    }
}

impl Robots {
    /// The words that the robots have in the end, together. They go.
    async fn words_kept(self) -> BTreeSet<String> {
        self.settling.order(Orders::Vanish);
        let mut robots = Vec::new();
        for robot in self.living {
            robots.push(robot.await.unwrap());
        }
        let known = known_of(robots);
        known.into_values().flat_map(|known| known.kept).collect()
    }
}

/// With the headers of a browser that keeps its connections and would like to compress.
async fn join_as_some_browsers_do(address: SocketAddr, doc: &str) -> Client {
    let mut request = format!("ws://{address}/sync/{doc}")
        .into_client_request()
        .unwrap();
    for (name, value) in [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        (
            "sec-websocket-extensions",
            "permessage-deflate; client_max_window_bits",
        ),
        ("cache-control", "no-cache"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let (socket, _) = connect_async(request).await.unwrap();
    Client::join_over(socket, doc, Speaks::YWebsocket, new_replica()).await
}

/// As a proxy with small frames passes it on: in pieces of three bytes, with a ping between two of them.
async fn type_in_fragments(client: &mut Client, word: &str) {
    let update = insert(&mut client.replica, 0, word);
    let message = y_websocket::Message::Sync(SyncMessage::Update(&update)).to_vec();
    let pieces: Vec<&[u8]> = message.chunks(3).collect();
    for (nth, piece) in pieces.iter().enumerate() {
        let kind = if nth == 0 {
            Data::Binary
        } else {
            Data::Continue
        };
        let is_last = nth + 1 == pieces.len();
        let frame = Frame::message(piece.to_vec(), OpCode::Data(kind), is_last);
        client.socket.feed(Message::Frame(frame)).await.unwrap();
        if nth == 1 {
            let ping = Message::Ping(b"still there?".to_vec().into());
            client.socket.feed(ping).await.unwrap();
        }
    }
    client.socket.flush().await.unwrap();
}
