//! The world of synthetic citizens: a person from an id and a seed, with nothing stored.
//!
//! `being` is the place of a person and its number, `kin` ties places to families, `life` dates
//! them, `codes` and `household` number them; `facts` and the files of topics fill in the rest.

mod being;
mod civil;
mod codes;
mod draw;
mod facts;
mod health;
mod household;
mod kin;
mod life;
mod lists;
mod names;
mod papers;
mod permutation;
mod places;
mod social;
mod tax;
#[cfg(test)]
mod tests;
mod view;

use exchange::CitizenId;
use jiff::civil::Date;

use crate::Person;
use crate::person::IdStatus;
use being::{ORDINARY, PEOPLE};
use codes::NUMBERS;
use draw::{Draw, Topic};
use permutation::Permutation;

/// All synthetic citizens of one seed.
///
/// People as they are on 1 October 2026, whatever the clock says.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    serials: Permutation,
    reissued: Permutation,
    husbands: Permutation,
    wives: Permutation,
    sons: Permutation,
    daughters: Permutation,
    legacy: Permutation,
    taxes: Permutation,
    insurances: Permutation,
    households: Permutation,
}

impl World {
    /// The world of that seed: the same seed gives the same people.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let permutation = |size, name: u64| Permutation::new(size, mix(seed) ^ name);
        Self {
            seed,
            serials: permutation(ORDINARY, 1),
            reissued: permutation(PEOPLE, 2),
            husbands: permutation(PEOPLE, 3),
            wives: permutation(PEOPLE, 4),
            sons: permutation(PEOPLE, 5),
            daughters: permutation(PEOPLE, 6),
            legacy: permutation(2 * NUMBERS, 7),
            taxes: permutation(2 * NUMBERS, 8),
            insurances: permutation(NUMBERS, 9),
            households: permutation(NUMBERS, 10),
        }
    }

    /// The person of that number; none unless the prefix is 999 and the person is born. A number
    /// that was replaced gives its person, whose `personal_id` is the number in force.
    #[must_use]
    pub fn person(&self, id: &CitizenId) -> Option<Person> {
        let (being, status) = self.locate(id)?;
        Some(self.facts(&being)?.person(status))
    }

    /// What that number is today, without computing its person; none if it is nobody's.
    #[must_use]
    pub fn status(&self, id: &CitizenId) -> Option<IdStatus> {
        self.locate(id).map(|(_, status)| status)
    }

    /// The number in force of the person of that number; itself, unless it was replaced.
    #[must_use]
    pub fn current_id(&self, id: &CitizenId) -> Option<CitizenId> {
        self.id(&self.locate(id)?.0)
    }

    const fn draw(&self, topic: Topic, subject: u64) -> Draw {
        Draw::new(self.seed, topic, subject)
    }
}

/// Spreads the bits of a number (the finaliser of splitmix64): a bijection of 64 bits.
#[must_use]
pub(crate) const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The day on which the world stands still.
pub(crate) const REFERENCE: Date = jiff::civil::date(2026, 10, 1);
