//! A proxy brings many people over one address. Each is counted by the address that it says, and the proxy itself is not.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sheaf_server::config::RawConfig;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, http::StatusCode};

use crate::client::{Client, PATIENCE, Socket, Speaks, new_replica};
use crate::server::TestServer;
use crate::visitor::{For, Visitor, post, read};

/// A socket of somebody at `client`, over a proxy at this machine.
async fn dial(server: SocketAddr, client: &str) -> Result<Socket, StatusCode> {
    let mut request = format!("ws://{server}/sync/page")
        .into_client_request()
        .unwrap();
    let said = client.parse().unwrap();
    request.headers_mut().insert("x-forwarded-for", said);
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => {
            let wait = answer.headers()["retry-after"].to_str().unwrap();
            assert!((1..=10).contains(&wait.parse::<u64>().unwrap()), "{wait}");
            Err(answer.status())
        }
        Err(error) => panic!("{error}"),
    }
}

fn behind_a_proxy() -> RawConfig {
    RawConfig {
        open: true,
        trusted_proxies: vec!["127.0.0.1".into()],
        connections_per_address_max: Some("3".into()),
        // What the proxy's own address may do if nobody trusts it.
        connections_per_loopback_max: Some("5".into()),
        ..RawConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_opens_too_many_sockets_through_a_proxy_is_held_back_and_others_behind_it_are_not() {
    let server = TestServer::start_with(behind_a_proxy()).await;
    let mut ada = Vec::new();
    for _ in 0..3 {
        ada.push(dial(server.address, "203.0.113.1").await.unwrap());
    }
    let refused = dial(server.address, "203.0.113.1").await.err();
    assert_eq!(refused, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(server.metrics.connections_refused.get(), 1);
    // More of them than one address may have, whatever it is.
    for other in 2..12 {
        let socket = dial(server.address, &format!("203.0.113.{other}")).await;
        let socket = socket.unwrap();
        let replica = new_replica();
        let speaks = Speaks::YWebsocket;
        let mut ben = Client::join_over(socket, "page", speaks, replica).await;
        ben.type_at(0, "words ").await;
        ben.until("its echo", |ben| !ben.echoed.is_empty()).await;
        ada.push(ben.socket);
    }
    // What she says herself of where she comes from counts for nothing: the proxy's word comes last.
    let refused = dial(server.address, "198.51.100.9, 203.0.113.1").await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    drop(ada);
    let limit = Instant::now() + PATIENCE;
    while dial(server.address, "203.0.113.1").await.is_err() {
        assert!(Instant::now() < limit, "her places were not given back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_dials_too_fast_through_a_proxy_is_told_when_to_come_again_and_others_are_let_in() {
    let raw = RawConfig {
        connections_per_address_max: Some("1024".into()),
        connections_per_address_rate: Some("1".into()),
        ..behind_a_proxy()
    };
    let server = TestServer::start_with(raw).await;
    let mut refused = None;
    // However slowly they come: after 32 at once, one a second.
    for _ in 0..1_000 {
        refused = dial(server.address, "203.0.113.1").await.err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused, Some(StatusCode::TOO_MANY_REQUESTS));
    assert!(dial(server.address, "203.0.113.2").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exchanges_through_a_proxy_are_counted_by_who_asks_and_not_by_how_many_there_are() {
    let server = TestServer::start_with(behind_a_proxy()).await;
    let said = |client: &str| format!("X-Forwarded-For: {client}\r\n");
    let mut waiting = Vec::new();
    let mut visitors = Vec::new();
    for _ in 0..3 {
        let mut ada = Visitor::new("page");
        ada.come(server.address).await;
        let body = ada.body(For::Waiting, &[]);
        waiting.push(post(server.address, &said("203.0.113.1"), &body).await);
        visitors.push(ada);
    }
    let limit = Instant::now() + PATIENCE;
    while server.metrics.exchanges.open.get() < 3 {
        assert!(Instant::now() < limit, "they do not wait");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let late = Visitor::new("page");
    let body = late.body(For::Hearing, &[]);
    let refused = read(post(server.address, &said("203.0.113.1"), &body).await).await;
    assert_eq!(refused.status, 503);
    assert!(refused.head.to_lowercase().contains("retry-after: 1"));
    for _ in 0..40 {
        let other = read(post(server.address, &said("203.0.113.2"), &body).await).await;
        assert_eq!(other.status, 200);
    }
}
