//! Who is whose parent, spouse and child.
//!
//! Ordinary people: permutations put every man and every woman into one couple each, and every
//! newborn into one of the eight cradles that four couples share; a keyed plan deals the cradles
//! out. Each step has an inverse, so that every relation computes from both of its ends.

pub(crate) mod persona;

use exchange::Sex;

use super::World;
use super::being::{Being, LAST_YEAR, Slot, sex_digit};
use super::draw::{Draw, Topic};

/// Two people who are, were or will be together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Couple {
    pub(crate) husband: Being,
    pub(crate) wife: Being,
    pub(crate) bond: Bond,
    /// The year of the wedding, or of moving together.
    pub(crate) from_year: i16,
}

/// What holds a couple together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// Marriage.
    Marriage,
    /// Living together without it; children are recognised.
    Cohabitation,
}

impl World {
    /// The couple that a person is one half of, whether or not it has come together yet; none
    /// for those who stay alone.
    pub(crate) fn couple(&self, being: &Being) -> Option<Couple> {
        let place = match being.slot {
            Slot::Persona { number, role } => return persona::couple(being, number, role),
            Slot::Ordinary(place) => place,
        };
        let number = match being.sex {
            Sex::Male => self.husbands.backward(place),
            Sex::Female => self.wives.backward(place),
        };
        let traits = self.couple_traits(number);
        let husband_year = match being.sex {
            Sex::Male => being.year,
            Sex::Female => being.year - traits.wife_younger_by,
        };
        let children = Plan::of(self, number / 4).children_of(number % 4).count();
        if children == 0 && traits.strangers {
            return None;
        }
        let bond = if children > 0 && traits.cohabit {
            Bond::Cohabitation
        } else {
            Bond::Marriage
        };
        Some(self.couple_at(number, husband_year, bond, &traits))
    }

    /// The parents; none where a persona's family tree ends.
    pub(crate) fn parents(&self, being: &Being) -> Option<Couple> {
        let place = match being.slot {
            Slot::Persona { number, role } => return persona::parents(being, number, role),
            Slot::Ordinary(place) => place,
        };
        let cradle = match being.sex {
            Sex::Male => self.sons.backward(place),
            Sex::Female => self.daughters.backward(place),
        };
        let plan = Plan::of(self, cradle / 4);
        let share = plan.share(2 * (cradle % 4) + sex_digit(being.sex))?;
        let number = cradle / 4 * 4 + share.couple;
        let traits = self.couple_traits(number);
        let bond = if traits.cohabit {
            Bond::Cohabitation
        } else {
            Bond::Marriage
        };
        let husband_year = being.year - traits.first_child_after - share.years_after_first;
        Some(self.couple_at(number, husband_year, bond, &traits))
    }

    /// The children who are born, oldest first.
    pub(crate) fn children(&self, being: &Being) -> Vec<Being> {
        if being.year > LAST_YEAR - YOUNGEST_PARENT {
            return Vec::new();
        }
        let mut children = match being.slot {
            Slot::Persona { number, role } => persona::children(being, number, role),
            Slot::Ordinary(place) => self.ordinary_children(being, place),
        };
        children.retain(|child| child.year <= LAST_YEAR);
        children.sort_unstable_by_key(|child| (child.year, sex_digit(child.sex)));
        children
    }

    fn ordinary_children(&self, being: &Being, place: u64) -> Vec<Being> {
        let number = match being.sex {
            Sex::Male => self.husbands.backward(place),
            Sex::Female => self.wives.backward(place),
        };
        let traits = self.couple_traits(number);
        let husband_year = match being.sex {
            Sex::Male => being.year,
            Sex::Female => being.year - traits.wife_younger_by,
        };
        let child = |(cradle, share): (u64, Share)| {
            let seat = number / 4 * 4 + cradle / 2;
            let (sex, place) = match cradle % 2 {
                0 => (Sex::Male, self.sons.forward(seat)),
                _ => (Sex::Female, self.daughters.forward(seat)),
            };
            Being {
                sex,
                year: husband_year + traits.first_child_after + share.years_after_first,
                slot: Slot::Ordinary(place),
            }
        };
        let plan = Plan::of(self, number / 4);
        plan.children_of(number % 4).map(child).collect()
    }

    fn couple_at(&self, number: u64, husband_year: i16, bond: Bond, traits: &Traits) -> Couple {
        let person = |sex, year, place| Being {
            sex,
            year,
            slot: Slot::Ordinary(place),
        };
        let wife_year = husband_year + traits.wife_younger_by;
        Couple {
            husband: person(Sex::Male, husband_year, self.husbands.forward(number)),
            wife: person(Sex::Female, wife_year, self.wives.forward(number)),
            bond,
            from_year: husband_year + traits.first_child_after - 1,
        }
    }

    fn couple_traits(&self, number: u64) -> Traits {
        let mut draw = Draw::new(self.seed, Topic::Couple, number);
        Traits {
            wife_younger_by: small(draw.within(-1, 5)),
            // With a wife five years younger she is 19 at the wedding.
            first_child_after: small(draw.within(25, 31)),
            strangers: draw.chance(500),
            cohabit: draw.chance(30),
        }
    }
}

/// What a couple is like, whatever the year.
struct Traits {
    wife_younger_by: i16,
    first_child_after: i16,
    strangers: bool,
    cohabit: bool,
}

/// How four couples share eight cradles: four for sons (even), four for daughters (odd).
struct Plan([Share; 8]);

/// Whose a cradle is, and when it is filled.
#[derive(Clone, Copy, Default)]
struct Share {
    couple: u64,
    years_after_first: i16,
}

impl Plan {
    fn of(world: &World, block: u64) -> Self {
        let mut draw = Draw::new(world.seed, Topic::Plan, block);
        let sizes = draw.pick(&FAMILY_SIZES);
        // One draw for the turn and for the years between births, one for the order.
        let (bits, mut order) = (draw.below(1 << 10), draw.place(ORDERS));
        let mut shares = [Share::default(); 8];
        let owners = sizes
            .into_iter()
            .zip(0..)
            .flat_map(|(size, couple)| (0..size).map(move |nth| (couple, nth)));
        for ((share, (couple, nth)), place) in shares.iter_mut().zip(owners).zip(2..) {
            share.couple = (couple + bits) % 4;
            let year_more = nth > 0 && bits >> place & 1 == 1;
            share.years_after_first = 3 * nth + i16::from(year_more);
        }
        for last in (1..8).rev() {
            let place = order % (last + 1);
            order /= last + 1;
            shares.swap(last, place);
        }
        Self(shares)
    }

    fn share(&self, cradle: u64) -> Option<Share> {
        self.0.get(usize::try_from(cradle).ok()?).copied()
    }

    fn children_of(&self, couple: u64) -> impl Iterator<Item = (u64, Share)> {
        let cradles = (0_u64..).zip(self.0);
        cradles.filter(move |(_, share)| share.couple == couple)
    }
}

fn small(number: i64) -> i16 {
    i16::try_from(number).unwrap_or_default()
}

/// Nobody marries or has children before that age.
pub(crate) const YOUNGEST_PARENT: i16 = 18;
/// The orders of eight things: 8!.
const ORDERS: usize = 40_320;
/// How eight children fall to four couples.
const FAMILY_SIZES: [[i16; 4]; 11] = [
    [2, 2, 2, 2],
    [2, 2, 2, 2],
    [2, 2, 2, 2],
    [3, 2, 2, 1],
    [3, 2, 2, 1],
    [3, 2, 2, 1],
    [3, 3, 1, 1],
    [3, 3, 2, 0],
    [4, 2, 2, 0],
    [4, 3, 1, 0],
    [5, 2, 1, 0],
];
