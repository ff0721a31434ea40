//! How often what an officer claimed about one person did not match: after five times in an hour, if nothing else is set,
//! the person is closed to them, so that a datum is not found out by trying.
//!
//! A caller that names no officer counts as one. Not here: what matches (crate `gate`).
//!
//! *Invariant:* a lock is opened by time alone, and never by a claim that matches.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use exchange::{Caller, Identifier, OfficerId};
use governor::clock::{Clock, Reference as _};

use super::settings::Thresholds;
use super::{Name, Names};

/// The mismatches of the last hour.
pub(crate) struct Mismatches<C: Clock> {
    names: Names,
    clock: C,
    start: C::Instant,
    limit: Limit,
    pairs: Mutex<HashMap<Name, Recent>>,
}

/// How many mismatches lock, and for how many seconds they count.
#[derive(Clone, Copy, Debug)]
struct Limit {
    most: usize,
    window: u32,
}

/// The times of the last mismatches of one officer about one person, the oldest first.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    seconds: [u32; Thresholds::MOST_MISMATCHES as usize],
    count: usize,
}

impl<C: Clock> Mismatches<C> {
    /// Nobody has missed yet.
    pub(crate) fn new(clock: C, thresholds: &Thresholds) -> Self {
        Self {
            limit: Limit {
                most: thresholds.mismatches.into(),
                window: thresholds.mismatch_window_s.get(),
            },
            names: Names::default(),
            start: clock.now(),
            clock,
            pairs: Mutex::default(),
        }
    }

    /// Notes one more.
    pub(crate) fn note(&self, caller: &Caller, officer: Option<&OfficerId>, about: &Identifier) {
        let (name, now) = (self.pair(caller, officer, about), self.now());
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if pairs.len() >= MOST_PAIRS && !pairs.contains_key(&name) {
            make_room(&mut pairs, now, self.limit);
        }
        pairs.entry(name).or_default().note(now, self.limit);
    }

    /// For how long the person is still closed to the officer; none if they are not.
    pub(crate) fn locked_for(
        &self,
        caller: &Caller,
        officer: Option<&OfficerId>,
        about: &Identifier,
    ) -> Option<Duration> {
        let pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = *pairs.get(&self.pair(caller, officer, about))?;
        drop(pairs);
        recent.locked_for(self.now(), self.limit)
    }

    fn pair(&self, caller: &Caller, officer: Option<&OfficerId>, about: &Identifier) -> Name {
        // An officer is known to the agency; without one, the system stands for whoever sits at it.
        let system = officer.map_or(Some(caller.system()), |_| None);
        self.names.of((caller.agency(), system, officer, about))
    }

    /// Whole seconds since the start; enough of them for 136 years.
    fn now(&self) -> u32 {
        let passed: Duration = self.clock.now().duration_since(self.start).into();
        u32::try_from(passed.as_secs()).unwrap_or(u32::MAX)
    }
}

impl Recent {
    fn note(&mut self, now: u32, limit: Limit) {
        if self.count >= limit.most {
            self.seconds.rotate_left(1);
        } else {
            self.count += 1;
        }
        if let Some(last) = self.seconds.get_mut(self.count - 1) {
            *last = now;
        }
    }

    /// The lock ends when the oldest of them counts no more.
    fn locked_for(&self, now: u32, limit: Limit) -> Option<Duration> {
        let [oldest, ..] = self.seconds;
        let end = oldest.saturating_add(limit.window);
        let is_locked = self.count >= limit.most && now < end;
        is_locked.then(|| Duration::from_secs(u64::from(end - now)))
    }

    fn is_over(&self, now: u32, limit: Limit) -> bool {
        let last = self.seconds.get(self.count.saturating_sub(1));
        last.is_none_or(|last| last.saturating_add(limit.window) <= now)
    }
}

/// Forgets what is over; if nothing is, some that missed the least: whoever floods the table with
/// single guesses loses those first.
fn make_room(pairs: &mut HashMap<Name, Recent>, now: u32, limit: Limit) {
    pairs.retain(|_, recent| !recent.is_over(now, limit));
    for fewest in 1..=limit.most {
        if pairs.len() < MOST_PAIRS {
            return;
        }
        let mut some = MOST_PAIRS / 16;
        pairs.retain(|_, recent| {
            let goes = recent.count <= fewest && some > 0;
            some -= usize::from(goes);
            !goes
        });
    }
}

impl<C: Clock> std::fmt::Debug for Mismatches<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mismatches(…)")
    }
}

/// Pairs of officer and person that are remembered: 64 bytes each, 4 MiB in all.
const MOST_PAIRS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::tests::fixture::{caller, desk};

    struct Scene(FakeRelativeClock, Mismatches<FakeRelativeClock>);

    impl Scene {
        fn new() -> Self {
            let clock = FakeRelativeClock::default();
            Self(clock.clone(), Mismatches::new(clock, &Thresholds::DEFAULT))
        }

        fn miss(&self, officer: &str, person: u32) {
            let officer = OfficerId::parse(officer).unwrap();
            self.1.note(&desk(), Some(&officer), &citizen(person));
        }

        fn locked(&self, officer: &str, person: u32) -> Option<u64> {
            let officer = OfficerId::parse(officer).unwrap();
            let left = self.1.locked_for(&desk(), Some(&officer), &citizen(person));
            left.map(|left| left.as_secs())
        }

        fn pass(&self, seconds: u64) {
            self.0.advance(Duration::from_secs(seconds));
        }
    }

    fn citizen(serial: u32) -> Identifier {
        let number = format!("999099{serial:06}");
        Identifier::parse(exchange::IdentifierKind::Personal, &number, 2026).unwrap()
    }

    #[test]
    fn five_mismatches_in_an_hour_lock_until_the_oldest_is_an_hour_old() {
        let scene = Scene::new();
        for _ in 0..4 {
            scene.miss("CB-1", 1);
            scene.pass(60);
        }
        assert_eq!(scene.locked("CB-1", 1), None);
        scene.miss("CB-1", 1);
        assert_eq!(scene.locked("CB-1", 1), Some(3_600 - 240));
        scene.pass(3_600 - 240 - 1);
        assert_eq!(scene.locked("CB-1", 1), Some(1));
        scene.pass(1);
        assert_eq!(scene.locked("CB-1", 1), None);
        // The other four still count.
        scene.miss("CB-1", 1);
        assert_eq!(scene.locked("CB-1", 1), Some(60));
    }

    #[test]
    fn a_lock_is_of_one_officer_about_one_person() {
        let scene = Scene::new();
        for _ in 0..5 {
            scene.miss("CB-1", 1);
        }
        assert!(scene.locked("CB-1", 1).is_some());
        assert_eq!(
            (scene.locked("CB-2", 1), scene.locked("CB-1", 2)),
            (None, None)
        );
        let other = scene
            .1
            .locked_for(&caller("G12", "desk"), None, &citizen(1));
        assert_eq!(other, None);
    }

    #[test]
    fn a_caller_without_officers_counts_as_one() {
        let scene = Scene::new();
        for _ in 0..5 {
            scene.1.note(&desk(), None, &citizen(1));
        }
        assert!(scene.1.locked_for(&desk(), None, &citizen(1)).is_some());
        let other = scene
            .1
            .locked_for(&caller("H55", "archive"), None, &citizen(1));
        assert_eq!(other, None);
    }

    #[test]
    fn a_flood_of_single_guesses_neither_grows_the_table_nor_opens_a_lock() {
        let scene = Scene::new();
        for _ in 0..5 {
            scene.miss("CB-1", 1);
        }
        for guess in 0..3 * MOST_PAIRS {
            scene.miss(&format!("CB-x{guess}"), 2);
        }
        assert!(scene.1.pairs.lock().unwrap().len() <= MOST_PAIRS);
        assert!(scene.locked("CB-1", 1).is_some());
    }
}
