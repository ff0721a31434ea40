//! Faults below the message: bytes that are no message, and a stream reset in the middle of one.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;
use sim::FaultKind;

/// A gRPC frame that promises eleven bytes of message, and holds no message.
const GARBAGE: &[u8] = b"\x00\x00\x00\x00\x0b\xff\xfegarbage\x80\x81";

/// The most that is spoilt of one answer.
const MAX_BYTES: usize = 1 << 20;

/// Spoils the answers that the register marked with a fault.
pub(super) async fn spoil(response: Response) -> Response {
    match response.extensions().get::<FaultKind>() {
        Some(FaultKind::Garbage) => {
            let (head, _) = response.into_parts();
            Response::from_parts(head, Body::from(GARBAGE))
        }
        Some(FaultKind::ResetMidBody) => {
            let (head, body) = response.into_parts();
            let body = to_bytes(body, MAX_BYTES).await.unwrap_or_default();
            let half = body.slice(..body.len() / 2);
            Response::from_parts(head, Body::new(Half(Some(half))))
        }
        _ => response,
    }
}

/// Half a body, then a reset of the stream.
struct Half(Option<Bytes>);

impl http_body::Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(half) => Ok(Frame::data(half)),
            None => Err(io::ErrorKind::ConnectionReset.into()),
        }))
    }
}
