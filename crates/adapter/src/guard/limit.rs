//! How many calls may be under way to a source at once: as many as are configured, and fewer when
//! it takes longer than usual.
//!
//! By the gradient of Netflix's concurrency limits: what is usual over what is recent, times the limit,
//! plus its square root. Nobody waits: who finds no place is told so at once. Not here: the
//! circuit.
//!
//! *Invariant:* never more calls are under way than the limit was when the last one entered.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::config::Config;
use super::typical::{OCTAVE, Recent, duration, level};

/// The limit of one source.
#[derive(Debug)]
pub(super) struct Limit {
    in_flight: AtomicU32,
    allowed: AtomicU32,
    recent: Recent,
    /// What is usual over minutes, as a level; 0 before the first look.
    usual: AtomicU32,
    /// Calls since the last look.
    calls: AtomicU32,
    /// When the next look is due.
    due_ms: AtomicU64,
    min: u32,
    max: u32,
}

impl Limit {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            in_flight: AtomicU32::new(0),
            allowed: AtomicU32::new(config.max_calls),
            recent: Recent::default(),
            usual: AtomicU32::new(0),
            calls: AtomicU32::new(0),
            due_ms: AtomicU64::new(0),
            min: config.min_calls.min(config.max_calls),
            max: config.max_calls,
        }
    }

    /// Takes a place; false if there is none.
    pub(super) fn enter(&self) -> bool {
        let allowed = self.allowed.load(Relaxed);
        let next = |taken: u32| (taken < allowed).then_some(taken + 1);
        self.in_flight.fetch_update(Relaxed, Relaxed, next).is_ok()
    }

    /// Gives a place back.
    pub(super) fn leave(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// Takes note of how long an answer took, and now and then sets the limit.
    pub(super) fn answered(&self, took: Duration, now_ms: u64) {
        self.recent.observe(took);
        self.look(now_ms);
    }

    /// Takes note that there was no answer after that time.
    pub(super) fn hung(&self, took: Duration, now_ms: u64) {
        self.recent.observe_more(took);
        self.look(now_ms);
    }

    /// Begins small again: the source was gone.
    pub(super) fn restart(&self) {
        self.allowed.store(self.min, Relaxed);
    }

    /// How many are under way.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// How many may be.
    pub(super) fn allowed(&self) -> u32 {
        self.allowed.load(Relaxed)
    }

    /// How many may be at most.
    pub(super) const fn max(&self) -> u32 {
        self.max
    }

    /// What is recent, and what is usual.
    pub(super) fn latency(&self) -> (Duration, Duration) {
        (self.recent.get(), duration(self.usual.load(Relaxed)))
    }

    fn look(&self, now_ms: u64) {
        let calls = self.calls.fetch_add(1, Relaxed) + 1;
        let due = self.due_ms.load(Relaxed);
        if calls < CALLS || now_ms < due {
            return;
        }
        let next = now_ms + EVERY_MS;
        // One call looks for all.
        let mine = self.due_ms.compare_exchange(due, next, Relaxed, Relaxed);
        if mine.is_ok() {
            self.calls.store(0, Relaxed);
            self.set();
        }
    }

    /// Sets the limit to what the latencies say.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between the least and the most, which are numbers of 32 bits"
    )]
    fn set(&self) {
        let recent = self.recent.level();
        let usual = self.follow(recent);
        // Whoever answers within the floor has room, however fast they were before.
        let bound = usual.max(level(FLOOR)) + TOLERANCE;
        let octaves = f64::from(recent.saturating_sub(bound)) / f64::from(OCTAVE);
        let gradient = (-octaves).exp2().max(LEAST_GRADIENT);
        let allowed = f64::from(self.allowed.load(Relaxed));
        let next = allowed.mul_add(gradient, allowed.sqrt());
        let next = next.clamp(f64::from(self.min), f64::from(self.max));
        self.allowed.store(next as u32, Relaxed);
    }

    /// What is usual: follows quickly when calls become faster, within minutes when slower.
    fn follow(&self, recent: u32) -> u32 {
        let usual = match self.usual.load(Relaxed) {
            0 => recent,
            usual if recent < usual => usual - (usual - recent).div_ceil(8),
            usual => usual + RISE.min(recent - usual),
        };
        self.usual.store(usual, Relaxed);
        usual
    }
}

/// The limit is looked at after that many calls,
const CALLS: u32 = 10;
/// and no more often than this.
const EVERY_MS: u64 = 100;
/// Twice as long as usual is no sign of overload.
const TOLERANCE: u32 = OCTAVE;
/// Nor is anything below twice this.
const FLOOR: Duration = Duration::from_millis(25);
/// At most half of the limit is taken away at once.
const LEAST_GRADIENT: f64 = 0.5;
/// A doubling in 51 s at ten looks a second: a source that stays ten times slower is as usual after
/// two minutes, since the first doubling is no sign.
const RISE: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(min: u32, max: u32) -> Limit {
        Limit::new(&Config {
            min_calls: min,
            max_calls: max,
            ..Config::default()
        })
    }

    /// Answers in turn from a time on, 10 ms apart; the time after them.
    fn answers(limit: &Limit, took_ms: u64, count: u64, from_ms: u64) -> u64 {
        for call in 0..count {
            limit.answered(Duration::from_millis(took_ms), from_ms + call * 10);
        }
        from_ms + count * 10
    }

    #[test]
    fn no_more_calls_enter_than_the_limit_and_each_that_leaves_makes_room() {
        let limit = limit(1, 2);
        assert!(limit.enter() && limit.enter() && !limit.enter());
        limit.leave();
        assert!(limit.enter() && !limit.enter());
    }

    #[test]
    fn a_source_ten_times_slower_is_asked_less_at_once_within_two_seconds() {
        let limit = limit(8, 256);
        let now = answers(&limit, 40, 200, 0);
        assert_eq!(limit.allowed(), 256);
        let now = answers(&limit, 400, 200, now);
        assert!(limit.allowed() <= 16, "{}", limit.allowed());
        answers(&limit, 40, 400, now);
        assert!(limit.allowed() >= 200, "{}", limit.allowed());
    }

    #[test]
    fn twice_as_slow_is_borne() {
        let limit = limit(8, 256);
        let now = answers(&limit, 100, 200, 0);
        answers(&limit, 180, 200, now);
        assert_eq!(limit.allowed(), 256);
    }

    #[test]
    fn a_fast_source_may_become_ten_times_slower_and_is_still_fast() {
        let limit = limit(8, 256);
        let now = answers(&limit, 2, 200, 0);
        answers(&limit, 20, 400, now);
        assert_eq!(limit.allowed(), 256);
    }

    #[test]
    fn what_stays_slow_becomes_usual_after_minutes() {
        let limit = limit(8, 256);
        let mut now = answers(&limit, 40, 200, 0);
        now = answers(&limit, 400, 1_000, now);
        assert_eq!(limit.allowed(), 8);
        answers(&limit, 400, 15_000, now);
        assert_eq!(limit.allowed(), 256);
    }

    #[test]
    fn a_restart_begins_at_the_least() {
        let limit = limit(8, 256);
        limit.restart();
        assert_eq!(limit.allowed(), 8);
        answers(&limit, 40, 40, 0);
        assert!((12..40).contains(&limit.allowed()), "{}", limit.allowed());
    }
}
