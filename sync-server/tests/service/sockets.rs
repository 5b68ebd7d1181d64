//! What strangers may send, and how it ends: a clear close for them, nothing for the others.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use sheaf_server::config::RawConfig;
use sheaf_shared::limits::FRAME_BYTES_MAX;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{connect_async, connect_async_with_config};

use crate::client::{Client, PATIENCE, Speaks, connect};
use crate::program::Program;
use crate::server::TestServer;

/// A frame of a client with this first byte, masked with nothing.
fn raw_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
        middle @ 126..=65_535 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// A socket spoken byte by byte.
async fn raw_socket(server: &TestServer, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream
}

/// The code of the close that must come, after whatever comes before it.
async fn close_code(stream: &mut TcpStream) -> u16 {
    let read = async {
        loop {
            let first = stream.read_u8().await.unwrap();
            let length = match stream.read_u8().await.unwrap() {
                126 => u64::from(stream.read_u16().await.unwrap()),
                127 => stream.read_u64().await.unwrap(),
                short => u64::from(short),
            };
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            stream.read_exact(&mut payload).await.unwrap();
            if first == 0x88 {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    };
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("no close came")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_frame_or_no_message_close_the_socket_with_their_code() {
    let server = TestServer::start().await;
    let mut witness = Client::join(server.address, "page", Speaks::YWebsocket).await;
    witness.type_at(0, "safe").await;
    let unmasked = vec![0x82, 0x01, 0x00];
    let announced = [
        &[0x82, 0xFF][..],
        &(FRAME_BYTES_MAX as u64 + 1).to_be_bytes(),
        &[0; 4],
    ]
    .concat();
    let hurting = [0, 2, 13, 1, 1, 7, 0, 2, 1, 2, b't', b'2', 0, 1, b'c', 0];
    for (what, bytes, code) in [
        ("a frame without a mask", unmasked, 1002),
        ("a text message", raw_frame(0x81, b"hello"), 1003),
        ("reserved bits", raw_frame(0xF2, b""), 1002),
        ("a long ping", raw_frame(0x89, &[0; 126]), 1002),
        ("a message that is announced too long", announced, 1009),
        ("an empty message", raw_frame(0x82, b""), 4400),
        ("an unknown message", raw_frame(0x82, &[99]), 4400),
        ("a message cut short", raw_frame(0x82, &[0, 2, 50, 1]), 4400),
        ("a number without end", raw_frame(0x82, &[0xFF; 20]), 4400),
        (
            "a length beyond everything",
            raw_frame(0x82, &[0, 2, 255, 255, 255, 255, 15]),
            4400,
        ),
        (
            "a denial, which only servers say",
            raw_frame(0x82, &[2, 0, 1, b'x']),
            4400,
        ),
        (
            "an update that is none",
            raw_frame(0x82, &[0, 2, 3, 255, 255, 255]),
            4422,
        ),
        (
            "an update that would hurt the document",
            raw_frame(0x82, &hurting),
            4422,
        ),
        (
            "a state vector that claims millions",
            raw_frame(0x82, &[0, 0, 4, 255, 255, 255, 127]),
            4422,
        ),
    ] {
        let mut stream = raw_socket(&server, "/sync/page").await;
        stream.write_all(&bytes).await.unwrap();
        assert_eq!(close_code(&mut stream).await, code, "{what}");
    }
    let mut newcomer = Client::join(server.address, "page", Speaks::Hocuspocus).await;
    newcomer.until_text("safe").await;
    assert!(server.metrics.closed_for_cause.get() >= 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_hocuspocus_message_close_the_socket_with_their_code() {
    let server = TestServer::start().await;
    for (what, bytes) in [
        ("an empty message", vec![]),
        ("an address cut short", vec![9, b'a']),
        ("an address that is no text", vec![2, 0xFF, 0xFE, 0]),
        ("an unknown message", vec![1, b'a', 77]),
        ("a message between servers", vec![1, b'a', 6, 1, b'x']),
    ] {
        let mut stream = raw_socket(&server, "/collab").await;
        stream.write_all(&raw_frame(0x82, &bytes)).await.unwrap();
        assert_eq!(close_code(&mut stream).await, 4400, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_the_longest_length_is_stored_and_one_byte_more_is_not() {
    let server = TestServer::start().await;
    let mut ada = Client::join(server.address, "book", Speaks::YWebsocket).await;
    let book = "x".repeat(15 * 1024 * 1024);
    let update = ada.type_at(0, &book).await;
    assert!(update.len() > book.len());
    ada.until("the echo of the book", |client| !client.echoed.is_empty())
        .await;
    let config = WebSocketConfig::default()
        .max_frame_size(None)
        .max_message_size(None);
    let url = format!("ws://{}/sync/book", server.address);
    let (mut socket, _) = connect_async_with_config(url, Some(config), false)
        .await
        .unwrap();
    let too_long = vec![0; FRAME_BYTES_MAX + 1];
    // The server may cut the line before all of it is sent.
    let _ = socket.send(Message::Binary(too_long.into())).await;
    let mut over = false;
    while let Some(next) = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap() {
        match next {
            Ok(Message::Close(Some(frame))) => {
                assert_eq!(u16::from(frame.code), 1009);
                over = true;
            }
            Ok(_) => {}
            Err(_) => over = true,
        }
    }
    assert!(over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_none_is_refused_before_the_socket_opens() {
    let server = TestServer::start().await;
    let long = "a".repeat(256);
    for name in ["", "%00", "a%0Ab", "%ff", &long] {
        let refused = connect_async(format!("ws://{}/sync/{name}", server.address)).await;
        let Err(tokio_tungstenite::tungstenite::Error::Http(response)) = refused else {
            panic!("{name:?} was let in");
        };
        assert!(
            response.status().is_client_error(),
            "{name:?}: {}",
            response.status()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_dialects_meet_under_a_name_with_blanks_and_umlauts() {
    let server = TestServer::start().await;
    let mut ada = Client::join(server.address, "Übung 1/a%20b%", Speaks::Hocuspocus).await;
    ada.type_at(0, "here").await;
    let path = "/sync/%C3%9Cbung%201/a%2520b%";
    let mut socket = connect(server.address, path).await;
    socket
        .send(Message::Binary(vec![0, 0, 1, 0].into()))
        .await
        .unwrap();
    let found = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.into_data().windows(4).any(|bytes| bytes == b"here") {
                return;
            }
        }
        panic!("closed");
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_opens_no_socket() {
    let server = TestServer::start().await;
    let host = server.address.to_string();
    for (origin, host, is_let_in) in [
        (Some(format!("http://{host}")), host.clone(), true),
        (None, host.clone(), true),
        (Some("http://evil.example".into()), host.clone(), false),
        (Some("null".into()), host.clone(), false),
        (
            Some("http://evil.example".into()),
            "evil.example".into(),
            false,
        ),
        (None, "evil.example".into(), false),
    ] {
        let mut request = format!("ws://{}/sync/page", server.address)
            .into_client_request()
            .unwrap();
        request.headers_mut().insert("host", host.parse().unwrap());
        if let Some(origin) = &origin {
            request
                .headers_mut()
                .insert("origin", origin.parse().unwrap());
        }
        let opened = connect_async(request).await;
        assert_eq!(opened.is_ok(), is_let_in, "{origin:?} at {host}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sub_protocol_that_a_browser_offers_is_chosen() {
    let server = TestServer::start().await;
    let mut request = format!("ws://{}/sync/page", server.address)
        .into_client_request()
        .unwrap();
    let offered = "y-token, other".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", offered);
    let (_, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "y-token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_trickles_in_is_cut_while_others_are_served() {
    let server = TestServer::start().await;
    let mut trickles = Vec::new();
    for bytes in [
        &b""[..],
        b"G",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        trickles.push(tokio::spawn(async move {
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
        }));
    }
    let mut ada = Client::join(server.address, "page", Speaks::YWebsocket).await;
    ada.type_at(0, "served").await;
    ada.until("the echo", |client| !client.echoed.is_empty())
        .await;
    for trickle in trickles {
        tokio::time::timeout(PATIENCE, trickle)
            .await
            .expect("not cut")
            .unwrap();
    }
}

/// What a plain request is answered, as far as it comes.
async fn ask(server: &TestServer) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_too_fast_is_told_when_to_come_again_and_the_others_inside_notice_nothing() {
    let raw = RawConfig {
        connections_per_loopback_rate: Some("1".into()),
        ..RawConfig::default()
    };
    let server = TestServer::start_with(raw).await;
    let mut inside = Client::join(server.address, "page", Speaks::YWebsocket).await;
    let mut refused = None;
    // However slowly they come: after 32 at once, one a second.
    for _ in 0..1_000 {
        let answer = ask(&server).await;
        if answer.starts_with("HTTP/1.1 429 ") {
            refused = Some(answer);
            break;
        }
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let refused = refused.expect("the port took whatever came");
    let wait = refused.split_once("Retry-After: ").unwrap().1;
    let wait_s: u64 = wait.split_once("\r\n").unwrap().0.parse().unwrap();
    assert!((1..=10).contains(&wait_s), "{wait_s}");
    assert!(server.metrics.connections_too_fast.get() >= 1);
    assert_eq!(server.metrics.connections_refused.get(), 0);
    inside.type_at(0, "words").await;
    inside
        .until("its echo", |inside| !inside.echoed.is_empty())
        .await;
    // A socket is let in again when its time has come.
    let limit = Instant::now() + PATIENCE;
    while connect_async(format!("ws://{}/sync/page", server.address))
        .await
        .is_err()
    {
        assert!(Instant::now() < limit, "nobody is let in any more");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_whose_requests_trickle_in_holds_nobody_up_who_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::start(folder.path(), &[]);
    let mut trickles = Vec::new();
    // Several times as many as are heard at a time.
    for _ in 0..600 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
        trickles.push(stream);
    }
    // If each were waited for until it is cut off, this would take forty seconds.
    let comes = async {
        let mut ada = Client::join(server.address, "page", Speaks::YWebsocket).await;
        ada.type_at(0, "served").await;
        ada.until("the echo", |ada| !ada.echoed.is_empty()).await;
    };
    let comes = tokio::time::timeout(Duration::from_secs(30), comes);
    comes.await.expect("held up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_allowed_are_cut_and_a_place_that_gets_free_is_given() {
    let raw = RawConfig {
        connections_per_loopback_max: Some("3".into()),
        ..RawConfig::default()
    };
    let server = TestServer::start_with(raw).await;
    let mut inside = Vec::new();
    for _ in 0..3 {
        inside.push(connect(server.address, "/sync/page").await);
    }
    assert!(
        connect_async(format!("ws://{}/sync/page", server.address))
            .await
            .is_err()
    );
    assert_eq!(server.metrics.connections_refused.get(), 1);
    drop(inside.pop());
    let limit = Instant::now() + PATIENCE;
    while connect_async(format!("ws://{}/sync/page", server.address))
        .await
        .is_err()
    {
        assert!(Instant::now() < limit, "the place was not given back");
    }
}
