//! A line between a client and a server that behaves as badly as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How a line behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manners {
    /// It passes on what comes.
    Good,
    /// Each piece comes so many milliseconds late.
    Slow(u64),
    /// It passes on a few bytes at a time.
    Chopped,
    /// It takes what comes and passes nothing on, for now.
    Stalled,
    /// Every connection is reset, and none is made.
    Cut,
}

/// Where a line may lead: it chooses anew for each connection.
pub(super) type Targets = Arc<Mutex<Vec<SocketAddr>>>;

/// A listener that leads to one of its targets.
pub(super) struct Lines {
    address: SocketAddr,
    manners: watch::Sender<Manners>,
    accepting: JoinHandle<()>,
}

impl Lines {
    pub(super) async fn open(targets: Targets) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (manners, told) = watch::channel(Manners::Good);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let target = {
                    let targets = targets.lock().unwrap();
                    fastrand::choice(targets.iter().copied())
                };
                // Nobody there, or cut: dropping it resets or closes it.
                if let Some(target) = target
                    && *told.borrow() != Manners::Cut
                {
                    tokio::spawn(lead(near, target, told.clone()));
                }
            }
        });
        Self {
            address,
            manners,
            accepting,
        }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, on connections that are open too.
    pub(super) fn behave(&self, manners: Manners) {
        self.manners.send_replace(manners);
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn lead(near: TcpStream, target: SocketAddr, told: watch::Receiver<Manners>) {
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let mut cut = told.clone();
    tokio::select! {
        () = pass_on(from_near, to_far, told.clone()) => {}
        () = pass_on(from_far, to_near, told) => {}
        _ = cut.wait_for(|manners| *manners == Manners::Cut) => {}
    }
}

/// Until one end is gone.
async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut told: watch::Receiver<Manners>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let mut rest = buffer.get(..read).unwrap_or_default();
        while !rest.is_empty() {
            let Ok(manners) = told
                .wait_for(|manners| *manners != Manners::Stalled)
                .await
                .map(|manners| *manners)
            else {
                return;
            };
            let taken = match manners {
                Manners::Slow(ms) => {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    rest.len()
                }
                Manners::Chopped => fastrand::usize(1..8).min(rest.len()),
                Manners::Good | Manners::Stalled | Manners::Cut => rest.len(),
            };
            let (piece, more) = rest.split_at(taken);
            if to.write_all(piece).await.is_err() {
                return;
            }
            rest = more;
        }
    }
}
