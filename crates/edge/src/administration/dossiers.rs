//! `GET /admin/dossiers`, and `POST /admin/dossiers:requery`, `:resend` and `:close`: what agencies have not
//! ended yet.
//!
//! Not here: how a dossier is moved (crate `adapter`).
//!
//! *Invariant:* no citizen and no officer stands in a list.

use bytes::Bytes;
use exchange::{OfficerId, ReasonText};
use http::Request;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Administration, listed, malformed, read, told};
use crate::listener::plain::Page;

/// Something that an agency has not ended yet, or ended lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dossier {
    /// By what it is moved; of this node.
    pub dossier: u64,
    /// The source that has it.
    pub source: &'static str,
    /// What the source calls it.
    pub code: String,
    /// The address that has it; empty if that is not known.
    pub address: String,
    /// How far it is.
    pub state: &'static str,
    /// Why it is not done; empty if nothing is wrong.
    pub reason: String,
    /// The agency that asked.
    pub agency: String,
    /// Its system.
    pub system: String,
    /// The request id of the exchange.
    pub request_id: String,
    /// How urgent it was.
    pub class: &'static str,
    /// Since when it is waited for, or is as it is.
    pub since: Timestamp,
    /// How old it is, in seconds.
    pub age_s: u64,
    /// When it was last asked about.
    pub asked: Timestamp,
}

/// How an operator moves a dossier that hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DossierMove {
    /// Its agency is asked again how far it is.
    Requery,
    /// It is sent again under its request id.
    Resend,
    /// It is given up.
    Close,
}

/// What an operator wants of a dossier, and why.
#[derive(Clone, Debug)]
pub struct DossierOrder {
    /// How it is moved.
    pub to: DossierMove,
    /// Which.
    pub dossier: u64,
    /// Who wants it.
    pub operator: OfficerId,
    /// Why.
    pub reason: ReasonText,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// How far it is now.
    pub state: &'static str,
    /// The place of the record.
    pub seq: u64,
}

/// The body of an instruction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    dossier: u64,
    operator: String,
    reason: String,
}

/// The answer to a list.
#[derive(Debug, Serialize)]
struct List {
    dossiers: Vec<Dossier>,
}

pub(super) fn list(by: &dyn Administration) -> Page {
    listed(Ok(List {
        dossiers: by.dossiers(),
    }))
}

pub(super) async fn order(
    by: &dyn Administration,
    to: DossierMove,
    request: &Request<Bytes>,
) -> Page {
    match read(request).and_then(|body| instruction(to, &body)) {
        Ok(order) => told(by.order_dossier(order).await),
        Err(refused) => refused,
    }
}

/// Reads every part; everything that is wrong is told at once.
fn instruction(to: DossierMove, body: &Body) -> Result<DossierOrder, Page> {
    let operator = OfficerId::parse(&body.operator).map_err(|it| format!("operator: {it}"));
    let reason = ReasonText::parse(&body.reason).map_err(|it| format!("reason: {it}"));
    match (operator, reason) {
        (Ok(operator), Ok(reason)) => Ok(DossierOrder {
            to,
            dossier: body.dossier,
            operator,
            reason,
        }),
        (operator, reason) => {
            let wrong = [operator.err(), reason.err()];
            Err(malformed(&wrong.into_iter().flatten().collect::<Vec<_>>()))
        }
    }
}

pub(super) const LIST: &str = "/admin/dossiers";
pub(super) const REQUERY: &str = "/admin/dossiers:requery";
pub(super) const RESEND: &str = "/admin/dossiers:resend";
pub(super) const CLOSE: &str = "/admin/dossiers:close";
