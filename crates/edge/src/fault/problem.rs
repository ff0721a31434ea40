//! A fault as REST tells it: `application/problem+json` (RFC 9457).
//!
//! *Invariant:* a field is named as it stands in JSON, whoever found out what is wrong with it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use exchange::{Reason, Violation};
use serde::Serialize;

use super::{DOMAIN, Told};
use crate::quota::seconds;

/// The members of a problem, in the order of the document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Problem<'a> {
    r#type: &'a str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    instance: String,
    reason: &'static str,
    domain: &'static str,
    request_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<Wrong<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Quota<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, &'a str>,
    messages: Messages,
}

#[derive(Serialize)]
struct Wrong<'a> {
    field: Cow<'a, str>,
    description: &'a str,
    reason: &'static str,
}

#[derive(Serialize)]
struct Quota<'a> {
    policy: &'a str,
    description: &'a str,
}

#[derive(Serialize)]
struct Messages {
    vi: &'static str,
    en: &'static str,
}

impl Told<'_> {
    /// The body of a problem, in JSON on one line.
    pub(crate) fn problem(&self) -> Vec<u8> {
        let fault = self.fault;
        let id = self.request_id.to_string();
        let violations = fault.violations.iter().map(|violation| Wrong {
            field: in_json(violation),
            description: &violation.description,
            reason: violation.reason.name(),
        });
        let metadata = fault.metadata.iter();
        let problem = Problem {
            r#type: &self.help,
            title: self.text.en.title,
            status: self.status().as_u16(),
            detail: self.text.en.message,
            instance: format!("urn:uuid:{id}"),
            reason: fault.reason.name(),
            domain: DOMAIN,
            request_id: id,
            violations: violations.collect(),
            retry_after_seconds: self.retry_after.map(seconds),
            quota: fault.quota.as_ref().map(|quota| Quota {
                policy: quota.policy,
                description: &quota.description,
            }),
            metadata: metadata
                .map(|(key, value)| (*key, value.as_str()))
                .collect(),
            messages: Messages {
                vi: self.text.vi.message,
                en: self.text.en.message,
            },
        };
        // Texts and numbers alone: nothing that JSON cannot hold.
        serde_json::to_vec(&problem).unwrap_or_default()
    }
}

/// The place of a violation in a body. The contract's own path leads to the same place, but for the
/// paths of a mask, which are one text there.
fn in_json(violation: &Violation) -> Cow<'_, str> {
    let field = violation.field.as_str();
    // Who reads JSON names what stands there, in whichever spelling.
    let is_as_written = violation.reason == Reason::InvalidJson;
    if is_as_written || !field.contains(['_', '.']) {
        return Cow::Borrowed(field);
    }
    let mut path = String::with_capacity(field.len());
    let mut begins_word = false;
    for c in field.chars() {
        if begins_word {
            path.push(c.to_ascii_uppercase());
        } else if c != '_' {
            path.push(c);
        }
        begins_word = c == '_';
    }
    Cow::Owned(path.replace(PATHS, "["))
}

/// How the proto path of a mask leads to one of its paths.
const PATHS: &str = ".paths[";
