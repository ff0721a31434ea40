//! Writes that belong together become one TLS record and one system call.
//!
//! HTTP/2 flushes after every data frame, and its connection task runs after every single call
//! that has something to say. Of twenty answers that become ready at once, each would cost two
//! writes; a write costs more than most of what leads to it. Not here: whose connection it is.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(test)]
mod tests;

/// A connection whose flushes wait for the next turn of its task.
///
/// A flush only wakes the task that asked for it. By the time it is polled again every other task
/// that was ready has had its turn, and what they wrote goes out together. The task must read
/// whenever it is polled, as HTTP/2 does: that is where the turn begins.
#[derive(Debug)]
pub struct Cork<S> {
    stream: S,
    buffer: Vec<u8>,
    /// How much of the buffer has left.
    sent: usize,
    /// A flush was asked for.
    is_due: bool,
}

impl<S> Cork<S> {
    /// Corks a connection.
    pub const fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            sent: 0,
            is_due: false,
        }
    }
}

impl<S: AsyncWrite + Unpin> Cork<S> {
    /// Sends all that is held back.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.buffer.get(self.sent..) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.sent += sent,
            }
        }
        self.buffer.clear();
        self.sent = 0;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.is_due = false;
        Poll::Ready(Ok(()))
    }

    /// Makes room for that many bytes, if so many are held back at all.
    fn make_room(&mut self, bytes: usize, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_full = self.buffer.len() + bytes > HELD_BYTES;
        if is_full && !self.buffer.is_empty() {
            return self.drain(cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Cork<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let drained = if self.is_due {
            self.drain(cx)
        } else {
            Poll::Pending
        };
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        match drained {
            // What has arrived is worth reading still: it may say why nothing more is taken.
            Poll::Ready(Err(error)) if into.filled().len() == before => Poll::Ready(Err(error)),
            Poll::Ready(_) | Poll::Pending => read,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Cork<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.as_mut()
            .poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = slices.iter().map(|slice| slice.len()).sum();
        ready!(self.make_room(all, cx))?;
        if all > HELD_BYTES {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        }
        for slice in slices {
            self.buffer.extend_from_slice(slice);
        }
        Poll::Ready(Ok(all))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.buffer.is_empty() {
            return Pin::new(&mut self.stream).poll_flush(cx);
        }
        if !self.is_due {
            self.is_due = true;
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The most that one TLS record holds, and three full answers.
const HELD_BYTES: usize = 16 << 10;
