//! What the courier makes of a bus that misbehaves. Time is the test's.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sheaf_core::room::RoomConfig;
use sheaf_core::rooms::RoomsConfig;
use tokio::sync::mpsc;

use super::*;
use crate::adapters::in_process::InProcessBus;
use crate::adapters::memory::MemoryStore;
use crate::ports::{Arrival, Line, Speaker};

/// How a bus misbehaves.
#[derive(Clone, Copy)]
enum Manner {
    /// It never answers who connects.
    NeverLetsIn,
    /// It takes everything and delivers nothing.
    Deaf,
    /// It takes nothing and says nothing.
    Stuck,
}

struct Misbehaving(Manner);

struct Speaks(
    Manner,
    #[expect(dead_code, reason = "kept open")] mpsc::Sender<Arrival>,
);

#[async_trait]
impl Bus for Misbehaving {
    async fn connect(&self) -> Result<Line, BusFault> {
        if matches!(self.0, Manner::NeverLetsIn) {
            std::future::pending::<()>().await;
        }
        let (sender, arrivals) = mpsc::channel(1);
        let speaker = Box::new(Speaks(self.0, sender));
        Ok(Line { speaker, arrivals })
    }
}

#[async_trait]
impl Speaker for Speaks {
    async fn listen(&mut self, _: &[Channel]) -> Result<(), BusFault> {
        Ok(())
    }

    async fn stop_listening(&mut self, _: &[Channel]) -> Result<(), BusFault> {
        Ok(())
    }

    async fn publish(&mut self, _: Vec<(Channel, Bytes)>) -> Result<(), BusFault> {
        if matches!(self.0, Manner::Stuck) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

fn hub() -> Arc<Hub> {
    Hub::new(
        Arc::new(MemoryStore::default()),
        Arc::default(),
        RoomConfig::default(),
        RoomsConfig::default(),
    )
}

fn run(hub: &Arc<Hub>, bus: Arc<dyn Bus>) {
    let way = Way::by(SharedSecret([7; 32]), |_| Ok(bus));
    let courier = Arc::clone(&hub.courier);
    if let Ok(way) = way {
        tokio::spawn(courier.run(way, Arc::clone(hub), Shutdown::default()));
    }
}

async fn pass(ms: u64) {
    for _ in 0..ms / 10 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_counts_as_there_only_when_ones_own_word_comes_back_by_it() {
    for manner in [Manner::NeverLetsIn, Manner::Deaf, Manner::Stuck] {
        let hub = hub();
        run(&hub, Arc::new(Misbehaving(manner)));
        for _ in 0..100 {
            pass(200).await;
            assert!(!hub.courier.is_up());
            assert_ne!(hub.metrics.bus_state.get(), BreakerState::Up);
        }
        // It is tried again and again, and ever more seldom.
        let tries = hub.metrics.bus_faults.get();
        assert!((3..=12).contains(&tries), "{tries} tries in 20 s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_was_cut_is_found_again() {
    let bus = InProcessBus::default();
    let hub = hub();
    run(&hub, Arc::new(bus.clone()));
    pass(100).await;
    assert!(hub.courier.is_up());
    for round in 1..=5 {
        bus.cut();
        pass(20).await;
        assert!(!hub.courier.is_up());
        assert_eq!(hub.metrics.bus_faults.get(), round);
        pass(1_000).await;
        assert!(hub.courier.is_up(), "the pause is short after a success");
    }
}

#[tokio::test(start_paused = true)]
async fn servers_on_one_bus_count_each_other_and_strangers_are_refused() {
    let bus = InProcessBus::default();
    let hubs = [hub(), hub(), hub()];
    for hub in &hubs {
        run(hub, Arc::new(bus.clone()));
    }
    pass(2_500).await;
    for hub in &hubs {
        assert_eq!(hub.courier.others(), 2);
        assert_eq!(hub.metrics.bus_refused.get(), 0);
    }
    let stranger = Seal::new(SharedSecret([8; 32]));
    let Ok(mut line) = bus.connect().await else {
        return;
    };
    for message in [
        stranger.close(ServerId(1), Said::Beat(1)),
        Bytes::from_static(b"garbage"),
        Bytes::new(),
    ] {
        let messages = vec![(Channel::Servers, message)];
        assert_eq!(line.speaker.publish(messages).await, Ok(()));
    }
    pass(100).await;
    for hub in &hubs {
        assert_eq!(hub.courier.others(), 2);
        assert_eq!(hub.metrics.bus_refused.get(), 3);
        assert!(hub.courier.is_up());
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hears_of_a_change_of_rights_looks_at_once_and_one_that_knows_does_not() {
    let bus = InProcessBus::default();
    let hubs = [hub(), hub()];
    for hub in &hubs {
        run(hub, Arc::new(bus.clone()));
    }
    pass(2_500).await;
    let is_woken = async || {
        let woken = hubs[1].gate.woken();
        let limit = Duration::from_millis(500);
        tokio::time::timeout(limit, woken).await.is_ok()
    };
    assert!(is_woken().await, "the bus came up");
    hubs[0].courier.tell_rights(&hubs[0].metrics, Version(3));
    assert!(is_woken().await);
    let known = hubs[1].gate.seen();
    hubs[0].courier.tell_rights(&hubs[0].metrics, known);
    assert!(!is_woken().await);
}
