//! Messages of the contract from and to proto-JSON.
//!
//! Reading is stricter than the canonical mapping: unknown and repeated fields are refused. A good
//! body is read once; only one that is refused is looked at again, for everything that is wrong.
//!
//! *Invariant:* no error repeats a value: a misspelt body is still about a person.

mod explain;
mod path;
mod tree;
mod walk;

use exchange::{Fault, Reason, Violation};
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::body::Body;

use tree::Scan;

use crate::grpc::ANSWER_BYTES;

/// Reads a message. If it is refused, `wrong` says what else is wrong with what can be read of it.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, or `INVALID_JSON` with everything that is wrong.
pub(crate) fn read<T: DeserializeOwned>(
    head: &Parts,
    body: &[u8],
    wrong: impl FnOnce(&T) -> Vec<Violation>,
) -> Result<T, Fault> {
    if !is_json(head) {
        let detail = "the body is not said to be JSON in UTF-8";
        return Err(Fault::new(Reason::UnsupportedMediaType, detail));
    }
    match serde_json::from_slice(body) {
        Ok(message) if !has_null(body) || Scan::of(body).found.is_empty() => Ok(message),
        Ok(_) | Err(_) => Err(Fault::invalid(explain::explain(body, wrong))),
    }
}

/// Writes a message as an answer.
pub(super) fn answer<T: Serialize>(message: &T) -> Result<Response<Body>, Fault> {
    let body = text(message)?;
    Ok(super::response("application/json", super::whole(body)))
}

/// Writes a message on one line.
///
/// # Errors
/// `INTERNAL` if it is larger than an answer may be.
pub(super) fn text<T: Serialize>(message: &T) -> Result<Vec<u8>, Fault> {
    let text = serde_json::to_vec(message)
        .map_err(|error| Fault::new(Reason::Internal, "an answer is no JSON").because(error))?;
    if text.len() > ANSWER_BYTES {
        return Err(Fault::new(Reason::Internal, "an answer is too large"));
    }
    Ok(text)
}

/// True for `application/json`, alone or with `charset=utf-8`, and not compressed.
fn is_json(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE);
    let Some(Ok(content_type)) = content_type.map(|value| value.to_str()) else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| {
        let parameter = parameter.to_ascii_lowercase();
        matches!(&*parameter, "charset=utf-8" | "charset=\"utf-8\"" | "")
    });
    let encoding = head.headers.get(CONTENT_ENCODING);
    is_json && is_utf8 && encoding.is_none_or(|encoding| encoding == "identity")
}

/// True if there may be a null, after which the generated code takes the same key once more.
fn has_null(body: &[u8]) -> bool {
    body.array_windows().any(|window| window == b"null")
}
