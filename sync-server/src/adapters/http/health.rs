//! What supervisors and monitors ask.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Site;
use crate::runtime::shutdown::Phase;

/// Longest wait, in milliseconds, for the store to take a probe.
const PROBE_MS: u64 = 2_000;

/// The process runs.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Edits can be taken: the store writes, and the program is not going down.
pub(super) async fn ready(State(site): State<Site>) -> Response {
    if site.shutdown.phase() != Phase::Open {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    let probe = tokio::time::timeout(Duration::from_millis(PROBE_MS), site.hub.store.probe());
    match probe.await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n").into_response(),
        Ok(Err(fault)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")).into_response(),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the storage does not answer\n",
        )
            .into_response(),
    }
}

/// What is counted, for Prometheus.
pub(super) async fn metrics(State(site): State<Site>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, site.metrics.render()).into_response()
}
