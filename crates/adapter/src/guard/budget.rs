//! How often a source may be asked again: one retry for ten questions, and some each second.
//!
//! *Invariant:* over the life of the gateway, retries ≤ percent × questions + rate × seconds; over
//! any while, [`HELD_S`] seconds of the rate more, but at least one.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::config::Config;
use super::dice::Dice;

/// Retries are saved up for that long.
const HELD_S: i64 = 10;
/// The shortest pause before a retry.
const PAUSE: Duration = Duration::from_millis(25);
/// How much longer it may be.
const JITTER_US: u64 = 75_000;

/// The retries that a source has left, in thousandths.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicI64,
    /// Up to when the rate was paid in.
    paid_ms: AtomicU64,
    per_question: i64,
    per_second: i64,
    dice: Dice,
}

impl Budget {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            left: AtomicI64::new(0),
            paid_ms: AtomicU64::new(0),
            per_question: i64::from(config.retries_percent) * 10,
            per_second: i64::from(config.retries_per_second) * 1_000,
            dice: Dice::new(RandomState::new().hash_one(())),
        }
    }

    /// A question pays in.
    pub(super) fn deposit(&self) {
        self.left.fetch_add(self.per_question, Relaxed);
    }

    /// Takes a retry; false if none is left.
    pub(super) fn withdraw(&self, now_ms: u64) -> bool {
        let since = self.paid_ms.fetch_max(now_ms, Relaxed);
        let passed = i64::try_from(now_ms.saturating_sub(since)).unwrap_or(i64::MAX);
        let paid = passed.saturating_mul(self.per_second) / 1_000;
        let most = (self.per_second * HELD_S).max(ONE);
        let next = |left: i64| Some(left.saturating_add(paid).min(most));
        // It always has a next value.
        self.left.fetch_update(Relaxed, Relaxed, next).ok();
        let take = |left: i64| (left >= ONE).then_some(left - ONE);
        self.left.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    /// How long to wait before a retry: anything between 25 and 100 ms.
    pub(super) fn pause(&self) -> Duration {
        PAUSE + Duration::from_micros(self.dice.roll() % (JITTER_US + 1))
    }
}

/// One retry.
const ONE: i64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// How many retries can be taken at that time.
    fn taken(budget: &Budget, now_ms: u64) -> u32 {
        (0..1_000).map(|_| u32::from(budget.withdraw(now_ms))).sum()
    }

    #[test]
    fn ten_questions_pay_for_one_retry_and_a_second_for_three() {
        let budget = Budget::new(&Config::default());
        assert_eq!(taken(&budget, 0), 0);
        for _ in 0..100 {
            budget.deposit();
        }
        assert_eq!(taken(&budget, 0), 10);
        assert_eq!(taken(&budget, 1_000), 3);
        assert_eq!(taken(&budget, 1_300), 0);
        assert_eq!(taken(&budget, 2_000), 3, "nine tenths of a retry are kept");
    }

    #[test]
    fn what_nobody_took_is_saved_up_for_ten_seconds() {
        let budget = Budget::new(&Config::default());
        assert_eq!(taken(&budget, 3_600_000), 30);
    }

    #[test]
    fn the_pause_is_anything_between_25_and_100_ms() {
        let budget = Budget::new(&Config::default());
        let pauses: Vec<_> = (0..1_000).map(|_| budget.pause().as_millis()).collect();
        assert!(pauses.iter().all(|pause| (25..=100).contains(pause)));
        assert!(pauses.iter().any(|pause| *pause < 35));
        assert!(pauses.iter().any(|pause| *pause > 90));
    }

    #[test]
    fn without_a_budget_nothing_is_asked_again() {
        let none = Config {
            retries_percent: 0,
            retries_per_second: 0,
            ..Config::default()
        };
        let budget = Budget::new(&none);
        budget.deposit();
        assert_eq!(taken(&budget, 3_600_000), 0);
    }
}
