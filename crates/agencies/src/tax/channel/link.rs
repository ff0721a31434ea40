//! One connection: TCP, the gateway's own TLS, HTTP/2; driven by a task until it ends.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use adapter::Endpoint;
use exchange::Clock;
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong};
use http::{Request, Uri};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::{Code, Status};

use super::Body;
use crate::Problem;

/// The longest a connection may take to open.
const CONNECT: Duration = Duration::from_secs(1);
/// How often a connection in use is asked whether it is alive.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long the answer to that may take.
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// What may be under way to the gateway, for one call and for all: a stream that nobody reads
/// must not stop the others.
const STREAM_WINDOW_BYTES: u32 = 1 << 18;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 22;
/// The most that the head of an answer may hold.
const MAX_HEAD_BYTES: u32 = 16 << 10;

/// Where connections go, and how the other side is known.
pub(super) struct Target {
    authority: String,
    name: ServerName<'static>,
    tls: TlsConnector,
    origin: Uri,
}

impl Target {
    pub(super) fn new(endpoint: &Endpoint, clock: &Arc<dyn Clock>) -> Result<Self, Vec<Problem>> {
        let problem = |what: &dyn fmt::Display| vec![Problem::new("url", what)];
        let tls: Option<Arc<ClientConfig>> = endpoint
            .tls(&[identity::ALPN_H2], clock)
            .map_err(|error| problem(&error))?;
        let Some(tls) = tls else {
            return Err(problem(&"the tax register is reached by https alone"));
        };
        let host = endpoint.url.host_str().unwrap_or_default();
        let port = endpoint.url.port_or_known_default().unwrap_or(443);
        let bare = host.trim_matches(['[', ']']).to_owned();
        Ok(Self {
            authority: format!("{bare}:{port}"),
            name: ServerName::try_from(bare).map_err(|error| problem(&error))?,
            tls: tls.into(),
            origin: Uri::try_from(format!("https://{host}:{port}"))
                .map_err(|error| problem(&error))?,
        })
    }

    pub(super) fn origin(&self) -> Uri {
        self.origin.clone()
    }

    /// Opens a connection.
    pub(super) async fn open(&self) -> Result<Arc<Link>, Status> {
        match timeout(CONNECT, self.handshake()).await {
            Ok(Ok((calls, connection))) => Ok(Link::start(calls, connection)),
            Ok(Err(error)) => Err(Status::unavailable(error.to_string())),
            Err(_) => Err(Status::unavailable("the connection does not open")),
        }
    }

    async fn handshake(&self) -> io::Result<(SendRequest<Body>, Http2)> {
        let tcp = TcpStream::connect(&self.authority).await?;
        tcp.set_nodelay(true)?;
        let tls = self.tls.connect(self.name.clone(), tcp).await?;
        let opened = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(MAX_HEAD_BYTES)
            .handshake(tls)
            .await;
        opened.map_err(io::Error::other)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.authority).finish()
    }
}

type Http2 = Connection<TlsStream<TcpStream>, Body>;

/// An open connection. It closes when the last one lets go of it.
#[derive(Debug)]
pub(super) struct Link {
    calls: SendRequest<Body>,
    sent: AtomicU64,
    ended: AtomicBool,
}

impl Link {
    fn start(calls: SendRequest<Body>, connection: Http2) -> Arc<Self> {
        let link = Arc::new(Self {
            calls,
            sent: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        tokio::spawn(drive(connection, Arc::downgrade(&link)));
        link
    }

    /// True until the connection is known to have ended.
    pub(super) fn is_open(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// Sends a question; on an error nothing of it has left.
    pub(super) fn send(&self, head: Request<()>, body: Body) -> Result<ResponseFuture, h2::Error> {
        let sent = self.calls.clone().send_request(head, false);
        let (response, mut stream) = sent.inspect_err(|_| self.end())?;
        stream.send_data(body, true)?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(response)
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

/// Drives a connection to its end, or until it gives no sign of life.
async fn drive(mut connection: Http2, link: Weak<Link>) {
    let pings = connection.ping_pong();
    let silence = async {
        match pings {
            Some(pings) => until_silent(pings, &link).await,
            None => std::future::pending().await,
        }
    };
    // Why it ended, every open call is told.
    tokio::select! {
        _ = connection => {}
        () = silence => {}
    }
    if let Some(link) = link.upgrade() {
        link.end();
    }
}

/// Asks for a sign of life while the connection is used, and returns when there is none. An idle
/// one is left alone: servers close those that ask too often.
async fn until_silent(mut pings: PingPong, link: &Weak<Link>) {
    let mut heard = 0;
    loop {
        sleep(PING_EVERY).await;
        let sent = link.upgrade().map(|link| link.sent.load(Ordering::Relaxed));
        let sent = sent.unwrap_or(heard);
        if sent != heard {
            let pong = timeout(PONG_WITHIN, pings.ping(Ping::opaque())).await;
            if !matches!(pong, Ok(Ok(_))) {
                return;
            }
            heard = sent;
        }
    }
}

/// What the end of a connection or of a stream means.
pub(super) fn lost(error: &h2::Error) -> Status {
    let code = match error.reason() {
        Some(h2::Reason::CANCEL) => Code::Cancelled,
        Some(h2::Reason::ENHANCE_YOUR_CALM) => Code::ResourceExhausted,
        Some(h2::Reason::REFUSED_STREAM | h2::Reason::NO_ERROR) | None => Code::Unavailable,
        Some(_) => Code::Internal,
    };
    Status::new(code, format!("h2 protocol error: {error}"))
}
