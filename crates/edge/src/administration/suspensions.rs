//! `GET /admin/suspensions` and `POST /admin/suspensions:lift`: who is suspended for how they asked.
//!
//! Not here: who is suspended, and when (crate `admission`).
//!
//! *Invariant:* no officer and no citizen stands in a list; whom it is about, the record says.

use bytes::Bytes;
use exchange::{OfficerId, ReasonText};
use http::Request;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Administration, listed, malformed, read, told};
use crate::listener::plain::Page;

/// Somebody who is suspended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suspended {
    /// By what it is lifted; the same on every node.
    pub id: String,
    /// Of whom it is: `officer`, `system`, `prefix` or `agency`.
    pub level: &'static str,
    /// The agency that asked.
    pub agency: String,
    /// The system from which the last question came.
    pub system: String,
    /// Since when.
    pub since: Timestamp,
}

/// A suspension that an operator lifts, and why.
#[derive(Clone, Debug)]
pub struct Lift {
    /// Which.
    pub id: String,
    /// Who lifts it.
    pub operator: OfficerId,
    /// Why.
    pub reason: ReasonText,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lifted {
    /// The place of the record.
    pub seq: u64,
}

/// The body of an instruction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    id: String,
    operator: String,
    reason: String,
}

/// The answer to a list.
#[derive(Debug, Serialize)]
struct List {
    suspended: Vec<Suspended>,
}

pub(super) fn list(by: &dyn Administration) -> Page {
    listed(Ok(List {
        suspended: by.suspended(),
    }))
}

pub(super) async fn lift(by: &dyn Administration, request: &Request<Bytes>) -> Page {
    match read(request).and_then(instruction) {
        Ok(lift) => told(by.lift(lift).await),
        Err(refused) => refused,
    }
}

/// Reads every part; everything that is wrong is told at once.
fn instruction(body: Body) -> Result<Lift, Page> {
    let operator = OfficerId::parse(&body.operator).map_err(|it| format!("operator: {it}"));
    let reason = ReasonText::parse(&body.reason).map_err(|it| format!("reason: {it}"));
    match (operator, reason) {
        (Ok(operator), Ok(reason)) => Ok(Lift {
            id: body.id,
            operator,
            reason,
        }),
        (operator, reason) => {
            let wrong = [operator.err(), reason.err()];
            Err(malformed(&wrong.into_iter().flatten().collect::<Vec<_>>()))
        }
    }
}

pub(super) const LIST: &str = "/admin/suspensions";
pub(super) const LIFT: &str = "/admin/suspensions:lift";
