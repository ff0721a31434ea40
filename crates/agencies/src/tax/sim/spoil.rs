//! Faults below the message: bytes that are no message, and streams that do not end as they should.

use std::future::ready;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Full};
use sim::{FaultKind, Fuse, Spoilt, Then, charset};
use tonic::Code;

/// A gRPC frame that promises eleven bytes of message, and holds no message.
const GARBAGE: &[u8] = b"\x00\x00\x00\x00\x0b\xff\xfegarbage\x80\x81";

/// The most that is spoilt of one answer.
const MAX_BYTES: usize = 1 << 20;

/// How long the message of an oversized answer is.
const OVERSIZE_BYTES: u32 = 50 << 20;

/// The length of what stands before a message: a flag and a length.
const PREFIX: usize = 5;

/// True for the faults that are committed here.
pub(super) const fn is_spoilt(fault: FaultKind) -> bool {
    matches!(
        fault,
        FaultKind::Garbage
            | FaultKind::ResetBeforeHead
            | FaultKind::ResetAfterHead
            | FaultKind::ResetMidBody
            | FaultKind::ResetAfterBody
            | FaultKind::HangAfterHead
            | FaultKind::Drip
            | FaultKind::Truncated
            | FaultKind::Oversize
            | FaultKind::Bomb
            | FaultKind::Tcvn3
            | FaultKind::Vni
            | FaultKind::WrongContentType
            | FaultKind::TimeoutAsAnswer
            | FaultKind::NotFoundAsFailure
            | FaultKind::AnswerAsNotFound
    )
}

/// Spoils the answers that the register marked with a fault.
pub(super) async fn spoil(request: Request, next: Next) -> Response {
    let fuse = request.extensions().get::<Fuse>().cloned();
    let response = next.run(request).await;
    let Some(fault) = response.extensions().get::<FaultKind>().copied() else {
        return response;
    };
    let (mut head, body) = response.into_parts();
    let message = to_bytes(body, MAX_BYTES).await.unwrap_or_default();
    if fault == FaultKind::ResetBeforeHead {
        // The whole connection: a stream whose head is not sent cannot be told from a slow one.
        fuse.unwrap_or_default().blow();
    }
    if fault == FaultKind::WrongContentType {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        head.headers.insert(CONTENT_TYPE, plain);
    }
    if fault == FaultKind::Bomb {
        let gzip = HeaderValue::from_static("gzip");
        head.headers.insert("grpc-encoding", gzip);
    }
    if fault == FaultKind::NotFoundAsFailure {
        head.status = StatusCode::INTERNAL_SERVER_ERROR;
        head.headers
            .extend(status(Code::NotFound, "no such taxpayer"));
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, spoilt(fault, &message))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is left is spoilt elsewhere"
)]
fn spoilt(fault: FaultKind, message: &Bytes) -> Body {
    let some = |part: usize| message.slice(..message.len() * part / 2);
    match fault {
        FaultKind::Garbage => Body::from(GARBAGE),
        // A message is cut short and ends in order, but for the trailers, which are lost with it.
        FaultKind::Truncated => Body::from(some(1)),
        FaultKind::ResetAfterHead => Body::new(Spoilt::new(some(0), Then::BreakOff)),
        FaultKind::ResetMidBody => Body::new(Spoilt::new(some(1), Then::BreakOff)),
        FaultKind::ResetAfterBody => Body::new(Spoilt::new(some(2), Then::BreakOff)),
        FaultKind::HangAfterHead => Body::new(Spoilt::new(some(0), Then::Hang)),
        FaultKind::Drip => Body::new(Spoilt::new(some(2), Then::Drip)),
        FaultKind::TimeoutAsAnswer => ended(message, Code::Ok, "the time is over"),
        FaultKind::AnswerAsNotFound => ended(message, Code::NotFound, "no such taxpayer"),
        FaultKind::Oversize => {
            let promise = framed(0, OVERSIZE_BYTES, &[]);
            Body::new(Spoilt::new(promise, Then::Spaces(OVERSIZE_BYTES as usize)))
        }
        // The flag says compressed; what is compressed need not be sent to be refused.
        FaultKind::Bomb => Body::from(framed(1, 4, b"\x1f\x8b\x08\x00")),
        FaultKind::Tcvn3 | FaultKind::Vni => {
            let inner = message.get(PREFIX..).unwrap_or_default();
            let lie = charset(fault).map(|charset| charset.rewrite(inner));
            let mut all = BytesMut::from(message.get(..PREFIX).unwrap_or_default());
            all.extend_from_slice(&lie.unwrap_or_default());
            Body::from(all.freeze())
        }
        _ => Body::from(message.clone()),
    }
}

/// A message, and the trailers that end it.
fn ended(message: &Bytes, code: Code, words: &'static str) -> Body {
    let trailers = ready(Some(Ok(status(code, words))));
    Body::new(Full::new(message.clone()).with_trailers(trailers))
}

/// A status as headers or trailers.
fn status(code: Code, words: &'static str) -> HeaderMap {
    let mut status = HeaderMap::new();
    status.insert("grpc-status", HeaderValue::from(code as i32));
    status.insert("grpc-message", HeaderValue::from_static(words));
    status
}

fn framed(flag: u8, length: u32, message: &[u8]) -> Bytes {
    let mut all = BytesMut::with_capacity(PREFIX + message.len());
    all.put_u8(flag);
    all.put_u32(length);
    all.put_slice(message);
    all.freeze()
}
