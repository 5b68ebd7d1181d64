//! The port: taking connections, within bounds, and serving HTTP on each.

mod arrivals;
mod door;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sheaf_shared::limits::EXCHANGE_HOLD_MS_MAX;
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::SockRef;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower_service::Service as _;

use super::Site;
use super::patient::Patient;
use crate::runtime::shutdown::Phase;
use door::Door;
pub(super) use door::{Admitted, Counted, Refusal};

/// Connections the kernel keeps for us until we take them. Everyone comes back at once after a restart; what
/// does not fit waits a second for TCP to try again.
const BACKLOG: i32 = 8_192;
/// Longest wait, in milliseconds, for a whole request head: a connection that trickles is not kept.
const HEAD_MS: u64 = 10_000;
/// Longest life, in milliseconds, of a connection that is no socket: a browser opens another one, and somebody who
/// takes a file byte by byte does not stay for ever.
const LIFE_MS: u64 = 600_000;
/// Longest request head, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request.
const HEADERS_MAX: usize = 64;
/// Requests at a time that are the first of their connections. Each takes buffers that an open WebSocket does without, and where
/// thousands come back at once they would all take them in the same moment.
const FIRSTS_MAX: usize = 128;
/// Longest time, in milliseconds, that one of them has others wait for it.
const FIRST_MS: u64 = 100;
/// Pause, in milliseconds, after the system would not give another connection.
const ACCEPT_PAUSE_MS: u64 = 50;

/// Bytes that the kernel keeps for a connection beyond what is on its way. It takes more when half of that is gone.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT_BYTES_MAX: u32 = 128 * 1024;

/// Longest wait, in milliseconds, for connections to end when the program does.
const GOODBYE_MS: u64 = 3_000;

/// Most connections at a time that came too fast and are told so.
const ASKED_TO_WAIT_MAX: usize = 64;
/// Longest time, in milliseconds, that telling one may take.
const ASKING_MS: u64 = 1_000;
/// Longest pause, in seconds, that who comes too fast is asked to make.
pub(super) const COME_AGAIN_S_MAX: u64 = 10;
const TOO_FAST: &str = "too many new connections from this address; come again in a moment\n";

/// Why the port could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    address: SocketAddr,
    #[source]
    cause: std::io::Error,
}

/// A port that was taken.
pub struct Bound {
    listener: TcpListener,
    /// Where it listens; tells the port if 0 was asked for.
    pub address: SocketAddr,
}

/// Takes the port. From here on the kernel answers connections, and they wait until [`serve`] takes them.
///
/// # Errors
/// [`BindError`] when the address is in use or not ours.
pub fn bind(address: SocketAddr) -> Result<Bound, BindError> {
    let bind = || -> std::io::Result<Bound> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        // A restarted server takes its port back though old connections still linger in the kernel.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let address = listener.local_addr()?;
        Ok(Bound { listener, address })
    };
    bind().map_err(|cause| BindError { address, cause })
}

/// Serves until the shutdown is complete.
pub async fn serve(bound: Bound, router: Router, site: Site) {
    let door = Arc::new(Door::new(&site.config, Arc::clone(&site.metrics)));
    let answers = Arc::new(Semaphore::new(ASKED_TO_WAIT_MAX));
    let closed = site.shutdown.reached(Phase::Closed);
    tokio::pin!(closed);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut closed => break,
            accepted = bound.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                match door.admit(peer.ip()) {
                    Ok(admitted) => {
                        let (router, site) = (router.clone(), site.clone());
                        tokio::spawn(begin(stream, admitted, router, site, Arc::clone(&door)));
                    }
                    // An answer would cost more than the connection.
                    Err(Refusal::NoRoom) => {}
                    Err(Refusal::TooFast) => ask_to_wait(stream, &answers),
                }
            }
            Err(error) => {
                // Out of open files, most likely: connections wait in the backlog until one is free.
                tracing::warn!(%error, "Could not take a connection");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
    drop(bound);
    // Goodbyes that are on the way are said to the end.
    let _ = tokio::time::timeout(Duration::from_millis(GOODBYE_MS), door.empty()).await;
}

/// Says when to come again, in an answer that needs no question, to as many as that may be said to at a time. The others are
/// cut off, which clients take for the same.
fn ask_to_wait(mut stream: TcpStream, answers: &Arc<Semaphore>) {
    let Ok(turn) = Arc::clone(answers).try_acquire_owned() else {
        return;
    };
    tokio::spawn(async move {
        // Not all at the same moment.
        let again_s = fastrand::u64(1..=COME_AGAIN_S_MAX);
        let answer = format!(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: {again_s}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{TOO_FAST}",
            TOO_FAST.len()
        );
        let said = async {
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
            // If the question were still unread when the connection goes, the answer would go with it.
            let mut question = [0; 1_024];
            while stream.read(&mut question).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        let _ = tokio::time::timeout(Duration::from_millis(ASKING_MS), said).await;
        drop(turn);
    });
}

/// Waits, without a buffer, until a connection says something, and until it is its turn.
async fn begin(
    stream: TcpStream,
    admitted: Arc<Admitted>,
    router: Router,
    site: Site,
    door: Arc<Door>,
) {
    let speaks = tokio::time::timeout(Duration::from_millis(HEAD_MS), stream.readable());
    tokio::select! {
        spoken = speaks => if !matches!(spoken, Ok(Ok(()))) { return },
        () = site.shutdown.reached(Phase::Closed) => return,
    }
    // Never closed.
    let turn = door.firsts.acquire().await;
    let mut serving = Box::pin(serve_one(stream, admitted, router, site));
    let first = tokio::time::timeout(Duration::from_millis(FIRST_MS), &mut serving).await;
    drop(turn);
    if first.is_err() {
        serving.await;
    }
}

async fn serve_one(stream: TcpStream, admitted: Arc<Admitted>, router: Router, site: Site) {
    // Frames are merged into few writes by ourselves; the kernel must not wait for more.
    let _ = stream.set_nodelay(true);
    // Otherwise it may hold megabytes, and take nothing more until a third of that is gone: a slow line would look dead.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX);
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&admitted));
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEAD_MS))
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(Patient::new(stream)), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        // What goes wrong on one connection is the client's business; it sees it itself.
        _ = connection.as_mut() => return,
        () = site.shutdown.reached(Phase::Closed) => {}
        () = tokio::time::sleep(Duration::from_millis(LIFE_MS)) => {}
    }
    connection.as_mut().graceful_shutdown();
    // An exchange that waits for news is waited for.
    let patience = Duration::from_millis(EXCHANGE_HOLD_MS_MAX + HEAD_MS);
    let _ = tokio::time::timeout(patience, connection).await;
}
