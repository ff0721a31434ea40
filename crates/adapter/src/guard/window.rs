//! How many calls have failed lately: ten buckets of equal length.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many buckets.
const BUCKETS: usize = 10;

/// The calls of the last ten buckets. Each is one word: the number of its tick, failures, calls.
#[derive(Debug, Default)]
pub(super) struct Window {
    buckets: [AtomicU64; BUCKETS],
}

/// Calls, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) calls: u64,
    pub(super) failures: u64,
}

impl Window {
    /// Counts a call in the bucket of this tick.
    pub(super) fn count(&self, tick: u64, failed: bool) {
        let Some(bucket) = self.buckets.get(place(tick)) else {
            return;
        };
        let add = |word: u64| {
            let (held, share) = read(word);
            let share = if held == tick & TICK {
                share
            } else {
                Share::default()
            };
            // A full bucket keeps its share of failures.
            let share = if share.calls < COUNT {
                share
            } else {
                Share {
                    calls: share.calls / 2,
                    failures: share.failures / 2,
                }
            };
            Some(write(
                tick,
                share.calls + 1,
                share.failures + u64::from(failed),
            ))
        };
        // It always has a next word.
        bucket.fetch_update(Relaxed, Relaxed, add).ok();
    }

    /// The calls of the ten ticks that end with this one.
    pub(super) fn share(&self, tick: u64) -> Share {
        let mut sum = Share::default();
        for bucket in &self.buckets {
            let (held, share) = read(bucket.load(Relaxed));
            if (tick & TICK).wrapping_sub(held) & TICK < BUCKETS as u64 {
                sum.calls += share.calls;
                sum.failures += share.failures;
            }
        }
        sum
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for bucket in &self.buckets {
            bucket.store(0, Relaxed);
        }
    }

    /// How many buckets make a window.
    pub(super) const fn buckets() -> u64 {
        BUCKETS as u64
    }
}

const fn place(tick: u64) -> usize {
    (tick % BUCKETS as u64) as usize
}

const fn write(tick: u64, calls: u64, failures: u64) -> u64 {
    (tick & TICK) << 40 | failures << 20 | calls
}

const fn read(word: u64) -> (u64, Share) {
    let share = Share {
        calls: word & COUNT,
        failures: (word >> 20) & COUNT,
    };
    (word >> 40, share)
}

/// A million calls in a bucket of three seconds.
const COUNT: u64 = (1 << 20) - 1;
/// Of three seconds each, more than a year.
const TICK: u64 = (1 << 24) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn share(calls: u64, failures: u64) -> Share {
        Share { calls, failures }
    }

    #[test]
    fn what_is_ten_ticks_old_no_longer_counts() {
        let window = Window::default();
        window.count(5, true);
        window.count(6, false);
        assert_eq!(window.share(6), share(2, 1));
        assert_eq!(window.share(14), share(2, 1));
        assert_eq!(window.share(15), share(1, 0));
        assert_eq!(window.share(16), share(0, 0));
    }

    #[test]
    fn a_bucket_that_comes_round_again_begins_at_nothing() {
        let window = Window::default();
        window.count(3, true);
        window.count(13, false);
        assert_eq!(window.share(13), share(1, 0));
    }

    #[test]
    fn a_full_bucket_keeps_its_share_of_failures() {
        let window = Window::default();
        window.buckets[1].store(write(1, COUNT, COUNT / 4), Relaxed);
        window.count(1, true);
        let kept = window.share(1);
        assert_eq!(kept.calls, COUNT / 2 + 1);
        assert_eq!(kept.failures, COUNT / 8 + 1);
    }

    #[test]
    fn nothing_is_left_of_what_is_cleared() {
        let window = Window::default();
        window.count(1, true);
        window.clear();
        assert_eq!(window.share(1), Share::default());
    }
}
