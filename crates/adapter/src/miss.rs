//! Why a source gave no record.

use std::time::Duration;

use exchange::{Closed, SourceState};

/// Why a source gave no record: its state in the answer, and words for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} {reason}: {detail}", state.name())]
pub struct Miss {
    /// The state of the source in the answer.
    pub state: SourceState,
    /// Why, in stable `UPPER_SNAKE`; part of the answer.
    pub reason: &'static str,
    /// When to come again, if the source said so.
    pub retry_after: Option<Duration>,
    /// For the log; never leaves, and never holds what the source sent.
    pub detail: String,
    /// How many calls were made.
    pub attempts: u32,
    /// Why the person is closed, if they are; never leaves.
    pub closed: Option<Closed>,
    /// How far the last call got.
    pub progress: Progress,
    /// Whose fault it is.
    pub blame: Blame,
}

/// Whose fault a miss is, as far as the source says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// That of the source, or of the way to it.
    Source,
    /// That of the question: a source that is well refuses it, and answers others.
    Question,
}

/// How far a call got before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// It has not left: no connection, or the other side says it has not looked at it.
    Unsent,
    /// It may have left, and nothing of an answer has come.
    Sent,
    /// The answer has begun, or that is not known.
    Answering,
}

impl Miss {
    /// A miss of any state.
    pub fn new(state: SourceState, reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            state,
            reason,
            retry_after: None,
            detail: detail.into(),
            attempts: 1,
            closed: None,
            progress: Progress::Answering,
            blame: Blame::Source,
        }
    }

    /// The source knows no such person, and said so.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(SourceState::NotFound, "", "the source knows no such person")
    }

    /// The source knows several.
    #[must_use]
    pub fn ambiguous() -> Self {
        let detail = "the source knows several people";
        Self::new(SourceState::Ambiguous, "SEVERAL_RECORDS", detail)
    }

    /// The source is not asked: it does not serve that.
    #[must_use]
    pub fn not_served() -> Self {
        let detail = "the source does not serve that";
        Self::new(SourceState::Skipped, "NOT_SERVED", detail).after(0)
    }

    /// The person is closed. Why stays here: they look like one whom a source keeps closed.
    #[must_use]
    pub fn closed(why: Closed) -> Self {
        Self {
            closed: Some(why),
            ..Self::new(SourceState::Withheld, "", "the person is closed")
        }
    }

    /// No answer in time.
    pub fn timeout(detail: impl Into<String>) -> Self {
        Self::new(SourceState::Timeout, "", detail)
    }

    /// Refused, reset, or an error of the source itself.
    pub fn unavailable(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(SourceState::Unavailable, reason, detail)
    }

    /// A session that is over again and again.
    #[must_use]
    pub fn session_refused() -> Self {
        Self::unavailable(
            "SESSION_REFUSED",
            "the session is over, and a fresh one was as well",
        )
    }

    /// The source is well and refuses this question: for its officer, its procedure or its data.
    pub fn refused(reason: &'static str, detail: impl Into<String>) -> Self {
        Self {
            blame: Blame::Question,
            ..Self::unavailable(reason, detail)
        }
    }

    /// Garbage, the wrong type, too large.
    pub fn invalid(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::new(SourceState::InvalidAnswer, reason, detail)
    }

    /// An answer about another person.
    #[must_use]
    pub fn wrong_subject() -> Self {
        Self::invalid("WRONG_SUBJECT", "the answer is about another person")
    }

    /// True for an answer that belongs to another question.
    #[must_use]
    pub fn is_mixed_up(&self) -> bool {
        matches!(
            self.reason,
            "WRONG_SUBJECT" | "WRONG_REQUEST" | "OTHER_REQUEST"
        )
    }

    /// The source's own limit was reached.
    pub fn rate_limited(retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..Self::new(SourceState::RateLimited, "", "the source's own limit")
        }
    }

    /// The source is under maintenance.
    pub fn maintenance(retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..Self::unavailable("MAINTENANCE", "the source is under maintenance")
        }
    }

    /// The same miss of a call that got so far.
    #[must_use]
    pub fn at(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// The same miss after so many calls.
    #[must_use]
    pub fn after(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }
}
