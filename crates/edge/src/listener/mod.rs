//! The accept loop: one task per connection, all of them owned.
//!
//! Not here: TLS (module `agencies`), HTTP (module `connection`), what is answered (`stack`).

pub(crate) mod agencies;
#[cfg(test)]
mod ages;
mod connection;
mod flood;
pub(crate) mod handed;
mod heads;
mod limits;
pub(crate) mod plain;
pub(crate) mod proxied;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use agencies::Peer;
pub(crate) use connection::{Busy, Ends};

/// Accepts until stopped, then waits for the connections that are open. Dropped, it cuts them.
///
/// `serve` is given the socket, whose other end it is and the number of connections that are open,
/// and may decline.
pub(crate) async fn accept<S, Served>(listener: TcpListener, stop: CancellationToken, serve: S)
where
    S: Fn(TcpStream, SocketAddr, usize) -> Option<Served>,
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => if let Some(served) = serve(socket, peer, connections.len()) {
                    connections.spawn(served);
                },
                Err(error) => back_off(&error).await,
            },
        }
    }
    // Who has connected before it closes would be reset.
    for (socket, peer) in waiting(listener) {
        if let Some(served) = serve(socket, peer, connections.len()) {
            connections.spawn(served);
        }
    }
    while connections.join_next().await.is_some() {}
}

/// Everybody who waits to be accepted. The system is asked, not the runtime, which may not have heard
/// of them yet, and lets no task accept more than so many in a row.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut waiting = Vec::new();
    let Ok(listener) = listener.into_std() else {
        return waiting;
    };
    loop {
        let accepted = listener.accept().and_then(|(socket, peer)| {
            socket.set_nonblocking(true)?;
            Ok((TcpStream::from_std(socket)?, peer))
        });
        match accepted {
            Ok(one) => waiting.push(one),
            Err(error) if is_gone(&error) => {}
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    tracing::warn!(%error, "accepting failed");
                }
                return waiting;
            }
        }
    }
}

/// Waits after a failed accept. A connection that was gone before it was taken costs no wait;
/// anything else is most likely a lack of file descriptors, which others give back.
async fn back_off(error: &io::Error) {
    if !is_gone(error) {
        tracing::warn!(%error, "accepting failed");
        tokio::time::sleep(BACK_OFF).await;
    }
}

/// True for a connection that was gone before it was taken.
fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// So that the loop does not spin; a caller does not notice it.
const BACK_OFF: Duration = Duration::from_millis(50);
