//! Where connections go, and how the other side is known. Not here: HTTP/2.

use std::fmt;
use std::io;
use std::sync::Arc;

use adapter::{Endpoint, Loopback};
use exchange::Clock;
use http::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Problem;

/// Reaches the other side, as often as asked.
pub(super) trait Dial: fmt::Debug + Send + Sync + 'static {
    /// What HTTP/2 is spoken over.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Reaches the other side.
    fn dial(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// An agency, reached over TCP and the gateway's own TLS.
pub(super) struct Target {
    host: String,
    port: u16,
    loopback: Loopback,
    name: ServerName<'static>,
    tls: TlsConnector,
    origin: Uri,
}

impl Target {
    pub(super) fn new(endpoint: &Endpoint, clock: &Arc<dyn Clock>) -> Result<Self, Vec<Problem>> {
        let problem = |what: &dyn fmt::Display| vec![Problem::new("url", what)];
        let tls: Option<Arc<ClientConfig>> = endpoint
            .tls(&[identity::ALPN_H2], clock)
            .map_err(|error| problem(&error))?;
        let Some(tls) = tls else {
            return Err(problem(&"the tax register is reached by https alone"));
        };
        let host = endpoint.url.host_str().unwrap_or_default();
        let port = endpoint.url.port_or_known_default().unwrap_or(443);
        let bare = host.trim_matches(['[', ']']).to_owned();
        Ok(Self {
            host: bare.clone(),
            port,
            loopback: endpoint.loopback(),
            name: ServerName::try_from(bare).map_err(|error| problem(&error))?,
            tls: tls.into(),
            origin: Uri::try_from(format!("https://{host}:{port}"))
                .map_err(|error| problem(&error))?,
        })
    }

    pub(super) fn origin(&self) -> Uri {
        self.origin.clone()
    }
}

impl Dial for Target {
    type Stream = TlsStream<TcpStream>;

    async fn dial(&self) -> io::Result<Self::Stream> {
        let tcp = self.loopback.connect(&self.host, self.port).await?;
        tcp.set_nodelay(true)?;
        self.tls.connect(self.name.clone(), tcp).await
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
