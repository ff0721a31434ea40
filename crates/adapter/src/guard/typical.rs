//! How long calls usually take: an estimate of their median, one atomic word.
//!
//! Each call moves it by a fixed part of an octave towards itself. As many calls are above the median
//! as below, so that is where it stays.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// An estimate of a median that moves by `STEP` for each call, in parts of an octave.
#[derive(Debug, Default)]
pub(super) struct Median<const STEP: u32> {
    /// The logarithm of microseconds, in [`OCTAVE`]s; 0 before the first call.
    level: AtomicU32,
}

/// The median of many calls: a step is 1.1 %.
pub(super) type Typical = Median<{ OCTAVE / 64 }>;

/// Follows within some ten calls: a step is 9 %.
pub(super) type Recent = Median<{ OCTAVE / 8 }>;

impl<const STEP: u32> Median<STEP> {
    /// Takes note of a call.
    pub(super) fn observe(&self, took: Duration) {
        let took = level(took);
        self.change(|held| Self::towards(held, took));
    }

    /// Takes note of a call that took at least that long.
    pub(super) fn observe_more(&self, took: Duration) {
        let took = level(took);
        self.change(|held| Self::towards(held, took.max(held)));
    }

    /// Believes a little less that calls take that long.
    pub(super) fn relax(&self) {
        self.change(|held| if held > STEP { held - STEP } else { held });
    }

    /// The estimate; zero before the first call.
    pub(super) fn get(&self) -> Duration {
        duration(self.level())
    }

    /// The estimate as a level; 0 before the first call.
    pub(super) fn level(&self) -> u32 {
        self.level.load(Relaxed)
    }

    /// One step from a level to another, and never past it.
    const fn towards(held: u32, took: u32) -> u32 {
        if held == 0 || held.abs_diff(took) <= STEP {
            took
        } else if took > held {
            held + STEP
        } else {
            held - STEP
        }
    }

    /// Changes the level in one go, whoever else does.
    fn change(&self, next: impl Fn(u32) -> u32) {
        let next = |held| Some(next(held)).filter(|next| *next != held);
        // Nothing is written if nothing changes.
        self.level.fetch_update(Relaxed, Relaxed, next).ok();
    }
}

/// The level of a duration: at least 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the logarithm of a whole number of 64 bits is less than 64"
)]
pub(super) fn level(took: Duration) -> u32 {
    let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    ((us as f64).log2() * f64::from(OCTAVE)) as u32 + 1
}

/// The duration of a level.
pub(super) fn duration(level: u32) -> Duration {
    match level.min(HIGHEST).checked_sub(1) {
        None => Duration::ZERO,
        Some(level) => Duration::from_secs_f64((f64::from(level) / f64::from(OCTAVE)).exp2() / 1e6),
    }
}

/// A doubling.
pub(super) const OCTAVE: u32 = 1_024;

/// The level of 2^64 µs, the longest that is told from longer ones.
const HIGHEST: u32 = 64 * OCTAVE + 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// True within an eighth.
    fn about(found: Duration, expected: Duration) -> bool {
        let ratio = found.as_secs_f64() / expected.as_secs_f64();
        (0.875..1.125).contains(&ratio)
    }

    #[test]
    fn before_the_first_call_nothing_is_usual() {
        assert_eq!(Typical::default().get(), Duration::ZERO);
    }

    #[test]
    fn a_duration_is_read_back() {
        for ms in [1, 7, 100, 2_500] {
            let wanted = Duration::from_millis(ms);
            assert!(about(duration(level(wanted)), wanted), "{ms}");
        }
    }

    #[test]
    fn the_median_is_found_whatever_the_outliers() {
        let typical = Typical::default();
        for call in 0..2_000_u64 {
            // 40 % at 10 ms, 20 % at 20 ms, 40 % at 2 s, in turn.
            typical.observe(ms([10, 2_000, 20, 10, 2_000][call as usize % 5]));
        }
        assert!(about(typical.get(), ms(20)), "{:?}", typical.get());
    }

    #[test]
    fn what_is_recent_follows_a_tenfold_change_within_thirty_calls() {
        let recent = Recent::default();
        recent.observe(ms(20));
        for _ in 0..30 {
            recent.observe(ms(200));
        }
        assert!(about(recent.get(), ms(200)), "{:?}", recent.get());
    }

    #[test]
    fn a_lower_bound_never_lowers_the_estimate() {
        let recent = Recent::default();
        recent.observe(ms(200));
        recent.observe_more(ms(100));
        assert!(about(recent.get(), ms(200)));
        recent.observe_more(ms(400));
        assert!(recent.get() > ms(205));
    }

    #[test]
    fn no_level_is_too_long_for_a_duration() {
        assert_eq!(level(Duration::MAX), HIGHEST);
        assert_eq!(duration(u32::MAX), duration(HIGHEST));
    }

    #[test]
    fn what_many_callers_note_at_once_stays_between_the_shortest_and_the_longest() {
        let typical = Typical::default();
        let (short, long) = (Duration::from_nanos(1), Duration::from_micros(2));
        typical.observe(short);
        std::thread::scope(|threads| {
            for took in [short, long, short, long] {
                let typical = &typical;
                threads.spawn(move || {
                    for _ in 0..100_000 {
                        typical.observe(took);
                        typical.observe_more(took);
                        typical.relax();
                        let found = typical.level();
                        assert!((1..=level(long)).contains(&found), "{found}");
                    }
                });
            }
        });
    }

    #[test]
    fn disbelief_halves_it_within_sixty_four_questions() {
        let typical = Typical::default();
        typical.observe(ms(2_000));
        for _ in 0..64 {
            typical.relax();
        }
        assert!(about(typical.get(), ms(1_000)));
    }
}
