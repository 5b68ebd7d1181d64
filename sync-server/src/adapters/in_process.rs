//! A bus inside one process: for servers of one program, and for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::ports::{Arrival, Bus, BusFault, Channel, Line, Speaker};

/// Messages that wait for one listener; what is more is lost.
const WAITING_MAX: usize = 4_096;

/// See the module. Clones are the same bus.
#[derive(Clone, Default)]
pub struct InProcessBus(Arc<Mutex<Connected>>);

#[derive(Default)]
struct Connected {
    next: u64,
    lines: BTreeMap<u64, Listener>,
}

struct Listener {
    channels: BTreeSet<Channel>,
    arrivals: mpsc::Sender<Arrival>,
    /// Something was lost, and there was no room to say so.
    lost: AtomicBool,
}

impl Listener {
    fn take(&self, message: &Bytes) {
        if self.lost.load(Ordering::Relaxed) && self.arrivals.try_send(Arrival::SomeLost).is_ok() {
            self.lost.store(false, Ordering::Relaxed);
        }
        let arrival = Arrival::Message(message.clone());
        if let Err(mpsc::error::TrySendError::Full(_)) = self.arrivals.try_send(arrival) {
            self.lost.store(true, Ordering::Relaxed);
        }
    }
}

impl InProcessBus {
    fn connected(&self) -> MutexGuard<'_, Connected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts every connection there is.
    pub fn cut(&self) {
        self.connected().lines.clear();
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn connect(&self) -> Result<Line, BusFault> {
        let (sender, arrivals) = mpsc::channel(WAITING_MAX);
        let mut connected = self.connected();
        let id = connected.next;
        connected.next += 1;
        let listener = Listener {
            channels: BTreeSet::new(),
            arrivals: sender,
            lost: AtomicBool::new(false),
        };
        connected.lines.insert(id, listener);
        let bus = self.clone();
        Ok(Line {
            speaker: Box::new(InProcessSpeaker { bus, id }),
            arrivals,
        })
    }
}

struct InProcessSpeaker {
    bus: InProcessBus,
    id: u64,
}

impl InProcessSpeaker {
    fn with_own(&self, change: impl FnOnce(&mut Listener)) -> Result<(), BusFault> {
        let mut connected = self.bus.connected();
        let own = connected.lines.get_mut(&self.id).ok_or(BusFault::Over)?;
        change(own);
        Ok(())
    }
}

impl Drop for InProcessSpeaker {
    fn drop(&mut self) {
        self.bus.connected().lines.remove(&self.id);
    }
}

#[async_trait]
impl Speaker for InProcessSpeaker {
    async fn listen(&mut self, channels: &[Channel]) -> Result<(), BusFault> {
        self.with_own(|own| own.channels.extend(channels))
    }

    async fn stop_listening(&mut self, channels: &[Channel]) -> Result<(), BusFault> {
        self.with_own(|own| own.channels.retain(|channel| !channels.contains(channel)))
    }

    async fn publish(&mut self, messages: Vec<(Channel, Bytes)>) -> Result<(), BusFault> {
        self.with_own(|_| ())?;
        let connected = self.bus.connected();
        for (channel, message) in &messages {
            for listener in connected.lines.values() {
                if listener.channels.contains(channel) {
                    listener.take(message);
                }
            }
        }
        Ok(())
    }
}
