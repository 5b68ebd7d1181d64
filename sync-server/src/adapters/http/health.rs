//! What supervisors and monitors ask.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Site;
use crate::adapters::system::monotonic_now;
use crate::metrics::BreakerState;
use crate::ports::StorageFault;
use crate::runtime::shutdown::Phase;

/// Longest wait, in milliseconds, for the store to take a probe.
const PROBE_MS: u64 = 2_000;
/// Shortest pause, in milliseconds, between two probes.
const PROBE_EVERY_MS: u64 = 500;

/// The process runs.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Newcomers are welcome: the store writes, there is memory for another document, and the program is not going down.
pub(super) async fn ready(State(site): State<Site>) -> Response {
    if site.shutdown.phase() != Phase::Open {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    if site.hub.is_nearly_full() {
        let why = "the memory of documents is nearly used up\n";
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    }
    match probe(&site).await {
        Ok(()) => (
            StatusCode::OK,
            format!("ready\n{}{}", bus(&site), blobs(&site)),
        )
            .into_response(),
        Err(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")).into_response(),
    }
}

/// How it stands with other servers, in a line; empty if there is no way to them. It never makes this one unready: without
/// the way between them, edits of others come later, and nothing else is different.
fn bus(site: &Site) -> String {
    match site.metrics.bus_state.get() {
        BreakerState::None => String::new(),
        BreakerState::Up => format!("bus: in use, others heard: {}\n", site.hub.courier.others()),
        BreakerState::Away | BreakerState::Trying => {
            "bus: away; edits of other servers come by the database\n".to_owned()
        }
    }
}

/// Whether pictures and files are away, in a line. No edit waits for them.
fn blobs(site: &Site) -> &'static str {
    match site.metrics.blobs_away.get() {
        0 => "",
        _ => "blobs: away; pictures and files cannot be stored or read\n",
    }
}

/// The store's answer to a probe. Whoever asks often gets the same one: each probe is a write.
async fn probe(site: &Site) -> Result<(), StorageFault> {
    let mut last = site.last_probe.lock().await;
    if let Some((at, answer)) = &*last
        && monotonic_now().ms_since(*at) < PROBE_EVERY_MS
    {
        return answer.clone();
    }
    let probe = tokio::time::timeout(Duration::from_millis(PROBE_MS), site.hub.store.probe());
    let answer = probe.await.unwrap_or(Err(StorageFault::Busy));
    *last = Some((monotonic_now(), answer.clone()));
    answer
}

/// What is counted, for Prometheus.
pub(super) async fn metrics(State(site): State<Site>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, site.metrics.render()).into_response()
}
