//! A gRPC channel: one HTTP/2 connection, opened by the first call and again when it breaks.
//!
//! Made for small questions: head and body are handed to the connection together and leave in one
//! write. Not here: what is asked; a limit on the answer, which the client of the service keeps.

mod answer;
mod link;

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
use link::{Link, Target};

/// A channel to one agency. Clones share its connection.
#[derive(Clone, Debug)]
pub(super) struct Channel(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    target: Target,
    link: Mutex<Option<Arc<Link>>>,
    /// Held by the one who opens the next connection.
    opening: tokio::sync::Mutex<()>,
}

impl Channel {
    /// A channel to `endpoint`; nothing is opened before the first call.
    pub(super) fn new(endpoint: &Endpoint, clock: &Arc<dyn Clock>) -> Result<Self, Vec<Problem>> {
        Ok(Self(Arc::new(Shared {
            target: Target::new(endpoint, clock)?,
            link: Mutex::default(),
            opening: tokio::sync::Mutex::default(),
        })))
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
        let shared = Arc::clone(&self.0);
        Box::pin(async move { shared.call(request).await })
    }
}

impl Shared {
    async fn call(&self, request: Request<body::Body>) -> Result<Response<Answer>, Status> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let head = Request::from_parts(head, ());
        let response = match self.link().await?.send(head.clone(), body.clone()) {
            Ok(response) => response,
            // Closed by the agency just now: nothing has left, so it is asked on another.
            Err(_) => {
                let link = self.link().await?;
                link.send(head, body).map_err(|error| link::lost(&error))?
            }
        };
        let response = response.await.map_err(|error| link::lost(&error))?;
        Ok(response.map(Answer::new))
    }

    /// The connection, opened if there is none; by one caller, however many wait.
    async fn link(&self) -> Result<Arc<Link>, Status> {
        if let Some(link) = self.open_link() {
            return Ok(link);
        }
        let _opening = self.opening.lock().await;
        if let Some(link) = self.open_link() {
            return Ok(link);
        }
        let link = self.target.open().await?;
        *self.lock() = Some(Arc::clone(&link));
        Ok(link)
    }

    fn open_link(&self) -> Option<Arc<Link>> {
        self.lock().clone().filter(|link| link.is_open())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Link>>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of a question.
type Body = Bytes;
