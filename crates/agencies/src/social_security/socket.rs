//! A connection to a server of theirs, at an address that an agency may have, which breaks off when
//! an answer is larger than any may be.
//!
//! Not here: TLS and what is said over it, of which this sees the bytes alone.
//!
//! *Invariant:* between two writes no more than [`MAX_BYTES`] are taken from the network.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use adapter::Loopback;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The most that is read of one answer: a mebibyte of rows, and a sixteenth of that for what is
/// around them.
const MAX_BYTES: usize = (1 << 20) + (1 << 16);

/// After so much silence the other side is probed, well before a firewall forgets the connection.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The error of a socket on which too much came.
#[derive(Debug, thiserror::Error)]
#[error("the answer is larger than 1 MiB")]
pub(super) struct TooLarge;

/// An open connection.
#[derive(Debug)]
pub(super) struct Socket {
    tcp: TcpStream,
    /// How many bytes have come since the last write.
    read: usize,
}

impl Socket {
    /// Connects to a host, wherever it is found and an agency may be.
    pub(super) async fn connect(loopback: Loopback, host: &str, port: u16) -> io::Result<Self> {
        let host = host.trim_matches(['[', ']']);
        let tcp = loopback.connect(host, port).await?;
        SockRef::from(&tcp).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
        Self::of(tcp)
    }

    /// Connects to where another connection goes.
    pub(super) async fn again(peer: SocketAddr) -> io::Result<Self> {
        Self::of(TcpStream::connect(peer).await?)
    }

    fn of(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        Ok(Self { tcp, read: 0 })
    }

    /// The other side.
    pub(super) fn peer(&self) -> io::Result<SocketAddr> {
        self.tcp.peer_addr()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buffer))?;
        self.read += buffer.filled().len() - before;
        if self.read > MAX_BYTES {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, TooLarge)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use adapter::is_refused;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers every byte with so many.
    async fn server(bytes: usize) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                while stream.read_u8().await.is_ok() {
                    if stream.write_all(&vec![0; bytes]).await.is_err() {
                        break;
                    }
                }
            }
        });
        port
    }

    #[tokio::test]
    async fn more_than_any_answer_holds_is_not_read() {
        let port = server(50 << 20).await;
        let socket = Socket::connect(Loopback::Allowed, "localhost", port).await;
        let mut socket = socket.unwrap();
        socket.write_u8(1).await.unwrap();
        let (mut read, mut buffer) = (0, vec![0; 8 << 10]);
        let error = loop {
            match socket.read(&mut buffer).await {
                Ok(some) => read += some,
                Err(error) => break error,
            }
        };
        assert!(
            error.get_ref().is_some_and(|it| it.is::<TooLarge>()),
            "{error}"
        );
        assert!(
            (MAX_BYTES - (8 << 10)..=MAX_BYTES).contains(&read),
            "{read}"
        );
    }

    #[tokio::test]
    async fn each_answer_counts_by_itself() {
        let port = server(1 << 20).await;
        let socket = Socket::connect(Loopback::Allowed, "127.0.0.1", port).await;
        let mut socket = socket.unwrap();
        let mut answer = vec![0; 1 << 20];
        for _ in 0..3 {
            socket.write_u8(1).await.unwrap();
            socket.read_exact(&mut answer).await.unwrap();
        }
    }

    /// Row U14: a name counts by the address that it is found at, when it is connected to.
    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_unless_it_is_said() {
        let port = server(0).await;
        for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
            let refused = Socket::connect(Loopback::Refused, host, port).await;
            assert!(is_refused(&refused.unwrap_err()), "{host}");
        }
    }
}
