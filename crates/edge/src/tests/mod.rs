//! The doors over real sockets, before a real gate with one small agency behind it.

mod archive;
mod audit;
mod client;
mod duties;
mod faults;
mod grpc;
mod input;
mod json;
mod life;
mod malformed;
mod overload;
mod rest;
mod telemetry;
mod tls;
mod tracker;
mod violations;
pub(crate) mod world;

use client::{Answer, Client};
use world::World;

/// A question for three tax fields, as REST takes it.
pub(crate) fn question(id: &str) -> serde_json::Value {
    serde_json::json!({
        "context": {"requestId": REQUEST_ID, "purposeCode": "TAX_CHECK"},
        "subject": {"personalId": id},
        "readMask": "tax.personalId,tax.taxCode,tax.status",
    })
}

/// The caller's own id in every question.
pub(crate) const REQUEST_ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";
/// Answered.
pub(crate) const KNOWN: &str = "999099000001";
/// Answered with "no such person".
pub(crate) const ABSENT: &str = "999099000014";
/// Not answered before the deadline.
pub(crate) const HANGS: &str = "999099000104";
/// Answered when the test says so.
pub(crate) const WAITS: &str = "999099000200";
/// Answered with more than an answer may hold.
pub(crate) const LARGE: &str = "999099000300";
