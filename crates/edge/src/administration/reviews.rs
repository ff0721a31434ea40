//! `GET /admin/reviews` and `POST /admin/reviews:close`: the exchanges in an emergency, which somebody
//! looks at afterwards.
//!
//! *Invariant:* a list names no citizen and no officer: whoever reviews finds the record by its place
//! or its request id, as an inspector.

use bytes::Bytes;
use evidence::Verdict;
use exchange::{OfficerId, ReasonText};
use http::Request;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Administration, listed, malformed, read, told};
use crate::listener::plain::Page;

/// What waits to be reviewed, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reviews {
    /// As many as are shown.
    pub open: Vec<OpenReview>,
    /// How many there are.
    pub total: u64,
    /// False if what was recorded last is not among them yet.
    pub complete: bool,
}

/// An exchange that waits to be reviewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenReview {
    /// The log and the place of its record: `LOG#17`.
    pub review: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// Until when it is to be closed.
    pub due: Timestamp,
    /// The agency that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// The request id that the agency gave it.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// A review that an operator closes.
#[derive(Clone, Debug)]
pub struct Closure {
    /// The log and the place of the record of the exchange.
    pub review: String,
    /// What was found.
    pub verdict: Verdict,
    /// Who has found it.
    pub operator: OfficerId,
    /// What is to be said about it.
    pub note: ReasonText,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reviewed {
    /// The place of the record.
    pub seq: u64,
}

/// The body of a closure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    review: String,
    verdict: String,
    operator: String,
    note: String,
}

pub(super) async fn list(by: &dyn Administration) -> Page {
    listed(by.reviews().await)
}

pub(super) async fn close(by: &dyn Administration, request: &Request<Bytes>) -> Page {
    match read(request).and_then(closure) {
        Ok(closure) => told(by.close_review(closure).await),
        Err(refused) => refused,
    }
}

/// Reads every part; everything that is wrong is told at once.
fn closure(body: Body) -> Result<Closure, Page> {
    let verdict = Verdict::from_name(&body.verdict);
    let verdict = verdict.ok_or_else(|| "verdict: is to be JUSTIFIED or UNJUSTIFIED".to_owned());
    let operator = OfficerId::parse(&body.operator).map_err(|it| format!("operator: {it}"));
    let note = ReasonText::parse(&body.note).map_err(|it| format!("note: {it}"));
    match (verdict, operator, note) {
        (Ok(verdict), Ok(operator), Ok(note)) => Ok(Closure {
            review: body.review,
            verdict,
            operator,
            note,
        }),
        (verdict, operator, note) => {
            let wrong = [verdict.err(), operator.err(), note.err()];
            Err(malformed(&wrong.into_iter().flatten().collect::<Vec<_>>()))
        }
    }
}

pub(super) const LIST: &str = "/admin/reviews";
pub(super) const CLOSE: &str = "/admin/reviews:close";
