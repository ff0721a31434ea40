//! A gRPC channel: one HTTP/2 connection, opened by the first call and again when it breaks.
//!
//! Made for small questions: head and body are handed to the connection together and usually leave
//! in one write. A question that the agency says it has not processed is asked once more. Not here:
//! what is asked; a limit on the answer, which the client of the service keeps.

mod answer;
mod link;
mod target;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use adapter::{BoxFuture, Endpoint, Flight, Progress, boxed, is_refused, is_tls};
use bytes::Bytes;
use exchange::Clock;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use tokio::time::timeout;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status, body};
use tower::Service;

use crate::Problem;
pub(super) use answer::{Answer, CONTRADICTION};
pub(super) use link::progress;
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

    /// Closes the connection once its other calls have ended; the next call opens another.
    pub(super) fn close(&self) {
        self.0.flight().take();
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
        boxed(|| async move { line.call(request).await })
    }
}

/// The one connection to a target, or the opening of it.
#[derive(Debug)]
struct Line<D> {
    target: Arc<D>,
    flight: Mutex<Option<Opening>>,
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
        let answered = answered?;
        if !answered.status().is_success() {
            return Err(failed(answered.status()));
        }
        let kind = answered.headers().get(CONTENT_TYPE);
        let is_ours = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        if !is_ours {
            return Err(Status::unknown(OTHER_CONTENT));
        }
        Ok(answered)
    }

    /// The connection; opened if there is none, and once for all who wait.
    async fn link(&self) -> Result<Arc<Link>, Status> {
        let flight = match self.held() {
            Ok(link) => return Ok(link),
            Err(flight) => flight,
        };
        flight.landed().await
    }

    fn flight(&self) -> MutexGuard<'_, Option<Opening>> {
        self.flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection at hand; if there is none that takes calls, the opening of one.
    fn held(&self) -> Result<Arc<Link>, Opening> {
        let mut flight = self.flight();
        let begun = flight.as_ref().map(|flight| (flight, flight.has_landed()));
        match begun {
            Some((_, Some(Ok(link)))) if link.is_open() => Ok(link),
            Some((flight, None)) => Err(flight.clone()),
            Some((_, Some(_))) | None => Err(flight.insert(open(&self.target)).clone()),
        }
    }
}

/// A connection being opened, or opened.
type Opening = Flight<Result<Arc<Link>, Status>>;

/// Opens a connection, within [`CONNECT`].
fn open<D: Dial>(target: &Arc<D>) -> Opening {
    let target = Arc::clone(target);
    let opened = async move {
        let open = async { Link::open(target.dial().await?).await };
        match timeout(CONNECT, open).await {
            Ok(opened) => opened.map_err(|error| not_opened(&error)),
            Err(_) => Err(unsent(Status::unavailable("the connection does not open"))),
        }
    };
    Flight::begin(opened, || Err(Status::internal("the opening panicked")))
}

/// What is said of an answer that is called something else.
pub(super) const OTHER_CONTENT: &str = "the answer has another content type";

/// What a status of HTTP other than success says, as gRPC maps it, whatever status of gRPC stands under
/// it: whoever failed is in no state to say that there is no such person.
fn failed(status: StatusCode) -> Status {
    let code = match status.as_u16() {
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        429 | 502..=504 => Code::Unavailable,
        _ => Code::Unknown,
    };
    Status::new(code, format!("HTTP status {}", status.as_u16()))
}

/// Why no connection was opened.
fn not_opened(error: &io::Error) -> Status {
    let mut status = Status::unavailable(error.to_string());
    let why = match (is_tls(error), is_refused(error)) {
        (true, _) => "UPSTREAM_TLS",
        (_, true) => "ADDRESS_REFUSED",
        (false, false) => return unsent(status),
    };
    let reason = MetadataValue::from_static(why);
    status.metadata_mut().insert(NOT_OPENED, reason);
    status
}

/// A status of a call that has not left.
fn unsent(status: Status) -> Status {
    link::before_head(status, Progress::Unsent)
}

/// Where a status of ours says why no connection was opened; no agency's own has it.
pub(super) const NOT_OPENED: &str = "lienthong-not-opened";

/// The longest a connection may take to open.
const CONNECT: Duration = Duration::from_secs(1);

/// The bytes of a question.
type Body = Bytes;
