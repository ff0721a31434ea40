//! About how many different citizens an officer, a system and an agency ask in an hour and in a day.
//!
//! Hours and days are those of the clock in `Asia/Ho_Chi_Minh`, as people count them. Whether the
//! citizens exist does not matter. Not here: what follows (`room.rs`).
//!
//! *Invariant:* of so many at most, 2 KiB each; of who asks and about whom only keyed hashes.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::level::{Level, Step};
use super::settings::{Citizens, Thresholds};
use super::sketch::Sketch;
use super::watch::Mark;
use super::{ByName, Name};

/// What was asked for in this hour and on this day.
#[derive(Debug, Default)]
pub(super) struct Budgets(Mutex<ByName<Spent>>);

/// What one of them has asked for.
#[derive(Debug, Default)]
struct Spent {
    hour: Block,
    day: Block,
}

/// The citizens of one hour or day.
#[derive(Debug, Default)]
struct Block {
    number: i64,
    citizens: Sketch,
}

impl Budgets {
    /// Notes about whom was asked; what follows for the narrowest who asks about too many, and what is
    /// milder hides nothing that is harder.
    pub(super) fn note(
        &self,
        all: impl IntoIterator<Item = (Level, Name)>,
        about: Mark,
        wall: Timestamp,
        thresholds: &Thresholds,
    ) -> Option<(Level, Name, Step)> {
        let local = wall.as_second() + VIETNAM_S;
        let (hour, day) = (local.div_euclid(HOUR_S), local.div_euclid(DAY_S));
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() + Level::ALL.len() > MOST {
            make_room(&mut spent, day);
        }
        let mut found = None;
        for (level, name) in all {
            let Some(budget) = budget(level, thresholds) else {
                continue;
            };
            let own = spent.entry(name).or_default();
            let hour = own.hour.note(hour, about, budget.per_hour.get());
            let day = own.day.note(day, about, budget.per_day.get());
            // Of the two the harder.
            let step = match (hour, day) {
                (Some(Step::Suspended), _) | (_, Some(Step::Suspended)) => Some(Step::Suspended),
                (hour, day) => hour.or(day),
            };
            let is_suspended = |it: &(_, _, Step)| it.2 == Step::Suspended;
            found = match step {
                Some(Step::Suspended) if !found.as_ref().is_some_and(is_suspended) => {
                    Some((level, name, Step::Suspended))
                }
                step => found.or(step.map(|step| (level, name, step))),
            };
        }
        found
    }

    /// Forgets what somebody has asked for.
    pub(super) fn forget(&self, name: Name) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spent.remove(&name);
    }
}

impl Block {
    fn note(&mut self, number: i64, about: Mark, most: u32) -> Option<Step> {
        if self.number != number {
            *self = Self {
                number,
                citizens: Sketch::default(),
            };
        }
        self.citizens.add(about);
        match self.citizens.count() {
            count if count > most.saturating_mul(2) => Some(Step::Suspended),
            count if count > most => Some(Step::SteppedDown),
            _ => None,
        }
    }
}

/// The budget of a level; a prefix is no one who asks.
const fn budget(level: Level, thresholds: &Thresholds) -> Option<Citizens> {
    match level {
        Level::Officer => Some(thresholds.officer),
        Level::System => Some(thresholds.system),
        Level::Agency => Some(thresholds.agency),
        Level::Prefix => None,
    }
}

/// Forgets who has not asked today; if all have, some who asked about the fewest.
fn make_room(spent: &mut ByName<Spent>, today: i64) {
    spent.retain(|_, own| own.day.number == today);
    let mut fewest = 1;
    while spent.len() + MOST / 16 > MOST {
        let mut some = spent.len() + MOST / 16 - MOST;
        spent.retain(|_, own| {
            let goes = some > 0 && own.day.citizens.count() <= fewest;
            some -= usize::from(goes);
            !goes
        });
        fewest = fewest.saturating_mul(4);
    }
}

/// Who is counted at a time: 2 KiB each, 32 MiB in all.
const MOST: usize = 1 << 14;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// UTC+7, without daylight saving since 1975.
const VIETNAM_S: i64 = 7 * HOUR_S;

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(budgets: &Budgets, who: u64, about: u32) {
        let all = [(Level::Officer, Name(who))];
        let at = Timestamp::UNIX_EPOCH;
        budgets.note(all, Mark(about), at, &Thresholds::DEFAULT);
    }

    #[test]
    fn made_up_officers_neither_grow_the_table_nor_hide_one_who_asks_about_many() {
        let budgets = Budgets::default();
        for about in 0..150 {
            noted(&budgets, u64::MAX, about);
        }
        for who in 0..3 * MOST as u64 {
            noted(&budgets, who, 1);
        }
        let spent = budgets.0.lock().unwrap();
        assert!(spent.len() <= MOST);
        assert_eq!(spent[&Name(u64::MAX)].day.citizens.count(), 150);
    }
}
