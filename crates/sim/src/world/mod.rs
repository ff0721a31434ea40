//! The world of synthetic citizens: a person from an id and a seed, with nothing stored.

use exchange::{CitizenId, Source};

use crate::Person;

/// All synthetic citizens of one seed. Cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct World {
    seed: u64,
}

impl World {
    /// The world of that seed: the same seed gives the same people.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The person of that number; none unless the prefix is 999 and the person is born. A number
    /// that was replaced gives its person, whose `personal_id` is the number in force.
    #[must_use]
    pub fn person(&self, id: &CitizenId) -> Option<Person> {
        let _ = (self.seed, id);
        None
    }

    /// The person as that agency holds them, known discrepancies included; none if the agency
    /// does not know them.
    #[must_use]
    pub fn view(&self, id: &CitizenId, agency: Source) -> Option<Person> {
        let _ = agency;
        self.person(id)
    }

    /// The people whom that nine-digit number (CMND) names: none, one or two.
    #[must_use]
    pub fn by_legacy(&self, number: &str) -> Vec<CitizenId> {
        let _ = number;
        Vec::new()
    }

    /// The person of that ten-digit tax code.
    #[must_use]
    pub fn by_tax_code(&self, code: &str) -> Option<CitizenId> {
        let _ = code;
        None
    }

    /// The person of that ten-digit insurance code.
    #[must_use]
    pub fn by_insurance_code(&self, code: &str) -> Option<CitizenId> {
        let _ = code;
        None
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
