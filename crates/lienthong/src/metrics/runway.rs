//! How many days of disk are left, at the pace at which it filled since yesterday.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Where the free space began, not longer ago than two days.
#[derive(Debug, Default)]
pub(super) struct Runway(Mutex<Option<Mark>>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    free: u64,
    /// What follows it when it is too old.
    next: Option<(Instant, u64)>,
}

impl Runway {
    /// The days until nothing is free; none while too little is known, or nothing fills.
    pub(super) fn days(&self, now: Instant, free: u64) -> Option<u64> {
        let mut mark = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = mark.get_or_insert(Mark {
            at: now,
            free,
            next: None,
        });
        if now.saturating_duration_since(begin.at) >= DAY {
            let (at, was_free) = *begin.next.get_or_insert((now, free));
            if now.saturating_duration_since(at) >= DAY {
                *begin = Mark {
                    at,
                    free: was_free,
                    next: Some((now, free)),
                };
            }
        }
        let filled = begin.free.checked_sub(free).filter(|filled| *filled > 0)?;
        let seconds = now.saturating_duration_since(begin.at).as_secs();
        if seconds < LEAST.as_secs() {
            return None;
        }
        // Free bytes over bytes a day, in 128 bits: 2⁶⁴ bytes and a day's seconds do not overflow.
        let days = u128::from(free) * u128::from(seconds)
            / (u128::from(filled) * u128::from(DAY.as_secs()));
        Some(u64::try_from(days).unwrap_or(u64::MAX))
    }
}

const DAY: Duration = Duration::from_secs(86_400);
/// Less time says nothing of a pace.
const LEAST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_since_yesterday_tells_how_long_the_disk_lasts() {
        let (runway, begin) = (Runway::default(), Instant::now());
        let hours = |hours: u64| begin + Duration::from_secs(hours * 3_600);
        assert_eq!(runway.days(begin, 1_000), None);
        assert_eq!(runway.days(hours(1), 1_000), None, "nothing fills");
        assert_eq!(runway.days(hours(12), 900), Some(4));
        assert_eq!(runway.days(hours(24), 800), Some(4));
        // What was filled the day before does not count any more on the third day.
        assert_eq!(runway.days(hours(49), 790), Some(82));
        assert_eq!(runway.days(hours(60), 780), Some(58));
        assert_eq!(runway.days(hours(61), 900), None, "something was removed");
    }
}
