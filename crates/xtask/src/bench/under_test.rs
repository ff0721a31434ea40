//! What is put under load, and with which questions.

use std::fmt;

/// A server under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// The yardstick.
    Passthrough,
    /// The gateway.
    Gateway,
}

/// Which sources are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sources {
    /// Tax alone.
    One,
    /// All five.
    Five,
}

impl Sources {
    /// As the load is told.
    pub(super) const fn argument(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Five => "five",
        }
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::One => "one source",
            Self::Five => "five sources",
        })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passthrough => "pass-through",
            Self::Gateway => "gateway",
        })
    }
}
