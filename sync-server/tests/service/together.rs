//! Several servers on one database that tell each other what they store by Redis: quick while it works, and right whatever
//! becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sheaf_shared::ids::ClientId;
use sheaf_shared::presence::{OwnPresence, Payload};
use sheaf_shared::wire::y_websocket;
use tempfile::TempDir;

use crate::client::{Client, FIRST, PATIENCE, Speaks};
use crate::engines::postgres::Postgres;
use crate::engines::redis::{Redis, RedisCluster};
use crate::program::Program;

/// A server, and the folder it would use if it used one.
pub(crate) type Started = (Program, TempDir);

pub(crate) fn start(database: &str, redis: &str) -> Started {
    start_with(database, redis, &[])
}

pub(crate) fn start_with(database: &str, redis: &str, environment: &[(&str, &str)]) -> Started {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "--database-url",
        database,
        "--redis-url",
        redis,
        "--drain-seconds",
        "0",
    ];
    let program = Program::start_in(folder.path(), &arguments, environment);
    (program, folder)
}

/// What `path` of a server answers.
pub(crate) async fn ask(server: &Started, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = server.0.address;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

pub(crate) async fn until_it_says(server: &Started, path: &str, what: &str) {
    let limit = Instant::now() + PATIENCE;
    while !ask(server, path).await.contains(what) {
        assert!(Instant::now() < limit, "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const IN_USE: &str = "sheaf_bus_state{breaker=\"closed\"} 1";
const AWAY: &str = "sheaf_bus_state{breaker=\"closed\"} 0";

/// Waits until each server hears the others.
pub(crate) async fn until_together(servers: &[Started]) {
    for server in servers {
        until_it_says(server, "/metrics", IN_USE).await;
        let others = format!("sheaf_bus_servers {}\n", servers.len() - 1);
        until_it_says(server, "/metrics", &others).await;
    }
}

/// A Redis, and two servers of a fresh database that hear each other by it.
pub(crate) async fn two_together() -> (Redis, [Started; 2]) {
    let database = Postgres::shared().fresh_url().await;
    let redis = Redis::start(&[]);
    let servers = [
        start(&database, &redis.url()),
        start(&database, &redis.url()),
    ];
    until_together(&servers).await;
    (redis, servers)
}

/// Somebody at each of two servers, with the same page open.
async fn one_at_each(servers: &[Started; 2], page: &str) -> [Client; 2] {
    let [ada, ben] = servers;
    [
        Client::join(ada.0.address, page, Speaks::YWebsocket).await,
        Client::join(ben.0.address, page, Speaks::YWebsocket).await,
    ]
}

pub(crate) async fn metric(server: &Started, name: &str) -> u64 {
    let answer = ask(server, "/metrics").await;
    let line = answer.lines().find(|line| line.starts_with(name)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Types a word at one server and waits until it is read at the other; answers how long that took.
pub(crate) async fn cross(from: &mut Client, to: &mut Client, word: &str) -> Duration {
    let expected = format!("{word}{}", from.text());
    let started = Instant::now();
    from.type_at(0, word).await;
    to.until_text(&expected).await;
    let took = started.elapsed();
    from.until_text(&expected).await;
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_at_one_server_is_read_at_another_long_before_the_database_is_asked_again() {
    let (_redis, servers) = two_together().await;
    let [mut ada, mut ben] = one_at_each(&servers, "page").await;
    cross(&mut ada, &mut ben, "first ").await;
    let reads = metric(&servers[1], "sheaf_rows_read_late_total").await;
    let mut took = Vec::new();
    for round in 0..20 {
        let word = format!("{round} ");
        took.push(cross(&mut ada, &mut ben, &word).await);
        took.push(cross(&mut ben, &mut ada, &word).await);
    }
    took.sort();
    // A server that believes in its bus asks the database every five seconds.
    assert!(took[took.len() / 2] < Duration::from_secs(1), "{took:?}");
    // One that is held up by its machine may find a few rows there before it hears of them.
    let later = metric(&servers[1], "sheaf_rows_read_late_total").await;
    assert!(later - reads < 10, "rows came by the database");
    until_it_says(&servers[0], "/readyz", "bus: in use, others heard: 1").await;
}

/// Pause, in milliseconds, of a robot between two letters.
const LETTER_EVERY_MS: u64 = 5;

/// How many letters each of two robots has typed that were acknowledged.
#[derive(Default)]
struct Typed([AtomicUsize; 2]);

impl Typed {
    /// Waits until each of them has typed some more.
    async fn some_more(&self) {
        const MORE: usize = 20;
        let now = || {
            let [a, b] = &self.0;
            [a.load(Ordering::Relaxed), b.load(Ordering::Relaxed)]
        };
        let before = now();
        let limit = Instant::now() + PATIENCE;
        while now()
            .iter()
            .zip(before)
            .any(|(now, then)| *now < then + MORE)
        {
            assert!(Instant::now() < limit, "nobody types: {:?}", now());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Types at each of two servers, while `meanwhile` does what it wants; answers when all is acknowledged and both have the
/// same.
async fn type_through(servers: &[Started; 2], meanwhile: impl AsyncFnOnce(&Typed)) {
    let mut robots = Vec::new();
    let stop = Arc::new(AtomicBool::new(false));
    let all_typed = Arc::new(Typed::default());
    for (robot, (name, server)) in ["a", "b"].into_iter().zip(servers).enumerate() {
        let mut client = Client::join(server.0.address, "page", Speaks::Hocuspocus).await;
        let (stop, all_typed) = (Arc::clone(&stop), Arc::clone(&all_typed));
        robots.push(tokio::spawn(async move {
            client
                .until("the first answer", |client| client.stored == FIRST)
                .await;
            let mut typed = 0;
            while !stop.load(Ordering::Relaxed) {
                client.type_at(0, name).await;
                typed += 1;
                client
                    .until("its acknowledgement", |client| {
                        client.stored >= FIRST + typed
                    })
                    .await;
                all_typed.0[robot].store(typed, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(LETTER_EVERY_MS)).await;
            }
            (client, typed)
        }));
    }
    meanwhile(&all_typed).await;
    stop.store(true, Ordering::Relaxed);
    let mut ended = Vec::new();
    for robot in robots {
        ended.push(robot.await.unwrap());
    }
    let all: usize = ended.iter().map(|(_, typed)| typed).sum();
    for (robot, typed) in &mut ended {
        robot
            .until("everything of both", |robot| robot.text().len() == all)
            .await;
        assert_eq!(robot.stored, FIRST + *typed);
    }
    assert_eq!(ended[0].0.text(), ended[1].0.text());
    let mut late = Client::join(servers[0].0.address, "page", Speaks::YWebsocket).await;
    late.until_text(&ended[0].0.text()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_killed_and_come_back_while_people_type() {
    let (mut redis, servers) = two_together().await;
    type_through(&servers, async |typed| {
        typed.some_more().await;
        redis.kill();
        for server in &servers {
            until_it_says(server, "/metrics", AWAY).await;
            // Only one that is ready says how it stands with the bus.
            until_it_says(server, "/readyz", "bus: away").await;
        }
        typed.some_more().await;
        redis.start_again();
        until_together(&servers).await;
        typed.some_more().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_stand_still_and_go_on_while_people_type() {
    let (redis, servers) = two_together().await;
    type_through(&servers, async |typed| {
        redis.pause();
        for server in &servers {
            until_it_says(server, "/metrics", AWAY).await;
        }
        typed.some_more().await;
        redis.go_on();
        until_together(&servers).await;
        typed.some_more().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_emptied_and_its_connections_cut_while_people_type() {
    let (redis, servers) = two_together().await;
    type_through(&servers, async |typed| {
        for _ in 0..5 {
            typed.some_more().await;
            redis.command(&["flushall"]);
            redis.command(&["client", "kill", "type", "pubsub"]);
        }
        until_together(&servers).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_put_into_redis_changes_nothing_and_is_counted() {
    let (redis, servers) = two_together().await;
    let [mut ada, mut ben] = one_at_each(&servers, "page").await;
    cross(&mut ada, &mut ben, "before ").await;
    let channels = redis.command(&["pubsub", "channels"]);
    let refused = metric(&servers[1], "sheaf_bus_refused_total").await;
    let mut said = 0;
    for channel in channels.lines() {
        for garbage in ["", "x", &"long ".repeat(20_000)] {
            redis.command(&["publish", channel, garbage]);
            said += 1;
        }
    }
    assert!(said >= 6, "{channels}");
    cross(&mut ada, &mut ben, "after ").await;
    cross(&mut ben, &mut ada, "and back ").await;
    let limit = Instant::now() + PATIENCE;
    while metric(&servers[1], "sheaf_bus_refused_total").await - refused < 6 {
        assert!(Instant::now() < limit, "it was not counted");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Says who is there, and waits until another sees what it wants to see.
async fn show(client: &mut Client, own: &mut OwnPresence, state: Option<&str>) {
    let payload = own.set(state.map(str::to_owned));
    client
        .send(y_websocket::Message::Awareness(&payload).to_vec())
        .await;
}

/// Whether the last that was heard of `who` is that it is here.
fn is_here(client: &Client, who: u64) -> Option<bool> {
    let entries = client.presence.iter().flat_map(|payload| {
        let entries = Payload::parse(payload).unwrap().entries();
        entries
            .map(|entry| (entry.client, entry.state.is_some()))
            .collect::<Vec<_>>()
    });
    entries
        .rev()
        .find(|(client, _)| *client == ClientId(who))
        .map(|(_, is_here)| is_here)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_at_different_servers_see_each_other_and_no_ghosts() {
    let (_redis, mut servers) = two_together().await;
    let mut ada = Client::join(servers[0].0.address, "page", Speaks::YWebsocket).await;
    let mut own = OwnPresence::new(ClientId(7));
    show(&mut ada, &mut own, Some("{}")).await;
    // Whoever comes later asks.
    let mut ben = Client::join(servers[1].0.address, "page", Speaks::YWebsocket).await;
    ben.until("Ada", |ben| is_here(ben, 7) == Some(true)).await;
    show(&mut ada, &mut own, None).await;
    ben.until("her goodbye", |ben| is_here(ben, 7) == Some(false))
        .await;
    show(&mut ada, &mut own, Some("{}")).await;
    ben.until("Ada again", |ben| is_here(ben, 7) == Some(true))
        .await;
    servers[0].0.kill();
    // Long before what she said of herself is forgotten, which takes two minutes.
    ben.until("that she is gone", |ben| is_here(ben, 7) == Some(false))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_different_databases_may_share_one_redis() {
    let redis = Redis::start(&[]);
    let databases = [
        Postgres::shared().fresh_url().await,
        Postgres::shared().fresh_url().await,
    ];
    let servers = databases.map(|database| start(&database, &redis.url()));
    for server in &servers {
        until_it_says(server, "/metrics", IN_USE).await;
    }
    let [mut ada, mut ben] = one_at_each(&servers, "page").await;
    for (client, word) in [(&mut ada, "Ada's"), (&mut ben, "Ben's")] {
        client.type_at(0, word).await;
        client.until("its echo", |one| one.echoed.len() == 1).await;
    }
    assert_eq!(ada.text(), "Ada's");
    assert_eq!(ben.text(), "Ben's");
    for server in &servers {
        assert_eq!(metric(server, "sheaf_bus_servers").await, 0);
        assert_eq!(metric(server, "sheaf_bus_refused_total").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_while_redis_is_away_find_each_other_when_it_comes() {
    let database = Postgres::shared().fresh_url().await;
    let mut redis = Redis::start(&[]);
    redis.kill();
    let servers = [
        start(&database, &redis.url()),
        start(&database, &redis.url()),
    ];
    let [mut ada, mut ben] = one_at_each(&servers, "page").await;
    cross(&mut ada, &mut ben, "without ").await;
    redis.start_again();
    until_together(&servers).await;
    cross(&mut ada, &mut ben, "with ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_cluster_does_as_well() {
    let database = Postgres::shared().fresh_url().await;
    let redis = RedisCluster::start();
    let servers = [
        start(&database, &redis.url()),
        start(&database, &redis.url()),
    ];
    until_together(&servers).await;
    let mut took = Vec::new();
    for page in ["one", "two", "three", "four", "five"] {
        let [mut ada, mut ben] = one_at_each(&servers, page).await;
        cross(&mut ada, &mut ben, "there ").await;
        took.push(cross(&mut ben, &mut ada, "and back ").await);
    }
    took.sort();
    // By the database alone it would be every five seconds.
    assert!(took[2] < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_spoken_to_in_secret_and_only_if_its_certificate_is_right() {
    let database = Postgres::shared().fresh_url().await;
    let folder = tempfile::tempdir().unwrap();
    let (_redis, certificate, url) = Redis::with_tls(folder.path());
    let trusts = [("SSL_CERT_FILE", certificate.to_str().unwrap())];
    let servers = [
        start_with(&database, &url, &trusts),
        start_with(&database, &url, &trusts),
    ];
    until_together(&servers).await;
    let wary = start(&database, &url);
    until_it_says(&wary, "/metrics", "sheaf_bus_state{breaker=\"open\"} 1").await;
    assert_eq!(metric(&wary, "sheaf_bus_servers").await, 0);
}

/// As docs/OPERATIONS.md says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_redis_who_may_only_publish_and_subscribe_is_enough() {
    let database = Postgres::shared().fresh_url().await;
    let may = "--user sheaf on >hunter2 resetkeys resetchannels &sheaf:* \
        -@all +hello +publish +subscribe +unsubscribe --user default off";
    let redis = Redis::start(&may.split_whitespace().collect::<Vec<_>>());
    let url = format!("redis://sheaf:hunter2@127.0.0.1:{}", redis.port());
    let servers = [start(&database, &url), start(&database, &url)];
    until_together(&servers).await;
}
