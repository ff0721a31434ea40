//! Listeners without TLS and without callers: `public` and `operations`. HTTP/1 only.
//!
//! Pages are read with `GET`. What changes something is a `POST`, whose body comes with the head.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// An answer of a plain listener.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: &'static str,
    pub(crate) allow: Allow,
    pub(crate) body: Bytes,
}

/// With which method a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allow {
    /// `GET` or `HEAD`: it is read.
    Read,
    /// `POST`: something is done.
    Act,
}

impl Allow {
    const fn names(self) -> &'static str {
        match self {
            Self::Read => "GET, HEAD",
            Self::Act => "POST",
        }
    }

    fn has(self, method: &Method) -> bool {
        match self {
            Self::Read => matches!(*method, Method::GET | Method::HEAD),
            Self::Act => *method == Method::POST,
        }
    }
}

impl Page {
    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            cache_control: "no-cache",
            allow: Allow::Read,
            body: body.into(),
        }
    }

    /// The answer to something that was done, or was not.
    pub(crate) fn acted(
        status: StatusCode,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            status,
            content_type,
            cache_control: "no-store",
            allow: Allow::Act,
            body: body.into(),
        }
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: PLAIN,
            cache_control: "no-cache",
            allow: Allow::Read,
            body: body.into(),
        }
    }
}

/// Serves `pages` by their request until stopped; none is "not found".
pub(crate) async fn serve<P, F>(listener: TcpListener, stop: CancellationToken, pages: P)
where
    P: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Page>> + Send + 'static,
{
    let ends = stop.clone();
    super::accept(listener, stop, move |socket, _, open| {
        (open < CONNECTIONS).then(|| connection(socket, ends.clone(), pages.clone()))
    })
    .await;
}

async fn connection<P, F>(socket: TcpStream, stop: CancellationToken, pages: P)
where
    P: Fn(Request<Bytes>) -> F,
    F: Future<Output = Option<Page>>,
{
    let service = service_fn(|request: Request<Incoming>| {
        let (method, pages) = (request.method().clone(), &pages);
        async move {
            let page = match with_body(request).await {
                Ok(request) => pages(request).await,
                Err(page) => Some(page),
            };
            Ok::<_, Infallible>(respond(&method, page))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER);
    let mut conversation = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            timeout(HEADER, conversation).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// The request with its body, which only a `POST` has; else what its sender is told.
async fn with_body(request: Request<Incoming>) -> Result<Request<Bytes>, Page> {
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        return Ok(Request::from_parts(head, Bytes::new()));
    }
    let body = timeout(BODY, Limited::new(body, BODY_BYTES).collect()).await;
    let (status, what) = match body {
        Ok(Ok(body)) => return Ok(Request::from_parts(head, body.to_bytes())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n")
        }
        Ok(Err(_)) => (StatusCode::BAD_REQUEST, "the body cannot be read\n"),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the body is too slow\n"),
    };
    Err(Page::acted(status, PLAIN, what))
}

fn respond(method: &Method, known: Option<Page>) -> Response<Full<Bytes>> {
    let page = match known {
        Some(page) if page.allow.has(method) => page,
        Some(page) => {
            let body = format!("{} only\n", page.allow.names());
            let allow = page.allow;
            Page {
                allow,
                ..Page::text(StatusCode::METHOD_NOT_ALLOWED, body)
            }
        }
        None => Page::text(StatusCode::NOT_FOUND, "no such page\n"),
    };
    let mut response = Response::new(Full::new(page.body));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(page.cache_control));
    if page.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static(page.allow.names()));
    }
    response
}

/// A page is small and leaves at once; more readers than this are none.
const CONNECTIONS: usize = 256;
/// As on the agencies' listener; also how long a connection may stay without a request.
const HEADER: Duration = Duration::from_secs(5);
/// How long a body may take, and how large it may be: an operator's instruction is short.
const BODY: Duration = Duration::from_secs(5);
const BODY_BYTES: usize = 64 << 10;
const PLAIN: &str = "text/plain; charset=utf-8";
