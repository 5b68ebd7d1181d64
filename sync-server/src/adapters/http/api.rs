//! `/api`: the table of its routes, and what is true of each of them before its handler is asked.
//!
//! The router is made from the table, and so are the tests of who may what: a route that is in no table is not served.

mod admin;
mod call;
mod described;
mod elsewhere;
mod entry;
mod invitations;
mod known;
mod letters;
mod links;
mod me;
mod members;
mod pages;
mod spaces;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::Bytes;
use sheaf_shared::api::ErrorWord;

use super::answers::{Done, Problem};
use super::caller::{Line, Peer, bearer};
use super::listener::Admitted;
use super::{Site, guard};
use crate::app::gate::Keys;
pub(super) use call::Call;
pub use entry::{HOME_NAME, new_person};
pub use invitations::{INVITATION_MS, RESET_MS};
pub use known::Known;

/// Longest body in JSON, in bytes: every text in one is bounded, and a password is the longest.
const JSON_BYTES_MAX: usize = 16 * 1024;
/// Longest wait, in milliseconds, for a whole body, and for each MiB of one.
const BODY_MS: u64 = 10_000;

/// Who a route answers at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Whoever asks.
    Anyone,
    /// Someone known: whoever brings no key that is alive is asked to sign in, whatever it is about.
    Someone,
}

/// What a route takes as its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing, or `{}`.
    Nothing,
    /// JSON.
    Json,
    /// At most so many bytes of whatever the handler looks at.
    Bytes(usize),
}

type Answering = Pin<Box<dyn Future<Output = Done> + Send>>;

/// A route.
pub struct Route {
    /// By which method.
    pub method: Method,
    /// The path below `/api`.
    pub path: &'static str,
    /// Whom it answers.
    pub asker: Asker,
    /// What it takes.
    pub takes: Takes,
    answer: fn(Call) -> Answering,
}

/// A table of routes: `METHOD "path" asker takes handler;`.
macro_rules! routes {
    ($($method:ident $path:literal $asker:ident $takes:expr => $handler:path;)*) => {
        &[$($crate::adapters::http::api::Route {
            method: axum::http::Method::$method,
            path: $path,
            asker: $crate::adapters::http::api::Asker::$asker,
            takes: $takes,
            answer: |call| Box::pin($handler(call)),
        }),*]
    };
}
pub(super) use routes;

/// Decides and does something, and once more if what it was decided by changed meanwhile.
macro_rules! again {
    ($attempt:block) => {{
        let mut tries = 1;
        loop {
            let outcome: Result<_, $crate::adapters::http::answers::Problem> =
                async { $attempt }.await;
            match outcome {
                Err(problem) if problem.has_moved() && tries < $crate::app::gate::TRIES_MAX => {
                    tries += 1;
                }
                done => break done,
            }
        }
    }};
}
pub(super) use again;

/// All tables.
const TABLES: &[&[Route]] = &[
    me::ROUTES,
    entry::ROUTES,
    spaces::ROUTES,
    members::ROUTES,
    links::ROUTES,
    invitations::ROUTES,
    admin::ROUTES,
    pages::ROUTES,
    letters::ROUTES,
    elsewhere::ROUTES,
    described::ROUTES,
];

/// Every route there is.
pub fn all_routes() -> impl Iterator<Item = &'static Route> {
    TABLES.iter().copied().flatten()
}

/// What is below `/api`.
pub(super) fn router() -> Router<Site> {
    let mut by_path: BTreeMap<&'static str, MethodRouter<Site>> = BTreeMap::new();
    for route in all_routes() {
        let Ok(method) = MethodFilter::try_from(route.method.clone()) else {
            continue;
        };
        let known = by_path.remove(route.path).unwrap_or_default();
        let handler =
            move |State(site): State<Site>,
                  Extension(admitted): Extension<Arc<Admitted>>,
                  params: RawPathParams,
                  request: Request| { serve(route, site, admitted, params, request) };
        by_path.insert(route.path, known.merge(on(method, handler)));
    }
    let mut router = Router::new();
    for (path, methods) in by_path {
        router = router.route(path, methods.fallback(other_method));
    }
    router.fallback(no_route)
}

async fn other_method() -> Response {
    closed(Problem::of(ErrorWord::MethodNotAllowed).into_response())
}

async fn no_route() -> Response {
    closed(Problem::of(ErrorWord::NotFound).into_response())
}

/// With what every answer of the API carries: nobody on the way keeps it.
fn closed(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

async fn serve(
    route: &'static Route,
    site: Site,
    admitted: Arc<Admitted>,
    params: RawPathParams,
    request: Request,
) -> Response {
    site.metrics.api_requests.add(1);
    let peer = Peer::of(admitted.other_end(), request.headers(), &site.config);
    let answered = answer(route, site.clone(), peer, params, request).await;
    let response = answered.unwrap_or_else(|problem| problem.into_response());
    if response.status().is_client_error() {
        site.metrics.api_refused.add(1);
    }
    closed(response)
}

async fn answer(
    route: &'static Route,
    site: Site,
    peer: Peer,
    params: RawPathParams,
    request: Request,
) -> Done {
    let keys = Keys::of(request.headers(), &site.config);
    check_site(&site, route, peer, request.headers())?;
    let (head, body) = request.into_parts();
    let mut call = Call::new(site, peer, keys, head, &params).await?;
    if route.asker == Asker::Someone {
        call.needs_someone()?;
    }
    call.body = read(route.takes, call.headers(), body).await?;
    let refreshed = call.touch().await;
    let mut response = (route.answer)(call).await?;
    for cookie in refreshed {
        if !response.headers().contains_key(header::SET_COOKIE) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}

/// Refuses what a page of another site has a browser ask. A program that shows a token is no browser; what has neither a
/// cookie nor says where it comes from is none either.
fn check_site(site: &Site, route: &Route, peer: Peer, headers: &HeaderMap) -> Result<(), Problem> {
    let is_safe = route.method == Method::GET;
    if is_safe || bearer(headers).is_some() {
        return Ok(());
    }
    let is_own = match (headers.get(header::ORIGIN), headers.get("sec-fetch-site")) {
        (Some(origin), _) => {
            let is_plain = origin.as_bytes().starts_with(b"http://");
            let falls_short = peer.line == Line::Tls && is_plain;
            !falls_short && guard::check_origin(&site.config, headers).is_ok()
        }
        (None, Some(said)) => said == "same-origin",
        (None, None) => !headers.contains_key(header::COOKIE),
    };
    if !is_own {
        return Err(Problem::of(ErrorWord::CrossSite));
    }
    // No form of another site can make a browser send these.
    let is_bare = route.method == Method::DELETE && !headers.contains_key(header::CONTENT_TYPE);
    let is_marked = matches!(route.takes, Takes::Bytes(_)) && headers.contains_key("x-sheaf");
    if is_bare || is_marked || is_json(headers) {
        Ok(())
    } else {
        Err(Problem::of(ErrorWord::UnsupportedType))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (kind, _) = kind.split_once(';').unwrap_or((kind, ""));
    kind.trim().eq_ignore_ascii_case("application/json")
}

/// Reads a body, bounded in length and time.
async fn read(takes: Takes, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let max = match takes {
        Takes::Nothing | Takes::Json => JSON_BYTES_MAX,
        Takes::Bytes(max) => max,
    };
    let claimed = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(0_usize);
    let too_large = || Problem::of(ErrorWord::TooLarge);
    if claimed > max {
        return Err(too_large());
    }
    let patience = BODY_MS * (1 + max as u64 / (1024 * 1024));
    let reading = tokio::time::timeout(Duration::from_millis(patience), to_bytes(body, max));
    let bytes = match reading.await {
        Ok(Ok(bytes)) => bytes,
        // What was cut short is read by nobody.
        Ok(Err(_)) => return Err(too_large()),
        Err(_) => return Err(Problem::new(ErrorWord::Invalid, "This came too slowly.")),
    };
    match takes {
        Takes::Json if !is_json(headers) => Err(Problem::of(ErrorWord::UnsupportedType)),
        Takes::Nothing if !matches!(bytes.trim_ascii(), b"" | b"{}") => Err(Problem::new(
            ErrorWord::Invalid,
            "Nothing is taken here: send no body, or {}.",
        )),
        Takes::Nothing | Takes::Json | Takes::Bytes(_) => Ok(bytes),
    }
}

/// The value of `name` in the query of an address, as it stands there.
fn query<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&');
    let mut found = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    });
    found.next()
}
