//! The tokens that the simulated ministry gave out.

use std::collections::HashMap;
use std::sync::Mutex;

use base64_simd::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::{SignedDuration, Timestamp};

/// How long a token lives.
pub(super) const LIFE_S: u32 = 1_800;

/// The one client that may ask for tokens, and the tokens in force.
pub(super) struct Tokens {
    basic: String,
    given: Mutex<HashMap<String, Timestamp>>,
}

impl Tokens {
    pub(super) fn new(client_id: &str, secret: &str) -> Self {
        let pair = STANDARD.encode_to_string(format!("{client_id}:{secret}"));
        Self {
            basic: format!("Basic {pair}"),
            given: Mutex::default(),
        }
    }

    /// True if the request carries the client's id and secret.
    pub(super) fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
        given == Some(self.basic.as_bytes())
    }

    /// A fresh token.
    pub(super) fn give(&self, now: Timestamp) -> String {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let end = now + SignedDuration::from_secs(LIFE_S.into());
        if let Ok(mut given) = self.given.lock() {
            given.retain(|_, end| *end > now);
            given.insert(token.clone(), end);
        }
        token
    }

    /// True if the request carries a token in force.
    pub(super) fn admits(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let value = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let Some(token) = value.and_then(|value| value.strip_prefix("Bearer ")) else {
            return false;
        };
        let given = self.given.lock();
        given.is_ok_and(|given| given.get(token).is_some_and(|end| *end > now))
    }
}
