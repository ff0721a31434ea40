//! What the end of a call says of the source.

use std::time::Duration;

use exchange::SourceState;

use super::{Cut, PANICKED};
use crate::Miss;

/// What the end of a call says of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answers: also that it has nobody, several, or nothing to tell.
    Answered,
    /// It failed.
    Failed {
        /// When it says that it can be asked again.
        retry_after: Option<Duration>,
        /// Whether it kept its caller waiting until the end.
        hung: Hung,
    },
    /// Nothing: the gateway cut it short, did not ask, or erred itself.
    Nothing {
        /// Whether it kept its caller waiting until the end.
        hung: Hung,
    },
}

/// Whether a call waited to the end of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hung {
    Yes,
    No,
}

/// Judges the end of a call.
pub(super) fn of<T>(result: &Result<T, Miss>, cut: Cut) -> Verdict {
    let Err(miss) = result else {
        return Verdict::Answered;
    };
    match miss.state {
        SourceState::Ok
        | SourceState::NotFound
        | SourceState::Ambiguous
        | SourceState::Withheld => Verdict::Answered,
        SourceState::Skipped => Verdict::Nothing { hung: Hung::No },
        // It is known to be closed, and was not asked.
        SourceState::Unavailable if miss.reason == MAINTENANCE && miss.attempts == 0 => {
            Verdict::Nothing { hung: Hung::No }
        }
        SourceState::InvalidAnswer if miss.reason == PANICKED => {
            Verdict::Nothing { hung: Hung::No }
        }
        SourceState::Timeout if cut == Cut::Caller => Verdict::Nothing { hung: Hung::Yes },
        SourceState::Timeout => Verdict::Failed {
            retry_after: miss.retry_after,
            hung: Hung::Yes,
        },
        SourceState::Unavailable
        | SourceState::CircuitOpen
        | SourceState::RateLimited
        | SourceState::InvalidAnswer => Verdict::Failed {
            retry_after: miss.retry_after,
            hung: Hung::No,
        },
    }
}

/// The reason of a source that is under maintenance.
const MAINTENANCE: &str = "MAINTENANCE";
