//! From an HTTP request to a WebSocket: the handshake, and who may make it.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sha1::{Digest as _, Sha1};
use sheaf_shared::ids::DocName;
use tokio::net::TcpStream;

use super::Site;
use super::caller::Peer;
use super::guard;
use super::judging;
use super::listener::{Admitted, COME_AGAIN_S_MAX, Counted, Refusal};
use super::patient::Patient;
use super::socket::{self, Dialect};
use crate::app::gate::Keys;
use crate::runtime::shutdown::Phase;

/// What the standard joins to the client's key to prove that the server understood.
const HANDSHAKE_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// `/sync/{doc}`: one document a socket. The name is the rest of the path, percent-decoded, so that clients of
/// both dialects that say the same name meet; a `%` that starts no escape stays as it is.
pub(super) async fn y_websocket(
    State(site): State<Site>,
    Extension(admitted): Extension<Arc<Admitted>>,
    request: Request,
) -> Response {
    let raw = request
        .uri()
        .path()
        .strip_prefix("/sync/")
        .unwrap_or_default();
    let doc = match percent_decode(raw).map(|name| DocName::parse(&name)) {
        Some(Ok(doc)) => doc,
        Some(Err(error)) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
        None => return refusal(StatusCode::BAD_REQUEST, "a document name must be UTF-8"),
    };
    upgrade(site, admitted, request, Dialect::YWebsocket(doc))
}

/// `/collab`: many documents over one socket.
pub(super) async fn hocuspocus(
    State(site): State<Site>,
    Extension(admitted): Extension<Arc<Admitted>>,
    request: Request,
) -> Response {
    upgrade(site, admitted, request, Dialect::Hocuspocus)
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, format!("{why}\n")).into_response()
}

fn upgrade(
    site: Site,
    admitted: Arc<Admitted>,
    mut request: Request,
    dialect: Dialect,
) -> Response {
    let headers = request.headers();
    if let Err(why) = guard::check_origin(&site.config, headers) {
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let came_with = Keys::of(headers, &site.config);
    let keys = judging::keys_of_socket(came_with, request.uri().query(), headers);
    let accept = match accept_of(headers) {
        Ok(accept) => accept,
        Err(response) => return *response,
    };
    if site.shutdown.phase() != Phase::Open {
        let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, "the server is going away");
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        return response;
    }
    let peer = Peer::of(admitted.other_end(), headers, &site.config);
    let counted = match admitted.count(peer.address, Counted::Socket) {
        Ok(counted) => counted,
        Err(why) => return too_many(why),
    };
    // Some clients offer sub-protocols (to carry a token); a browser gives up unless one is chosen.
    let protocol = headers
        .get(header::SEC_WEBSOCKET_PROTOCOL)
        .and_then(|offered| offered.to_str().ok())
        .and_then(judging::protocol_to_choose)
        .and_then(|chosen| HeaderValue::from_str(chosen).ok());
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // It fails when the client went away between its request and our answer.
        let Ok(upgraded) = upgrading.await else {
            return;
        };
        let Some((stream, read_already)) = take_stream(upgraded) else {
            return;
        };
        socket::run(site, stream, read_already, dialect, keys).await;
        drop((counted, admitted));
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = protocol {
        answer.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

/// Somebody behind a proxy has too many sockets, or opens them too fast.
fn too_many(why: Refusal) -> Response {
    let status = match why {
        Refusal::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::TooFast => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = refusal(
        status,
        "too many connections from this address; come again in a moment",
    );
    // Not all at the same moment.
    let again_s = fastrand::u64(1..=COME_AGAIN_S_MAX);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(again_s));
    response
}

/// The plain connection under an upgraded one, and what was read of it too early.
fn take_stream(upgraded: Upgraded) -> Option<(TcpStream, Vec<u8>)> {
    let parts = upgraded.downcast::<TokioIo<Patient>>().ok()?;
    Some((parts.io.into_inner().into_stream(), parts.read_buf.to_vec()))
}

/// Checks a handshake and makes the proof that it was understood.
fn accept_of(headers: &HeaderMap) -> Result<HeaderValue, Box<Response>> {
    let holds = |name, wanted: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value: &HeaderValue| value.to_str().ok())
            .any(|value| {
                value
                    .split(',')
                    .any(|part| part.trim().eq_ignore_ascii_case(wanted))
            })
    };
    if !holds(header::CONNECTION, "upgrade") || !holds(header::UPGRADE, "websocket") {
        let mut response = refusal(
            StatusCode::UPGRADE_REQUIRED,
            "this address speaks WebSocket only",
        );
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        return Err(response.into());
    }
    if !holds(header::SEC_WEBSOCKET_VERSION, "13") {
        let mut response = refusal(
            StatusCode::UPGRADE_REQUIRED,
            "only WebSocket version 13 is spoken",
        );
        response.headers_mut().insert(
            header::SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static("13"),
        );
        return Err(response.into());
    }
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
        let mut hash = Sha1::new();
        hash.update(key);
        hash.update(HANDSHAKE_GUID);
        let proof = STANDARD.encode(hash.finalize());
        if let Ok(proof) = HeaderValue::from_str(&proof) {
            return Ok(proof);
        }
    }
    let why = "the WebSocket key is not one";
    Err(refusal(StatusCode::BAD_REQUEST, why).into())
}

/// `None` if the result is not UTF-8.
fn percent_decode(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_path_is_the_name_that_was_meant() {
        for (raw, name) in [
            ("notes", "notes"),
            ("team/notes", "team/notes"),
            ("team%2Fnotes", "team/notes"),
            ("a%20b%c3%BC", "a bü"),
            ("100%", "100%"),
            ("100%25", "100%"),
            ("%zz%4", "%zz%4"),
            ("a+b", "a+b"),
        ] {
            assert_eq!(percent_decode(raw).as_deref(), Some(name), "{raw}");
        }
        assert_eq!(percent_decode("%ff"), None);
    }

    #[test]
    fn the_proof_is_the_one_of_the_standard() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CONNECTION, "keep-alive, Upgrade"),
            (header::UPGRADE, "WebSocket"),
            (header::SEC_WEBSOCKET_VERSION, "13"),
            (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        assert_eq!(accept_of(&headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        headers.insert(
            header::SEC_WEBSOCKET_KEY,
            HeaderValue::from_static("dG9vIHNob3J0"),
        );
        assert_eq!(
            accept_of(&headers).unwrap_err().status(),
            StatusCode::BAD_REQUEST
        );
    }
}
