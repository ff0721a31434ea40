//! A caller: TLS with a certificate, and HTTP/1, HTTP/2 or gRPC on it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use api::v1::citizen_service_client::CitizenServiceClient;
use bytes::Bytes;
use exchange::SystemClock;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use identity::{ClientFiles, ClientTls, TlsVersions};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::World;

/// A caller that may connect.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: ClientTls,
}

/// What came back over REST.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// A caller with a certificate of that system.
    pub(crate) fn of(world: &World, system: &str) -> Self {
        Self::showing(world, Some(world.credential(system)))
    }

    /// A caller that shows this certificate, or none.
    pub(crate) fn showing(world: &World, identity: Option<(PathBuf, PathBuf)>) -> Self {
        let files = ClientFiles {
            ca: world.authority.certificate_file(),
            identity,
            versions: TlsVersions::Tls13,
        };
        Self {
            address: world.running.address(),
            tls: ClientTls::load(&files, Arc::new(SystemClock)).unwrap(),
        }
    }

    pub(crate) async fn connect(&self, alpn: &[u8]) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(self.tls.config(&[alpn]))
            .connect(name, socket)
            .await
    }

    pub(crate) async fn http1(&self) -> http1::SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(self.connect(b"http/1.1").await.unwrap());
        let (send, connection) = http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        send
    }

    pub(crate) async fn http2(&self) -> http2::SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(self.connect(b"h2").await.unwrap());
        let handshake = http2::handshake(TokioExecutor::new(), stream).await;
        let (send, connection) = handshake.unwrap();
        tokio::spawn(connection);
        send
    }

    /// A connection over HTTP/2 whose streams never have room for a byte of an answer.
    pub(crate) async fn without_a_window(&self) -> http2::SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(self.connect(b"h2").await.unwrap());
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let handshake = builder.initial_stream_window_size(0).handshake(stream);
        let (send, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        send
    }

    pub(crate) async fn channel(&self) -> Channel {
        let client = self.clone();
        let connector = service_fn(move |_| {
            let client = client.clone();
            async move { client.connect(b"h2").await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://localhost")
            .connect_with_connector(connector)
            .await
            .unwrap()
    }

    pub(crate) async fn citizen(&self) -> CitizenServiceClient<Channel> {
        CitizenServiceClient::new(self.channel().await)
    }

    /// Sends one request over HTTP/2.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = self.http2().await.send_request(request).await.unwrap();
        Answer::read(response).await
    }

    /// Posts JSON over HTTP/2.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(post(path, body.to_string())).await
    }
}

impl Answer {
    pub(crate) async fn read(response: http::Response<hyper::body::Incoming>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// A request that posts JSON.
pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    request(Method::POST, path, body)
        .header(CONTENT_TYPE, "application/json")
        .finish()
}

/// A request without a content type, to which headers may be added.
pub(crate) fn request(method: Method, path: &str, body: impl Into<Bytes>) -> Building {
    let builder = Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"));
    Building(builder, body.into())
}

/// A request that is not yet whole.
pub(crate) struct Building(http::request::Builder, Bytes);

impl Building {
    pub(crate) fn header(self, name: impl AsRef<str>, value: &str) -> Self {
        Self(self.0.header(name.as_ref(), value), self.1)
    }

    pub(crate) fn finish(self) -> Request<Full<Bytes>> {
        self.0.body(Full::new(self.1)).unwrap()
    }
}
