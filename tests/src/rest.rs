//! A REST client of the suites: whole requests, whole answers, any certificate.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adapter::{Client, Endpoint, MinTls, Miss};
use exchange::{Source, SystemClock};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::Sandbox;

/// Somebody who calls the REST door.
#[derive(Clone, Debug)]
pub struct Rest {
    client: Client,
    endpoint: Endpoint,
}

/// An answer of the REST door.
#[derive(Debug)]
pub struct RestAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl RestAnswer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Rest {
    /// A caller of a sandbox.
    pub fn new(sandbox: &Sandbox, caller: &str) -> Self {
        let (cert, key) = sandbox.caller(caller);
        Self::with(sandbox, Some((&cert, &key)))
    }

    /// A caller of a sandbox at another gateway with the same authorities.
    pub fn at(url: &str, sandbox: &Sandbox, caller: &str) -> Self {
        let (cert, key) = sandbox.caller(caller);
        Self::known(url, sandbox, Some((&cert, &key)))
    }

    /// Somebody with that certificate, or with none.
    pub fn with(sandbox: &Sandbox, identity: Option<(&Path, &Path)>) -> Self {
        Self::known(sandbox.text("/gateway"), sandbox, identity)
    }

    /// Somebody with that certificate at a gateway whose authority is in that file.
    pub fn showing(url: &str, ca: &Path, (cert, key): (&Path, &Path)) -> Self {
        Self::to(Endpoint {
            url: url.parse().unwrap(),
            ca: Some(ca.to_owned()),
            certificate: Some(cert.to_owned()),
            key: Some(key.to_owned()),
            min_tls: MinTls::default(),
            timeout_ms: 0,
            local: true,
            maintenance: Vec::new(),
        })
    }

    fn known(url: &str, sandbox: &Sandbox, identity: Option<(&Path, &Path)>) -> Self {
        let endpoint = Endpoint {
            url: url.parse().unwrap(),
            ca: Some(sandbox.path("/ca")),
            certificate: identity.map(|(cert, _)| cert.to_owned()),
            key: identity.map(|(_, key)| key.to_owned()),
            min_tls: MinTls::default(),
            timeout_ms: 0,
            local: true,
            maintenance: Vec::new(),
        };
        Self::to(endpoint)
    }

    /// A client for plain HTTP on this machine.
    pub fn plain(url: &str) -> Self {
        let endpoint = Endpoint {
            url: url.parse().unwrap(),
            ca: None,
            certificate: None,
            key: None,
            min_tls: MinTls::default(),
            timeout_ms: 0,
            local: true,
            maintenance: Vec::new(),
        };
        Self::to(endpoint)
    }

    fn to(endpoint: Endpoint) -> Self {
        let clock: Arc<dyn exchange::Clock> = Arc::new(SystemClock);
        let client = Client::new(&endpoint, &clock).unwrap();
        Self { client, endpoint }
    }

    /// The same caller, with connections of their own.
    pub fn anew(&self) -> Self {
        Self::to(self.endpoint.clone())
    }

    /// Posts a body with these headers beside the content type.
    pub async fn post(
        &self,
        path: &str,
        body: impl Into<bytes::Bytes>,
        headers: &[(&str, &str)],
    ) -> Result<RestAnswer, Miss> {
        let mut request = Request::post(self.client.address(path));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into().into()).unwrap()).await
    }

    /// Puts JSON.
    pub async fn put(&self, path: &str, body: &Value) -> RestAnswer {
        let request = Request::put(self.client.address(path));
        let request = request.header("content-type", "application/json");
        let body = bytes::Bytes::from(body.to_string());
        self.send(request.body(body.into()).unwrap()).await.unwrap()
    }

    /// Gets a path.
    pub async fn get(&self, path: &str) -> Result<RestAnswer, Miss> {
        let request = Request::get(self.client.address(path));
        self.send(request.body(Default::default()).unwrap()).await
    }

    /// Asks about a citizen.
    pub async fn lookup(&self, id: &str, purpose: &str, mask: &str) -> RestAnswer {
        let question = question(id, purpose, mask).to_string();
        self.post("/v1/citizens:lookup", question, &[])
            .await
            .unwrap()
    }

    async fn send(
        &self,
        request: Request<http_body_util::Full<bytes::Bytes>>,
    ) -> Result<RestAnswer, Miss> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let response = self.client.send(request, deadline).await?;
        Ok(RestAnswer {
            status: response.status.as_u16(),
            headers: response.headers,
            text: String::from_utf8_lossy(&response.body).into_owned(),
        })
    }
}

/// The body of a lookup. `mask` is in lowerCamelCase, as proto-JSON asks.
pub fn question(id: &str, purpose: &str, mask: &str) -> Value {
    json!({
        "context": {
            "requestId": exchange::RequestId::fresh().to_string(),
            "purposeCode": purpose,
        },
        "subject": {"personalId": id},
        "readMask": mask,
    })
}

/// The same about a dossier of its own: identical questions at the same time are put to an agency once.
#[must_use]
pub fn apart(mut question: Value) -> Value {
    let context = question.get_mut("context").and_then(Value::as_object_mut);
    let dossier = exchange::RequestId::fresh().to_string();
    context
        .expect("a question has one")
        .insert("dossierNo".to_owned(), dossier.into());
    question
}

/// One field of a source, as a mask in lowerCamelCase.
pub const fn field_of(source: Source) -> &'static str {
    match source {
        Source::Population => "population.name",
        Source::Health => "health.bloodGroup",
        Source::CivilStatus => "civilStatus.birthPlace",
        Source::Tax => "tax.status",
        Source::SocialSecurity => "socialSecurity.insuranceCode",
    }
}

/// Every field of every source, as a mask in lowerCamelCase.
pub fn everything() -> String {
    let paths: Vec<String> = exchange::FIELDS
        .iter()
        .map(|info| camel(info.path))
        .collect();
    paths.join(",")
}

fn camel(path: &str) -> String {
    let mut up = false;
    let letters = path.chars().filter_map(|c| {
        if c == '_' {
            up = true;
            return None;
        }
        let c = if up { c.to_ascii_uppercase() } else { c };
        up = false;
        Some(c)
    });
    letters.collect()
}
