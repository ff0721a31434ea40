//! `GET /admin/sources`: how each source is guarded at present.
//!
//! Not here: what opens a circuit (crate `adapter`).

use jiff::Timestamp;
use serde::Serialize;

use super::{Administration, listed};
use crate::listener::plain::Page;

/// How a source is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceHealth {
    /// Which.
    pub source: &'static str,
    /// Its circuit: `closed`, `open` or `probing`.
    pub circuit: &'static str,
    /// When the next call may try, if the circuit is open or the source under maintenance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_probe: Option<Timestamp>,
    /// Until when it is under maintenance, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance_until: Option<Timestamp>,
    /// How many calls have failed in a row.
    pub failures_in_a_row: u32,
    /// How many calls were made lately.
    pub window_calls: u64,
    /// How many of them failed.
    pub window_failures: u64,
    /// How many are under way.
    pub in_flight: u32,
    /// How many may be at present.
    pub limit: u32,
    /// How many may be at most.
    pub max_calls: u32,
    /// How long an answer usually takes, in milliseconds.
    pub typical_ms: f64,
    /// How long one takes at present, in milliseconds.
    pub recent_ms: f64,
    /// How many calls were made a second time since the start.
    pub retries: u64,
    /// How often the circuit opened since the start.
    pub opened: u64,
    /// How many calls have tried an open circuit since the start.
    pub probes: u64,
    /// Its addresses, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointHealth>,
}

/// How one of several addresses of a source is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointHealth {
    /// Host, port and path.
    pub endpoint: String,
    /// `used`, `aside` or, while a call tries it, `tried`.
    pub state: &'static str,
    /// When the next call may try it, if it is left aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_probe: Option<Timestamp>,
    /// How many calls are under way.
    pub in_flight: u32,
    /// How many calls have ended since the start.
    pub calls: u64,
    /// How many of them it failed.
    pub failed: u64,
    /// How often it was left aside since the start.
    pub ejected: u64,
}

/// The answer to a list.
#[derive(Debug, Serialize)]
struct List {
    sources: Vec<SourceHealth>,
}

pub(super) fn list(by: &dyn Administration) -> Page {
    listed(Ok(List {
        sources: by.sources(),
    }))
}

pub(super) const LIST: &str = "/admin/sources";
