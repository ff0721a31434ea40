//! HTTP over one connection of an agency, from its first call to its end.
//!
//! *Invariant:* a connection ends: by its own side, by idleness, by age, with its certificate, or
//! with the listener. Each end but the first lets the calls in progress finish. One over HTTP/1 that is
//! old ends with an answer that says so, since a call may be on its way at any other time.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use adapter::boxed;
use cork::Cork;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use uuid::Uuid;

use super::flood::{FLOODED, Guard};
use super::heads::Heads;
use crate::Cut;
use crate::config::Limits;

/// The protocol that both sides have agreed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What ends a connection from outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// Connections are told to go elsewhere; calls that come are taken.
    pub(crate) leave: CancellationToken,
    /// No new calls; those in progress finish.
    pub(crate) stop: CancellationToken,
    /// Everything is cut.
    pub(crate) cut: CancellationToken,
    /// The calls over HTTP/2, one task each.
    pub(crate) calls: TaskTracker,
}

/// Runs the calls of a connection where they can be waited for.
#[derive(Clone, Debug)]
struct Calls(TaskTracker);

impl<F> Executor<F> for Calls
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, call: F) {
        self.0.spawn(call);
    }
}

/// Serves one connection until it ends: when it is idle or old, and once `certificate` says that no
/// call is taken from it any more. Why it was cut, if that is for its own fault.
pub(crate) async fn converse<S, A, F>(
    stream: S,
    protocol: Protocol,
    activity: &Arc<Activity>,
    limits: &Limits,
    ends: &Ends,
    certificate: impl Future<Output = ()>,
    answer: A,
) -> Option<Cut>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let refusing = Arc::new(AtomicBool::new(false));
    let refuses = Arc::clone(&refusing);
    // HTTP/2 has a frame for it.
    let says_so = (protocol == Protocol::Http1).then(|| ends.leave.child_token());
    let is_old = says_so.clone();
    let service = service_fn(move |request| {
        // On the heap at once: a call of its kilobytes is moved several times into its task.
        let answer = (!refuses.load(Ordering::Relaxed)).then(|| boxed(|| answer(request)));
        let leave = says_so.clone();
        async move {
            match answer {
                Some(answer) => Ok(bid_farewell(answer.await, leave.as_ref())),
                None => Err(h2::Error::from(h2::Reason::REFUSED_STREAM)),
            }
        }
    });
    let builder = builder(protocol, Calls(ends.calls.clone()));
    let stream = match protocol {
        Protocol::Http1 => Either::Left(Heads::new(stream, Arc::clone(activity), limits.header())),
        Protocol::Http2 => Either::Right(Guard::new(Cork::new(stream))),
    };
    let mut conversation = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let (grace, cut) = tokio::select! {
        ended = conversation.as_mut() => return why(ended),
        () = ends.cut.cancelled() => return None,
        () = leaving(protocol, activity, ends) => (None, None),
        () = activity.idle(limits.idle()) => (Some(limits.grace()), None),
        () = old(limits.age(), is_old) => (Some(limits.grace()), None),
        () = certificate => {
            refusing.store(true, Ordering::Relaxed);
            (Some(limits.grace()), Some(Cut::Certificate))
        }
    };
    conversation.as_mut().graceful_shutdown();
    tokio::select! {
        ended = conversation.as_mut() => cut.or_else(|| why(ended)),
        () = ends.cut.cancelled() => cut,
        () = wait(grace) => cut,
    }
}

/// What HTTP allows, beyond what an operator may set.
fn builder(protocol: Protocol, calls: Calls) -> Builder<Calls> {
    let mut builder = Builder::new(calls);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None) // it would run between requests too; see `heads.rs`
        .max_headers(H1_HEADERS)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(H2_STREAMS)
        .max_header_list_size(H2_HEADER_LIST_BYTES)
        .max_frame_size(H2_FRAME_BYTES)
        .initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(H2_SEND_BYTES)
        .keep_alive_interval(H2_PING_EVERY)
        .keep_alive_timeout(H2_PING_TIMEOUT)
        .max_local_error_reset_streams(H2_LOCAL_RESETS)
        .max_pending_accept_reset_streams(H2_PENDING_RESETS);
    match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
}

/// How the calls of a connection come and go, to tell when it is idle.
#[derive(Debug)]
pub(crate) struct Activity {
    begun: Instant,
    calls: AtomicUsize,
    running: AtomicUsize,
    last_ms: AtomicU64,
}

/// A call in progress; over when it is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Activity>);

impl Activity {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            calls: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            last_ms: AtomicU64::new(0),
        })
    }

    /// Notes that a call begins.
    pub(crate) fn enter(self: &Arc<Self>) -> Busy {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// How many calls have begun.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// True while no call is in progress.
    pub(super) fn is_quiet(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0
    }

    /// Waits until a call has begun; only while the gateway ends, so nobody has to tell it.
    async fn used(&self) {
        while self.calls() == 0 {
            sleep(LOOK).await;
        }
    }

    /// Waits until there was no call for that long.
    pub(crate) async fn idle(&self, idle: Duration) {
        loop {
            let since = match self.running.load(Ordering::Relaxed) {
                0 => self.begun + Duration::from_millis(self.last_ms.load(Ordering::Relaxed)),
                _ => Instant::now(),
            };
            if since.elapsed() >= idle {
                return;
            }
            sleep_until(since + idle).await;
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Activity {
            begun,
            running,
            last_ms,
            ..
        } = &*self.0;
        let now = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        last_ms.store(now, Ordering::Relaxed);
        running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until a connection is to end because the gateway does: at once if it has been used, so that
/// its side goes elsewhere. One that has just been made is about to be.
async fn leaving(protocol: Protocol, activity: &Activity, ends: &Ends) {
    ends.leave.cancelled().await;
    match protocol {
        Protocol::Http1 => ends.stop.cancelled().await,
        Protocol::Http2 => tokio::select! {
            () = activity.used() => return,
            () = ends.stop.cancelled() => {}
        },
    }
    tokio::select! {
        () = activity.used() => {}
        () = sleep_until(activity.begun + FIRST) => {}
    }
}

/// Waits until a connection is to end because it is old: never, if its answers can say so, as they do
/// from then on.
async fn old(age: Duration, says_so: Option<CancellationToken>) {
    sleep(jittered(age)).await;
    if let Some(says_so) = says_so {
        says_so.cancel();
        std::future::pending().await
    }
}

/// A time give or take a tenth, so that connections made together do not end together.
fn jittered(time: Duration) -> Duration {
    let [chance, ..] = Uuid::new_v4().into_bytes();
    time.mul_f64(0.9 + 0.2 * f64::from(chance) / f64::from(u8::MAX))
}

/// Says in an answer over HTTP/1 that no other call is taken on its connection, if that is so.
fn bid_farewell(mut response: Response<Body>, leave: Option<&CancellationToken>) -> Response<Body> {
    if leave.is_some_and(CancellationToken::is_cancelled) {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Waits so long; without a time, until something else happens.
async fn wait(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Why a connection was cut, if that is for its own fault.
fn why(ended: Result<(), Box<dyn Error + Send + Sync>>) -> Option<Cut> {
    let error = ended.err()?;
    tracing::debug!(error = &*error, "a connection ended early");
    let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
    while let Some(error) = cause {
        if let Some(cut) = fault(error) {
            return Some(cut);
        }
        cause = error.source();
    }
    None
}

/// The fault of the other side that an error tells of.
fn fault(error: &(dyn Error + 'static)) -> Option<Cut> {
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        let ours = error.is_library();
        return match error.reason() {
            Some(h2::Reason::ENHANCE_YOUR_CALM) if ours => Some(Cut::Flood),
            Some(_) if ours => Some(Cut::Malformed),
            _ => error.get_io().and_then(of_io),
        };
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_parse().then_some(Cut::Malformed);
    }
    error.downcast_ref::<io::Error>().and_then(of_io)
}

fn of_io(error: &io::Error) -> Option<Cut> {
    if error.kind() == FLOODED {
        return Some(Cut::Flood);
    }
    (error.kind() == io::ErrorKind::TimedOut).then_some(Cut::Slow)
}

/// How long a client may take to send its first call.
const FIRST: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(10);
/// Four times what an honest client sends.
const H1_HEADERS: usize = 64;
/// The whole head of an HTTP/1 request.
const HEAD_BYTES: usize = 16 << 10;
/// As many calls of one caller as it has officers at work.
const H2_STREAMS: u32 = 100;
const H2_HEADER_LIST_BYTES: u32 = 16 << 10;
/// The smallest that HTTP/2 allows.
const H2_FRAME_BYTES: u32 = 16 << 10;
/// A whole body and its frame heads: no caller waits for a window.
const H2_STREAM_WINDOW_BYTES: u32 = 128 << 10;
/// Eight of them at once.
const H2_CONNECTION_WINDOW_BYTES: u32 = 1 << 20;
/// What one stream may have waiting for a caller that does not read.
const H2_SEND_BYTES: usize = 64 << 10;
const H2_PING_EVERY: Duration = Duration::from_secs(20);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that makes us reset more streams than this is no client.
const H2_LOCAL_RESETS: usize = 1024;
/// Streams that were reset before they were taken up; more than this is a flood.
const H2_PENDING_RESETS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        for _ in 0..100 {
            let age = jittered(Duration::from_secs(100)).as_secs_f64();
            assert!((90.0..=110.0).contains(&age), "{age}");
        }
    }
}
