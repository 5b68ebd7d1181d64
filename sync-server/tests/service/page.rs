//! The page and what monitors ask, over plain HTTP.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::PATIENCE;
use crate::server::TestServer;

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

async fn ask(address: SocketAddr, request: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head[9..12].parse().unwrap();
    Answer {
        status,
        head,
        body: answer[end + 4..].to_vec(),
    }
}

const HASHED: &str = "app-0123456789abcdef.js";

/// A server with a small built page.
async fn server_with_page() -> TestServer {
    let server = TestServer::start().await;
    let dist = server.dist();
    std::fs::create_dir(&dist).unwrap();
    for (name, content) in [
        (
            HASHED,
            &b"console.log('a long and compressible text text text')"[..],
        ),
        ("app-0123456789abcdef.js.br", b"brotli"),
        ("app-0123456789abcdef_bg.wasm", b"\0asm"),
        ("service-worker.js", b"self"),
        ("index.html", b"<script type=\"module\">boot()</script>"),
    ] {
        std::fs::write(dist.join(name), content).unwrap();
    }
    server
}

#[tokio::test]
async fn files_come_with_their_kind_and_are_kept_for_ever_only_if_their_name_changes() {
    let server = server_with_page().await;
    for (path, kind, cache) in [
        (
            "/app-0123456789abcdef.js",
            "text/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
        (
            "/app-0123456789abcdef_bg.wasm",
            "application/wasm",
            "public, max-age=31536000, immutable",
        ),
        (
            "/service-worker.js",
            "text/javascript; charset=utf-8",
            "no-cache",
        ),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/", "text/html; charset=utf-8", "no-cache"),
        (
            "/p/AAAAAAAAAAAAAAAAAAAAAA",
            "text/html; charset=utf-8",
            "no-cache",
        ),
    ] {
        let answer = ask(server.address, &format!("GET {path}"), "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        assert_eq!(answer.header("cache-control"), Some(cache), "{path}");
    }
    for path in [
        "/nothing",
        "/../Cargo.toml",
        "/%2e%2e/lock",
        "/app-0123456789abcdef.js.br",
        "/api/x",
    ] {
        assert_eq!(
            ask(server.address, &format!("GET {path}"), "").await.status,
            404,
            "{path}"
        );
    }
    assert_eq!(
        ask(server.address, "POST /", "Content-Length: 0\r\n")
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn a_compressed_copy_goes_to_those_who_take_it_and_an_unchanged_file_costs_no_bytes() {
    let server = server_with_page().await;
    let get = format!("GET /{HASHED}");
    let plain = ask(server.address, &get, "").await;
    assert_eq!(
        (plain.header("content-encoding"), plain.body.len()),
        (None, 53)
    );
    let small = ask(server.address, &get, "Accept-Encoding: gzip, br\r\n").await;
    assert_eq!(small.header("content-encoding"), Some("br"));
    assert_eq!(small.body, b"brotli");
    assert_eq!(small.header("vary"), Some("accept-encoding"));
    let tag = small.header("etag").unwrap();
    let known = ask(server.address, &get, &format!("If-None-Match: {tag}\r\n")).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = ask(server.address, &format!("HEAD /{HASHED}"), "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn every_answer_carries_a_policy_that_lets_only_the_page_itself_run() {
    let server = server_with_page().await;
    for path in ["/", "/healthz", "/nothing", "/sync/page", "/metrics"] {
        let answer = ask(server.address, &format!("GET {path}"), "").await;
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("'sha256-") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_page_that_was_built_anew_is_served_without_a_restart() {
    let server = server_with_page().await;
    assert_eq!(
        ask(server.address, "GET /new-0123456789abcdef.css", "")
            .await
            .status,
        404
    );
    std::fs::write(server.dist().join("new-0123456789abcdef.css"), "a{}").unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let index = std::fs::File::options()
        .write(true)
        .open(server.dist().join("index.html"));
    index.unwrap().set_modified(later).unwrap();
    assert_eq!(
        ask(server.address, "GET /new-0123456789abcdef.css", "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn without_a_built_page_it_says_how_to_build_it() {
    let server = TestServer::start().await;
    let answer = ask(server.address, "GET /", "").await;
    assert_eq!(answer.status, 503);
    assert!(String::from_utf8_lossy(&answer.body).contains("cargo xtask"));
}

#[tokio::test]
async fn monitors_are_told_that_it_lives_that_it_is_ready_and_what_it_counts() {
    let server = TestServer::start().await;
    assert_eq!(ask(server.address, "GET /healthz", "").await.status, 200);
    assert_eq!(ask(server.address, "GET /readyz", "").await.status, 200);
    let limit = tokio::time::Instant::now() + PATIENCE;
    loop {
        let metrics = ask(server.address, "GET /metrics", "").await;
        let text = String::from_utf8(metrics.body).unwrap();
        assert!(
            text.contains("sheaf_store_commit_seconds_bucket{le=\"+Inf\"} 1\n"),
            "{text}"
        );
        // Those before are counted until their ends are closed at both sides.
        if text.contains("\nsheaf_connections 1\n") {
            return;
        }
        assert!(tokio::time::Instant::now() < limit, "{text}");
    }
}
