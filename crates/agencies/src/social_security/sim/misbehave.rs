//! The faults of the knobs, as this wire spells them.

use std::time::Duration;

use exchange::CitizenId;
use pgwire::error::ErrorInfo;
use sim::FaultKind;

use super::statement;

/// As the persona of the slow source promises.
pub(super) const SLOW: Duration = Duration::from_secs(2);

/// Where a message should begin: its length is negative.
pub(super) const GARBAGE: &[u8] = b"\xff\xfe<<<{\"\x00garbage\x80\x81";

/// The error that a fault is said with; none if it is not said at all.
pub(super) fn error(fault: FaultKind) -> Option<Box<ErrorInfo>> {
    Some(match fault {
        FaultKind::ServerError => statement::error("XX000", "internal error"),
        FaultKind::RateLimited => hinted(
            statement::error("53400", "too many statements"),
            "retry_after=3",
        ),
        FaultKind::Maintenance => hinted(
            fatal("57P03", "the database system is shutting down"),
            "retry_after=30",
        ),
        FaultKind::SessionExpired => fatal(
            "57P01",
            "terminating connection due to administrator command",
        ),
        FaultKind::NotFound
        | FaultKind::Hang
        | FaultKind::ResetMidBody
        | FaultKind::Garbage
        | FaultKind::WrongPerson
        | FaultKind::Slow => return None,
    })
}

/// A statement that was stopped, by request or by its time limit.
pub(super) fn cancelled() -> Box<ErrorInfo> {
    statement::error("57014", "canceling statement")
}

/// Somebody else, for an answer about the wrong person.
pub(super) fn somebody_else(than: &CitizenId) -> Option<CitizenId> {
    ["999099000001", "999099000009"]
        .into_iter()
        .filter_map(CitizenId::from_agency)
        .find(|other| other.serial() != than.serial())
}

/// The name of a fault in the journal.
pub(super) const fn name(fault: FaultKind) -> &'static str {
    match fault {
        FaultKind::NotFound => "not_found",
        FaultKind::Hang => "hang",
        FaultKind::ServerError => "server_error",
        FaultKind::ResetMidBody => "reset_mid_body",
        FaultKind::Garbage => "garbage",
        FaultKind::WrongPerson => "wrong_person",
        FaultKind::SessionExpired => "session_expired",
        FaultKind::Slow => "slow",
        FaultKind::RateLimited => "rate_limited",
        FaultKind::Maintenance => "maintenance",
    }
}

/// An error that ends the connection.
fn fatal(code: &str, message: &str) -> Box<ErrorInfo> {
    let mut error = statement::error(code, message);
    error.severity = "FATAL".to_owned();
    error
}

fn hinted(mut error: Box<ErrorInfo>, hint: &str) -> Box<ErrorInfo> {
    error.hint = Some(hint.to_owned());
    error
}
