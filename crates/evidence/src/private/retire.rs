//! The end of intake keys: each is renewed now and then, and destroyed when nothing waits under it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The older intake keys on their way out.
#[derive(Debug)]
pub(super) struct Retiring {
    /// When the key that is in force is to be followed by another.
    renew: Instant,
    /// How many records there were when it came into force.
    used: u64,
    /// What the end of older keys waits for, oldest first.
    waits: VecDeque<(u64, Wait)>,
}

/// What the end of keys waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// A time: whoever has sealed under one of them has put it into the queue by then.
    Until(Instant),
    /// That so many bytes that ever entered the queue are filed.
    Filed(u64),
}

impl Retiring {
    /// A start has made the key in force: the older ones are those of the run before.
    pub(super) fn after_start(now: Instant, current: u64) -> Self {
        let mut retiring = Self {
            renew: now,
            used: 0,
            waits: VecDeque::new(),
        };
        retiring.renewed(now, current, 0);
        retiring
    }

    /// True if the key in force has been used for long enough.
    pub(super) fn is_due(&self, now: Instant, records: u64) -> bool {
        now >= self.renew && records > self.used
    }

    /// Says that a new key is in force.
    pub(super) fn renewed(&mut self, now: Instant, current: u64, records: u64) {
        (self.renew, self.used) = (now + RENEW, records);
        self.waits.push_back((current, Wait::Until(now + SETTLE)));
    }

    /// The number below which keys can be destroyed: `queued` bytes have entered the queue so far,
    /// and the first `filed` of them are filed.
    pub(super) fn done(&mut self, now: Instant, queued: u64, filed: u64) -> Option<u64> {
        for (_, wait) in &mut self.waits {
            if matches!(wait, Wait::Until(time) if now >= *time) {
                *wait = Wait::Filed(queued);
            }
        }
        let is_done = |wait: Wait| matches!(wait, Wait::Filed(bytes) if filed >= bytes);
        let front = self.waits.front().copied();
        front
            .filter(|(_, wait)| is_done(*wait))
            .map(|(below, _)| below)
    }

    /// Says that the keys that were done are destroyed.
    pub(super) fn destroyed(&mut self) {
        self.waits.pop_front();
    }
}

/// How long openings are sealed under one intake key: so long a copy of the machine's files would
/// open what was erased meanwhile.
const RENEW: Duration = Duration::from_secs(600);
/// Sealing and queueing is one step of an exchange: microseconds, unless the machine stands still.
const SETTLE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_when_all_that_entered_the_queue_before_is_filed() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut retiring = Retiring::after_start(begin, 7);
        assert_eq!(retiring.done(at(9), 100, 100), None, "too early");
        // Renewed again before the first wait is over: both waits go on.
        retiring.renewed(at(9), 8, 50);
        assert_eq!(retiring.done(at(10), 200, 150), None, "a stalled disk");
        assert_eq!(retiring.done(at(11), 900, 199), None);
        assert_eq!(retiring.done(at(12), 900, 200), Some(7));
        retiring.destroyed();
        assert_eq!(retiring.done(at(19), 1_000, 1_000), Some(8));
        retiring.destroyed();
        assert_eq!(retiring.done(at(99), 1_000, 1_000), None);
    }

    #[test]
    fn a_key_that_nobody_used_stays() {
        let begin = Instant::now();
        let retiring = Retiring::after_start(begin, 1);
        let later = begin + RENEW;
        assert!(!retiring.is_due(begin, 9) && !retiring.is_due(later, 0));
        assert!(retiring.is_due(later, 9));
    }
}
