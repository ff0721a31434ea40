//! Listeners without TLS and without callers: `public` and `operations`. `GET` only, HTTP/1 only.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// An answer of a plain listener.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) cache_control: &'static str,
    pub(crate) body: Bytes,
}

impl Page {
    pub(crate) fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            cache_control: "no-cache",
            body: body.into(),
        }
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            cache_control: "no-cache",
            body: body.into(),
        }
    }
}

/// Serves `pages` by the head of their request until stopped; none is "not found".
pub(crate) async fn serve<P, F>(listener: TcpListener, stop: CancellationToken, pages: P)
where
    P: Fn(Parts) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Option<Page>> + Send + 'static,
{
    let ends = stop.clone();
    super::accept(listener, stop, move |socket, open| {
        (open < CONNECTIONS).then(|| connection(socket, ends.clone(), pages.clone()))
    })
    .await;
}

async fn connection<P, F>(socket: TcpStream, stop: CancellationToken, pages: P)
where
    P: Fn(Parts) -> F,
    F: Future<Output = Option<Page>>,
{
    let service = service_fn(|request: Request<Incoming>| {
        let (method, page) = (request.method().clone(), pages(request.into_parts().0));
        async move { Ok::<_, Infallible>(respond(&method, page.await)) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER);
    let mut conversation = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            tokio::time::timeout(HEADER, conversation).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn respond(method: &Method, known: Option<Page>) -> Response<Full<Bytes>> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let page = match known {
        Some(page) if reads => page,
        Some(_) => Page::text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n"),
        None => Page::text(StatusCode::NOT_FOUND, "no such page\n"),
    };
    let mut response = Response::new(Full::new(page.body));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(page.cache_control));
    if page.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

/// A page is small and leaves at once; more readers than this are none.
const CONNECTIONS: usize = 256;
/// As on the agencies' listener; also how long a connection may stay without a request.
const HEADER: Duration = Duration::from_secs(5);
