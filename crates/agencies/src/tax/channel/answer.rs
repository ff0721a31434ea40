//! The body of an answer, as the connection delivers it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use http_body::{Body, Frame};
use tonic::Status;

use super::link::{Hearing, lost};

/// The body of an answer. Dropped before its end, it resets the stream.
#[derive(Debug)]
pub(in crate::tax) struct Answer {
    stream: RecvStream,
    /// What keeps its connection open.
    hearing: Hearing,
}

impl Answer {
    pub(super) const fn new(stream: RecvStream, hearing: Hearing) -> Self {
        Self { stream, hearing }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let stream = &mut self.stream;
        let frame = match ready!(stream.poll_data(cx)) {
            Some(Ok(data)) => {
                let read = stream.flow_control().release_capacity(data.len());
                Some(read.map(|()| Frame::data(data)))
            }
            Some(Err(error)) => Some(Err(error)),
            None => match ready!(stream.poll_trailers(cx)) {
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
