//! One HTTP/2 connection to a server, as the transport of a generated client.
//!
//! Without the channel's queue, reconnecting and balancing: the load shares cores with what it
//! measures beside, and a connection that breaks is a failure to be seen.

use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use api::v1::citizen_service_client::CitizenServiceClient;
use cork::Cork;
use http::uri::Uri;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tower::Service;
use url::Url;

/// A client of the gateway's contract on one connection; clones share it.
pub(crate) type Client = CitizenServiceClient<Connection>;

/// An open connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection(SendRequest<Body>);

impl Service<Request<Body>> for Connection {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// Opens a connection, and a client on it.
///
/// # Errors
/// The server is not there, or one of the two does not trust the other.
pub(crate) async fn open(url: &Url, tls: &Arc<ClientConfig>) -> anyhow::Result<Client> {
    let host = url.host_str().context("the address names no host")?;
    let port = url.port_or_known_default().unwrap_or(443);
    let tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(host.to_owned())?;
    let tls = TlsConnector::from(Arc::clone(tls));
    let stream = tls.connect(name, tcp).await?;
    // What is asked together leaves together: at half load the core of the load is nearly full, and
    // what waits for it would count as the server's.
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(Cork::new(stream)))
        .await?;
    // It ends when the last sender is dropped; what goes wrong reaches the calls.
    drop(tokio::spawn(connection));
    let origin: Uri = format!("https://{host}:{port}").parse()?;
    Ok(CitizenServiceClient::with_origin(
        Connection(sender),
        origin,
    ))
}
