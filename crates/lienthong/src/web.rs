//! The client with which the program itself asks others over HTTP: logs and witnesses, never an
//! agency. It follows no redirection.

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client that trusts the certificate authorities of this machine.
pub(crate) type Web = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Makes a client.
///
/// # Errors
/// The machine has no list of certificate authorities.
pub(crate) fn client() -> anyhow::Result<Web> {
    let connector = HttpsConnectorBuilder::new()
        .with_native_roots()
        .context("this machine has no list of certificate authorities")?
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}
