//! The calls of `lookup`: canonical JSON over the REST door.

use std::sync::Arc;
use std::time::Duration;

use adapter::{Client, Endpoint, MinTls};
use anyhow::Context as _;
use exchange::{Clock, SystemClock};
use http::Request;
use serde_json::Value;
use tokio::time::Instant;

use super::target::Target;
use crate::exit;

/// Somebody who asks one gateway.
#[derive(Debug)]
pub(crate) struct Asker {
    client: Client,
}

/// What a gateway answers.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The JSON body; null if it is none.
    pub(crate) body: Value,
}

impl Asker {
    /// Opens nothing yet.
    pub(crate) fn new(target: &Target) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let endpoint = Endpoint {
            url: target.gateway.clone(),
            ca: Some(target.ca.clone()),
            certificate: Some(target.cert.clone()),
            key: Some(target.key.clone()),
            min_tls: MinTls::default(),
            timeout_ms: 0,
            local: true,
            maintenance: Vec::new(),
        };
        let client = Client::new(&endpoint, &clock)?;
        Ok(Self { client })
    }

    /// Every field that the caller's agreements, or the one that is named, grant for a purpose, whole or
    /// masked; or the gateway's refusal.
    pub(crate) async fn granted(
        &self,
        purpose: &str,
        agreement: Option<&str>,
    ) -> anyhow::Result<Result<Vec<String>, Answer>> {
        let request = Request::get(self.client.address("/v1/grants")).body(Default::default())?;
        let answer = self.send(request, Duration::from_secs(5)).await?;
        if answer.status != 200 {
            return Ok(Err(answer));
        }
        let grants = answer.body.get("grants").and_then(Value::as_array);
        let is =
            |grant: &Value, key, wanted| grant.get(key).and_then(Value::as_str) == Some(wanted);
        let of_purpose = grants.into_iter().flatten().filter(|grant| {
            is(grant, "purposeCode", purpose)
                && agreement.is_none_or(|agreement| is(grant, "agreementId", agreement))
        });
        let all = |grant: &Value| {
            let paths = ["paths", "maskedPaths"].map(|key| grant.get(key)?.as_array().cloned());
            paths.into_iter().flatten().flatten()
        };
        let mut fields: Vec<String> = of_purpose
            .flat_map(all)
            .filter_map(|path| Some(path.as_str()?.to_owned()))
            .collect();
        fields.sort();
        fields.dedup();
        if fields.is_empty() {
            let what = format!("no agreement grants anything for {purpose}; see `--purpose`");
            return Err(exit::USAGE.because(what));
        }
        Ok(Ok(fields))
    }

    /// Asks about a citizen.
    pub(crate) async fn lookup(&self, question: &Value, wait: u64) -> anyhow::Result<Answer> {
        self.post("/v1/citizens:lookup", question, wait).await
    }

    /// Posts JSON, and waits so many seconds.
    pub(crate) async fn post(
        &self,
        path: &str,
        question: &impl serde::Serialize,
        wait: u64,
    ) -> anyhow::Result<Answer> {
        let request = Request::post(self.client.address(path))
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("prefer", format!("wait={wait}"))
            .body(serde_json::to_vec(question)?.into())?;
        self.send(request, Duration::from_secs(wait + 1)).await
    }

    async fn send(
        &self,
        request: Request<http_body_util::Full<bytes::Bytes>>,
        within: Duration,
    ) -> anyhow::Result<Answer> {
        let deadline = Instant::now() + within;
        let response = self.client.send(request, deadline).await;
        let response = response.context("the gateway does not answer")?;
        Ok(Answer {
            status: response.status.as_u16(),
            body: serde_json::from_slice(&response.body).unwrap_or(Value::Null),
        })
    }
}
