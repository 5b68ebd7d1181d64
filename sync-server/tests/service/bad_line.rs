//! A line between a client and a server that behaves as badly as it is told.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a line holds itself, in bytes: what does not fit waits at its sender.
const HOLDS_BYTES: u32 = 64 * 1024;
/// Longest time to wait for the far end to take a call.
const FAR_END_WITHIN: Duration = Duration::from_secs(10);

/// How a line behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It passes on what comes.
    Good,
    /// Each piece comes so many milliseconds late.
    Slow(u64),
    /// It passes on a few bytes at a time.
    Chopped,
    /// It passes on so many bytes a second.
    Thin(u64),
    /// It changes a byte now and then.
    Garbled,
    /// It takes what comes and passes nothing on, for now.
    Stalled,
    /// Every connection is reset, and none is made.
    Cut,
}

/// Where a line may lead: it chooses anew for each connection.
pub(crate) type Targets = Arc<Mutex<Vec<SocketAddr>>>;

/// What a line is told.
#[derive(Clone, Copy, Debug)]
struct Told {
    manners: Manners,
    /// Nothing passes to or from this target, whatever the manners.
    walled: Option<SocketAddr>,
}

impl Told {
    fn manners_to(&self, target: SocketAddr) -> Manners {
        if self.walled == Some(target) && self.manners != Manners::Cut {
            return Manners::Stalled;
        }
        self.manners
    }
}

/// What all connections of a line share.
struct Shared {
    told: watch::Sender<Told>,
    passed: AtomicU64,
    /// It is cut when so many more bytes have passed.
    left: Mutex<Option<u64>>,
}

impl Shared {
    /// How many of `bytes` may pass now.
    fn allow(&self, bytes: usize) -> usize {
        let left = self.left.lock().unwrap();
        left.map_or(bytes, |left| bytes.min(usize::try_from(left).unwrap()))
    }

    fn use_up(&self, bytes: usize) {
        let mut left = self.left.lock().unwrap();
        if let Some(some) = &mut *left {
            *some = some.saturating_sub(bytes as u64);
            if *some == 0 {
                *left = None;
                self.told.send_modify(|told| told.manners = Manners::Cut);
            }
        }
    }
}

/// A listener that leads to one of its targets.
pub(crate) struct Lines {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Lines {
    /// A line of this machine that leads to one place.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let targets = Arc::new(Mutex::new(vec![target]));
        Self::open([127, 0, 0, 1].into(), targets, 0).await
    }

    /// Listens at `here`; `seed` decides where each connection leads.
    pub(crate) async fn open(here: IpAddr, targets: Targets, seed: u64) -> Self {
        let listener = TcpListener::bind((here, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut chance = fastrand::Rng::with_seed(seed);
        let shared = Arc::new(Shared {
            told: watch::Sender::new(Told {
                manners: Manners::Good,
                walled: None,
            }),
            passed: AtomicU64::new(0),
            left: Mutex::new(None),
        });
        let lent = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let target = {
                    let targets = targets.lock().unwrap();
                    chance.choice(targets.iter().copied())
                };
                // Nobody there, or cut: dropping it resets or closes it.
                if let Some(target) = target
                    && lent.told.borrow().manners != Manners::Cut
                {
                    tokio::spawn(lead(near, target, Arc::clone(&lent)));
                }
            }
        });
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, on connections that are open too.
    pub(crate) fn behave(&self, manners: Manners) {
        self.shared.told.send_modify(|told| told.manners = manners);
    }

    /// From now on nothing passes to or from `target`; `None`: all of it may pass again.
    pub(crate) fn wall_off(&self, target: Option<SocketAddr>) {
        self.shared.told.send_modify(|told| told.walled = target);
    }

    /// Whether it passes anything on.
    pub(crate) fn is_passing(&self) -> bool {
        let manners = self.shared.told.borrow().manners;
        !matches!(manners, Manners::Stalled | Manners::Cut)
    }

    /// Bytes that have passed, both ways.
    pub(crate) fn passed(&self) -> u64 {
        self.shared.passed.load(Ordering::Relaxed)
    }

    /// Cuts it when so many more bytes have passed, in the middle of whatever that is, and waits for it.
    pub(crate) async fn cut_behind(&self, bytes: u64) {
        *self.shared.left.lock().unwrap() = Some(bytes);
        let mut told = self.shared.told.subscribe();
        let cut = told.wait_for(|told| told.manners == Manners::Cut).await;
        drop(cut.unwrap());
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn dial(target: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(HOLDS_BYTES)?;
    socket.connect(target).await
}

async fn lead(near: TcpStream, target: SocketAddr, shared: Arc<Shared>) {
    let Ok(Ok(far)) = tokio::time::timeout(FAR_END_WITHIN, dial(target)).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let mut cut = shared.told.subscribe();
    tokio::select! {
        () = pass_on(from_near, to_far, target, &shared) => {}
        () = pass_on(from_far, to_near, target, &shared) => {}
        _ = cut.wait_for(|told| told.manners == Manners::Cut) => {}
    }
}

/// Until one end is gone.
async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    target: SocketAddr,
    shared: &Shared,
) {
    let mut told = shared.told.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let mut rest = buffer.get_mut(..read).unwrap_or_default();
        while !rest.is_empty() {
            let passes = |told: &Told| told.manners_to(target) != Manners::Stalled;
            let Ok(manners) = told
                .wait_for(passes)
                .await
                .map(|told| told.manners_to(target))
            else {
                return;
            };
            let taken = shared.allow(take(manners, rest).await);
            let (piece, more) = rest.split_at_mut(taken);
            // Counted before the far end can know of it: who has heard something finds it counted.
            shared.passed.fetch_add(taken as u64, Ordering::Relaxed);
            if to.write_all(piece).await.is_err() {
                return;
            }
            shared.use_up(taken);
            rest = more;
        }
    }
}

/// How many bytes of `rest` pass next, when it is time for them.
async fn take(manners: Manners, rest: &mut [u8]) -> usize {
    match manners {
        Manners::Slow(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            rest.len()
        }
        Manners::Chopped => fastrand::usize(1..8).min(rest.len()),
        Manners::Thin(bytes_per_s) => {
            let taken = rest.len().min(1_024);
            let ms = taken as u64 * 1_000 / bytes_per_s;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            taken
        }
        Manners::Garbled => {
            if fastrand::u8(..) < 32 {
                let at = fastrand::usize(..rest.len());
                rest[at] ^= 1 << fastrand::u8(..8);
            }
            rest.len()
        }
        Manners::Good | Manners::Stalled | Manners::Cut => rest.len(),
    }
}
