//! The faults of the knobs, as this wire spells them.

use std::time::Duration;

use exchange::CitizenId;
use pgwire::error::ErrorInfo;
use sim::{Again, FaultKind};

use super::statement;

/// As the persona of the slow source promises.
pub(super) const SLOW: Duration = Duration::from_secs(2);

/// Where a message should begin: its length is negative.
pub(super) const GARBAGE: &[u8] = b"\xff\xfe<<<{\"\x00garbage\x80\x81";

/// "Hết thời hạn", as long as a number.
const TIMEOUT: &[u8; 12] = b"HET THOI HAN";

/// How long the cell of an oversized row is.
pub(super) const OVERSIZE_BYTES: u32 = 50 << 20;

/// What this wire has no words for: it names no question in its answers, packs nothing, and what
/// ends a session is said in one way.
pub(super) const CANNOT: &[FaultKind] = &[
    FaultKind::Bomb,
    FaultKind::WrongRequest,
    FaultKind::WrongContentType,
    FaultKind::LoginPage,
    FaultKind::LoginRedirect,
    FaultKind::Unauthorized,
];

/// The error that a fault is said with; none if it is not said at all.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is left is not said")]
pub(super) fn error(fault: FaultKind, again: Again) -> Option<Box<ErrorInfo>> {
    Some(match fault {
        FaultKind::ServerError => statement::error("XX000", "internal error"),
        FaultKind::NotFoundAsFailure => nobody(),
        FaultKind::RateLimited => hinted(
            statement::error("53400", "too many statements"),
            again.seconds(3),
        ),
        FaultKind::Maintenance => hinted(
            fatal("57P03", "the database system is shutting down"),
            again.seconds(30),
        ),
        FaultKind::SessionExpired | FaultKind::SessionRefused => fatal(
            "57P01",
            "terminating connection due to administrator command",
        ),
        _ => return None,
    })
}

/// A statement that was stopped, by request or by its time limit.
pub(super) fn cancelled() -> Box<ErrorInfo> {
    statement::error("57014", "canceling statement")
}

/// That nobody has the number, as a function of the database raises it.
pub(super) fn nobody() -> Box<ErrorInfo> {
    statement::error("P0002", "no such person")
}

/// A row that says, where the number of the person stands, that the time is over.
pub(super) fn says_timeout(row: &[u8], id: &CitizenId) -> Vec<u8> {
    let digits = id.reveal().as_bytes();
    let place = row.windows(digits.len()).position(|some| some == digits);
    let mut row = row.to_vec();
    if let Some(cell) = place.and_then(|at| row.get_mut(at..at + TIMEOUT.len())) {
        cell.copy_from_slice(TIMEOUT);
    }
    row
}

/// Somebody else, for an answer about the wrong person.
pub(super) fn somebody_else(than: &CitizenId) -> Option<CitizenId> {
    ["999099000001", "999099000009"]
        .into_iter()
        .filter_map(CitizenId::from_agency)
        .find(|other| other.serial() != than.serial())
}

/// An error that ends the connection.
fn fatal(code: &str, message: &str) -> Box<ErrorInfo> {
    let mut error = statement::error(code, message);
    error.severity = "FATAL".to_owned();
    error
}

fn hinted(mut error: Box<ErrorInfo>, retry_after_s: Option<u64>) -> Box<ErrorInfo> {
    error.hint = retry_after_s.map(|seconds| format!("retry_after={seconds}"));
    error
}
