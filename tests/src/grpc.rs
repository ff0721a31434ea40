//! A gRPC channel of the suites to a sandbox, with a caller's certificate.

use std::io;
use std::sync::Arc;

use exchange::SystemClock;
use hyper_util::rt::TokioIo;
use identity::{ALPN_H2, ClientFiles, ClientTls, TlsVersions};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::Sandbox;

/// A channel to a sandbox's gateway, as that caller.
pub async fn channel(sandbox: &Sandbox, caller: &str) -> Channel {
    channel_to(sandbox.text("/gateway"), sandbox, caller).await
}

/// A channel to another gateway with the same authorities; it sends nothing twice.
pub async fn channel_to(url: &str, sandbox: &Sandbox, caller: &str) -> Channel {
    let (cert, key) = sandbox.caller(caller);
    let files = ClientFiles {
        ca: sandbox.path("/ca"),
        identity: Some((cert, key)),
        versions: TlsVersions::Tls13,
    };
    let tls = ClientTls::load(&files, Arc::new(SystemClock)).unwrap();
    let connector = TlsConnector::from(tls.config(&[ALPN_H2]));
    let url: url::Url = url.parse().unwrap();
    let port = url.port().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://localhost:{port}")).unwrap();
    let connect = service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
            let name = "localhost".try_into().map_err(io::Error::other)?;
            let stream = connector.connect(name, tcp).await?;
            Ok::<_, io::Error>(TokioIo::new(stream))
        }
    });
    endpoint.connect_with_connector(connect).await.unwrap()
}
