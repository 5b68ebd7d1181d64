//! The program around the rooms: ports, adapters, use cases.
//!
//! `ports` says what is needed of the outside, `adapters` fulfil it, `app` holds what is done with documents
//! beside editing them, `runtime` runs a pure room for each open document.

pub mod adapters;
pub mod app;
pub mod cli;
pub mod config;
#[cfg(feature = "contract")]
pub mod contract;
pub mod metrics;
pub mod ports;
pub mod runtime;

use std::sync::Arc;
use std::time::Duration;

use sheaf_core::room::RoomConfig;
use sheaf_core::rooms::RoomsConfig;

use adapters::http::{Assets, Bound, ExchangeBounds, LastProbe, Site};
use adapters::oidc::Oidc;
use adapters::passwords::Passwords;
use adapters::smtp::Smtp;
use config::Config;
use metrics::Metrics;
use ports::{Mail, Store};
use runtime::courier::Way;
use runtime::hub::Hub;
use runtime::shutdown::{Phase, Shutdown};

/// Pause, in milliseconds, between two looks for rooms that nobody uses.
const HOUSEKEEPING_EVERY_MS: u64 = 1_000;

/// Longest wait, in milliseconds, at the start, to learn whether anyone has an account.
const LOOK_MS: u64 = 2_000;

/// Stack, in bytes, of each thread that works on documents: the CRDT descends into what it is given.
pub const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Serves until `stop` is done, then sends everyone off and returns. `way` leads to the other servers of a shared store.
pub async fn run(
    config: Config,
    bound: Bound,
    store: Arc<dyn Store>,
    way: Option<Way>,
    assets: Assets,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()>,
) {
    let config = Arc::new(config);
    let rooms = RoomsConfig {
        bytes_max: config.rooms_bytes_max,
        ..RoomsConfig::default()
    };
    let hub = Hub::new(store, Arc::clone(&metrics), RoomConfig::default(), rooms);
    let shutdown = Shutdown::default();
    let passwords = Passwords::new(config.password_costs, Arc::clone(&metrics));
    // If the store does not say now whether anyone has an account, whoever comes asks again.
    let looking = hub.gate.look(adapters::system::monotonic_now());
    let _ = tokio::time::timeout(Duration::from_millis(LOOK_MS), looking).await;
    let site = Site {
        hub: Arc::clone(&hub),
        gate: Arc::clone(&hub.gate),
        assets: Arc::new(assets),
        metrics,
        config: Arc::clone(&config),
        shutdown: shutdown.clone(),
        passwords: Arc::new(passwords),
        known: Arc::default(),
        mail: mail_of(&config),
        oidc: oidc_of(&config),
        exchanges: Arc::new(ExchangeBounds::new(config.exchanges_max)),
        last_probe: LastProbe::default(),
    };
    let router = adapters::http::router(site.clone());
    let housekeeping = tokio::spawn(keep_house(Arc::clone(&hub), shutdown.clone()));
    let following = tokio::spawn(runtime::following::follow(
        Arc::clone(&hub),
        shutdown.clone(),
    ));
    let beating = tokio::spawn(runtime::heartbeat::beat(
        Arc::clone(&hub),
        bound.address,
        shutdown.clone(),
    ));
    let sweeping = tokio::spawn(runtime::sweeping::sweep(
        Arc::clone(&hub.store),
        config.audit_days,
        shutdown.clone(),
    ));
    let watching = tokio::spawn(runtime::rights::watch(
        Arc::clone(&hub),
        shutdown.clone(),
        config.guests_stay_ms,
    ));
    let carrying = tokio::spawn(carry(Arc::clone(&hub), way, shutdown.clone()));
    let serving = adapters::http::serve(bound, router, site);
    let going_down = async {
        stop.await;
        shutdown.drain(&hub, config.drain_ms).await;
    };
    tokio::join!(serving, going_down);
    // They end by themselves at this phase.
    let _ = tokio::join!(
        housekeeping,
        following,
        beating,
        carrying,
        sweeping,
        watching
    );
}

/// Who sends letters, if the settings name one.
fn mail_of(config: &Config) -> Option<Arc<dyn Mail>> {
    let settings = config.outside.mail.as_ref()?;
    match Smtp::of(settings) {
        Ok(smtp) => Some(Arc::new(smtp)),
        Err(fault) => {
            tracing::error!(%fault, "No letters can be sent");
            None
        }
    }
}

/// By whose accounts people sign in, too, if the settings name a provider.
fn oidc_of(config: &Config) -> Option<Arc<Oidc>> {
    let outside = &config.outside;
    let (settings, public) = (outside.oidc.clone()?, outside.public_url.as_ref()?);
    match Oidc::of(settings, public) {
        Ok(oidc) => Some(Arc::new(oidc)),
        Err(error) => {
            tracing::error!(%error, "Nobody can sign in by an account elsewhere");
            None
        }
    }
}

async fn carry(hub: Arc<Hub>, way: Option<Way>, shutdown: Shutdown) {
    if let Some(way) = way {
        let courier = Arc::clone(&hub.courier);
        courier.run(way, hub, shutdown).await;
    }
}

async fn keep_house(hub: Arc<Hub>, shutdown: Shutdown) {
    let mut pause = tokio::time::interval(Duration::from_millis(HOUSEKEEPING_EVERY_MS));
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let closed = shutdown.reached(Phase::Closed);
    tokio::pin!(closed);
    loop {
        tokio::select! {
            () = &mut closed => return,
            _ = pause.tick() => hub.tick(),
        }
    }
}
