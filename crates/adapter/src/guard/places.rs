//! The addresses at which one source is asked: to which of them a call goes, and which are left
//! aside for a while.
//!
//! Of two that are drawn the one with fewer calls under way is asked, so that what is slow gets
//! less. One that fails so often in a row, or of whose calls too few succeed, is left aside, for
//! twice as long each time; then one call tries it. Not here: what a failure is (`verdict`); the
//! circuit of the source as a whole.
//!
//! *Invariants:* an address is never all there is and left aside; of one that is, one call at most is
//! under way to try it. With a single address nothing of this is looked at.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use exchange::Source;

use super::breaker::{Breaker, Change, Pass, Phase, Relief, Time};
use super::config::Config;
use super::dice::Dice;
use super::tally::Tally;
use super::verdict::Verdict;
use crate::Miss;
use crate::maintenance::{Announced, Learned, News, Standing, Topic, until};

/// Which of the addresses of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(usize);

impl Place {
    /// Its number, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// The addresses of a source.
#[derive(Debug)]
pub(super) struct Places {
    source: Source,
    all: Box<[Address]>,
    /// How many may be left aside at once.
    most: usize,
    dice: Dice,
}

/// One address.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) name: Box<str>,
    /// Open while it is left aside.
    pub(super) breaker: Breaker,
    pub(super) in_flight: AtomicU32,
    pub(super) calls: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) ejected: AtomicU64,
    learned: Learned,
}

/// Where a call is to go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    /// There, while that answers.
    pub(super) at: Option<Place>,
    /// Not there, if there is another.
    pub(super) but: Option<Place>,
}

/// Whether a call went to an address that is left aside while others are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aside {
    Yes,
    No,
}

impl Places {
    /// The addresses of these names.
    pub(super) fn new(source: Source, names: Vec<String>, config: &Config) -> Self {
        let rule = config.ejection();
        let address = |name: String| Address {
            name: name.into(),
            breaker: Breaker::new(&rule, Relief::Others),
            in_flight: AtomicU32::new(0),
            calls: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            ejected: AtomicU64::new(0),
            learned: Learned::looked_at_every(config.max_open_ms),
        };
        let all: Box<[Address]> = names.into_iter().map(address).collect();
        let share = all.len() * usize::from(config.max_ejected_percent) / 100;
        Self {
            source,
            most: share.max(1).min(all.len().saturating_sub(1)),
            all,
            dice: Dice::new(0),
        }
    }

    /// Every address.
    pub(super) fn all(&self) -> &[Address] {
        &self.all
    }

    /// Where the next call goes; or that all are under maintenance.
    pub(super) fn choose(
        &self,
        wish: Wish,
        announced: &Announced,
        now_ms: u64,
    ) -> Result<(Place, Option<Visit<'_>>), Miss> {
        if let [only] = &*self.all {
            if only.learned.is_quiet() {
                return Ok((Place(0), None));
            }
            let wall_ms = announced.now().as_millisecond();
            let passed = only.learned.pass(wall_ms);
            passed.map_err(|end| until(end, wall_ms))?;
            return Ok((Place(0), None));
        }
        let wall_ms = self.wall_ms(announced);
        let mut open = self.open(None, wall_ms);
        let wished = wish.at.filter(|at| open.any(|(place, _)| place == *at));
        if let Some(place) = wished {
            return Ok((place, Some(self.visit(place, now_ms))));
        }
        let place = match self.due(wish.but, now_ms, wall_ms) {
            Some(due) => return Ok((due.place, Some(due))),
            None => self
                .draw(wish.but, wall_ms)
                .or_else(|| self.last_resort(wall_ms)),
        };
        let place = place.ok_or_else(|| until(self.earliest(wall_ms), wall_ms))?;
        Ok((place, Some(self.visit(place, now_ms))))
    }

    /// Which address has that name.
    pub(super) fn named(&self, name: &str) -> Option<Place> {
        let place = self.all.iter().position(|it| &*it.name == name);
        place.map(Place)
    }

    /// True if there is another address to which a call can go.
    pub(super) fn has_other(&self, than: Place, announced: &Announced) -> bool {
        self.all.len() > 1 && {
            let wall_ms = self.wall_ms(announced);
            self.open(Some(than), wall_ms).next().is_some()
        }
    }

    /// Learns of maintenance from how a question ended at an address.
    pub(super) fn learn<T>(
        &self,
        at: Place,
        ended: &Result<T, Miss>,
        topic: Topic<'_>,
        announced: &Announced,
    ) {
        let Some(address) = self.all.get(at.0) else {
            return;
        };
        let (source, endpoint) = (self.source, &*address.name);
        match address.learned.learn(ended, topic, announced) {
            None => {}
            Some(News::Begun(end)) => {
                tracing::warn!(%source, endpoint, %end, "Maintenance: a source says so, and is not asked until then");
            }
            Some(News::Over) => {
                tracing::warn!(%source, endpoint, "Maintenance: a source answers again");
            }
        }
    }

    /// Until when all addresses are under maintenance by their own word, in milliseconds of Unix time.
    pub(super) fn closed_until(&self, now_ms: i64) -> Option<i64> {
        let mut ends = self.all.iter().map(|it| it.learned.end(now_ms));
        ends.try_fold(i64::MAX, |least, end| Some(least.min(end?)))
    }

    /// Milliseconds of Unix time; 0 while no address has said anything of maintenance.
    fn wall_ms(&self, announced: &Announced) -> i64 {
        if self.all.iter().all(|it| it.learned.is_quiet()) {
            return 0;
        }
        announced.now().as_millisecond()
    }

    /// Begins to try an address whose time aside, or whose maintenance, is over.
    fn due(&self, but: Option<Place>, now_ms: u64, wall_ms: i64) -> Option<Visit<'_>> {
        self.others(but).find_map(|(place, it)| {
            let standing = it.learned.standing(wall_ms);
            let is_due = match it.breaker.state().phase {
                _ if standing == Standing::Closed => false,
                Phase::Open => it.breaker.state().at_ms <= now_ms,
                Phase::Closed => standing == Standing::Due,
                Phase::Probing => false,
            };
            let pass = is_due
                .then(|| it.breaker.admit(now_ms, Time::Enough).ok())
                .flatten()?;
            let visit = Visit::new(self, place, Some(pass));
            // Dropped, it lets the next one try.
            it.learned.pass(wall_ms).is_ok().then_some(visit)
        })
    }

    /// Draws two of the addresses that answer; the one that is asked less.
    fn draw(&self, but: Option<Place>, wall_ms: i64) -> Option<Place> {
        let count = self.open(but, wall_ms).count() as u64;
        let dice = self.dice.roll();
        let first = dice.checked_rem(count)?;
        // One of the others.
        let step = (dice >> 32).checked_rem(count - 1).map_or(0, |it| it + 1);
        let second = (first + step) % count;
        let drawn = |number| self.open(but, wall_ms).nth(usize::try_from(number).ok()?);
        // Between the two looks one may have been left aside.
        let (first, second) = (drawn(first)?, drawn(second).or_else(|| drawn(0))?);
        let under_way = |it: &Address| it.in_flight.load(Relaxed);
        let less = under_way(second.1) < under_way(first.1);
        Some(if less { second.0 } else { first.0 })
    }

    /// If no address answers, any that does not say that it is under maintenance.
    fn last_resort(&self, wall_ms: i64) -> Option<Place> {
        let all = self.others(None);
        let asked = all.filter(|(_, it)| it.learned.standing(wall_ms) == Standing::Open);
        let least = asked.min_by_key(|(_, it)| {
            // What was not left aside before what was.
            (it.is_aside(), it.in_flight.load(Relaxed))
        });
        least.map(|(place, _)| place)
    }

    /// When the first of them may be asked again.
    fn earliest(&self, now_ms: i64) -> i64 {
        let ends = self.all.iter();
        let ends = ends.map(|it| it.learned.end(now_ms).unwrap_or(now_ms));
        ends.min().unwrap_or(now_ms)
    }

    /// The addresses that answer.
    fn open(&self, but: Option<Place>, wall_ms: i64) -> impl Iterator<Item = (Place, &Address)> {
        let others = self.others(but);
        others
            .filter(move |(_, it)| !it.is_aside() && it.learned.standing(wall_ms) == Standing::Open)
    }

    fn others(&self, but: Option<Place>) -> impl Iterator<Item = (Place, &Address)> {
        let all = self.all.iter().enumerate();
        let all = all.map(|(number, it)| (Place(number), it));
        all.filter(move |(place, _)| Some(*place) != but)
    }

    fn visit(&self, place: Place, now_ms: u64) -> Visit<'_> {
        let address = self.all.get(place.0);
        Visit::new(
            self,
            place,
            address.and_then(|it| it.breaker.admit(now_ms, Time::Enough).ok()),
        )
    }

    /// How many are left aside.
    fn aside(&self) -> usize {
        self.all.iter().filter(|it| it.is_aside()).count()
    }
}

impl Address {
    fn is_aside(&self) -> bool {
        self.breaker.state().phase != Phase::Closed
    }
}

/// A call to one of several addresses.
#[derive(Debug)]
pub(super) struct Visit<'g> {
    places: &'g Places,
    place: Place,
    /// None once it is settled, or if nothing is to be learnt from it.
    pass: Option<Pass>,
}

impl<'g> Visit<'g> {
    fn new(places: &'g Places, place: Place, pass: Option<Pass>) -> Self {
        let visit = Self {
            places,
            place,
            pass,
        };
        if let Some(it) = visit.address() {
            it.in_flight.fetch_add(1, Relaxed);
        }
        visit
    }

    fn address(&self) -> Option<&'g Address> {
        self.places.all.get(self.place.0)
    }

    /// Ends the call with what it says of the address.
    pub(super) fn settle(mut self, verdict: Verdict, now_ms: u64) -> Aside {
        let Some(address) = self.address() else {
            return Aside::No;
        };
        let failed = verdict.is_failure();
        Tally::add(&address.calls);
        if failed {
            Tally::add(&address.failed);
        }
        if let Some(pass) = self.pass.take() {
            // Those that are left must bear the calls of all.
            let last = pass.phase() == Phase::Closed && self.places.aside() >= self.places.most;
            let change = match failed && last {
                true => None,
                false => address.breaker.settle(pass, verdict, now_ms),
            };
            if let Some(change) = change {
                self.places.changed(address, change);
            }
        }
        if address.is_aside() && self.places.aside() < self.places.all.len() {
            Aside::Yes
        } else {
            Aside::No
        }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        let Some(address) = self.address() else {
            return;
        };
        address.in_flight.fetch_sub(1, Relaxed);
        if let Some(pass) = self.pass.take() {
            // The next one may try at once.
            address.breaker.cancel(pass, 0);
        }
    }
}

impl Places {
    /// Says once that an address is left aside or asked again, and counts it.
    fn changed(&self, address: &Address, change: Change) {
        let (source, endpoint) = (self.source, &*address.name);
        match change {
            Change::Opened(why, wait) => {
                Tally::add(&address.ejected);
                let next_probe_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                let why = why.text();
                tracing::warn!(%source, endpoint, why, next_probe_ms, "an endpoint of a source is left aside");
            }
            Change::Closed => {
                tracing::warn!(%source, endpoint, "an endpoint of a source answers again");
            }
        }
    }
}
