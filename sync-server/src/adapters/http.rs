//! HTTP: which address answers what, and the headers every answer carries.

mod answers;
pub mod api;
mod assets;
mod caller;
mod exchange;
mod guard;
mod health;
mod judging;
mod listener;
mod patient;
mod socket;
mod upgrade;
mod websocket;
mod writer;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

pub use api::Known;
pub use assets::Assets;
pub use exchange::ExchangeBounds;
pub use listener::{BindError, Bound, bind, serve};

use sheaf_shared::time::MonotonicMs;

use crate::adapters::oidc::Oidc;
use crate::adapters::passwords::Passwords;
use crate::app::gate::Gate;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::ports::{Mail, StorageFault};
use crate::runtime::hub::Hub;
use crate::runtime::shutdown::Shutdown;

/// When the store was last probed, and its answer.
pub type LastProbe = Arc<tokio::sync::Mutex<Option<(MonotonicMs, Result<(), StorageFault>)>>>;

/// What every handler can reach.
#[derive(Clone)]
pub struct Site {
    /// The rooms.
    pub hub: Arc<Hub>,
    /// Who may do what.
    pub gate: Arc<Gate>,
    /// The page.
    pub assets: Arc<Assets>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The settings.
    pub config: Arc<Config>,
    /// Whether it goes down.
    pub shutdown: Shutdown,
    /// What exchanges may take together.
    pub exchanges: Arc<ExchangeBounds>,
    /// Works on passwords.
    pub passwords: Arc<Passwords>,
    /// What is remembered of those who sign in.
    pub known: Arc<Known>,
    /// Sends letters, if any are sent.
    pub mail: Option<Arc<dyn Mail>>,
    /// By whose accounts people sign in, too.
    pub oidc: Option<Arc<Oidc>>,
    /// When the store was last asked whether it writes, and its answer.
    pub last_probe: LastProbe,
}

/// Every address.
pub fn router(site: Site) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/sync/{*doc}", get(upgrade::y_websocket))
        .route("/collab", get(upgrade::hocuspocus))
        .route("/collab/exchange", post(exchange::answer))
        .nest("/api", api::router())
        .fallback(get(assets::serve))
        .layer(middleware::from_fn_with_state(site.clone(), every_answer))
        .with_state(site)
}

/// What no page of ours does, so a browser need not allow it.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Turns away whoever should not ask, and puts the headers on that every answer carries.
async fn every_answer(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_tls = came_by_tls(&site.config, &request);
    let mut response = match guard::check_host(&site.config, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => (StatusCode::MISDIRECTED_REQUEST, refusal).into_response(),
    };
    let headers = response.headers_mut();
    if is_tls {
        let a_year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, site.assets.policy());
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a proxy that is trusted says so.
fn came_by_tls(config: &Config, request: &Request) -> bool {
    let admitted = request.extensions().get::<Arc<listener::Admitted>>();
    admitted.is_some_and(|admitted| {
        let peer = caller::Peer::of(admitted.other_end(), request.headers(), config);
        peer.line == caller::Line::Tls
    })
}
