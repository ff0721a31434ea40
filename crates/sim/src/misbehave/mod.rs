//! The faulty behaviours that any HTTP simulator shares.
//!
//! Not here: [`FaultKind::NotFound`], [`FaultKind::WrongPerson`], [`FaultKind::WrongRequest`],
//! [`FaultKind::TimeoutAsAnswer`] and [`FaultKind::SessionExpired`], which each simulator says in its
//! own wire; [`FaultKind::ResetOnAccept`], which the stage does before anything is said.

mod body;
mod hang;
mod login;

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use exchange::Clock;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::bomb::bomb;
use crate::charset::Charset;
use crate::{Again, FaultKind, Fuse, Journal};
pub use body::{Spoilt, Then};
pub use hang::hang;

/// What a faulty behaviour needs beside the fault.
#[derive(Clone, Copy, Debug)]
pub struct Means<'a> {
    /// The fuse of the connection.
    pub fuse: &'a Fuse,
    /// When to come again.
    pub again: Again,
    /// Where it is noted that whoever asked has left.
    pub journal: &'a Journal,
    /// What time it is.
    pub clock: &'a dyn Clock,
}

/// Turns a prepared answer into the faulty behaviour; without a fault, or with one that the
/// simulator words itself, the answer is given as it is.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is left needs no time")]
pub async fn misbehave(
    fault: Option<FaultKind>,
    prepared: Response<Bytes>,
    means: Means<'_>,
) -> Response<Body> {
    let Some(fault) = fault else {
        return prepared.map(Body::from);
    };
    match fault {
        FaultKind::Hang => hang(means.journal, means.clock).await,
        FaultKind::Slow => {
            tokio::time::sleep(SLOW).await;
            prepared.map(Body::from)
        }
        _ => answered(fault, means).unwrap_or_else(|| bent(fault, prepared, means.fuse)),
    }
}

/// What is said in the place of an answer, if anything is.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is left bends an answer"
)]
fn answered(fault: FaultKind, means: Means<'_>) -> Option<Response<Body>> {
    let again = |usual| means.again.text(usual, means.clock.now());
    Some(match fault {
        FaultKind::ServerError => refusal(StatusCode::INTERNAL_SERVER_ERROR, None),
        FaultKind::LoginPage => login::page(),
        FaultKind::LoginRedirect => login::redirect(),
        FaultKind::Unauthorized => refusal(StatusCode::UNAUTHORIZED, None),
        FaultKind::RateLimited => refusal(StatusCode::TOO_MANY_REQUESTS, again(3).as_deref()),
        FaultKind::Maintenance => refusal(StatusCode::SERVICE_UNAVAILABLE, again(30).as_deref()),
        _ => return None,
    })
}

/// What becomes of an answer on its way out.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is left the simulator words itself"
)]
fn bent(fault: FaultKind, prepared: Response<Bytes>, fuse: &Fuse) -> Response<Body> {
    let length = prepared.body().len();
    let half = prepared.body().slice(..length / 2);
    match fault {
        FaultKind::ResetBeforeHead => {
            fuse.blow();
            prepared.map(Body::from)
        }
        FaultKind::ResetAfterHead => spoilt(prepared, 0, Then::Reset(fuse.clone())),
        FaultKind::ResetMidBody => spoilt(prepared, length / 2, Then::Reset(fuse.clone())),
        FaultKind::ResetAfterBody => spoilt(prepared, length, Then::Reset(fuse.clone())),
        FaultKind::HangAfterHead => spoilt(prepared, 0, Then::Hang),
        FaultKind::Drip => spoilt(prepared, length, Then::Drip),
        FaultKind::Oversize => oversize(prepared),
        FaultKind::Garbage => with_body(prepared, Bytes::from_static(GARBAGE)),
        FaultKind::Truncated => with_body(prepared, half),
        FaultKind::Bomb => {
            let gzip = HeaderValue::from_static("gzip");
            let mut response = with_body(prepared, bomb());
            response.headers_mut().insert(CONTENT_ENCODING, gzip);
            response
        }
        FaultKind::Tcvn3 | FaultKind::Vni => {
            let lie = charset(fault).map(|charset| charset.rewrite(prepared.body()));
            with_body(prepared, lie.unwrap_or_default().into())
        }
        FaultKind::NotFoundAsFailure => with_status(prepared, StatusCode::INTERNAL_SERVER_ERROR),
        FaultKind::AnswerAsNotFound => with_status(prepared, StatusCode::NOT_FOUND),
        FaultKind::WrongContentType => {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            let mut response = prepared.map(Body::from);
            response.headers_mut().insert(CONTENT_TYPE, plain);
            response
        }
        _ => prepared.map(Body::from),
    }
}

/// The bytes in which a fault writes its letters.
#[must_use]
pub const fn charset(fault: FaultKind) -> Option<Charset> {
    if matches!(fault, FaultKind::Tcvn3) {
        Some(Charset::Tcvn3)
    } else if matches!(fault, FaultKind::Vni) {
        Some(Charset::Vni)
    } else {
        None
    }
}

fn refusal(status: StatusCode, retry_after: Option<&str>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let retry_after = retry_after.map(|text| HeaderValue::from_bytes(text.as_bytes()));
    if let Some(Ok(text)) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, text);
    }
    response
}

/// The same body under another status.
fn with_status(prepared: Response<Bytes>, status: StatusCode) -> Response<Body> {
    let mut response = prepared.map(Body::from);
    *response.status_mut() = status;
    response
}

/// Another body under the same head.
fn with_body(prepared: Response<Bytes>, body: Bytes) -> Response<Body> {
    let (mut head, _) = prepared.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/octet-stream"));
    Response::from_parts(head, Body::from(body))
}

/// The whole length is promised, so many bytes are sent, then something happens.
fn spoilt(prepared: Response<Bytes>, sent: usize, then: Then) -> Response<Body> {
    let (mut head, body) = prepared.into_parts();
    // At least one byte stays unsent, also of an empty answer, unless all is to be sent.
    let length = body.len().max(1);
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    let some = body.slice(..sent.min(body.len()));
    Response::from_parts(head, Body::new(Spoilt::new(some, then)))
}

/// The answer, and spaces behind it, which neither JSON nor XML minds.
fn oversize(prepared: Response<Bytes>) -> Response<Body> {
    let (mut head, body) = prepared.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(
        head,
        Body::new(Spoilt::new(body, Then::Spaces(OVERSIZE_BYTES))),
    )
}

/// As the persona of the slow source promises.
const SLOW: Duration = Duration::from_secs(2);
/// Fifty times what is read of an answer.
const OVERSIZE_BYTES: usize = 50 << 20;
/// Invalid UTF-8, no JSON, no XML, no protobuf, no SQL.
const GARBAGE: &[u8] = b"\xff\xfe<<<{\"\x00garbage\x80\x81";
