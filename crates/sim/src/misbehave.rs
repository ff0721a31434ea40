//! The faulty behaviours that any HTTP simulator shares.
//!
//! Not here: [`FaultKind::NotFound`], [`FaultKind::WrongPerson`] and
//! [`FaultKind::SessionExpired`], which each simulator says in its own wire.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use tokio::time::Sleep;

use crate::{FaultKind, Fuse};

/// Turns a prepared answer into the faulty behaviour; without a fault, or with one that the
/// simulator words itself, the answer is given as it is.
pub async fn misbehave(
    fault: Option<FaultKind>,
    prepared: Response<Bytes>,
    fuse: &Fuse,
) -> Response<Body> {
    match fault {
        None | Some(FaultKind::NotFound | FaultKind::WrongPerson | FaultKind::SessionExpired) => {
            prepared.map(Body::from)
        }
        Some(FaultKind::Hang) => std::future::pending().await,
        Some(FaultKind::ServerError) => refusal(StatusCode::INTERNAL_SERVER_ERROR, None),
        Some(FaultKind::ResetMidBody) => reset(prepared, fuse),
        Some(FaultKind::Garbage) => garbage(prepared),
        Some(FaultKind::Slow) => {
            tokio::time::sleep(SLOW).await;
            prepared.map(Body::from)
        }
        Some(FaultKind::RateLimited) => refusal(StatusCode::TOO_MANY_REQUESTS, Some("3")),
        Some(FaultKind::Maintenance) => refusal(StatusCode::SERVICE_UNAVAILABLE, Some("30")),
    }
}

fn refusal(status: StatusCode, retry_after_s: Option<&'static str>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Some(seconds) = retry_after_s {
        let seconds = HeaderValue::from_static(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// The right head and content type, and bytes that no parser of any wire takes.
fn garbage(prepared: Response<Bytes>) -> Response<Body> {
    let (mut head, _) = prepared.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/octet-stream"));
    Response::from_parts(head, Body::from(Bytes::from_static(GARBAGE)))
}

/// The whole length is promised, half of it is sent, then the connection is reset.
fn reset(prepared: Response<Bytes>, fuse: &Fuse) -> Response<Body> {
    let (mut head, body) = prepared.into_parts();
    // At least one byte stays unsent, also of an empty answer.
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len().max(1)));
    let half = body.slice(..body.len() / 2);
    let body = BrokenBody {
        half: Some(half).filter(|half| !half.is_empty()),
        flushed: None,
        fuse: fuse.clone(),
    };
    Response::from_parts(head, Body::new(body))
}

/// Half a body, a moment for it to be sent, then the fuse of the connection blows.
struct BrokenBody {
    half: Option<Bytes>,
    flushed: Option<Pin<Box<Sleep>>>,
    fuse: Fuse,
}

impl http_body::Body for BrokenBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        let flushed = self
            .flushed
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(FLUSH)));
        std::task::ready!(flushed.as_mut().poll(context));
        self.fuse.blow();
        let reset = std::io::ErrorKind::ConnectionReset;
        Poll::Ready(Some(Err(reset.into())))
    }
}

/// As the persona of the slow source promises.
const SLOW: Duration = Duration::from_secs(2);
/// Long enough for the first half to leave the socket, too short to be noticed.
const FLUSH: Duration = Duration::from_millis(5);
/// Invalid UTF-8, no JSON, no XML, no protobuf, no SQL.
const GARBAGE: &[u8] = b"\xff\xfe<<<{\"\x00garbage\x80\x81";
