//! The courier: takes what rooms tell other servers, and brings what those tell, by a bus that may fail at any time.
//!
//! Nothing waits for it. What rooms say goes into a bounded queue; while the bus is away it goes nowhere at all, and the
//! store is asked more often instead (`runtime/following.rs`). The bus counts as there when a message of one's own came
//! back by it, and that is asked again each second, so a bus that takes everything and delivers nothing is noticed too.

mod line;
mod queue;
mod seal;
mod wanted;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sheaf_core::room::{Input, Neighbour};
use sheaf_core::servers::ServerId;
use sheaf_core::servers::breaker::{Breaker, State};
use sheaf_core::servers::message::Said;
use sheaf_core::servers::roll::{BEAT_EVERY_MS, Roll};
use sheaf_shared::ids::{DocName, Seq};
use tokio::sync::{Notify, watch};

use super::hub::Hub;
use super::shutdown::{Phase, Shutdown};
use crate::adapters::system::monotonic_now;
use crate::app::directory::Version;
use crate::metrics::{BreakerState, Metrics};
use crate::ports::{Bus, BusFault, Channel, SharedSecret};

use queue::Queue;
use seal::Seal;
use wanted::Wanted;

/// Documents whose heads are remembered for the next list of what changed. Of more, whoever misses one asks the store.
const CHANGED_MAX: usize = 16_384;
/// Milliseconds in which a server that fell silent may still store something that nobody tells of: cut off from the bus, it may reach
/// the store all the same, or again.
const MISSED_FOR_MS: u64 = 60_000;
/// Longest wait, in milliseconds, for the goodbye to go out when the program ends.
const GOODBYE_MS: u64 = 500;

/// The bus, and how what goes by it is sealed.
#[derive(Clone)]
pub struct Way {
    bus: Arc<dyn Bus>,
    seal: Seal,
}

impl Way {
    /// A way for the servers that share `secret`, by the bus that is made for their channels: all their names begin with
    /// what `bus` is given.
    ///
    /// # Errors
    /// As `bus` says.
    pub fn by(
        secret: SharedSecret,
        bus: impl FnOnce(String) -> Result<Arc<dyn Bus>, BusFault>,
    ) -> Result<Self, BusFault> {
        let seal = Seal::new(secret);
        let bus = bus(seal.channels())?;
        Ok(Self { bus, seal })
    }
}

/// See the module.
pub struct Courier {
    /// This run of this server.
    me: ServerId,
    queue: Queue,
    wanted: Wanted,
    /// Documents that changed here since the last list, and how far they have come.
    changed: Mutex<BTreeMap<DocName, Seq>>,
    /// Whether other servers are in reach. Changes when the bus comes and goes.
    is_up: watch::Sender<bool>,
    /// Something was lost on the way: the store is to be asked now.
    look_now: Notify,
    has_lost: AtomicBool,
    /// The log says that the bus is away.
    told_away: AtomicBool,
    roll: Mutex<Roll>,
    /// Until when somebody is missed who fell silent without a goodbye, in milliseconds of this process's clock.
    missed_until: AtomicU64,
    /// How many beats were sent, the number of the last that came back, and when the last one was sent.
    beats: AtomicU64,
    echoed: AtomicU64,
    beat_at: Mutex<Option<(u64, Instant)>>,
    others: AtomicUsize,
}

impl Default for Courier {
    fn default() -> Self {
        Self {
            me: ServerId(fastrand::u64(..)),
            queue: Queue::default(),
            wanted: Wanted::default(),
            changed: Mutex::default(),
            is_up: watch::Sender::new(false),
            look_now: Notify::new(),
            has_lost: AtomicBool::new(false),
            told_away: AtomicBool::new(false),
            roll: Mutex::default(),
            missed_until: AtomicU64::new(0),
            beats: AtomicU64::new(0),
            echoed: AtomicU64::new(0),
            beat_at: Mutex::default(),
            others: AtomicUsize::new(0),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Courier {
    /// The name of this run of this server, as the list of servers has it.
    pub(crate) fn name(&self) -> String {
        format!("{:016x}", self.me.0)
    }

    /// Whether other servers are in reach.
    pub(crate) fn is_up(&self) -> bool {
        *self.is_up.borrow()
    }

    /// Sees whether other servers are in reach, and waits for that to change.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.is_up.subscribe()
    }

    /// Whether a server fell silent a short while ago: what it stores since then, the bus may not tell.
    pub(crate) fn misses_someone(&self) -> bool {
        monotonic_now().0 < self.missed_until.load(Ordering::Relaxed)
    }

    /// Waits until something is known to be lost on the way.
    pub(crate) async fn something_lost(&self) {
        self.look_now.notified().await;
    }

    /// How many other servers are heard.
    pub(crate) fn others(&self) -> usize {
        self.others.load(Ordering::Relaxed)
    }

    /// A document is open here: what is said of it is to be heard.
    pub(super) fn opened(&self, doc: &DocName) {
        self.wanted.add(doc);
        self.queue.look();
    }

    /// It is not any more.
    pub(super) fn closed(&self, doc: &DocName) {
        self.wanted.remove(doc);
    }

    /// Tells other servers something of a document. It may be lost, and it waits for nobody.
    pub(super) fn tell(&self, metrics: &Metrics, doc: &DocName, said: Said) {
        if !self.is_up() {
            return;
        }
        if let Said::Rows { rows, .. } = &said {
            let mut changed = lock(&self.changed);
            if changed.len() < CHANGED_MAX || changed.contains_key(doc) {
                changed.insert(doc.clone(), rows.through);
            }
        }
        let dropped = self.queue.put(wanted::channel_of(doc), said);
        metrics.bus_dropped.add(dropped);
    }

    /// Tells other servers that someone's rights have changed. If it is lost, they find out by asking.
    pub(super) fn tell_rights(&self, metrics: &Metrics, version: Version) {
        if self.is_up() {
            let said = Said::Rights(version.0);
            metrics
                .bus_dropped
                .add(self.queue.put(Channel::Servers, said));
        }
    }

    /// Uses the bus until the program has closed.
    pub(crate) async fn run(self: Arc<Self>, way: Way, hub: Arc<Hub>, shutdown: Shutdown) {
        let mut breaker = Breaker::default();
        let closed = shutdown.reached(Phase::Closed);
        tokio::pin!(closed);
        loop {
            show(&hub.metrics, breaker.state());
            let fault = tokio::select! {
                () = &mut closed => break,
                fault = self.use_line(&way, &hub, &mut breaker) => fault,
            };
            self.went_down(&hub, &fault);
            let pause = breaker.failed(monotonic_now());
            show(&hub.metrics, breaker.state());
            // Servers that lost it together do not come back together.
            let pause = fastrand::u64(pause..=pause + pause / 2);
            tokio::select! {
                () = &mut closed => break,
                () = self.watch_roll(&hub, pause) => {}
            }
            breaker.begin_try(monotonic_now().plus_ms(pause));
        }
        self.queue.clear();
        let goodbye = self.say_goodbye(&way);
        let _ = tokio::time::timeout(Duration::from_millis(GOODBYE_MS), goodbye).await;
    }

    /// Servers that are silent are gone, whether they or the bus are to blame.
    async fn watch_roll(&self, hub: &Hub, pause_ms: u64) {
        let mut left = pause_ms;
        while left > 0 {
            let step = left.min(BEAT_EVERY_MS);
            tokio::time::sleep(Duration::from_millis(step)).await;
            self.forget_silent(hub);
            left -= step;
        }
    }

    fn forget_silent(&self, hub: &Hub) {
        let mut roll = lock(&self.roll);
        let silent = roll.silent(monotonic_now());
        self.others.store(roll.count(), Ordering::Relaxed);
        hub.metrics.bus_servers.set(roll.count());
        drop(roll);
        if !silent.is_empty() {
            let until = monotonic_now().plus_ms(MISSED_FOR_MS);
            self.missed_until.store(until.0, Ordering::Relaxed);
        }
        for server in silent {
            tracing::info!(
                server = server.0,
                "Another server is not heard any more; its people are shown no more"
            );
            hub.tell_all(|| Input::Neighbour(Neighbour::Gone(server)));
        }
    }

    fn came_up(&self, hub: &Hub) {
        tracing::info!("Other servers are in reach; their edits come at once");
        self.told_away.store(false, Ordering::Relaxed);
        self.is_up.send_replace(true);
        hub.set_reach(true);
        hub.gate.look_soon();
    }

    fn went_down(&self, hub: &Hub, fault: &BusFault) {
        hub.metrics.bus_faults.add(1);
        let was_up = self.is_up.send_replace(false);
        self.queue.clear();
        lock(&self.changed).clear();
        if was_up {
            hub.set_reach(false);
        }
        if !self.told_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(%fault, "The bus between servers failed; edits of other servers come by the database meanwhile");
        } else {
            tracing::debug!(%fault, "The bus between servers is still away");
        }
    }

    async fn say_goodbye(&self, way: &Way) -> Result<(), BusFault> {
        if !self.is_up() {
            return Ok(());
        }
        let mut line = way.bus.connect().await?;
        let goodbye = way.seal.close(self.me, Said::Goodbye);
        let messages = vec![(Channel::Servers, goodbye)];
        line.speaker.publish(messages).await
    }
}

fn show(metrics: &Metrics, state: State) {
    metrics.bus_state.store(match state {
        State::Closed => BreakerState::Up,
        State::HalfOpen => BreakerState::Trying,
        State::Open { .. } => BreakerState::Away,
    });
}

#[cfg(test)]
mod tests;
