//! Why a witness has not cosigned. Not here: what is an alarm (`ask`).

use std::time::Duration;

use crate::Error;
use crate::verify::FetchError;

/// Why a witness has not cosigned; it is asked again.
#[derive(Debug, thiserror::Error)]
pub enum NotCosigned {
    /// No answer came.
    #[error("it cannot be reached")]
    Unreachable(#[source] FetchError),
    /// No answer came in time.
    #[error("it does not answer within {0:?}")]
    Slow(Duration),
    /// It refuses the request: a log or a key that it does not know.
    #[error("it refuses with {0}")]
    Refused(u16),
    /// It is in trouble.
    #[error("it fails with {0}")]
    Failing(u16),
    /// It knows another size than it was asked from, and does not say which.
    #[error("it does not say which size it knows")]
    Conflict,
    /// It does not take a proof from nothing.
    #[error("it does not take the proof")]
    Inconsistent,
    /// It answers with something else than a cosignature.
    #[error("its answer {0}")]
    Unusable(&'static str),
    /// The proof that it asks for cannot be made.
    #[error("the proof for it cannot be made")]
    Unproved(#[source] Error),
}

impl NotCosigned {
    /// The name of every kind, in the order of [`NotCosigned::kind`].
    pub const KINDS: [&'static str; 8] = [
        "unreachable",
        "slow",
        "refused",
        "failing",
        "conflict",
        "inconsistent",
        "unusable",
        "unproved",
    ];

    /// The place of its kind among all.
    #[must_use]
    pub const fn kind(&self) -> usize {
        match self {
            Self::Unreachable(_) => 0,
            Self::Slow(_) => 1,
            Self::Refused(_) => 2,
            Self::Failing(_) => 3,
            Self::Conflict => 4,
            Self::Inconsistent => 5,
            Self::Unusable(_) => 6,
            Self::Unproved(_) => 7,
        }
    }
}
