//! A TLS connection to a sandbox, with nothing above it: bytes go in and come out.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use exchange::SystemClock;
use identity::{ClientFiles, ClientTls, TlsVersions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;

use crate::Sandbox;

/// Somebody who can connect.
#[derive(Clone, Debug)]
pub struct Wire {
    tls: ClientTls,
    port: u16,
}

impl Wire {
    /// A caller of a sandbox.
    pub fn new(sandbox: &Sandbox, caller: &str) -> Self {
        let (cert, key) = sandbox.caller(caller);
        Self::with(sandbox, Some((&cert, &key)))
    }

    /// A caller of a sandbox at another gateway with the same authorities.
    pub fn at(sandbox: &Sandbox, caller: &str, port: u16) -> Self {
        let there = Self::new(sandbox, caller);
        Self { port, ..there }
    }

    /// Somebody with that certificate, or with none.
    pub fn with(sandbox: &Sandbox, identity: Option<(&Path, &Path)>) -> Self {
        let files = ClientFiles {
            ca: sandbox.path("/ca"),
            identity: identity.map(|(cert, key)| (cert.to_owned(), key.to_owned())),
            versions: TlsVersions::Tls13,
        };
        let url: url::Url = sandbox.text("/gateway").parse().unwrap();
        Self {
            tls: ClientTls::load(&files, Arc::new(SystemClock)).unwrap(),
            port: url.port().unwrap(),
        }
    }

    /// Connects, and offers these protocols.
    pub async fn connect(&self, alpn: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
        let socket = self.socket().await?;
        let name = "localhost".try_into().map_err(io::Error::other)?;
        let connector = TlsConnector::from(self.tls.config(alpn));
        connector.connect(name, socket).await
    }

    /// The TLS of this client, for those who want to change it.
    pub fn config(&self, alpn: &[&[u8]]) -> Arc<ClientConfig> {
        self.tls.config(alpn)
    }

    /// Connects without TLS.
    pub async fn socket(&self) -> io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.port)).await
    }

    /// Sends bytes over HTTP/1.1, and reads until the other side closes, which it must.
    pub async fn exchange(&self, bytes: &[u8]) -> io::Result<String> {
        let mut stream = self.connect(&[b"http/1.1"]).await?;
        // It may be cut before all of it has left.
        stream.write_all(bytes).await.ok();
        stream.flush().await.ok();
        let mut answer = Vec::new();
        let reading = timeout(SILENCE, stream.read_to_end(&mut answer)).await;
        // What was read before an end without a farewell is there all the same.
        reading.expect("the connection stays open").ok();
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// True if whoever has this certificate is let in: a request is answered.
    pub async fn is_let_in(&self) -> bool {
        let request = b"GET /v1/fields HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let answer = self.exchange(request).await;
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }
}

/// Longer than any limit of the gateway on what a connection may hold back.
const SILENCE: Duration = Duration::from_secs(20);
