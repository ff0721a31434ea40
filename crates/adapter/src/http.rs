//! An HTTP client for agencies: pooled, with a deadline per call and a cap on what is read.
//!
//! It follows no redirect, asks for no compression, and never returns part of a body.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use exchange::Clock;
use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jiff::Timestamp;
use tokio::time::{Instant, timeout, timeout_at};
use tower::Service;

use crate::endpoint::name_of;
use crate::reach::{Loopback, Resolver, is_refused, is_tls};
use crate::{BoxFuture, Endpoint, EndpointError, Miss, Progress};

/// The most that is read of one answer: 1 MiB.
const MAX_BODY_BYTES: usize = 1 << 20;

/// The longest a connection may take to open, from its name to the end of its handshake.
const CONNECT: Duration = Duration::from_secs(1);

/// When an unused connection is asked for a sign of life, how long one may take, and how often it is asked.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEPALIVE_TRIES: u32 = 2;

/// How long an unused connection is kept; shorter than the usual 60 s of servers.
const IDLE: Duration = Duration::from_secs(45);

/// How many unused connections are kept: all.
const KEPT: usize = usize::MAX;

/// An HTTP client bound to one agency.
#[derive(Clone)]
pub struct Client {
    /// The pool, which is thrown away with all its connections when one of them is not trusted.
    pool: Arc<ArcSwap<Pool>>,
    /// Keeps no connection.
    alone: Pool,
    connector: Connector,
    base: url::Url,
}

type Connector = Timely<HttpsConnector<HttpConnector<Resolver>>>;
type Pool = legacy::Client<Connector, Full<Bytes>>;

/// A whole answer.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most 1 MiB.
    pub body: Bytes,
}

impl Client {
    /// A client for the agency at `endpoint`.
    ///
    /// # Errors
    /// An endpoint that cannot be used.
    pub fn new(endpoint: &Endpoint, clock: &Arc<dyn Clock>) -> Result<Self, EndpointError> {
        Self::within(endpoint.loopback(), endpoint, clock)
    }

    /// The same, whatever the endpoint says of where it may be.
    fn within(
        loopback: Loopback,
        endpoint: &Endpoint,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, EndpointError> {
        let tls = endpoint.tls(&[], clock)?;
        let mut tcp = HttpConnector::new_with_resolver(Resolver(loopback));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // What a firewall has forgotten is found out while nobody waits for it.
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE_EVERY));
        tcp.set_keepalive_retries(Some(KEEPALIVE_TRIES));
        // Divided among the addresses of the name.
        tcp.set_connect_timeout(Some(CONNECT));
        let secure = tls.is_some();
        let tls = tls.map_or_else(no_trust, |tls| (*tls).clone());
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
        let builder = if secure {
            builder.https_only()
        } else {
            builder.https_or_http()
        };
        let connector = Timely(builder.enable_http1().wrap_connector(tcp));
        Ok(Self {
            pool: Arc::new(ArcSwap::from_pointee(pool(connector.clone(), KEPT))),
            alone: pool(connector.clone(), 0),
            connector,
            base: endpoint.url.clone(),
        })
    }

    /// The name of the agency's address, as that of its endpoint.
    #[must_use]
    pub fn name(&self) -> String {
        name_of(&self.base)
    }

    /// The address of `path` below the agency's base URL.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/{}", path.trim_start_matches('/'))
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// A miss: timeout, refused, reset, or too large.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response, Miss> {
        let sent = self.pool.load().request(request);
        answer(sent, deadline).await
    }

    /// Sends a request over a connection of its own, as one that must not be sent twice, such as a login:
    /// an agency may close a connection with the session on it, and which are closed is not known yet.
    ///
    /// # Errors
    /// As of [`Client::send`].
    pub async fn send_alone(
        &self,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response, Miss> {
        answer(self.alone.request(request), deadline).await
    }

    /// Throws every connection away after an answer that belongs to somebody else: on which of
    /// them questions and answers are out of step is not known.
    pub fn distrust(&self, miss: &Miss) {
        if miss.is_mixed_up() {
            let anew = pool(self.connector.clone(), KEPT);
            self.pool.store(Arc::new(anew));
        }
    }
}

/// Reads the whole of an answer.
async fn answer(sent: legacy::ResponseFuture, deadline: Instant) -> Result<Response, Miss> {
    let call = async {
        let response = sent.await.map_err(|error| not_sent(&error))?;
        if is_encoded(response.headers()) {
            let detail = "the answer is packed, which nobody asked for";
            return Err(Miss::invalid("CONTENT_ENCODING", detail));
        }
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
        Ok(Response {
            status: head.status,
            headers: head.headers,
            body: body.map_err(|error| not_read(&*error))?.to_bytes(),
        })
    };
    let late = |_| Miss::timeout("no answer before the deadline");
    timeout_at(deadline, call).await.map_err(late)?
}

/// Opens connections within [`CONNECT`].
#[derive(Clone, Debug)]
struct Timely<C>(C);

impl<C> Service<Uri> for Timely<C>
where
    C: Service<Uri, Error = BoxError, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let opened = timeout(CONNECT, self.0.call(to));
        Box::pin(async { opened.await? })
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

/// A pool that keeps so many connections which nobody uses.
fn pool(connector: Connector, kept: usize) -> Pool {
    legacy::Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(kept)
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .build(connector)
}

/// True for a body that is not as it is: none is asked for.
fn is_encoded(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING);
    encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.base.as_str())
            .finish()
    }
}

/// A TLS configuration that trusts nobody: for clients that only ever speak plain text.
fn no_trust() -> rustls::ClientConfig {
    rustls::ClientConfig::builder()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

fn not_sent(error: &legacy::Error) -> Miss {
    let (reason, progress) = if is_tls(error) {
        ("UPSTREAM_TLS", Progress::Answering)
    } else if is_refused(error) {
        ("ADDRESS_REFUSED", Progress::Answering)
    } else if error.is_connect() {
        ("CONNECT", Progress::Unsent)
    } else if has_head(error) {
        // It has begun, and is none.
        ("RESET", Progress::Answering)
    } else {
        ("RESET", Progress::Sent)
    };
    Miss::unavailable(reason, chain(error)).at(progress)
}

/// True if what came of a head could not be read.
fn has_head(error: &legacy::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>() {
            return hyper.is_parse();
        }
        next = cause.source();
    }
    false
}

fn not_read(error: &(dyn Error + 'static)) -> Miss {
    if error.is::<LengthLimitError>() {
        Miss::invalid("TOO_LARGE", "the answer is larger than 1 MiB")
    } else {
        Miss::unavailable("RESET", chain(error))
    }
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// An answer to a machine that is in a session, as a service gives it whose session is over: 401, a
/// page for people, or the way to somewhere else. If that is the end of it, it is this miss.
///
/// Which page and where to is each service's own. To take another for it costs one login.
#[must_use]
pub fn logged_out(response: &Response) -> Option<Miss> {
    match response.status.as_u16() {
        401 => Some(Miss::session_refused()),
        301..=303 | 307 | 308 => classify(response),
        200..=299 if is_page(&response.headers) => {
            Some(Miss::invalid("CONTENT_TYPE", "the answer is a page"))
        }
        _ => None,
    }
}

/// True for what is called HTML.
fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| {
        let html = ["text/html", "application/xhtml+xml"];
        html.iter().any(|it| kind.trim().eq_ignore_ascii_case(it))
    })
}

/// What the status alone says: a miss for every status that carries no answer.
///
/// 401, 403 and 404 are left to the adapter: their meaning differs between agencies.
#[must_use]
pub fn classify(response: &Response) -> Option<Miss> {
    let after = || retry_after(&response.headers);
    let detail = || format!("status {}", response.status.as_u16());
    match response.status.as_u16() {
        200..=299 | 401 | 403 | 404 => None,
        300..=399 => Some(Miss::invalid("REDIRECT", detail())),
        429 => Some(Miss::rate_limited(after())),
        503 if response.headers.contains_key(header::RETRY_AFTER) => {
            Some(Miss::maintenance(after()))
        }
        500..=599 => Some(Miss {
            retry_after: after(),
            ..Miss::unavailable("SERVER_ERROR", detail())
        }),
        _ => Some(Miss::invalid("STATUS", detail())),
    }
}

/// `Retry-After`, at most an hour; garbage counts as none. A date counts from that of the answer,
/// so that it does not matter what time it is here.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let after = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let now = headers.get(header::DATE)?.to_str().ok()?;
            let until = date(text)?.duration_since(date(now)?);
            Duration::try_from(until).unwrap_or_default()
        }
    };
    Some(after.min(MAX_RETRY_AFTER))
}

/// A date as HTTP spells it.
fn date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(zoned.timestamp())
}

/// The longest time to come again that is believed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    /// Row U01: a name nobody answers for, and a handshake that hangs, are no longer waited for.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_does_not_open_is_given_up_after_a_second() {
        let pending = |_| std::future::pending::<Result<(), BoxError>>();
        let begun = Instant::now();
        let opening = Timely(tower::service_fn(pending)).call(Uri::from_static("https://a"));
        assert!(timeout(CONNECT * 2, opening).await.unwrap().is_err());
        assert!(begun.elapsed() <= CONNECT * 11 / 10);
    }

    /// Row U14: what a name leads to is known when it is connected to, and counts then.
    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_at_the_connection_unless_it_is_said() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint {
            url: format!("http://localhost:{port}").parse().unwrap(),
            ca: None,
            certificate: None,
            key: None,
            min_tls: crate::MinTls::default(),
            timeout_ms: 0,
            local: false,
            maintenance: Vec::new(),
        };
        let clock: Arc<dyn Clock> = Arc::new(exchange::SystemClock);
        for loopback in [Loopback::Refused, Loopback::Allowed] {
            let client = Client::within(loopback, &endpoint, &clock).unwrap();
            let request = Request::get(client.address("")).body(Full::default());
            let deadline = Instant::now() + Duration::from_secs(5);
            let asking = client.send(request.unwrap(), deadline);
            tokio::select! {
                miss = asking => {
                    assert_eq!(miss.unwrap_err().reason, "ADDRESS_REFUSED");
                    assert_eq!(loopback, Loopback::Refused);
                }
                _ = listener.accept() => assert_eq!(loopback, Loopback::Allowed),
            }
        }
    }

    fn response(status: u16, kind: &str, way: &str) -> Response {
        let headers = [("content-type", kind), ("location", way)];
        let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.collect(),
            body: Bytes::new(),
        }
    }

    /// Row U05: whatever the page is, and wherever the way goes.
    #[test]
    fn a_log_out_is_known_in_every_form_that_services_have() {
        let (html, json) = ("Text/HTML; charset=utf-8", "application/json");
        for (status, kind, way, reason) in [
            (401, json, "", "SESSION_REFUSED"),
            (302, html, "/Account/Login?ReturnUrl=%2Fapi", "REDIRECT"),
            (302, "", "https://sso.example/auth/realms/a", "REDIRECT"),
            (303, "", "/dang-nhap", "REDIRECT"),
            (301, "", "", "REDIRECT"),
            (307, json, "/login", "REDIRECT"),
            (308, "", "/", "REDIRECT"),
            (200, html, "", "CONTENT_TYPE"),
            (200, "application/xhtml+xml", "", "CONTENT_TYPE"),
        ] {
            let miss = logged_out(&response(status, kind, way));
            let miss = miss.unwrap_or_else(|| panic!("{status} {kind} {way}"));
            assert_eq!(miss.reason, reason, "{status} {kind} {way}");
        }
        for (status, kind) in [
            (200, json),
            (200, "text/htmlx"),
            (200, ""),
            (304, ""),
            (403, html),
            (404, html),
            (500, html),
            (503, html),
        ] {
            let miss = logged_out(&response(status, kind, ""));
            assert!(miss.is_none(), "{status} {kind}");
        }
    }

    fn after(text: &str, date: &str) -> Option<u64> {
        let headers = [("retry-after", text), ("date", date)];
        let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        retry_after(&headers.collect()).map(|after| after.as_secs())
    }

    #[test]
    fn a_time_to_come_again_is_read_in_every_form_and_capped() {
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(after("7", ""), Some(7));
        assert_eq!(after(" 7 ", now), Some(7));
        assert_eq!(after("1000000000", ""), Some(3_600));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:50 GMT", now), Some(13));
        assert_eq!(after("Mon, 06 Nov 1995 08:49:50 GMT", now), Some(3_600));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(0));
    }

    #[test]
    fn what_is_no_time_to_come_again_counts_as_none() {
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        for text in ["", "soon", "-1", "1.5", "99999999999999999999", "Sun, 06"] {
            assert_eq!(after(text, now), None, "{text}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:49:50 GMT", ""), None);
        assert_eq!(after("Sun, 06 Nov 1994 08:49:50 GMT", "yesterday"), None);
    }
}
