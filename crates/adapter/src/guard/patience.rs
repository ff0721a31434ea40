//! How long a question waits for a source.

use std::time::Duration;

use tokio::time::Instant;

/// Who ends the wait for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The cap of the source: it had all the time that it may take.
    Source,
    /// The caller, who has less.
    Caller,
}

/// Until when a question waits for a source, and who says so.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When an answer is too late.
    pub deadline: Instant,
    /// Who says so.
    pub cut: Cut,
}

impl Patience {
    pub(super) fn new(cap: Duration, latest: Instant) -> Self {
        let capped = Instant::now() + cap;
        if capped <= latest {
            Self {
                deadline: capped,
                cut: Cut::Source,
            }
        } else {
            Self {
                deadline: latest,
                cut: Cut::Caller,
            }
        }
    }
}
