//! One connection: HTTP/2, driven by a task until it ends.
//!
//! *Invariant:* the task lives as long as somebody holds the link; every answer does.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use adapter::Progress;
use cork::Cork;
use futures_util::FutureExt as _;
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong, Reason};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use tonic::{Code, Status};

use super::{Answer, Body};

/// How often a connection in use is asked whether it is alive.
pub(super) const PING_EVERY: Duration = Duration::from_secs(20);
/// How long the answer to that may take.
const PONG_WITHIN: Duration = Duration::from_secs(10);
/// How long it may take if the connection was quiet: a call is waiting for it.
pub(super) const PONG_AT_ONCE: Duration = Duration::from_secs(1);
/// What may be under way to the gateway, for one call and for all: a stream that nobody reads
/// must not stop the others.
const STREAM_WINDOW_BYTES: u32 = 1 << 18;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 22;
/// The most that the head of an answer may hold.
const MAX_HEAD_BYTES: u32 = 16 << 10;
/// How long an answer to a call that was given up may still come. A later one counts as an error
/// of the agency, and after 1,024 of them h2 ends the connection.
const LATE: Duration = Duration::from_secs(30);
/// How many such calls are remembered: 130 a second, at some 500 bytes 2 MiB.
const MAX_LATE: usize = 4_096;

/// An open connection. It closes when the last one lets go of it.
#[derive(Debug)]
pub(super) struct Link {
    calls: SendRequest<Body>,
    signs: Arc<Signs>,
    _driver: AbortOnDropHandle<()>,
}

/// What tells whether a connection lives.
#[derive(Debug, Default)]
struct Signs {
    called: Notify,
    /// How often something was heard.
    heard: AtomicU64,
    /// A call was given up, and nothing was heard while it waited.
    doubted: Notify,
}

impl Link {
    /// Opens a connection over `stream`.
    pub(super) async fn open<S>(stream: S) -> io::Result<Arc<Self>>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let opened = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(MAX_HEAD_BYTES)
            .max_concurrent_reset_streams(MAX_LATE)
            .reset_stream_duration(LATE)
            .handshake(Cork::new(stream))
            .await;
        let (calls, connection) = opened.map_err(io::Error::other)?;
        let signs = Arc::<Signs>::default();
        let driver = tokio::spawn(drive(connection, Arc::clone(&signs)));
        Ok(Arc::new(Self {
            calls,
            signs,
            _driver: AbortOnDropHandle::new(driver),
        }))
    }

    /// True while the connection takes calls.
    pub(super) fn is_open(&self) -> bool {
        // Pending is only a handle with a call in line; a fresh one has none.
        matches!(self.calls.clone().ready().now_or_never(), Some(Ok(_)))
    }

    /// Asks a question and waits for the head of the answer.
    pub(super) async fn ask(
        self: Arc<Self>,
        head: Request<()>,
        body: Body,
    ) -> Result<Response<Answer>, Loss> {
        let response = self.send(head, body).map_err(Loss::Unprocessed)?;
        let mut hearing = Hearing::of(self);
        match response.await {
            Ok(response) => {
                hearing.heard();
                Ok(response.map(|stream| Answer::new(stream, hearing)))
            }
            Err(error) => {
                hearing.end();
                Err(Loss::of(error))
            }
        }
    }

    /// Sends a question; on an error it has not left as a whole.
    fn send(&self, head: Request<()>, body: Body) -> Result<ResponseFuture, h2::Error> {
        let (response, mut stream) = self.calls.clone().send_request(head, false)?;
        stream.send_data(body, true)?;
        self.signs.called.notify_one();
        Ok(response)
    }
}

/// A call that waits. If it is given up and nothing was heard on its connection meanwhile, of this
/// call or another, the connection is doubted.
#[derive(Debug)]
pub(super) struct Hearing {
    link: Arc<Link>,
    /// How often something had been heard; none once there is no more to wait for.
    before: Option<u64>,
}

impl Hearing {
    fn of(link: Arc<Link>) -> Self {
        let before = Some(link.signs.heard.load(Relaxed));
        Self { link, before }
    }

    /// Notes that something came.
    pub(super) fn heard(&mut self) {
        let before = self.link.signs.heard.fetch_add(1, Relaxed);
        self.before = Some(before + 1);
    }

    /// Notes that all has come.
    pub(super) const fn end(&mut self) {
        self.before = None;
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        let signs = &self.link.signs;
        if self.before == Some(signs.heard.load(Relaxed)) {
            signs.doubted.notify_one();
        }
    }
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Loss {
    /// The agency has not processed it: it may be asked again.
    Unprocessed(h2::Error),
    /// Whether the agency has processed it is not known.
    Unclear(h2::Error),
}

impl Loss {
    /// What the agency refused, or left to another connection, it says it has not processed.
    fn of(error: h2::Error) -> Self {
        let unprocessed = match error.reason() {
            Some(Reason::REFUSED_STREAM) => error.is_remote(),
            Some(Reason::NO_ERROR) => error.is_remote() && error.is_go_away(),
            _ => false,
        };
        if unprocessed {
            Self::Unprocessed(error)
        } else {
            Self::Unclear(error)
        }
    }
}

impl From<Loss> for Status {
    fn from(loss: Loss) -> Self {
        let (error, progress) = match loss {
            Loss::Unprocessed(error) => (error, Progress::Unsent),
            Loss::Unclear(error) => (error, Progress::Sent),
        };
        before_head(lost(&error), progress)
    }
}

/// How far a call got whose answer has not begun: carried by a status of our own.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no answer has begun")]
struct BeforeHead(Progress);

/// Marks a status as one of a call whose answer has not begun.
pub(super) fn before_head(mut status: Status, progress: Progress) -> Status {
    status.set_source(Arc::new(BeforeHead(progress)));
    status
}

/// How far a call got that ended with this status.
pub(in crate::tax) fn progress(status: &Status) -> Progress {
    let source = std::error::Error::source(status);
    let before = source.and_then(|source| source.downcast_ref::<BeforeHead>());
    before.map_or(Progress::Answering, |it| it.0)
}

/// Drives a connection to its end, or until it gives no sign of life.
async fn drive<S>(mut connection: Connection<S, Body>, signs: Arc<Signs>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let pings = connection.ping_pong();
    let silence = async {
        match pings {
            Some(pings) => until_silent(pings, &signs).await,
            None => std::future::pending().await,
        }
    };
    // Why it ended, every open call is told.
    tokio::select! {
        _ = connection => {}
        () = silence => {}
    }
}

/// Asks for a sign of life while the connection is used, and returns when there is none. An idle
/// one is left alone, as servers close those that ask too often, and asked by the next call; one that
/// is doubted is asked at once.
async fn until_silent(mut pings: PingPong, signs: &Signs) {
    loop {
        let within = tokio::select! {
            within = due(signs) => within,
            () = signs.doubted.notified() => PONG_AT_ONCE,
        };
        // This ping is for all who have called so far.
        signs.called.notified().now_or_never();
        let mut pong = pin!(pings.ping(Ping::opaque()));
        let pong = tokio::select! {
            pong = timeout(within, pong.as_mut()) => pong,
            () = signs.doubted.notified() => timeout(PONG_AT_ONCE, pong.as_mut()).await,
        };
        if !matches!(pong, Ok(Ok(_))) {
            return;
        }
        signs.heard.fetch_add(1, Relaxed);
    }
}

/// Waits until the next sign of life is due, and says how long it may take.
async fn due(signs: &Signs) -> Duration {
    let due = Instant::now() + PING_EVERY;
    signs.called.notified().await;
    let within = if Instant::now() < due {
        PONG_WITHIN
    } else {
        PONG_AT_ONCE
    };
    sleep_until(due).await;
    within
}

/// What the end of a connection or of a stream means.
pub(super) fn lost(error: &h2::Error) -> Status {
    let code = match error.reason() {
        Some(Reason::CANCEL) => Code::Cancelled,
        Some(Reason::ENHANCE_YOUR_CALM) if error.is_remote() => Code::ResourceExhausted,
        Some(Reason::ENHANCE_YOUR_CALM | Reason::REFUSED_STREAM | Reason::NO_ERROR) | None => {
            Code::Unavailable
        }
        Some(_) => Code::Internal,
    };
    Status::new(code, format!("h2 protocol error: {error}"))
}
