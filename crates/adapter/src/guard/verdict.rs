//! What the end of a call says of the source.

use std::time::Duration;

use exchange::SourceState;

use super::{Cut, PANICKED};
use crate::maintenance::MAINTENANCE;
use crate::{Blame, Miss, Progress};

/// What the end of a call says of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answers: also that it has nobody, several, or nothing to tell.
    Answered,
    /// It refuses the question, and is well. How long that takes says nothing of answers.
    Refused,
    /// It failed.
    Failed {
        /// When it says that it can be asked again.
        retry_after: Option<Duration>,
        /// Whether it kept its caller waiting until the end.
        hung: Hung,
    },
    /// It failed, as far as its caller waited: for longer than answers take, while it answered nobody.
    Silent,
    /// Nothing: the gateway cut it short, did not ask, or erred itself.
    Nothing {
        /// Whether it kept its caller waiting until the end.
        hung: Hung,
    },
}

impl Verdict {
    /// True if the source is well.
    pub(super) const fn is_well(self) -> bool {
        matches!(self, Self::Answered | Self::Refused)
    }

    /// True if it is not.
    pub(super) const fn is_failure(self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Silent)
    }
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
        SourceState::Unavailable if miss.blame == Blame::Question => Verdict::Refused,
        SourceState::Skipped => Verdict::Nothing { hung: Hung::No },
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

/// What the same end says of the address that was asked: a server that says what the agency as a whole
/// does, such as that an account is not let in or its limit reached, is well itself.
pub(super) fn of_address<T>(result: &Result<T, Miss>, verdict: Verdict) -> Verdict {
    let Err(miss) = result else { return verdict };
    let refused = miss.state == SourceState::Unavailable
        && !is_elsewhere_better(miss)
        && miss.reason != RESET;
    let of_all = refused || miss.state == SourceState::RateLimited;
    if of_all && matches!(verdict, Verdict::Failed { .. }) {
        Verdict::Refused
    } else {
        verdict
    }
}

/// True for a failure of the server that was asked, of which nothing can have been used: another
/// one may well answer.
pub(super) fn is_elsewhere_better(miss: &Miss) -> bool {
    let whole = [
        MAINTENANCE,
        "SERVER_ERROR",
        "UPSTREAM_TLS",
        "ADDRESS_REFUSED",
    ];
    let fails = miss.state == SourceState::Unavailable
        && (miss.progress < Progress::Answering || whole.contains(&miss.reason));
    // A connection that does not open in its time.
    let is_unreached = miss.state == SourceState::Timeout && miss.progress == Progress::Unsent;
    fails || is_unreached
}

/// The reason of an answer that broke off.
const RESET: &str = "RESET";
