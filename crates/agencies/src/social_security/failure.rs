//! What an error of the connection or of the server means: a miss, and whether a fresh connection
//! may do better.

use std::io::{self, ErrorKind};
use std::time::Duration;

use adapter::guard::OVERLOADED;
use adapter::{Miss, Progress, is_refused, is_tls};
use deadpool::managed::{PoolError, TimeoutType};
use exchange::SourceState;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::link::{End, NotOpened, Unanswered};

/// The longest time to come again that is believed.
const MAX_RETRY_AFTER_S: u64 = 3_600;

/// When a caller for whom no connection is free is to come again.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// Why a question got no answer.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller is told.
    pub(super) miss: Miss,
    /// True if the connection was too old, not the question wrong: its session was ended, or its
    /// prepared statements are gone. A fresh connection may answer.
    pub(super) stale: bool,
    /// True if the connection serves no more.
    pub(super) over: bool,
}

impl From<Miss> for Failure {
    fn from(miss: Miss) -> Self {
        Self {
            miss,
            stale: false,
            over: true,
        }
    }
}

/// No connection could be had.
pub(super) fn not_connected(error: &PoolError<NotOpened>) -> Failure {
    let miss = match error {
        PoolError::Backend(NotOpened::Unreached(error)) => no_server(error),
        PoolError::Backend(NotOpened::Refused(error)) => not_let_in(error),
        PoolError::Timeout(TimeoutType::Wait) => no_place(),
        PoolError::Timeout(_)
        | PoolError::Closed
        | PoolError::NoRuntimeSpecified
        | PoolError::PostCreateHook(_) => Miss::unavailable("CONNECT", "no connection to be had"),
    };
    let progress = match miss.reason {
        // What was heard is not tried at once again: accounts are locked for less.
        "UPSTREAM_TLS" | "ADDRESS_REFUSED" | "LOGIN_REFUSED" => Progress::Answering,
        _ => Progress::Unsent,
    };
    miss.after(0).at(progress).into()
}

/// All connections are used by others: that is no failure of the source.
fn no_place() -> Miss {
    let detail = "as many calls are under way as there are connections";
    Miss {
        retry_after: Some(COME_AGAIN),
        ..Miss::new(SourceState::Skipped, OVERLOADED, detail)
    }
}

/// A connection was there, and the question failed on it.
pub(super) fn not_answered(unanswered: &Unanswered, end: Option<End>) -> Failure {
    let (error, progress) = match unanswered {
        Unanswered::Unbegun(error) => (error, Progress::Sent),
        Unanswered::Said(error) => (error, Progress::Answering),
        Unanswered::TooLarge => return too_large().into(),
    };
    if let Some(db) = error.as_db_error() {
        let stale = is_stale(db.code());
        let fatal = matches!(
            db.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        );
        return Failure {
            miss: refused(db),
            stale,
            over: stale || fatal,
        };
    }
    let miss = match (error.is_closed(), end) {
        (true, Some(End::TooLarge)) => too_large(),
        (true, Some(End::Garbage)) => Miss::invalid("GARBAGE", "the bytes are no message"),
        (true, _) => Miss::unavailable("RESET", "the connection broke off").at(progress),
        (false, _) => Miss::invalid("GARBAGE", "the messages are not those of an answer"),
    };
    miss.into()
}

/// A row was not as agreed.
pub(super) fn not_read(_: Error) -> Miss {
    // The error may quote what was read, so none of it is kept.
    Miss::invalid("COLUMN_TYPE", "a column is not of the agreed type")
}

/// Session ended by the server, statement forgotten (a pooler between us), view replaced.
fn is_stale(code: &SqlState) -> bool {
    [
        &SqlState::ADMIN_SHUTDOWN,
        &SqlState::INVALID_SQL_STATEMENT_NAME,
        &SqlState::FEATURE_NOT_SUPPORTED,
    ]
    .contains(&code)
}

/// What the server said, by its SQLSTATE; its words are not kept.
fn refused(db: &DbError) -> Miss {
    let code = db.code().code();
    let detail = format!("SQLSTATE {code}");
    match code {
        "57014" => Miss::timeout(detail),
        "53300" | "53400" => Miss::rate_limited(retry_after(db)),
        "57P01" | "57P02" | "57P03" => Miss::maintenance(retry_after(db)),
        "42501" => Miss::unavailable("PERMISSION", detail),
        _ => match code.get(..2) {
            Some("08") => Miss::unavailable("RESET", detail),
            Some("28" | "3D") => Miss::unavailable("LOGIN_REFUSED", detail),
            Some("42" | "3F") => Miss::invalid("SCHEMA", detail),
            _ => Miss::unavailable("SERVER_ERROR", detail),
        },
    }
}

/// `retry_after=3` in the hint or the detail of an error: seconds.
fn retry_after(db: &DbError) -> Option<Duration> {
    [db.hint(), db.detail()]
        .into_iter()
        .flatten()
        .find_map(seconds)
}

fn seconds(text: &str) -> Option<Duration> {
    let (_, rest) = text.split_once("retry_after=")?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let seconds: u64 = rest.get(..digits)?.parse().ok()?;
    Some(Duration::from_secs(seconds.min(MAX_RETRY_AFTER_S)))
}

/// Nobody there, or nobody who may be asked.
fn no_server(error: &io::Error) -> Miss {
    if is_refused(error) {
        Miss::unavailable("ADDRESS_REFUSED", "the address is none that an agency has")
    } else if error.kind() == ErrorKind::TimedOut {
        Miss::timeout("no connection in time")
    } else {
        Miss::unavailable("CONNECT", error.kind().to_string())
    }
}

/// Somebody there who is not trusted, who lets nobody in, or who breaks off.
fn not_let_in(error: &Error) -> Miss {
    if let Some(db) = error.as_db_error() {
        return refused(db);
    }
    // The kind of the error is not shown otherwise. A server without TLS is of it too.
    if is_tls(error) || error.to_string().starts_with(NO_TLS) {
        return Miss::unavailable("UPSTREAM_TLS", "the certificate or handshake is refused");
    }
    Miss::unavailable("CONNECT", "the server breaks off before the login")
}

fn too_large() -> Miss {
    Miss::invalid("TOO_LARGE", "the answer is larger than 1 MiB or 1,000 rows")
}

/// How the client library says that there is no TLS with a server.
const NO_TLS: &str = "error performing TLS handshake";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_come_again_is_read_and_capped() {
        assert_eq!(seconds("retry_after=3"), Some(Duration::from_secs(3)));
        assert_eq!(
            seconds("busy; retry_after=99999999 s"),
            Some(Duration::from_secs(3_600))
        );
        for none in ["", "retry_after=", "retry_after=soon", "retry_after=-1"] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }
}
