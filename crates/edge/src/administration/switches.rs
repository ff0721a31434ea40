//! `GET /admin/switches`, `POST /admin/switches:stop` and `POST /admin/switches:resume`.
//!
//! Not here: what a switch does (crate `gate`).

use bytes::Bytes;
use exchange::{OfficerId, ReasonText, Switch};
use http::Request;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Administration, listed, malformed, read, told};
use crate::listener::plain::Page;

/// What becomes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// It is stopped.
    Stopped,
    /// It goes on.
    Resumed,
}

/// What an operator wants stopped or resumed, and why.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// What.
    pub switch: Switch,
    /// Who wants it.
    pub operator: OfficerId,
    /// Why.
    pub reason: ReasonText,
}

/// What came of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Switched {
    /// False if it was so before: nothing is recorded.
    pub changed: bool,
    /// The place of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// False if it is stopped on this node alone so far, since the store cannot be written.
    pub stored: bool,
}

/// Something that is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// What.
    pub switch: String,
    /// Since when.
    pub since: Timestamp,
    /// Who has stopped it.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// False if it is stopped on this node alone so far.
    pub stored: bool,
}

/// The body of an instruction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    switch: String,
    operator: String,
    reason: String,
}

/// The answer to a list.
#[derive(Debug, Serialize)]
struct List {
    stopped: Vec<Stopped>,
}

pub(super) async fn list(by: &dyn Administration) -> Page {
    let stopped = by.stopped().await;
    listed(Ok(List { stopped }))
}

pub(super) async fn switch(
    by: &dyn Administration,
    to: Position,
    request: &Request<Bytes>,
) -> Page {
    let instruction = match read(request).and_then(|body| instruction(&body)) {
        Ok(instruction) => instruction,
        Err(refused) => return refused,
    };
    told(by.switch(to, instruction).await)
}

/// Reads every part; everything that is wrong is told at once.
fn instruction(body: &Body) -> Result<Instruction, Page> {
    let switch = Switch::parse(&body.switch).ok_or_else(|| format!("switch: {SPELLING}"));
    let operator = OfficerId::parse(&body.operator).map_err(|it| format!("operator: {it}"));
    let reason = ReasonText::parse(&body.reason).map_err(|it| format!("reason: {it}"));
    match (switch, operator, reason) {
        (Ok(switch), Ok(operator), Ok(reason)) => Ok(Instruction {
            switch,
            operator,
            reason,
        }),
        (switch, operator, reason) => {
            let wrong = [switch.err(), operator.err(), reason.err()];
            Err(malformed(&wrong.into_iter().flatten().collect::<Vec<_>>()))
        }
    }
}

const SPELLING: &str = "is to be agency:CODE, system:CODE/ID, source:NAME or purpose:CODE";
pub(super) const LIST: &str = "/admin/switches";
pub(super) const STOP: &str = "/admin/switches:stop";
pub(super) const RESUME: &str = "/admin/switches:resume";
