//! How many calls may be in progress, from how long what is due waits for its turn.
//!
//! Not from how long calls take: that is mostly their agencies' time, and one slow agency must not
//! close the door to questions for the others. Each source has a limit of its own.

use std::time::Duration;

/// The limit as it stands.
#[derive(Debug)]
pub(super) struct Limit {
    now: usize,
    least: usize,
    most: usize,
}

/// What was seen in an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    /// The calls in progress.
    pub(super) running: usize,
    /// True if some call found no room.
    pub(super) was_short: bool,
    /// How long the luckiest waited for its turn.
    pub(super) waited: Duration,
}

impl Limit {
    /// As many as the settings allow.
    pub(super) fn new(most: usize) -> Self {
        Self {
            now: most,
            least: LEAST.min(most),
            most,
        }
    }

    /// The limit for the next interval.
    ///
    /// While everything that is due waits, it falls below what is in progress, faster the longer it
    /// waits. Otherwise it rises: within four seconds from the least to the most.
    pub(super) fn next(&mut self, looked: &Looked) -> usize {
        let wanted = if looked.waited > TARGET {
            let percent = TARGET.as_micros() * 100 / looked.waited.as_micros();
            let percent = usize::try_from(percent).unwrap_or(0).clamp(50, 90);
            looked.running.min(self.now) * percent / 100
        } else if looked.waited * 2 > TARGET && looked.was_short {
            self.now // as much as there can be without a queue
        } else {
            self.now + (self.now / 10).max(1)
        };
        self.now = wanted.clamp(self.least, self.most);
        self.now
    }
}

/// How long a queue may stand: a fifth of what somebody at a desk notices.
const TARGET: Duration = Duration::from_millis(20);
/// What only computes takes a tenth of a millisecond: so many are no queue to speak of.
const LEAST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(running: usize, waited_ms: u64) -> Looked {
        Looked {
            running,
            was_short: true,
            waited: Duration::from_millis(waited_ms),
        }
    }

    #[test]
    fn a_standing_queue_takes_the_limit_down_and_its_end_brings_it_back_within_four_seconds() {
        let mut limit = Limit::new(4_000);
        let mut intervals = 0;
        let mut running = 4_000;
        while limit.next(&looked(running, 80)) > LEAST {
            running = limit.now;
            intervals += 1;
        }
        assert!(intervals <= 5, "{intervals} tenths of a second");
        intervals = 0;
        while limit.next(&looked(0, 1)) < 4_000 {
            intervals += 1;
        }
        assert!(intervals <= 40, "{intervals} tenths of a second");
    }

    #[test]
    fn what_was_never_used_is_no_room() {
        let mut limit = Limit::new(4_000);
        assert_eq!(limit.next(&looked(1_000, 25)), 800);
    }

    #[test]
    fn a_limit_that_keeps_the_queue_short_stays() {
        let mut limit = Limit::new(4_000);
        limit.next(&looked(1_000, 25));
        assert_eq!(limit.next(&looked(800, 15)), 800);
        let unused = Looked {
            was_short: false,
            ..looked(300, 15)
        };
        assert_eq!(limit.next(&unused), 880);
    }

    #[test]
    fn a_small_limit_is_kept_whatever_waits() {
        let mut limit = Limit::new(20);
        assert_eq!(limit.next(&looked(20, 500)), 20);
        assert_eq!(limit.next(&looked(0, 0)), 20);
    }
}
