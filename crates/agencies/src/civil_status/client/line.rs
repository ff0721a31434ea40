//! The line to the register: posts of JSON, and the login among them.

use std::time::Duration;

use adapter::{Client, Login, Miss};
use bytes::Bytes;
use exchange::Source;
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http_body_util::Full;
use tokio::time::Instant;

use super::hearing::hear_login;
use crate::civil_status::config::Config;
use crate::civil_status::wire;

/// The line to the register.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) config: Config,
}

impl Line {
    /// A request to an operation.
    pub(super) fn post(&self, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, Miss> {
        Request::post(self.client.address(path))
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, JSON)
            .body(Full::new(body))
            .map_err(|error| Miss::unavailable("ADDRESS", error.to_string()))
    }
}

impl Login for Line {
    const SOURCE: Source = Source::CivilStatus;

    async fn log_in(&self, deadline: Instant) -> Result<(String, Duration), Miss> {
        let body = wire::login(&self.config.user, self.config.secret.reveal());
        let request = self.post(wire::LOGIN, body)?;
        let response = self.client.send_alone(request, deadline).await?;
        let token = hear_login(&response)?;
        bearer(&token.token)?;
        let life = Duration::from_secs(token.expires_in.clamp(1, LONGEST_LIFE_S));
        Ok((token.token, life))
    }
}

/// The header that carries the token; nothing shows its value.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Miss> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| Miss::invalid("LOGIN_ANSWER", "a token that fits no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The longest life of a token that is believed: a day.
const LONGEST_LIFE_S: u64 = 86_400;
