//! The body of an answer, as the connection delivers it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http::HeaderMap;
use http_body::{Body, Frame};
use tonic::Status;

use super::link::{Hearing, lost};

/// The body of an answer. Dropped before its end, it resets the stream.
#[derive(Debug)]
pub(in crate::tax) struct Answer {
    stream: RecvStream,
    /// True once some of a message has come.
    has_begun: bool,
    /// What keeps its connection open.
    hearing: Hearing,
}

impl Answer {
    pub(super) const fn new(stream: RecvStream, hearing: Hearing) -> Self {
        Self {
            stream,
            has_begun: false,
            hearing,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = match ready!(self.stream.poll_data(cx)) {
            Some(Ok(data)) => {
                self.has_begun |= !data.is_empty();
                let read = self.stream.flow_control().release_capacity(data.len());
                Some(read.map(|()| Frame::data(data)))
            }
            Some(Err(error)) => Some(Err(error)),
            None => match ready!(self.stream.poll_trailers(cx)) {
                Ok(Some(trailers)) if self.has_begun && finds_nobody(&trailers) => {
                    self.hearing.end();
                    return Poll::Ready(Some(Err(Status::unknown(CONTRADICTION))));
                }
                Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
                Err(error) => Some(Err(error)),
            },
        };
        match &frame {
            Some(Ok(frame)) if frame.is_data() => self.hearing.heard(),
            Some(_) | None => self.hearing.end(),
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|error| lost(&error))))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }
}

/// True if the trailers of an answer say that there is no such person.
fn finds_nobody(trailers: &HeaderMap) -> bool {
    let status = trailers.get(Status::GRPC_STATUS);
    status.is_some_and(|status| status.as_bytes() == NOT_FOUND)
}

/// What is said of an answer behind which nobody is found.
pub(in crate::tax) const CONTRADICTION: &str = "the answer is followed by NOT_FOUND";
/// `NOT_FOUND`, as the wire spells it.
const NOT_FOUND: &[u8] = b"5";
