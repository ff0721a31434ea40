//! One accepted connection, and the fuse that ends it with a reset.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// An accepted connection.
#[derive(Debug)]
pub struct Connection {
    /// Its bytes.
    pub stream: FusedStream,
    /// Who connected.
    pub peer: SocketAddr,
    /// Cancelled when the simulator stops.
    pub stop: CancellationToken,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, stop: CancellationToken) -> Self {
        Self {
            stream: FusedStream::new(stream),
            peer,
            stop,
        }
    }
}

/// Ends a connection with a TCP reset when it is blown.
#[derive(Clone, Debug, Default)]
pub struct Fuse(CancellationToken);

impl Fuse {
    /// Resets the connection at its next read, write or close.
    pub fn blow(&self) {
        self.0.cancel();
    }

    /// True once blown.
    #[must_use]
    pub fn is_blown(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is blown.
    pub async fn blown(&self) {
        self.0.cancelled().await;
    }
}

/// A TCP stream with a fuse.
#[derive(Debug)]
pub struct FusedStream {
    stream: TcpStream,
    fuse: Fuse,
    /// Wakes whoever waits for bytes when the fuse blows.
    blown: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl FusedStream {
    fn new(stream: TcpStream) -> Self {
        let fuse = Fuse::default();
        Self {
            stream,
            blown: Box::pin(fuse.0.clone().cancelled_owned()),
            fuse,
        }
    }

    /// The fuse of this connection.
    #[must_use]
    pub const fn fuse(&self) -> &Fuse {
        &self.fuse
    }

    fn check(&self) -> io::Result<()> {
        if self.fuse.is_blown() {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl Drop for FusedStream {
    fn drop(&mut self) {
        // Closing with nothing to linger for sends RST instead of FIN.
        if self.fuse.is_blown() && self.stream.set_zero_linger().is_err() {
            tracing::debug!("a simulated reset became an ordinary close");
        }
    }
}

impl AsyncRead for FusedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() && self.blown.as_mut().poll(context).is_ready() {
            return Poll::Ready(self.check());
        }
        read
    }
}

impl AsyncWrite for FusedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
