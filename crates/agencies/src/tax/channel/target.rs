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

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;
    use rustls::crypto::aws_lc_rs::default_provider;
    use tokio::net::TcpListener;

    use super::*;

    /// Row U14: what a name leads to is known when it is connected to, and counts then.
    #[tokio::test]
    async fn a_name_of_this_machine_is_refused_at_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let target = Target {
            host: "localhost".to_owned(),
            port: listener.local_addr().unwrap().port(),
            loopback: Loopback::Refused,
            name: ServerName::try_from("localhost").unwrap(),
            tls: Arc::new(config).into(),
            origin: Uri::from_static("https://localhost"),
        };
        let refused = target.dial().await.unwrap_err();
        assert!(adapter::is_refused(&refused), "{refused}");
    }
}
