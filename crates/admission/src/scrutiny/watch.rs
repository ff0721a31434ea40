//! What is remembered of one officer, system, prefix or agency: ten minutes, if nothing else is set.
//!
//! *Invariant:* 0.9 KiB at most, whatever is asked; of citizens only 32 bits of a keyed hash.

use std::collections::VecDeque;

use super::level::Step;
use super::settings::Thresholds;

/// The last questions of somebody.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// When, and about whom nobody was found: each once, the oldest first.
    missed: VecDeque<(u32, Mark)>,
    /// About whom was asked in this block of ten minutes, and in the one before.
    asked: [Distinct; 2],
    block: u32,
    /// How many narrower ones were found.
    forgiven: u32,
    /// How it stood after the last question.
    stands: Option<Step>,
    recent: Recent,
    last: u32,
}

/// A citizen, and the two whose numbers are the next lower and higher.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub(super) own: Mark,
    pub(super) neighbours: Option<[Mark; 2]>,
}

/// Half of a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(pub(super) u32);

/// Whether misses count by themselves, or only if they are many among the questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// One person does not mistype fifty numbers in ten minutes.
    Count,
    /// Where many work, mistakes are many: a fifth of all is not by mistake.
    Share,
}

impl Watch {
    /// Notes a question, and what follows from it and those before.
    pub(super) fn note(
        &mut self,
        now: u32,
        marks: Marks,
        is_miss: bool,
        measure: Measure,
        thresholds: &Thresholds,
    ) -> Option<Step> {
        self.pass_over(now, marks, thresholds);
        self.recent.follow(marks);
        if is_miss && !self.missed.iter().any(|(_, mark)| *mark == marks.own) {
            self.missed.push_back((now, marks.own));
        }
        self.stands = self.verdict(measure, thresholds);
        self.stands
    }

    /// Notes only that a question was asked: somebody narrower answers for it.
    pub(super) fn pass_over(&mut self, now: u32, marks: Marks, thresholds: &Thresholds) {
        self.last = now;
        self.turn(now, thresholds.window_s.get());
        if let Some(asked) = self.asked.first_mut() {
            asked.add(marks.own);
        }
    }

    /// True if somebody is found here already.
    pub(super) const fn is_found(&self) -> bool {
        self.stands.is_some()
    }

    /// True if nothing was asked for as long as anything counts.
    pub(super) fn is_over(&self, now: u32, window: u32) -> bool {
        self.last.saturating_add(window) <= now
    }

    /// True if nobody was missed.
    pub(super) fn is_calm(&self) -> bool {
        self.missed.is_empty()
    }

    /// Forgets what somebody narrower did who was found now. [`Self::forgives`] tells whether.
    pub(super) fn forgive(&mut self) {
        self.forgiven = self.forgiven.saturating_add(1);
        if self.forgives() {
            self.missed.clear();
            self.recent = Recent::default();
        }
    }

    /// False if somebody narrower was found too often: whoever makes up one officer after the other
    /// is one.
    pub(super) const fn forgives(&self) -> bool {
        self.forgiven <= FORGIVEN
    }

    /// Lets go of what is too old to count.
    fn turn(&mut self, now: u32, window: u32) {
        while self
            .missed
            .front()
            .is_some_and(|(at, _)| at.saturating_add(window) <= now)
        {
            self.missed.pop_front();
        }
        let block = now / window;
        if block != self.block {
            self.asked.rotate_right(1);
            if let Some(asked) = self.asked.first_mut() {
                *asked = Distinct::default();
            }
            if let Some(before) = self.asked.last_mut().filter(|_| block != self.block + 1) {
                *before = Distinct::default();
            }
            self.block = block;
        }
    }

    fn is_many(&self, misses: usize, measure: Measure, share: f64) -> bool {
        measure == Measure::Count || {
            let asked: f64 = self.asked.iter().map(Distinct::estimate).sum();
            misses as f64 >= share * asked
        }
    }

    fn verdict(&mut self, measure: Measure, thresholds: &Thresholds) -> Option<Step> {
        let misses = self.missed.len();
        let most = usize::from(thresholds.misses);
        let share = f64::from(thresholds.share_percent) / 100.0;
        // Nearly nobody misses so many, and the estimate is dear.
        let is_watched = misses >= usize::from(thresholds.misses_step_down).min(most);
        let is_many = is_watched && self.is_many(misses, measure, share);
        if misses >= most && !is_many {
            // Counted on from here, or a large caller's set would never end.
            self.missed.clear();
            self.asked = Default::default();
            return None;
        }
        if misses >= most {
            Some(Step::Suspended)
        } else if self.recent.in_a_row() >= u32::from(thresholds.sequence) || is_many {
            Some(Step::SteppedDown)
        } else {
            None
        }
    }
}

/// About how many different citizens: the empty ones of 512 places tell (linear counting).
#[derive(Clone, Copy, Debug, Default)]
struct Distinct([u64; 8]);

impl Distinct {
    fn add(&mut self, mark: Mark) {
        let place = mark.0 as usize % PLACES;
        if let Some(word) = self.0.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
    }

    /// Within 5 % up to 1,000; 3,200 once all places are taken.
    fn estimate(&self) -> f64 {
        let taken: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        let empty = f64::from((PLACES as u32).saturating_sub(taken)).max(1.0);
        let places = PLACES as f64;
        places * (places / empty).ln()
    }
}

/// About whom was asked last, and of whom somebody with the next number was asked about before.
#[derive(Clone, Copy, Debug)]
struct Recent {
    marks: [Mark; RECENT],
    /// One bit for each mark.
    is_next: u64,
    /// How many marks there are, and where the next one goes: over the oldest.
    taken: usize,
    place: usize,
}

impl Recent {
    /// Sees whether somebody with the next number was asked about a moment ago.
    fn follow(&mut self, marks: Marks) {
        let neighbours = marks.neighbours.unwrap_or([marks.own; 2]);
        // All of them, without a branch: many are compared at a time.
        let seen = self.marks.get(..self.taken).unwrap_or_default().iter();
        let (is_known, is_next) = seen.fold((false, false), |(known, next), mark| {
            let is_neighbour = neighbours.map(|neighbour| *mark == neighbour);
            (
                known | (*mark == marks.own),
                next | is_neighbour[0] | is_neighbour[1],
            )
        });
        if is_known {
            return;
        }
        if let Some(place) = self.marks.get_mut(self.place) {
            *place = marks.own;
        }
        self.is_next &= !(1 << self.place);
        self.is_next |= u64::from(is_next) << self.place;
        self.place = (self.place + 1) % RECENT;
        self.taken = (self.taken + 1).min(RECENT);
    }

    /// How many followed somebody with the next number.
    const fn in_a_row(&self) -> u32 {
        self.is_next.count_ones()
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            marks: [Mark(0); RECENT],
            is_next: 0,
            taken: 0,
            place: 0,
        }
    }
}

/// Two officers may have been found before their system is.
const FORGIVEN: u32 = 2;
/// Among so many citizens a sequence is looked for: as many as a word has bits.
const RECENT: usize = u64::BITS as usize;
const PLACES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(mark: u32) -> Marks {
        // The finaliser of MurmurHash3: every bit depends on every other.
        let mixed = (mark ^ (mark >> 16)).wrapping_mul(0x85EB_CA6B);
        let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xC2B2_AE35);
        Marks {
            own: Mark(mixed ^ (mixed >> 16)),
            neighbours: None,
        }
    }

    fn in_a_row(number: u32) -> Marks {
        Marks {
            own: Mark(number),
            neighbours: Some([Mark(number - 1), Mark(number + 1)]),
        }
    }

    #[test]
    fn different_misses_within_ten_minutes_count_and_the_same_one_does_not() {
        let mut watch = Watch::default();
        let mut miss =
            |now, who| watch.note(now, apart(who), true, Measure::Count, &Thresholds::DEFAULT);
        for _ in 0..200 {
            assert_eq!(miss(0, 0), None);
        }
        for who in 1..24 {
            assert_eq!(miss(0, who), None);
        }
        assert_eq!(miss(0, 24), Some(Step::SteppedDown));
        for who in 25..49 {
            assert_eq!(miss(599, who), Some(Step::SteppedDown));
        }
        // The first 25 are ten minutes old.
        assert_eq!(miss(600, 49), Some(Step::SteppedDown));
        for who in 50..74 {
            miss(600, who);
        }
        assert_eq!(miss(600, 74), Some(Step::Suspended));
    }

    #[test]
    fn a_large_caller_with_few_misses_is_never_suspected() {
        let mut watch = Watch::default();
        for who in 1..20_000 {
            let step = watch.note(
                who / 100,
                apart(who),
                who % 10 == 0,
                Measure::Share,
                &Thresholds::DEFAULT,
            );
            assert_eq!(step, None, "{who}");
        }
    }

    #[test]
    fn a_large_caller_of_whose_questions_a_third_miss_is_suspected() {
        let mut watch = Watch::default();
        let steps = (1..200).filter_map(|who| {
            watch.note(
                0,
                apart(who),
                who % 3 == 0,
                Measure::Share,
                &Thresholds::DEFAULT,
            )
        });
        assert!(steps.collect::<Vec<_>>().contains(&Step::Suspended));
    }

    #[test]
    fn numbers_in_a_row_step_down_and_a_handful_does_not() {
        let mut watch = Watch::default();
        let mut ask = |number| {
            watch.note(
                0,
                in_a_row(number),
                false,
                Measure::Count,
                &Thresholds::DEFAULT,
            )
        };
        for number in 1..10_000 {
            // Every fifth has a sibling who was registered with them.
            let number = number * 10 + u32::from(number % 5 == 0);
            assert_eq!(ask(number), None);
            if number % 50 == 1 {
                assert_eq!(ask(number + 1), None);
            }
        }
        let mut watch = Watch::default();
        let mut ask = |number| {
            watch.note(
                0,
                in_a_row(number),
                false,
                Measure::Count,
                &Thresholds::DEFAULT,
            )
        };
        for number in 1..=40 {
            assert_eq!(ask(number), None);
        }
        assert_eq!(ask(41), Some(Step::SteppedDown));
    }

    #[test]
    fn the_sketch_is_near_what_it_counts() {
        let mut sketch = Distinct::default();
        for who in 0..1_000 {
            sketch.add(apart(who).own);
            sketch.add(apart(who).own);
        }
        let estimate = sketch.estimate();
        assert!((900.0..1_100.0).contains(&estimate), "{estimate}");
    }
}
