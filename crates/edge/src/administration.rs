//! What an operator may have done: the configuration is read again. On the operations listener.
//!
//! Not here: how it is done, which is the program's.
//!
//! *Invariant:* it takes a `POST` of JSON, which no page in a browser sends to another site without
//! asking first, and nobody here says yes.

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::listener::plain::Page;

/// Does what an operator asks for.
pub trait Administration: Send + Sync + fmt::Debug {
    /// Reads the configuration again. If all of it is good, and not only to be checked, it is put
    /// into force.
    ///
    /// Everything that is wrong comes back, and what was in force stays.
    fn reload(&self, effect: Effect) -> BoxFuture<'_, Result<Reloaded, Vec<String>>>;
}

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

/// Nothing can be done by an operator here: for tests of what else there is.
#[derive(Clone, Copy, Debug)]
pub struct NoAdministration;

impl Administration for NoAdministration {
    fn reload(&self, _: Effect) -> BoxFuture<'_, Result<Reloaded, Vec<String>>> {
        let problem = "this process has no configuration".to_owned();
        Box::pin(async { Err(vec![problem]) })
    }
}

/// The body of a reload.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reload {
    #[serde(default)]
    validate_only: bool,
}

/// A problem as RFC 9457 describes it.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    title: &'a str,
    status: u16,
    violations: &'a [String],
}

/// Does what is asked for, if the path is that of something to be done.
pub(crate) async fn page(by: &dyn Administration, request: &Request<Bytes>) -> Option<Page> {
    if request.uri().path() != RELOAD {
        return None;
    }
    if request.method() != Method::POST {
        // Nothing is done for a method that is refused afterwards.
        return Some(Page::acted(StatusCode::METHOD_NOT_ALLOWED, JSON, ""));
    }
    Some(reload(by, request).await)
}

async fn reload(by: &dyn Administration, request: &Request<Bytes>) -> Page {
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

fn read<'a, T: Deserialize<'a>>(request: &'a Request<Bytes>) -> Result<T, Page> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some(JSON) {
        let title = "The body is to be application/json, such as {}";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, title, &[]));
    }
    serde_json::from_slice(request.body()).map_err(|error| {
        let violations = [error.to_string()];
        refuse(StatusCode::BAD_REQUEST, "The body is refused", &violations)
    })
}

fn refuse(status: StatusCode, title: &str, violations: &[String]) -> Page {
    let problem = Problem {
        title,
        status: status.as_u16(),
        violations,
    };
    answer(status, "application/problem+json", &problem)
}

fn answer(status: StatusCode, content_type: &'static str, what: &impl Serialize) -> Page {
    let body = serde_json::to_vec(what).unwrap_or_default();
    Page::acted(status, content_type, body)
}

const RELOAD: &str = "/admin/config:reload";
const JSON: &str = "application/json";
