//! The line to the agency: signed posts, and the login among them.
//!
//! Not here: what is asked, and in which session.

use std::sync::Arc;
use std::time::Duration;

use adapter::{Client, Login, Miss};
use bytes::Bytes;
use exchange::{Clock, Source};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, Request, Uri};
use http_body_util::Full;
use tokio::time::Instant;

use super::config::Config;
use super::hear::{Heard, hear};
use super::wire::{authorization, log_in};
use crate::{Deps, Problem, Settings};

/// As the real clients send it; the agency takes `text/xml` too, and may answer in either.
const XML: &str = "application/xml; charset=utf-8";

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");
const TIMESTAMP: HeaderName = HeaderName::from_static("timestamp");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The line to the agency.
#[derive(Debug)]
pub(super) struct Line {
    client: Client,
    /// Where requests are posted to, and what is signed: one text.
    url: String,
    uri: Uri,
    pub(super) config: Config,
    clock: Arc<dyn Clock>,
}

impl Line {
    /// Opens no connection.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub(super) fn new(settings: &Settings, deps: &Deps) -> Result<Self, Vec<Problem>> {
        let endpoint = &settings.endpoint;
        let config = Config::read(settings);
        let url = endpoint.url.as_str().to_owned();
        let client = Client::new(endpoint, &deps.clock).map_err(|e| Problem::new("url", e));
        let uri = url.parse().map_err(|e| Problem::new("url", e));
        match (config, client, uri) {
            (Ok(config), Ok(client), Ok(uri)) => Ok(Self {
                client,
                url,
                uri,
                config,
                clock: Arc::clone(&deps.clock),
            }),
            (config, client, uri) => {
                let mut problems = config.err().unwrap_or_default();
                problems.extend(client.err());
                problems.extend(uri.err());
                Err(problems)
            }
        }
    }

    /// Trusts no connection any more after an answer that belongs to another question.
    pub(super) fn distrust(&self, miss: &Miss) {
        self.client.distrust(miss);
    }

    /// Posts an envelope, and hears the answer.
    pub(super) async fn post(
        &self,
        envelope: String,
        deadline: Instant,
        traceparent: Option<&str>,
    ) -> Result<Heard, Miss> {
        let request = self.request(envelope, traceparent)?;
        hear(&self.client.send(request, deadline).await?)
    }

    /// An envelope under a signature of its own.
    fn request(
        &self,
        envelope: String,
        traceparent: Option<&str>,
    ) -> Result<Request<Full<Bytes>>, Miss> {
        let timestamp = self.clock.now().as_millisecond().to_string();
        let secret = self.config.secret.reveal();
        let signed = authorization(&self.url, &self.config.account, &timestamp, secret);
        let mut request = Request::post(self.uri.clone())
            .header(CONTENT_TYPE, XML)
            .header(ACCEPT, "text/xml, application/xml, application/json")
            .header(SOAP_ACTION, "\"\"")
            .header(TIMESTAMP, timestamp)
            .header(AUTHORIZATION, signed);
        if let Some(traceparent) = traceparent {
            request = request.header(TRACEPARENT, traceparent);
        }
        let request = request.body(Full::new(Bytes::from(envelope)));
        request.map_err(|error| Miss::unavailable("REQUEST", error.to_string()))
    }
}

impl Login for Line {
    const SOURCE: Source = Source::Population;

    async fn log_in(&self, deadline: Instant) -> Result<(String, Duration), Miss> {
        let envelope = log_in(&self.config.unit, &self.config.account);
        let request = self.request(envelope, None)?;
        match hear(&self.client.send_alone(request, deadline).await?)? {
            Heard::LoggedIn(session, life) => Ok((session, life)),
            Heard::SessionOver(_) => Err(Miss::unavailable(
                "CREDENTIALS_REFUSED",
                "the login was refused",
            )),
            Heard::Citizens(_) => Err(Miss::invalid("MALFORMED", "citizens instead of a session")),
        }
    }
}
