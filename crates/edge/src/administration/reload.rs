//! `POST /admin/config:reload`.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Administration, JSON, answer, read, refuse};
use crate::listener::plain::Page;

/// What a configuration that is good leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is only checked.
    Checked,
    /// It is put into force.
    InForce,
}

/// What another configuration changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reloaded {
    /// Which parts are others than before: `agreements`, `certificates`. Canaries are replaced each
    /// time, and not compared.
    pub changed: Vec<&'static str>,
    /// SHA-256 of the agreements, in hexadecimal.
    pub policy_digest: String,
}

/// The body of a reload.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reload {
    #[serde(default)]
    validate_only: bool,
}

pub(super) async fn reload(by: &dyn Administration, request: &Request<Bytes>) -> Page {
    let asked: Reload = match read(request) {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let effect = match asked.validate_only {
        true => Effect::Checked,
        false => Effect::InForce,
    };
    match by.reload(effect).await {
        Ok(reloaded) => answer(StatusCode::OK, JSON, &reloaded),
        Err(violations) => refuse(
            StatusCode::BAD_REQUEST,
            "The configuration is refused; what was in force stays",
            &violations,
        ),
    }
}

pub(super) const RELOAD: &str = "/admin/config:reload";
