//! The body of an exchange: how long and how slow it may be.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use sheaf_shared::limits::{EXCHANGE_BYTES_MAX, SILENCE_DEADLINE_MS};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Bytes a second below which a body is too slow, beyond the first [`SILENCE_DEADLINE_MS`].
const BYTES_PER_S_MIN: u64 = 16 * 1024;

/// Why there is no body.
#[derive(Debug)]
pub(super) enum BodyError {
    /// Too much of others is under way.
    Busy,
    /// It is not one we take.
    Refused(StatusCode, &'static str),
}

const TOO_LONG: BodyError = BodyError::Refused(
    StatusCode::PAYLOAD_TOO_LARGE,
    "an exchange has at most one long frame",
);
const TOO_SLOW: BodyError =
    BodyError::Refused(StatusCode::REQUEST_TIMEOUT, "the exchange came too slowly");
const CUT_OFF: BodyError =
    BodyError::Refused(StatusCode::BAD_REQUEST, "the exchange was cut short");

/// Reads a body, counting its bytes against `all` as they come. They count until the permit is dropped.
///
/// # Errors
/// [`BodyError`]; nothing was done then.
pub(super) async fn read(
    request: Request,
    all: &Semaphore,
) -> Result<(Bytes, SemaphorePermit<'_>), BodyError> {
    let claimed = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok())
        .unwrap_or(0_usize);
    if claimed > EXCHANGE_BYTES_MAX {
        return Err(TOO_LONG);
    }
    let mut counted = all.try_acquire_many(0).map_err(|_| BodyError::Busy)?;
    let started = Instant::now();
    let mut body = Vec::new();
    let mut chunks = request.into_body().into_data_stream();
    loop {
        let grown_s = body.len() as u64 / BYTES_PER_S_MIN;
        let patience = Duration::from_millis(SILENCE_DEADLINE_MS + grown_s * 1_000);
        let next = tokio::time::timeout_at(started + patience, chunks.next());
        let chunk = match next.await {
            Err(_) => return Err(TOO_SLOW),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(CUT_OFF),
            Ok(Some(Ok(chunk))) => chunk,
        };
        if body.len() + chunk.len() > EXCHANGE_BYTES_MAX {
            return Err(TOO_LONG);
        }
        let more = u32::try_from(chunk.len()).map_err(|_| TOO_LONG)?;
        counted.merge(all.try_acquire_many(more).map_err(|_| BodyError::Busy)?);
        body.extend_from_slice(&chunk);
    }
    Ok((body.into(), counted))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    /// A body that comes in `count` pieces of `bytes`, each after `pause_s`.
    fn slowly(count: usize, bytes: usize, pause_s: u64) -> Request {
        let pieces = stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_secs(pause_s)).await;
            let piece: Result<_, Infallible> = Ok(vec![0_u8; bytes]);
            (sent < count).then_some((piece, sent + 1))
        });
        Request::new(Body::from_stream(pieces))
    }

    async fn outcome(request: Request, all: &Semaphore) -> Result<usize, StatusCode> {
        match read(request, all).await {
            Ok((body, _)) => Ok(body.len()),
            Err(BodyError::Busy) => Err(StatusCode::SERVICE_UNAVAILABLE),
            Err(BodyError::Refused(status, _)) => Err(status),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_and_one_over_a_slow_line_is_not() {
        let all = Semaphore::new(BODIES);
        let trickle = outcome(slowly(1_000, 1, 9), &all).await;
        assert_eq!(trickle, Err(StatusCode::REQUEST_TIMEOUT));
        let slow = outcome(slowly(200, 32 * 1024, 1), &all).await;
        assert_eq!(slow, Ok(200 * 32 * 1024));
        assert_eq!(all.available_permits(), BODIES, "all is given back");
    }

    #[tokio::test(start_paused = true)]
    async fn no_body_is_taken_beyond_its_length_or_beyond_what_all_may_take() {
        let all = Semaphore::new(BODIES);
        let long = outcome(slowly(20, 1024 * 1024, 0), &all).await;
        assert_eq!(long, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let few = Semaphore::new(100);
        let held = read(slowly(1, 60, 0), &few).await.unwrap();
        let busy = outcome(slowly(1, 60, 0), &few).await;
        assert_eq!(busy, Err(StatusCode::SERVICE_UNAVAILABLE));
        drop(held);
        assert_eq!(outcome(slowly(1, 60, 0), &few).await, Ok(60));
    }

    const BODIES: usize = 64 * 1024 * 1024;
}
