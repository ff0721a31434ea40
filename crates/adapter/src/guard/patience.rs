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

    /// Who has ended the wait for a call that is over at that time.
    #[must_use]
    pub fn ended_by(self, now: Instant) -> Cut {
        // What gives up before, such as a connection that does not open, had the time it takes.
        if now + MARGIN < self.deadline {
            Cut::Source
        } else {
            self.cut
        }
    }
}

/// Timers fire a little late, and an adapter may watch the same deadline.
const MARGIN: Duration = Duration::from_millis(5);
