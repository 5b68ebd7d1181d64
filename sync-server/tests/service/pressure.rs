//! Many connections, and readers that do not read.

use std::time::{Duration, Instant};

use futures_util::SinkExt as _;
use sheaf_server::config::RawConfig;
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::y_websocket;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, FIRST, PATIENCE, Speaks, connect, new_replica};
use crate::program::Program;
use crate::server::TestServer;

/// As many connections as one test process can hold, in a server of its own.
const CONNECTIONS: usize = 10_000;
/// What an edit takes usually, where nobody is in its way; much longer than it does, on a machine with little else to do.
const SOON: Duration = Duration::from_secs(5);
/// Pieces of a megabyte written while somebody does not read: more than kernels hold for the two.
const PAGES: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_left_open_leave_room_for_one_who_works() {
    let files = sheaf_server::adapters::system::raise_open_files();
    let connections = CONNECTIONS.min(usize::try_from(files).unwrap_or(usize::MAX) - 500);
    println!("{connections} connections, {files} open files allowed");
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &[]);
    let address = program.address;
    let opening: Vec<_> = (0..8)
        .map(|part| {
            tokio::spawn(async move {
                let mut open = Vec::new();
                for index in 0..connections / 8 {
                    match index % 4 {
                        // Some never ask for anything, some open a document and fall silent.
                        0 => open.push(Left::Bare(
                            tokio::net::TcpStream::connect(address).await.unwrap(),
                        )),
                        _ => {
                            let path = format!("/sync/left/{part}/{index}");
                            open.push(Left::Socket(Box::new(connect(address, &path).await)));
                        }
                    }
                }
                open
            })
        })
        .collect();
    let mut left = Vec::new();
    for part in opening {
        left.extend(part.await.unwrap());
    }
    let mut ada = Client::join(address, "work", Speaks::Hocuspocus).await;
    let mut ben = Client::join(address, "work", Speaks::YWebsocket).await;
    let mut took = Vec::new();
    for count in 1..=9 {
        let started = Instant::now();
        ada.type_at(0, "x").await;
        ben.until_text(&"x".repeat(count)).await;
        took.push(started.elapsed());
    }
    let took = median(took);
    println!(
        "with {} connections open, an edit took {took:?}",
        left.len()
    );
    assert!(took < SOON, "{took:?}");
}

/// What one of many usually took: a machine that is busy with something else may hold up any single one.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[expect(dead_code, reason = "held open, never looked at")]
enum Left {
    Bare(tokio::net::TcpStream),
    Socket(Box<crate::client::Socket>),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_stops_reading_misses_nothing_and_holds_nobody_up() {
    let server = TestServer::start().await;
    let mut slow = Client::join(server.address, "busy", Speaks::YWebsocket).await;
    let mut quick = Client::join(server.address, "busy", Speaks::YWebsocket).await;
    let mut writer = Client::join(server.address, "busy", Speaks::Hocuspocus).await;
    writer
        .until("the first status", |client| client.stored == 1)
        .await;
    let page = "0123456789".repeat(100_000);
    let mut written = Vec::new();
    for count in 0..PAGES {
        written.push(writer.type_at(0, &page).await);
        writer
            .until("a status", |client| client.stored == count + 2)
            .await;
        let length = page.len() * (count + 1);
        quick
            .until("the page", |client| client.text().len() == length)
            .await;
    }
    let expected = writer.text();
    let limit = Instant::now() + PATIENCE;
    let mut heard = Vec::new();
    while slow.text() != expected {
        assert!(Instant::now() < limit, "it missed something");
        if !slow.take_one().await {
            // Where all this took half a minute, the server has counted it as gone. It comes back with what it has.
            heard.append(&mut slow.echoed);
            slow =
                Client::join_with(server.address, "busy", Speaks::YWebsocket, slow.replica).await;
        }
    }
    heard.append(&mut slow.echoed);
    // What was dropped came in the parts of one catch-up: it did not get each page as it was written.
    let count = written.iter().filter(|page| heard.contains(page)).count();
    assert!(count < PAGES, "nothing was dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_floods_is_slowed_down_and_the_others_are_not() {
    let server = TestServer::start().await;
    let mut flooder = connect(server.address, "/sync/page").await;
    let flood = tokio::spawn(async move {
        let version = new_replica().version();
        let ask = y_websocket::Message::Sync(SyncMessage::Step1(&version)).to_vec();
        loop {
            if flooder
                .feed(Message::Binary(ask.clone().into()))
                .await
                .is_err()
            {
                return;
            }
        }
    });
    let mut ada = Client::join(server.address, "page", Speaks::Hocuspocus).await;
    ada.until("the first status", |client| client.stored == 1)
        .await;
    let mut took = Vec::new();
    for count in 0..21 {
        let started = Instant::now();
        ada.type_at(0, "x").await;
        ada.until("a status", |client| client.stored == count + 2)
            .await;
        took.push(started.elapsed());
    }
    let took = median(took);
    assert!(took < SOON, "{took:?}");
    flood.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_memory_is_nearly_used_up_asks_to_be_spared_and_serves_who_is_inside() {
    let server = TestServer::start_with(RawConfig {
        documents_memory_mib: Some("16".into()),
        ..RawConfig::default()
    })
    .await;
    assert!(ready(&server).await.starts_with("HTTP/1.1 200"));
    let mut people = Vec::new();
    let limit = Instant::now() + 4 * PATIENCE;
    let mut said = String::new();
    while !said.contains("nearly used up") {
        assert!(Instant::now() < limit, "{said}");
        // Some more than a megabyte of text in each.
        let page = format!("page-{}", people.len());
        let mut writer = Client::join(server.address, &page, Speaks::Hocuspocus).await;
        writer
            .until("the first status", |writer| writer.stored == FIRST)
            .await;
        writer.type_at(0, &"word ".repeat(200_000)).await;
        writer
            .until("its acknowledgement", |writer| writer.stored == FIRST + 1)
            .await;
        people.push(writer);
        for person in &mut people {
            person.keep_up().await;
        }
        said = ready(&server).await;
    }
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    for writer in &mut people {
        writer.type_at(0, "and more ").await;
    }
    for writer in &mut people {
        writer
            .until("its acknowledgement", |writer| writer.stored == FIRST + 2)
            .await;
    }
    // Those who go leave their room to others.
    people.clear();
    while !ready(&server).await.starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < limit, "it never becomes ready again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What `/readyz` says.
async fn ready(server: &TestServer) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = server.address;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
