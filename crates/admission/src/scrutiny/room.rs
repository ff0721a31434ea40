//! Everybody who is watched, and who is held back.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use exchange::{Caller, Identifier, OfficerId};
use governor::clock::{Clock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use jiff::Timestamp;

use super::budgets::Budgets;
use super::level::{Found, Level, Step, Suspension, SuspensionId, Suspicion};
use super::settings::Thresholds;
use super::stored::Stored;
use super::watch::{Mark, Marks, Measure, Watch};
use super::{ByName, Name, Names};

/// Watches how everybody asks.
pub(crate) struct Scrutiny<C: Clock> {
    names: Names,
    clock: C,
    start: C::Instant,
    thresholds: Thresholds,
    watches: Mutex<ByName<Watch>>,
    budgets: Budgets,
    held: RwLock<ByName<Held<C>>>,
    /// How many are held back: none, nearly always, and then nothing is looked up.
    held_count: AtomicUsize,
    /// Whom the store has suspended, here or elsewhere.
    pub(super) stored: Stored,
}

/// Somebody who is held back.
enum Held<C: Clock> {
    Slow {
        until: u32,
        pace: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    },
    Suspended(Suspension),
}

/// Why a question is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeldBack {
    /// Somebody who asks is suspended.
    Suspended,
    /// The second has had its question.
    SteppedDown {
        /// When the next one may come.
        retry_after: Duration,
        /// In what time there is one.
        each: Duration,
    },
}

/// Who asks about whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) officer: Option<&'a OfficerId>,
    pub(crate) about: &'a Identifier,
}

impl<C: Clock + Clone> Scrutiny<C> {
    /// Nobody has asked yet.
    pub(crate) fn new(clock: C, thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            budgets: Budgets::default(),
            names: Names::default(),
            start: clock.now(),
            clock,
            watches: Mutex::default(),
            held: RwLock::default(),
            held_count: AtomicUsize::new(0),
            stored: Stored::default(),
        }
    }

    /// Lets a question through, unless somebody who asks it is held back.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn pass(&self, question: Question<'_>) -> Result<(), HeldBack> {
        if self.is_suspended_by_others(question) {
            return Err(HeldBack::Suspended);
        }
        if self.held_count.load(Relaxed) == 0 {
            return Ok(());
        }
        let now = self.now();
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let all = self.levels(question).into_iter().flatten();
        for held in all.filter_map(|(_, name)| held.get(&name)) {
            match held {
                Held::Suspended(_) => return Err(HeldBack::Suspended),
                Held::Slow { until, pace } if now < *until => {
                    pace.check().map_err(|until| HeldBack::SteppedDown {
                        retry_after: until.wait_time_from(self.clock.now()),
                        each: self.each(),
                    })?;
                }
                Held::Slow { .. } => {}
            }
        }
        Ok(())
    }

    /// Takes note of an answer; what follows from it, if something new does.
    pub(crate) fn note(
        &self,
        question: Question<'_>,
        found: Found,
        wall: Timestamp,
    ) -> Option<Suspicion> {
        let (now, marks) = (self.now(), self.marks(question.about));
        let levels = self.levels(question);
        let all = levels.into_iter().flatten();
        let over = self.budgets.note(all, marks.own, wall, &self.thresholds);
        let (mut suspect, mut is_new, mut is_widened) = (None, false, false);
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        if watches.len() + Level::ALL.len() > MOST {
            make_room(&mut watches, now, self.thresholds.window_s.get());
        }
        for (level, name) in levels.into_iter().flatten() {
            let watch = watches.entry(name).or_default();
            if is_new {
                watch.forgive();
            }
            if suspect.is_some() && watch.forgives() {
                watch.pass_over(now, marks, &self.thresholds);
                continue;
            }
            let was_found = watch.is_found();
            let measure = match level {
                Level::Officer => Measure::Count,
                Level::System | Level::Prefix | Level::Agency => Measure::Share,
            };
            let step = watch.note(
                now,
                marks,
                found == Found::Nobody,
                measure,
                &self.thresholds,
            );
            match (suspect, step) {
                (None, Some(step)) => {
                    suspect = Some((level, name, step));
                    is_new = !was_found;
                }
                // Too many narrower ones were found.
                (Some((_, _, Step::Suspended)), Some(Step::Suspended)) if !is_widened => {
                    suspect = Some((level, name, Step::Suspended));
                    is_widened = true;
                }
                _ => {}
            }
        }
        drop(watches);
        // A suspension for either is harder than a step-down for the other.
        let is_over = |it: &(Level, Name, Step)| it.2 == Step::Suspended;
        let (level, name, step) = match suspect {
            Some(found) if found.2 == Step::Suspended => found,
            found => over.filter(is_over).or(found).or(over)?,
        };
        self.hold(question, level, name, step, wall)
    }

    /// Takes note of whom was asked about, where it must not matter whether there is such a person.
    pub(crate) fn note_citizen(
        &self,
        question: Question<'_>,
        wall: Timestamp,
    ) -> Option<Suspicion> {
        let about = self.marks(question.about).own;
        let all = self.levels(question).into_iter().flatten();
        let over = self.budgets.note(all, about, wall, &self.thresholds);
        let (level, name, step) = over?;
        self.hold(question, level, name, step, wall)
    }

    /// Holds somebody back; none if they are already.
    fn hold(
        &self,
        question: Question<'_>,
        level: Level,
        name: Name,
        step: Step,
        wall: Timestamp,
    ) -> Option<Suspicion> {
        let (now, id) = (self.now(), self.id(question, level, name));
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST && !held.contains_key(&name) {
            return None; // of so many, the agencies are among them
        }
        let is_new = match (held.get_mut(&name), step) {
            (Some(Held::Suspended(_)), _) => return None,
            (Some(Held::Slow { until, .. }), Step::SteppedDown) => {
                let was_over = *until <= now;
                *until = now.saturating_add(self.thresholds.window_s.get());
                was_over
            }
            (None, Step::SteppedDown) => {
                held.retain(|_, it| !matches!(it, Held::Slow { until, .. } if *until <= now));
                let until = now.saturating_add(self.thresholds.window_s.get());
                let quota = Quota::with_period(self.each())?;
                let pace = RateLimiter::direct_with_clock(quota, self.clock.clone());
                held.insert(name, Held::Slow { until, pace });
                true
            }
            (_, Step::Suspended) => {
                let suspension = Suspension {
                    id,
                    level,
                    agency: question.caller.agency().clone(),
                    system: question.caller.system().clone(),
                    // As precise as a store keeps it.
                    since: Timestamp::from_millisecond(wall.as_millisecond()).unwrap_or(wall),
                };
                held.insert(name, Held::Suspended(suspension));
                true
            }
        };
        self.held_count.store(held.len(), Relaxed);
        is_new.then_some(Suspicion { level, step, id })
    }

    /// Everybody who is suspended, the earliest first.
    pub(crate) fn suspensions(&self) -> Vec<Suspension> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let all = held.values().filter_map(|held| match held {
            Held::Suspended(suspension) => Some(suspension.clone()),
            Held::Slow { .. } => None,
        });
        let mut all: Vec<Suspension> = all.collect();
        let is_other = |it: &Suspension| all.iter().all(|own| own.id != it.id);
        let stored = self.stored.all();
        let others: Vec<_> = stored.into_iter().filter(is_other).collect();
        all.extend(others);
        all.sort_by_key(|suspension| suspension.since);
        all
    }

    /// Whom this node has suspended, and the store does not know of.
    pub(crate) fn suspensions_here(&self) -> Vec<Suspension> {
        let all = self.suspensions().into_iter();
        all.filter(|it| !self.stored.has(it.id)).collect()
    }

    /// Heeds whom the store has suspended: whoever is not any more is let go. Returns those who are
    /// new to this node.
    pub(crate) fn heed(&self, stored: Vec<Suspension>) -> Vec<Suspension> {
        let here = self.suspensions_here();
        let (mut new, gone) = self.stored.replace(stored);
        for id in gone {
            self.lift_here(id);
        }
        new.retain(|it| here.iter().all(|own| own.id != it.id));
        new
    }

    /// Lets somebody ask again, with nothing counted against them; none if there is none.
    pub(crate) fn lift(&self, id: SuspensionId) -> Option<Suspension> {
        let here = self.lift_here(id);
        self.stored.remove(id).or(here)
    }

    fn lift_here(&self, id: SuspensionId) -> Option<Suspension> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let is_it = |held: &Held<C>| matches!(held, Held::Suspended(it) if it.id == id);
        let name = *held.iter().find(|(_, held)| is_it(held))?.0;
        let lifted = held.remove(&name);
        self.held_count.store(held.len(), Relaxed);
        drop(held);
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        watches.remove(&name);
        self.budgets.forget(name);
        match lifted {
            Some(Held::Suspended(suspension)) => Some(suspension),
            _ => None,
        }
    }

    /// Who asks, the narrowest level first.
    fn levels(&self, question: Question<'_>) -> [Option<(Level, Name)>; Level::ALL.len()] {
        let agency = question.caller.agency();
        let name = |(level, what)| (level, self.names.of((level, agency, what)));
        parts(question).map(|part| part.map(name))
    }

    /// What a suspension is called: the same on every node, if they share a key.
    fn id(&self, question: Question<'_>, level: Level, name: Name) -> SuspensionId {
        let part = parts(question).into_iter().flatten();
        let what = part.filter(|part| part.0 == level).map(|part| part.1);
        let agency = question.caller.agency();
        let mut ids = what.filter_map(|what| self.stored.id(level, agency, what));
        ids.next().unwrap_or(SuspensionId(name.0))
    }

    fn is_suspended_by_others(&self, question: Question<'_>) -> bool {
        let agency = question.caller.agency();
        !self.stored.is_empty()
            && parts(question).into_iter().flatten().any(|(level, what)| {
                let id = self.stored.id(level, agency, what);
                id.is_some_and(|id| self.stored.has(id))
            })
    }

    fn marks(&self, about: &Identifier) -> Marks {
        let number = about.reveal().parse().unwrap_or(u64::MAX - 1);
        let mark = |number: u64| Mark(self.names.of((about.kind(), number)).0 as u32);
        Marks {
            own: mark(number),
            neighbours: Some([mark(number.wrapping_sub(1)), mark(number.wrapping_add(1))]),
        }
    }

    /// In what time there is one question after a step-down.
    fn each(&self) -> Duration {
        Duration::from_millis(self.thresholds.step_down_ms.get().into())
    }

    fn now(&self) -> u32 {
        let passed: Duration = self.clock.now().duration_since(self.start).into();
        u32::try_from(passed.as_secs()).unwrap_or(u32::MAX)
    }
}

/// What tells those who ask apart within an agency, the narrowest level first.
fn parts(question: Question<'_>) -> [Option<(Level, &str)>; Level::ALL.len()] {
    let prefix = match question.about {
        Identifier::Personal(id) => id.reveal().get(..PREFIX_DIGITS),
        Identifier::Legacy(_) | Identifier::TaxCode(_) | Identifier::InsuranceCode(_) => None,
    };
    [
        question
            .officer
            .map(|officer| (Level::Officer, officer.reveal())),
        Some((Level::System, question.caller.system().as_str())),
        prefix.map(|prefix| (Level::Prefix, prefix)),
        Some((Level::Agency, "")),
    ]
}

/// Forgets who has not asked for long; if all have, some who missed nobody, and else some.
fn make_room(watches: &mut ByName<Watch>, now: u32, window: u32) {
    watches.retain(|_, watch| !watch.is_over(now, window));
    for only_calm in [true, false] {
        let mut some = (watches.len() + MOST / 16).saturating_sub(MOST);
        watches.retain(|_, watch| {
            let goes = some > 0 && (!only_calm || watch.is_calm());
            some -= usize::from(goes);
            !goes
        });
    }
}

impl<C: Clock> std::fmt::Debug for Scrutiny<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrutiny(…)")
    }
}

/// Who is watched at a time: 1 KiB each, 16 MiB in all.
const MOST: usize = 1 << 14;
/// Province, century and sex, year: what is left are the six digits that one would try.
const PREFIX_DIGITS: usize = 6;
