//! The one line that the log has of every call. What failed is told here and nowhere else, with
//! its causes.
//!
//! *Invariant:* nothing personal, no URL: names from closed sets, ids of systems, times.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use api::v1::Completeness;
use exchange::{Caller, Fault, Origin, Reason, RequestId};
use tracing::{Level, Span};

use crate::account::Notes;
use crate::trace;

/// A call that is over.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) method: &'static str,
    pub(crate) id: RequestId,
    pub(crate) notes: &'a Notes,
    pub(crate) code: &'static str,
    pub(crate) took: Duration,
}

impl Ended<'_> {
    /// `COMPLETE` or `PARTIAL`, for an answer that says so.
    pub(crate) fn completeness(&self) -> Option<&'static str> {
        match self.notes.completeness? {
            Completeness::Complete => Some("COMPLETE"),
            Completeness::Partial => Some("PARTIAL"),
            Completeness::Unspecified => None,
        }
    }

    fn outcome(&self) -> &'static str {
        match &self.notes.fault {
            Some(fault) => fault.reason.name(),
            None => self.completeness().unwrap_or(self.code),
        }
    }
}

/// Writes the line. A fault of the gateway itself raises its level: `error` wakes someone.
pub(crate) fn line(ended: &Ended<'_>, span: &Span) {
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                target: "exchange",
                parent: span,
                $level,
                caller = %ended.caller.system(),
                agency = %ended.caller.agency(),
                method = ended.method,
                purpose = ended.notes.purpose.as_ref().map(|purpose| purpose.as_str()),
                outcome = ended.outcome(),
                origin = ended.notes.fault.as_ref().map(|fault| origin(fault.origin())),
                duration_ms = millis(ended.took),
                exchange_id = %ended.id,
                trace_id = trace::trace_id(span).map(tracing::field::display),
                error = ended.notes.fault.as_ref().map(Causes).map(tracing::field::display),
            )
        };
    }
    let Some(fault) = &ended.notes.fault else {
        return line!(Level::INFO);
    };
    match (fault.reason, fault.origin()) {
        (Reason::Internal | Reason::AuditUnavailable, _) => line!(Level::ERROR),
        (_, Origin::Gateway) => line!(Level::WARN),
        (_, Origin::Caller | Origin::Agency) => line!(Level::INFO),
    }
}

/// A fault with everything that led to it.
struct Causes<'a>(&'a Fault);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Caller => "caller",
        Origin::Agency => "agency",
        Origin::Gateway => "gateway",
    }
}

/// With microseconds, as far as they matter.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
