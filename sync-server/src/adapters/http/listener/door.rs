//! The door: who is inside, how many of them from one address, and how fast an address may come.
//!
//! A proxy that is trusted brings many people over its own address, so its connections as such are bounded by the bound on
//! all alone. What stays open over them is counted by the address that it says they came from: see [`Admitted::count`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, Semaphore};

use super::FIRSTS_MAX;
use super::arrivals::{Arrivals, Rate};
use crate::config::{Config, is_loopback};
use crate::metrics::Metrics;

/// Counts who is inside.
pub(super) struct Door {
    config: Arc<Config>,
    per_address_rate: Option<Rate>,
    per_loopback_rate: Option<Rate>,
    opened_at: Instant,
    inside: Mutex<Inside>,
    emptied: Notify,
    /// Turns for first requests.
    pub(super) firsts: Semaphore,
    metrics: Arc<Metrics>,
}

struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    arrivals: Arrivals,
}

/// Why someone is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::http) enum Refusal {
    /// Too many are inside.
    NoRoom,
    /// Too many came from there in a short time.
    TooFast,
}

/// What is counted over the connection of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::http) enum Counted {
    /// A socket, as if it were a connection of its own.
    Socket,
    /// One exchange of many, which come as fast as somebody types.
    Exchange,
}

/// The right to be connected; given back when dropped.
pub(in crate::adapters::http) struct Admitted {
    other_end: IpAddr,
    /// `None`: a proxy that is trusted, whose people are counted one by one.
    place: Option<Place>,
    door: Arc<Door>,
}

/// One of those that an address may have; given back when dropped.
pub(in crate::adapters::http) struct Place {
    address: IpAddr,
    door: Arc<Door>,
}

impl Admitted {
    /// The other end of the connection.
    pub(in crate::adapters::http) const fn other_end(&self) -> IpAddr {
        self.other_end
    }

    /// Counts what stays open over this connection as one of `client`'s, if the connection is not counted by itself: until
    /// the answer is dropped.
    ///
    /// # Errors
    /// [`Refusal`]
    pub(in crate::adapters::http) fn count(
        &self,
        client: IpAddr,
        what: Counted,
    ) -> Result<Option<Place>, Refusal> {
        if self.place.is_some() {
            return Ok(None);
        }
        self.door.place(client, what).map(Some)
    }
}

impl Door {
    pub(super) fn new(config: &Arc<Config>, metrics: Arc<Metrics>) -> Self {
        Self {
            per_address_rate: Rate::new(config.connections_per_address_rate),
            per_loopback_rate: Rate::new(config.connections_per_loopback_rate),
            config: Arc::clone(config),
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

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one more connection in, if there is room and the address does not come too fast.
    pub(super) fn admit(self: &Arc<Self>, other_end: IpAddr) -> Result<Arc<Admitted>, Refusal> {
        {
            let mut inside = self.inside();
            if inside.all >= self.config.connections_max {
                self.metrics.connections_refused.add(1);
                return Err(Refusal::NoRoom);
            }
            inside.all += 1;
        }
        // Given back by its drop, whatever comes now.
        let mut admitted = Admitted {
            other_end,
            place: None,
            door: Arc::clone(self),
        };
        self.metrics.connections.up();
        let mut proxies = self.config.trusted_proxies.iter();
        if !proxies.any(|proxy| proxy.holds(other_end)) {
            admitted.place = Some(self.place(other_end, Counted::Socket)?);
        }
        Ok(Arc::new(admitted))
    }

    /// One more of `address`.
    fn place(self: &Arc<Self>, address: IpAddr, what: Counted) -> Result<Place, Refusal> {
        let address = counted_as(address);
        let now_us = u64::try_from(self.opened_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (max, rate) = if is_loopback(address) {
            (
                self.config.connections_per_loopback_max,
                self.per_loopback_rate,
            )
        } else {
            (
                self.config.connections_per_address_max,
                self.per_address_rate,
            )
        };
        let mut inside = self.inside();
        let here = inside.by_address.get(&address).copied().unwrap_or(0);
        if here >= max {
            self.metrics.connections_refused.add(1);
            return Err(Refusal::NoRoom);
        }
        if what == Counted::Socket
            && rate.is_some_and(|rate| !inside.arrivals.take(address, rate, now_us))
        {
            self.metrics.connections_too_fast.add(1);
            return Err(Refusal::TooFast);
        }
        inside.by_address.insert(address, here + 1);
        Ok(Place {
            address,
            door: Arc::clone(self),
        })
    }

    /// Waits until nobody is inside.
    pub(super) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if self.inside().all == 0 {
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

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.door.inside();
        if let Some(here) = inside.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        // First that of its address: once nobody is inside, nothing is counted any more.
        drop(self.place.take());
        let mut inside = self.door.inside();
        inside.all -= 1;
        if inside.all == 0 {
            self.door.emptied.notify_waiters();
        }
        drop(inside);
        self.door.metrics.connections.down();
    }
}
