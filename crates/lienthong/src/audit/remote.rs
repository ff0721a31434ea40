//! The files of a public log over HTTP.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use evidence::verify::{FetchError, Files};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;

/// A log behind a URL.
#[derive(Debug)]
pub(super) struct Remote {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    runtime: Runtime,
    /// The URL of the log, without a slash at its end.
    prefix: String,
}

impl Remote {
    /// The log at a URL.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
        ensure!(uri.query().is_none(), "the URL of a log has no query");
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("this machine has no list of certificate authorities")?
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            prefix: url.trim_end_matches('/').to_owned(),
        })
    }

    async fn fetch(&self, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let url = format!("{}/{path}", self.prefix);
        let answer = self.client.get(url.parse()?).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => anyhow::bail!("answered {status}"),
        }
        let body = Limited::new(answer.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?;
        Ok(Some(body.to_bytes().to_vec()))
    }
}

impl Files for Remote {
    fn get(&mut self, path: &str) -> Result<Option<Vec<u8>>, FetchError> {
        let fetch = async { tokio::time::timeout(PATIENCE, self.fetch(path)).await };
        let fetched = self.runtime.block_on(fetch);
        let fetched = fetched.unwrap_or_else(|_| anyhow::bail!("no answer in {PATIENCE:?}"));
        let named = fetched.with_context(|| format!("{}/{path}", self.prefix));
        named.map_err(Into::into)
    }
}

/// A bundle of 256 entries of the largest size.
const LARGEST: usize = 256 * (2 + 65_535);
const PATIENCE: Duration = Duration::from_secs(30);
