//! A gRPC channel: one HTTP/2 connection, opened by the first call and again when it breaks.
//!
//! Made for small questions: head and body are handed to the connection together and usually leave
//! in one write. A question that the agency says it has not processed is asked once more. Not here:
//! what is asked; a limit on the answer, which the client of the service keeps.

mod answer;
mod flight;
mod link;
mod target;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use adapter::{BoxFuture, Endpoint};
use bytes::Bytes;
use exchange::Clock;
use http::{Request, Response, Uri};
use http_body_util::BodyExt as _;
use tonic::{Status, body};
use tower::Service;

use crate::Problem;
pub(super) use answer::Answer;
use flight::Flight;
use link::{Link, Loss};
use target::{Dial, Target};

/// A channel to one agency. Clones share its connection.
#[derive(Clone, Debug)]
pub(super) struct Channel(Arc<Line<Target>>);

impl Channel {
    /// A channel to `endpoint`; nothing is opened before the first call.
    pub(super) fn new(endpoint: &Endpoint, clock: &Arc<dyn Clock>) -> Result<Self, Vec<Problem>> {
        let target = Target::new(endpoint, clock)?;
        Ok(Self(Arc::new(Line::new(target))))
    }

    /// Scheme and authority of every call.
    pub(super) fn origin(&self) -> Uri {
        self.0.target.origin()
    }
}

impl Service<Request<body::Body>> for Channel {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Self::Response, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<body::Body>) -> Self::Future {
        let line = Arc::clone(&self.0);
        Box::pin(async move { line.call(request).await })
    }
}

/// The one connection to a target, or the opening of it.
#[derive(Debug)]
struct Line<D> {
    target: Arc<D>,
    flight: Mutex<Option<Flight>>,
}

impl<D: Dial> Line<D> {
    fn new(target: D) -> Self {
        Self {
            target: Arc::new(target),
            flight: Mutex::default(),
        }
    }

    /// Asks, and once again if the agency has not processed it; on another connection, unless it
    /// refused this one call and takes others.
    async fn call(&self, request: Request<body::Body>) -> Result<Response<Answer>, Status> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let head = Request::from_parts(head, ());
        let first = self.link().await?.ask(head.clone(), body.clone()).await;
        let answered = match first {
            Err(Loss::Unprocessed(_)) => self.link().await?.ask(head, body).await,
            first => first,
        };
        Ok(answered?)
    }

    /// The connection; opened if there is none, and once for all who wait.
    async fn link(&self) -> Result<Arc<Link>, Status> {
        self.flight().landed().await
    }

    fn flight(&self) -> Flight {
        let mut held = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_ref().filter(|flight| flight.is_of_use()) {
            Some(flight) => flight.clone(),
            None => held.insert(Flight::begin(&self.target)).clone(),
        }
    }
}

/// The bytes of a question.
type Body = Bytes;
