//! A database that is away is not asked until it is there again, and one that is busy is.

use std::net::SocketAddr;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::bad_line::{Lines, Manners};
use crate::client::{Client, FIRST, PATIENCE, Speaks};
use crate::engines::postgres::Postgres;
use crate::fallacies::{address_in, by_way_of};
use crate::program::Program;

const THERE: &str = "sheaf_database_state{breaker=\"closed\"} 1";
const AWAY: &str = "sheaf_database_state{breaker=\"closed\"} 0";

fn start(url: &str) -> (Program, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(
        folder.path(),
        &["--database-url", url, "--drain-seconds", "0"],
    );
    (program, folder)
}

async fn ask(address: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn until_it_says(address: SocketAddr, path: &str, what: &str) {
    let limit = Instant::now() + PATIENCE;
    while !ask(address, path).await.contains(what) {
        assert!(Instant::now() < limit, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn counted(address: SocketAddr, name: &str) -> u64 {
    let metrics = ask(address, "/metrics").await;
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.split(' ').next() == Some(name));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

async fn until_counted(address: SocketAddr, name: &str, least: u64) {
    let limit = Instant::now() + PATIENCE;
    while counted(address, name).await < least {
        assert!(Instant::now() < limit, "waited in vain for {name}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Somebody types while the database goes and until it is there again.
async fn live_through(server: SocketAddr, goes: impl AsyncFnOnce(), comes: impl AsyncFnOnce()) {
    let mut ada = Client::join(server, "page", Speaks::Hocuspocus).await;
    ada.until("its first answer", |ada| ada.stored == FIRST)
        .await;
    ada.type_at(0, "before ").await;
    ada.until("its acknowledgement", |ada| ada.stored == FIRST + 1)
        .await;
    goes().await;
    ada.type_at(0, "meanwhile ").await;
    until_it_says(server, "/metrics", AWAY).await;
    until_it_says(server, "/readyz", "the storage is away").await;
    // Whoever comes for another document is told to come later.
    let refused = counted(server, "sheaf_database_refused_total").await;
    let mut ben = Client::join(server, "other", Speaks::YWebsocket).await;
    ben.until_closed().await.expect("the reason");
    assert!(counted(server, "sheaf_database_refused_total").await > refused);
    comes().await;
    ada.until("the acknowledgement", |ada| ada.stored == FIRST + 2)
        .await;
    until_it_says(server, "/metrics", THERE).await;
    until_it_says(server, "/readyz", "ready").await;
    let mut ben = Client::join(server, "other", Speaks::YWebsocket).await;
    let update = ben.type_at(0, "afterwards").await;
    ben.until("its echo", |ben| ben.echoed.contains(&update))
        .await;
    assert!(counted(server, "sheaf_database_faults_total").await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_killed_is_left_alone_until_it_runs_again() {
    let mut database = Postgres::start(&[]);
    let (server, _folder) = start(&database.url());
    let database = std::cell::RefCell::new(&mut database);
    let goes = async || database.borrow_mut().kill();
    let comes = async || database.borrow_mut().start_again();
    live_through(server.address, goes, comes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_says_nothing_any_more_is_left_alone_until_it_does() {
    let url = Postgres::shared().fresh_url().await;
    let line = Lines::to(address_in(&url)).await;
    let (server, _folder) = start(&by_way_of(&url, &line));
    let goes = async || line.behave(Manners::Stalled);
    let comes = async || line.behave(Manners::Good);
    live_through(server.address, goes, comes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_which_everything_waits_is_busy_and_not_away() {
    let url = Postgres::shared().fresh_url().await;
    let (server, _folder) = start(&url);
    let server = server.address;
    let mut people = Vec::new();
    // More than there are connections.
    for number in 0..20 {
        let mut one = Client::join(server, &format!("page-{number}"), Speaks::Hocuspocus).await;
        one.until("its first answer", |one| one.stored == FIRST)
            .await;
        people.push(one);
    }
    let mut other = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE doc IN ACCESS EXCLUSIVE MODE")
        .execute(&mut other)
        .await
        .unwrap();
    for one in &mut people {
        one.type_at(0, "waits ").await;
    }
    // Some have waited for the lock in vain, and some for a connection.
    until_counted(server, "sheaf_store_faults_total", 20).await;
    other.close().await.unwrap();
    for one in &mut people {
        one.until("its acknowledgement", |one| one.stored == FIRST + 1)
            .await;
    }
    assert_eq!(counted(server, "sheaf_database_faults_total").await, 0);
    assert_eq!(counted(server, "sheaf_database_refused_total").await, 0);
}
