//! One connection of the courier, from the first beat to the fault that ends it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sheaf_core::room::{Input, Neighbour};
use sheaf_core::servers::ServerId;
use sheaf_core::servers::breaker::Breaker;
use sheaf_core::servers::message::{HEADS_MAX, Message, Said};
use sheaf_core::servers::roll::BEAT_EVERY_MS;
use tokio::sync::mpsc;

use super::wanted::{Changes, channel_of};
use super::{Courier, Hub, Way, lock, show};
use crate::adapters::system::monotonic_now;
use crate::app::directory::Version;
use crate::ports::{Arrival, BusFault, Channel, Speaker};

/// Longest wait for the bus to take something. From there on, asking the store is quicker.
const DEADLINE: Duration = Duration::from_millis(1_000);
/// Longest wait for a connection.
const CONNECT_DEADLINE: Duration = Duration::from_millis(3_000);

async fn in_time<T>(
    work: impl Future<Output = Result<T, BusFault>>,
    limit: Duration,
) -> Result<T, BusFault> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or(Err(BusFault::Slow))
}

impl Courier {
    /// Connects and goes on until something fails.
    pub(super) async fn use_line(&self, way: &Way, hub: &Hub, breaker: &mut Breaker) -> BusFault {
        let connecting = in_time(way.bus.connect(), CONNECT_DEADLINE);
        let line = match connecting.await {
            Ok(line) => line,
            Err(fault) => return fault,
        };
        let (mut speaker, mut arrivals) = (line.speaker, line.arrivals);
        self.queue.clear();
        self.wanted.forget_heard();
        self.echoed
            .store(self.beats.load(Ordering::Relaxed), Ordering::Relaxed);
        let ended = tokio::select! {
            ended = self.speak(speaker.as_mut(), way, hub) => ended,
            ended = self.listen(&mut arrivals, way, hub, breaker) => ended,
            ended = self.beat(hub) => ended,
        };
        match ended {
            Ok(never) => match never {},
            Err(fault) => fault,
        }
    }

    /// Says what is in the queue, and listens to what is wanted before it asks anyone.
    async fn speak(
        &self,
        speaker: &mut dyn Speaker,
        way: &Way,
        hub: &Hub,
    ) -> Result<Never, BusFault> {
        in_time(speaker.listen(&[Channel::Servers]), DEADLINE).await?;
        loop {
            let Changes { more, less } = self.wanted.changes();
            in_time(speaker.listen(&more), DEADLINE).await?;
            in_time(speaker.stop_listening(&less), DEADLINE).await?;
            let batch = self.queue.take();
            if batch.is_empty() {
                self.queue.filled().await;
                continue;
            }
            let count = batch.len() as u64;
            let sealed = batch
                .into_iter()
                .map(|(channel, said)| (channel, way.seal.close(self.me, said)));
            in_time(speaker.publish(sealed.collect()), DEADLINE).await?;
            hub.metrics.bus_sent.add(count);
        }
    }

    async fn listen(
        &self,
        arrivals: &mut mpsc::Receiver<Arrival>,
        way: &Way,
        hub: &Hub,
        breaker: &mut Breaker,
    ) -> Result<Never, BusFault> {
        while let Some(arrival) = arrivals.recv().await {
            match arrival {
                Arrival::Message(bytes) => self.hear(&bytes, way, hub, breaker),
                Arrival::SomeLost => {
                    hub.metrics.bus_lost.add(1);
                    self.has_lost.store(true, Ordering::Relaxed);
                    hub.gate.look_soon();
                    self.look_now.notify_one();
                }
            }
        }
        Err(BusFault::Over)
    }

    /// Takes one message. What is not sealed by a server of this store, or does not come apart, is counted and forgotten.
    fn hear(&self, bytes: &Bytes, way: &Way, hub: &Hub, breaker: &mut Breaker) {
        let Some(message) = way.seal.open(bytes) else {
            hub.metrics.bus_refused.add(1);
            return;
        };
        let Message { from, said } = message;
        if from == self.me {
            if let Said::Beat(number) = said {
                self.hear_own_beat(number, hub, breaker);
            }
            return;
        }
        hub.metrics.bus_received.add(1);
        if matches!(said, Said::Goodbye) {
            return self.hear_goodbye(from, hub);
        }
        let mut roll = lock(&self.roll);
        let is_known = roll.heard(from, monotonic_now());
        self.others.store(roll.count(), Ordering::Relaxed);
        hub.metrics.bus_servers.set(roll.count());
        drop(roll);
        match said {
            Said::Rows { doc, rows } => {
                hub.tell_if_it_keeps_up(&doc, Input::Neighbour(Neighbour::Rows(rows)));
            }
            // People of a server that is not followed would never be taken away.
            Said::Presence { doc, presence } if is_known => {
                let news = Neighbour::Presence { by: from, presence };
                hub.tell_if_it_keeps_up(&doc, Input::Neighbour(news));
            }
            Said::Heads(heads) => {
                for (doc, seq) in heads {
                    hub.reaches(&doc, seq);
                }
            }
            Said::State { doc, seq, digest } => {
                let news = Neighbour::State { seq, digest };
                hub.tell_if_it_keeps_up(&doc, Input::Neighbour(news));
            }
            Said::Rights(version) => hub.gate.hear(Version(version)),
            Said::Presence { .. } | Said::Beat(_) | Said::Goodbye => {}
        }
    }

    /// The way works, from here to here. The first time, that is news.
    fn hear_own_beat(&self, number: u64, hub: &Hub, breaker: &mut Breaker) {
        self.echoed.fetch_max(number, Ordering::Relaxed);
        if let Some(since) = lock(&self.beat_at).filter(|(sent, _)| *sent == number) {
            hub.metrics.bus_round_trip.observe(since.1.elapsed());
        }
        if breaker.proved() {
            show(&hub.metrics, breaker.state());
            self.came_up(hub);
        }
    }

    fn hear_goodbye(&self, from: ServerId, hub: &Hub) {
        let mut roll = lock(&self.roll);
        roll.left(from);
        self.others.store(roll.count(), Ordering::Relaxed);
        hub.metrics.bus_servers.set(roll.count());
        drop(roll);
        hub.tell_all(|| Input::Neighbour(Neighbour::Gone(from)));
    }

    /// A beat a second, which must come back before the one after the next, and with it the list of what changed.
    async fn beat(&self, hub: &Hub) -> Result<Never, BusFault> {
        loop {
            let number = self.beats.fetch_add(1, Ordering::Relaxed) + 1;
            *lock(&self.beat_at) = Some((number, Instant::now()));
            self.queue.put_first(Channel::Servers, Said::Beat(number));
            tokio::time::sleep(Duration::from_millis(BEAT_EVERY_MS)).await;
            // One may be late on a busy machine; what is taken and not delivered is noticed all the same.
            if self.echoed.load(Ordering::Relaxed) + 1 < number {
                return Err(BusFault::Slow);
            }
            self.tell_heads(hub);
            self.forget_silent(hub);
            if self.has_lost.swap(false, Ordering::Relaxed) && self.is_up() {
                // Among it may have been who came and who left: rooms ask again.
                hub.set_reach(true);
            }
        }
    }

    /// Tells how far the documents have come that changed in the last second, for whoever missed the last word of one.
    fn tell_heads(&self, hub: &Hub) {
        let changed = std::mem::take(&mut *lock(&self.changed));
        let mut by_channel = std::collections::BTreeMap::<Channel, Vec<_>>::new();
        for (doc, seq) in changed {
            by_channel
                .entry(channel_of(&doc))
                .or_default()
                .push((doc, seq));
        }
        for (channel, heads) in by_channel {
            for some in heads.chunks(HEADS_MAX) {
                let dropped = self.queue.put(channel, Said::Heads(some.to_vec()));
                hub.metrics.bus_dropped.add(dropped);
            }
        }
    }
}

/// What never comes about.
enum Never {}
