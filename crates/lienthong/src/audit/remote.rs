//! The files of a public log over HTTP.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use evidence::verify::{FetchError, Files};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use tokio::runtime::Runtime;

use crate::web::{self, Web};

/// A log behind a URL.
#[derive(Debug)]
pub(super) struct Remote {
    web: Web,
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
        Ok(Self {
            web: web::client()?,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            prefix: url.trim_end_matches('/').to_owned(),
        })
    }

    async fn fetch(&self, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let url = format!("{}/{path}", self.prefix);
        let answer = self.web.get(url.parse()?).await?;
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
