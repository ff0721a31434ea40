//! A streamed answer over REST: `text/event-stream`, one event on one line of JSON each.

use std::future::ready;
use std::sync::Arc;

use api::v1::{
    StreamCitizenResponse, WatchCheckpointsResponse, stream_citizen_response::Event as Part,
};
use bytes::Bytes;
use exchange::Fault;
use futures_util::stream::{Stream, StreamExt as _};
use http::Response;
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Serialize;
use tonic::Status;
use tonic::body::Body;

use super::json;
use crate::account::Context;
use crate::fault::Told;

/// A message of a stream.
pub(super) trait Event: Serialize {
    /// What the event that carries it is called.
    fn name(&self) -> &'static str;
}

impl Event for StreamCitizenResponse {
    fn name(&self) -> &'static str {
        match &self.event {
            Some(Part::Summary(_)) => "summary",
            Some(Part::Result(_)) | None => "result",
        }
    }
}

impl Event for WatchCheckpointsResponse {
    fn name(&self) -> &'static str {
        "checkpoint"
    }
}

/// The answer to a method that streams. An error ends it as the event `error`, with the problem as
/// its data.
pub(super) fn answer<S, E: Event>(
    events: S,
    context: &Arc<Context>,
    help_base: &Arc<str>,
) -> Response<Body>
where
    S: Stream<Item = Result<E, Fault>> + Send + 'static,
{
    let (context, help_base) = (Arc::clone(context), Arc::clone(help_base));
    let frames = events.scan(false, move |over, event| {
        if *over {
            return ready(None);
        }
        let written = event.and_then(|event| Ok(frame(event.name(), &json::text(&event)?)));
        let frame = written.unwrap_or_else(|fault| {
            let problem = Told::new(&fault, context.request_id(), &help_base).problem();
            context.notes().fault = Some(fault);
            *over = true;
            frame("error", &problem)
        });
        ready(Some(Ok::<_, Status>(Frame::data(frame))))
    });
    super::response("text/event-stream", Body::new(StreamBody::new(frames)))
}

fn frame(name: &str, data: &[u8]) -> Bytes {
    let parts: [&[u8]; 5] = [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"];
    parts.concat().into()
}
