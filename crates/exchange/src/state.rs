//! What happened to the question at one source.

/// The state of one source in an answer. Failure is never [`SourceState::NotFound`].
///
/// The discriminant is the number of the state in the public contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SourceState {
    /// The source answered about this subject.
    Ok = 1,
    /// The source said that it knows no such person.
    NotFound = 2,
    /// The source knows several; none is returned.
    Ambiguous = 3,
    /// Policy lets this caller see nothing of this source; it was not asked.
    Withheld = 4,
    /// No answer within the time there was.
    Timeout = 5,
    /// Refused, reset, or an error of the source itself.
    Unavailable = 6,
    /// Not asked: the circuit breaker is open.
    CircuitOpen = 7,
    /// The source's own limit was reached.
    RateLimited = 8,
    /// Garbage, another person, the wrong type, too large.
    InvalidAnswer = 9,
    /// Not asked: the deadline was nearly spent, or a dependency is missing.
    Skipped = 10,
}

impl SourceState {
    /// The name in records, metrics and spans, as the contract spells it without its prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::NotFound => "NOT_FOUND",
            Self::Ambiguous => "AMBIGUOUS",
            Self::Withheld => "WITHHELD",
            Self::Timeout => "TIMEOUT",
            Self::Unavailable => "UNAVAILABLE",
            Self::CircuitOpen => "CIRCUIT_OPEN",
            Self::RateLimited => "RATE_LIMITED",
            Self::InvalidAnswer => "INVALID_ANSWER",
            Self::Skipped => "SKIPPED",
        }
    }

    /// True if the source gave an answer: a record, or that it has none or several.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        matches!(self, Self::Ok | Self::NotFound | Self::Ambiguous)
    }

    /// True if the source was to be asked and gave no answer.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !self.is_answer() && !matches!(self, Self::Withheld)
    }
}
