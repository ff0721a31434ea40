//! The accept loop, and HTTP over one connection with or without TLS.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use cork::Cork;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{Connection, Fuse};
use crate::Knobs;

/// Accepts until stopped, then waits for the connections that are open.
pub(super) async fn accept<F, Served>(
    listener: TcpListener,
    knobs: Option<Arc<Knobs>>,
    stop: CancellationToken,
    serve: F,
) where
    F: Fn(TcpStream, SocketAddr, CancellationToken) -> Served + Send + Sync + 'static,
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if knobs.as_ref().is_some_and(|knobs| knobs.resets_connection()) => {
                    reset(&stream);
                }
                Ok((stream, peer)) => {
                    // Else small answers wait for the acknowledgement of the one before.
                    if stream.set_nodelay(true).is_err() {
                        tracing::debug!("the socket keeps its delay");
                    }
                    connections.spawn(serve(stream, peer, stop.clone()));
                }
                // Out of file descriptors, most likely: others may close theirs.
                Err(_) => tokio::time::sleep(BACK_OFF).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Has the close of a connection be a reset.
fn reset(stream: &TcpStream) {
    if stream.set_zero_linger().is_err() {
        tracing::debug!("a simulated reset became an ordinary close");
    }
}

/// Serves HTTP/1 and HTTP/2 on one connection.
pub(super) async fn http(connection: Connection, router: Router) {
    let fuse = connection.stream.fuse().clone();
    speak(connection.stream, fuse, router, connection.stop).await;
}

/// Serves HTTP/1 and HTTP/2 over TLS on one connection.
pub(super) async fn https(connection: Connection, router: Router, tls: Arc<ServerConfig>) {
    let fuse = connection.stream.fuse().clone();
    let handshake = TlsAcceptor::from(tls).accept(connection.stream);
    match tokio::time::timeout(HANDSHAKE, handshake).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(H2) => {
            speak(Cork::new(stream), fuse, router, connection.stop).await;
        }
        Ok(Ok(stream)) => speak(stream, fuse, router, connection.stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "handshake failed"),
        Err(_) => tracing::debug!("handshake took too long"),
    }
}

async fn speak<S>(stream: S, fuse: Fuse, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(fuse.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let builder = Builder::new(TokioExecutor::new());
    let conversation = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(conversation);
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "connection ended early");
    }
}

/// A second descriptor of a socket, by which it is reset when the first is given away.
pub(super) fn twin(stream: &TcpStream) -> io::Result<TcpStream> {
    let twin = stream.as_fd().try_clone_to_owned()?;
    TcpStream::from_std(twin.into())
}

/// Runs until the fuse blows or the simulator stops; a blown fuse resets the connection.
pub(super) async fn until_blown(
    served: impl Future<Output = ()>,
    fuse: Fuse,
    twin: io::Result<TcpStream>,
    stop: CancellationToken,
) {
    let blown = tokio::select! {
        () = served => false,
        () = stop.cancelled() => false,
        () = fuse.blown() => true,
    };
    // The socket of the function is closed by here; closing its twin is what ends the connection.
    if blown && !twin.is_ok_and(|twin| twin.set_zero_linger().is_ok()) {
        tracing::debug!("a simulated reset became an ordinary close");
    }
}

/// A pause after a failed accept, so that the loop does not spin.
const BACK_OFF: Duration = Duration::from_millis(10);
/// HTTP/2, as ALPN names it (RFC 9113, 3.1).
const H2: &[u8] = b"h2";
/// No client of a simulator is slower.
const HANDSHAKE: Duration = Duration::from_secs(5);
