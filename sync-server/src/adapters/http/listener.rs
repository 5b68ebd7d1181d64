//! The port: taking connections, within bounds, and serving HTTP on each.

mod arrivals;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
use tokio::sync::{Notify, Semaphore};
use tower_service::Service as _;

use super::Site;
use super::patient::Patient;
use crate::config::{Config, is_loopback};
use crate::metrics::Metrics;
use crate::runtime::shutdown::Phase;
use arrivals::{Arrivals, Rate};

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
const COME_AGAIN_S_MAX: u64 = 10;
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
                match Door::admit(&door, peer.ip()) {
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

/// Counts who is inside.
struct Door {
    all_max: usize,
    per_address_max: usize,
    per_loopback_max: usize,
    per_address_rate: Option<Rate>,
    per_loopback_rate: Option<Rate>,
    opened_at: Instant,
    inside: Mutex<Inside>,
    emptied: Notify,
    firsts: Semaphore,
    metrics: Arc<Metrics>,
}

struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    arrivals: Arrivals,
}

/// Why someone is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// Too many are inside.
    NoRoom,
    /// Too many came from there in a short time.
    TooFast,
}

/// The right to be connected; given back when dropped.
pub(super) struct Admitted {
    /// As it is counted.
    address: IpAddr,
    other_end: IpAddr,
    door: Arc<Door>,
}

impl Admitted {
    /// The other end of the connection.
    pub(super) const fn other_end(&self) -> IpAddr {
        self.other_end
    }
}

impl Door {
    fn new(config: &Config, metrics: Arc<Metrics>) -> Self {
        Self {
            all_max: config.connections_max,
            per_address_max: config.connections_per_address_max,
            per_loopback_max: config.connections_per_loopback_max,
            per_address_rate: Rate::new(config.connections_per_address_rate),
            per_loopback_rate: Rate::new(config.connections_per_loopback_rate),
            opened_at: Instant::now(),
            inside: Mutex::new(Inside {
                all: 0,
                by_address: HashMap::new(),
                arrivals: Arrivals::new(),
            }),
            emptied: Notify::new(),
            firsts: Semaphore::new(FIRSTS_MAX),
            metrics,
        }
    }

    /// Lets one more in, if there is room and the address does not come too fast. An address is that of the other end of the
    /// connection: behind a proxy, the proxy's.
    fn admit(door: &Arc<Self>, address: IpAddr) -> Result<Arc<Admitted>, Refusal> {
        let other_end = address;
        let address = counted_as(address);
        let now_us = u64::try_from(door.opened_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut inside = door.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (max, rate) = if is_loopback(address) {
            (door.per_loopback_max, door.per_loopback_rate)
        } else {
            (door.per_address_max, door.per_address_rate)
        };
        let here = inside.by_address.get(&address).copied().unwrap_or(0);
        if inside.all >= door.all_max || here >= max {
            door.metrics.connections_refused.add(1);
            return Err(Refusal::NoRoom);
        }
        if rate.is_some_and(|rate| !inside.arrivals.take(address, rate, now_us)) {
            door.metrics.connections_too_fast.add(1);
            return Err(Refusal::TooFast);
        }
        inside.all += 1;
        inside.by_address.insert(address, here + 1);
        door.metrics.connections.up();
        Ok(Arc::new(Admitted {
            address,
            other_end,
            door: Arc::clone(door),
        }))
    }
}

impl Door {
    async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if self
                .inside
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .all
                == 0
            {
                return;
            }
            emptied.await;
        }
    }
}

/// One household or machine has a whole /64 of IPv6 addresses: they count as one.
fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None if v6.is_loopback() => address,
            None => {
                let [a, b, c, d, ..] = v6.segments();
                IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
            }
        },
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut inside = self
            .door
            .inside
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        inside.all -= 1;
        if let Some(here) = inside.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                inside.by_address.remove(&self.address);
            }
        }
        if inside.all == 0 {
            self.door.emptied.notify_waiters();
        }
        self.door.metrics.connections.down();
    }
}
