//! A gRPC channel over the gateway's own TLS: one HTTP/2 connection, opened again when it breaks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use adapter::Endpoint;
use exchange::Clock;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint as Address};
use tower::service_fn;

use crate::Problem;

/// The longest a connection may take to open.
const CONNECT: Duration = Duration::from_secs(1);

/// A channel to `endpoint`; nothing is opened before the first call.
pub(super) fn channel(
    endpoint: &Endpoint,
    clock: &Arc<dyn Clock>,
) -> Result<Channel, Vec<Problem>> {
    let problem = |key: &str, what: &dyn std::fmt::Display| vec![Problem::new(key, what)];
    let tls = endpoint.tls(&[identity::ALPN_H2], clock);
    let tls = tls.map_err(|error| problem("url", &error))?;
    let Some(tls) = tls else {
        return Err(problem("url", &"the tax register is reached by https alone"));
    };
    let host = endpoint.url.host_str().unwrap_or_default();
    let port = endpoint.url.port_or_known_default().unwrap_or(443);
    let name = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(name).map_err(|error| problem("url", &error))?;
    // The channel is told `http`, because the connector below is what speaks TLS.
    let address = Address::from_shared(format!("http://{host}:{port}"))
        .map_err(|error| problem("url", &error))?
        .connect_timeout(CONNECT)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .tcp_nodelay(true);
    let authority = format!("{}:{port}", host.trim_matches(['[', ']']));
    Ok(address.connect_with_connector_lazy(service_fn(move |_: Uri| {
        open(authority.clone(), name.clone(), Arc::clone(&tls))
    })))
}

async fn open(
    authority: String,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
) -> io::Result<TokioIo<TlsStream<TcpStream>>> {
    let tcp = TcpStream::connect(&authority).await?;
    tcp.set_nodelay(true)?;
    let stream = TlsConnector::from(tls).connect(name, tcp).await?;
    Ok(TokioIo::new(stream))
}
