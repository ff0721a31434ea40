//! Watching the wall clock: when it is set, the log says so. Not here: who is told.
//!
//! The times of records never go back whatever the clock does; from outside, the cosignatures of
//! witnesses bound them.

use std::time::Duration;

use tokio::time::Instant;

/// What the wall clock said when the log began, or when it was set last.
#[derive(Debug, Default)]
pub(super) struct Watch(Option<(Instant, u64)>);

impl Watch {
    /// By how many milliseconds the wall clock was set since, if it was: it has then gone another
    /// way than the time that passed.
    pub(super) fn step(&mut self, now: Instant, wall_ms: u64) -> Option<i64> {
        let (then, was) = *self.0.get_or_insert((now, wall_ms));
        let passed = now.saturating_duration_since(then).as_millis();
        let expected = was.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        if wall_ms.abs_diff(expected) <= LEAST.as_millis() as u64 {
            return None;
        }
        self.0 = Some((now, wall_ms));
        let by = i128::from(wall_ms) - i128::from(expected);
        Some(i64::try_from(by).unwrap_or(i64::MAX))
    }
}

/// A leap second, or what a slow adjustment gathers in an hour, is less.
const LEAST: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_once() {
        let (mut watch, begin) = (Watch::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert_eq!(watch.step(begin, 1_000_000), None);
        assert_eq!(
            watch.step(at(10), 1_012_000),
            None,
            "two seconds may be a leap"
        );
        assert_eq!(watch.step(at(20), 1_023_000), Some(3_000));
        assert_eq!(watch.step(at(30), 1_033_000), None);
        assert_eq!(watch.step(at(40), 0), Some(-1_043_000));
        // A clock that stands is noticed when it has stood for more than two seconds.
        assert_eq!(watch.step(at(42), 0), None);
        assert_eq!(watch.step(at(43), 0), Some(-3_000));
    }
}
