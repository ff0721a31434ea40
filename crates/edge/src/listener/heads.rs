//! How long the head of a request over HTTP/1 may take.
//!
//! The limit of hyper also runs while a connection waits for its next request; that is idleness,
//! which has a limit of its own. This one runs from the first byte of a head to the call it makes.
//! Of a head that begins while a call is still in progress, that byte is the first one after.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::Activity;

/// A connection that cannot be read from once a head takes longer than its limit.
#[derive(Debug)]
pub(super) struct Heads<S> {
    stream: S,
    activity: Arc<Activity>,
    limit: Duration,
    head: Option<Head>,
}

/// A head that has begun to arrive.
#[derive(Debug)]
struct Head {
    /// The calls before its own.
    calls: usize,
    until: Instant,
    /// Made once something must be waited for: most heads come in one piece.
    late: Option<Pin<Box<Sleep>>>,
}

impl<S> Heads<S> {
    pub(super) const fn new(stream: S, activity: Arc<Activity>, limit: Duration) -> Self {
        Self {
            stream,
            activity,
            limit,
            head: None,
        }
    }

    /// Notes what has come; while a call is in progress, that is its body.
    fn received(&mut self) {
        if self.head.is_none() && self.activity.is_quiet() {
            self.head = Some(Head {
                calls: self.activity.calls(),
                until: Instant::now() + self.limit,
                late: None,
            });
        }
    }
}

impl Head {
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let until = self.until;
        let late = self
            .late
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        late.as_mut().poll(cx).map(|()| {
            let what = "the head of a request takes too long";
            Err(io::Error::new(io::ErrorKind::TimedOut, what))
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heads<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let heads = self.get_mut();
        let calls = heads.activity.calls();
        heads.head.take_if(|head| head.calls != calls); // its call has begun
        let before = buffer.filled().len();
        let read = Pin::new(&mut heads.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            heads.received();
        }
        match (&read, &mut heads.head) {
            (Poll::Pending, Some(head)) => head.poll_late(cx),
            (Poll::Pending | Poll::Ready(_), _) => read,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heads<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
