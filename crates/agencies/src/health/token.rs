//! The session: a token by client credentials (RFC 6749 §4.4).

use std::time::Duration;

use adapter::{Client, Login, Miss, classify};
use bytes::Bytes;
use exchange::Source;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use serde::Deserialize;
use tokio::time::Instant;

/// The life of a token whose answer does not say.
const DEFAULT_LIFE_S: u64 = 60;
/// The longest life that is believed.
const MAX_LIFE_S: u64 = 86_400;

/// Where tokens are granted.
pub(super) struct TokenDoor {
    client: Client,
    uri: Uri,
    /// `Authorization`; marked as secret.
    basic: HeaderValue,
}

/// The token answer of RFC 6749 §5.1.
#[derive(Deserialize)]
struct Token {
    access_token: String,
    token_type: String,
    expires_in: Option<u64>,
}

impl TokenDoor {
    pub(super) const fn new(client: Client, uri: Uri, basic: HeaderValue) -> Self {
        Self { client, uri, basic }
    }
}

impl Login for TokenDoor {
    const SOURCE: Source = Source::Health;

    async fn log_in(&self, deadline: Instant) -> Result<(String, Duration), Miss> {
        const FORM: &str = "application/x-www-form-urlencoded";
        const GRANT: &[u8] = b"grant_type=client_credentials";
        let mut request = Request::new(Full::new(Bytes::from_static(GRANT)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.basic.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
        let response = self.client.send_alone(request, deadline).await?;
        if matches!(response.status.as_u16(), 400 | 401 | 403) {
            let detail = format!("token: status {}", response.status.as_u16());
            return Err(Miss::unavailable("LOGIN_REFUSED", detail));
        }
        if let Some(miss) = classify(&response) {
            return Err(miss);
        }
        let token: Token = serde_json::from_slice(&response.body).map_err(|_| no_token())?;
        let visible = token.access_token.bytes().all(|b| b.is_ascii_graphic());
        if token.access_token.is_empty()
            || !visible
            || !token.token_type.eq_ignore_ascii_case("bearer")
        {
            return Err(no_token());
        }
        let life = token.expires_in.unwrap_or(DEFAULT_LIFE_S).min(MAX_LIFE_S);
        Ok((token.access_token, Duration::from_secs(life)))
    }
}

/// The miss of a login whose answer is none.
pub(super) fn no_token() -> Miss {
    Miss::invalid("LOGIN_ANSWER", "the token answer holds no bearer token")
}
