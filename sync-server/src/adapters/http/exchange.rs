//! Frames over plain HTTP: one exchange, for those whose network lets no WebSocket through.
//!
//! Each is whole in itself: its client comes into the rooms, says what it has to say, hears what there is, and is gone with
//! the answer. So any server can take any of them. What rooms and clients demand of each other is as on a socket.

mod body;
mod visit;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sheaf_shared::wire::exchange::{Request as Asked, encode_answer};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Site;
use super::caller::Peer;
use super::guard;
use super::listener::{Admitted, Counted};
use crate::app::gate::Keys;
use crate::runtime::shutdown::Phase;
use body::BodyError;
use visit::Visiting;

/// Bytes of the bodies of all exchanges that are under way.
const BODIES_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Seconds after which one who was turned away should come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// What exchanges may take together.
pub struct ExchangeBounds {
    open: Semaphore,
    body_bytes: Semaphore,
}

impl ExchangeBounds {
    /// So many at a time.
    #[must_use]
    pub fn new(open_max: usize) -> Self {
        Self {
            open: Semaphore::new(open_max),
            body_bytes: Semaphore::new(BODIES_BYTES_MAX),
        }
    }
}

/// `/collab/exchange`: takes frames in, and answers with frames.
pub(super) async fn answer(
    State(site): State<Site>,
    Extension(admitted): Extension<Arc<Admitted>>,
    request: Request,
) -> Response {
    if let Err(why) = guard::check_origin(&site.config, request.headers()) {
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let keys = Keys::of(request.headers(), &site.config);
    if site.shutdown.phase() != Phase::Open {
        return later("the server is going away");
    }
    let peer = Peer::of(admitted.other_end(), request.headers(), &site.config);
    let Ok(_counted) = admitted.count(peer.address, Counted::Exchange) else {
        return later("too many exchanges of this address are under way");
    };
    let Ok(place) = site.exchanges.open.try_acquire() else {
        site.metrics.exchanges.busy.add(1);
        return later("too many exchanges are under way");
    };
    let _under_way = UnderWay::at(place, &site);
    let (body, _body_counted) = match body::read(request, &site.exchanges.body_bytes).await {
        Ok(read) => read,
        Err(BodyError::Busy) => {
            site.metrics.exchanges.busy.add(1);
            return later("too many bytes are under way");
        }
        Err(BodyError::Refused(status, why)) => {
            site.metrics.exchanges.refused.add(1);
            return (status, format!("{why}\n")).into_response();
        }
    };
    let asked = match Asked::decode(&body) {
        Ok(asked) => asked,
        Err(error) => {
            site.metrics.exchanges.refused.add(1);
            return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response();
        }
    };
    let said = Visiting::new(site.clone(), keys, &body, asked).run().await;
    site.metrics.exchanges.answered.add(1);
    let closed = said
        .closed
        .map(sheaf_shared::sync::close::CloseReason::code);
    frames_answer(closed, &said.frames)
}

/// An exchange is under way until this is dropped.
struct UnderWay<'a> {
    place: Option<SemaphorePermit<'a>>,
    site: &'a Site,
}

impl<'a> UnderWay<'a> {
    fn at(place: SemaphorePermit<'a>, site: &'a Site) -> Self {
        site.metrics.exchanges.open.up();
        let place = Some(place);
        Self { place, site }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        // First the place: who is counted no more has left it to others.
        drop(self.place.take());
        self.site.metrics.exchanges.open.down();
    }
}

fn frames_answer(closed: Option<u16>, frames: &[Bytes]) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from(encode_answer(closed, frames))).into_response()
}

/// Nothing was done: the same may be asked again, here or elsewhere.
fn later(why: &'static str) -> Response {
    let headers = [
        (header::RETRY_AFTER, RETRY_AFTER),
        // The next one may find another server behind the same address.
        (header::CONNECTION, HeaderValue::from_static("close")),
    ];
    let why = format!("{why}\n");
    (StatusCode::SERVICE_UNAVAILABLE, headers, why).into_response()
}
