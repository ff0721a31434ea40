//! Messages of the contract from and to proto-JSON.
//!
//! Reading is stricter than the canonical mapping: unknown and repeated fields are refused.
//!
//! *Invariant:* no error repeats a value: a misspelt body is still about a person.

use exchange::{Fault, Reason, Violation};
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tonic::body::Body;

/// Reads a message.
///
/// # Errors
/// `UNSUPPORTED_MEDIA_TYPE`, or `INVALID_JSON` with the path of the field.
pub(super) fn read<T: DeserializeOwned>(head: &Parts, body: &[u8]) -> Result<T, Fault> {
    if !is_json(head) {
        let detail = "the body is not said to be JSON in UTF-8";
        return Err(Fault::new(Reason::UnsupportedMediaType, detail));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let message = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| invalid(&error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| invalid(ROOT, &error))?;
    Ok(message)
}

/// Writes a message as an answer.
pub(super) fn answer<T: Serialize>(message: &T) -> Result<Response<Body>, Fault> {
    let body = text(message)?;
    Ok(super::response("application/json", super::whole(body)))
}

/// Writes a message on one line.
pub(super) fn text<T: Serialize>(message: &T) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(message)
        .map_err(|error| Fault::new(Reason::Internal, "an answer is no JSON").because(error))
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

fn invalid(path: &str, error: &serde_json::Error) -> Fault {
    let (line, column) = (error.line(), error.column());
    Fault::invalid(vec![Violation {
        field: field(path, &error.to_string()),
        description: format!("{} (line {line}, column {column})", problem(error)),
        reason: Reason::InvalidJson,
    }])
}

/// The path of the field, as far as it is known.
fn field(path: &str, error: &str) -> String {
    let known = path.split('?').next().unwrap_or_default();
    let known = known.trim_end_matches('.');
    // A repeated field is noticed before its value is looked at; its name is the contract's own.
    let repeated = error.strip_prefix("duplicate field `");
    let repeated = repeated.and_then(|rest| rest.split('`').next());
    let whole = match (known, repeated) {
        ("", None) => ROOT.to_owned(),
        ("", Some(name)) => name.to_owned(),
        (known, None) => known.to_owned(),
        (known, Some(name)) => format!("{known}.{name}"),
    };
    whole.chars().take(LONGEST_PATH).collect()
}

/// What is wrong, in words of ours: those of the reader repeat the value.
fn problem(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    match error.classify() {
        Category::Eof => "the body ends too early",
        Category::Syntax | Category::Io => "is no JSON",
        Category::Data if text.starts_with("unknown field") => "is no field of the contract",
        Category::Data if text.starts_with("duplicate field") => "stands more than once",
        Category::Data => "has not the type that the contract gives it",
    }
}

/// How the body itself is named.
const ROOT: &str = "body";
/// Longer than any path of the contract.
const LONGEST_PATH: usize = 100;
