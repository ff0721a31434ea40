//! Where a person stands in the world, and how that place and the personal number become each
//! other: the one bijection under everything else.
//!
//! Ordinary serials are permuted. Most places belong to people; the last ones are old numbers,
//! each of which another permutation gives to somebody. Personas stand apart.

use exchange::{CitizenId, Sex};
use jiff::civil::Date;

use super::World;
use super::draw::{Draw, Topic};
use crate::Persona;
use crate::person::{IdStatus, PreviousId};

/// A person's place: with the seed, all that is needed to compute them.
///
/// Ancestors born before 1900 have a place too, but no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Being {
    pub(crate) sex: Sex,
    pub(crate) year: i16,
    pub(crate) slot: Slot,
}

/// The place of a person among those of the same sex and year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// One of [`PEOPLE`].
    Ordinary(u64),
    /// Persona `number`, or a relative of theirs.
    Persona { number: u64, role: Role },
}

/// Who somebody is around a persona.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Own,
    Father,
    Mother,
    /// The spouse; the guardian of persona 3.
    Partner,
    /// The child; the namesake of persona 5, who shares the old number.
    Child,
}

impl Being {
    /// A number of its own for every place, as the subject of draws.
    pub(crate) fn key(&self) -> u64 {
        let slot = match self.slot {
            Slot::Ordinary(place) => place,
            Slot::Persona { number, role } => (1 << 20) + number * 8 + role as u64,
        };
        (u64::from(self.year.unsigned_abs()) << 24) | (sex_digit(self.sex) << 23) | slot
    }

    /// The number of the persona whose own place this is.
    pub(crate) const fn persona(&self) -> Option<u64> {
        match self.slot {
            Slot::Persona {
                number,
                role: Role::Own,
            } => Some(number),
            Slot::Persona { .. } | Slot::Ordinary(_) => None,
        }
    }

    /// True if the person is born and has a number.
    pub(crate) fn is_numbered(&self) -> bool {
        (FIRST_YEAR..=LAST_YEAR).contains(&self.year)
    }

    /// The same place of the other sex.
    pub(crate) const fn other_sex(self) -> Sex {
        opposite(self.sex)
    }
}

impl World {
    /// Who has that number, and what the number is today.
    pub(crate) fn locate(&self, id: &CitizenId) -> Option<(Being, IdStatus)> {
        if !id.is_synthetic() {
            return None;
        }
        let (being, status) = match Persona::of(id) {
            Some(_) => persona_place(id),
            None => self.ordinary_place(id),
        };
        being.is_numbered().then_some((being, status))
    }

    /// The number in force; none for the unborn and for ancestors of before 1900.
    pub(crate) fn id(&self, being: &Being) -> Option<CitizenId> {
        number(being.sex, being.year, self.serial(being))
    }

    /// The last six digits of the number in force.
    pub(crate) fn serial(&self, being: &Being) -> u64 {
        match being.slot {
            Slot::Ordinary(place) => self.ordinary_serial(place),
            Slot::Persona { number, role } => persona_serial(number, role),
        }
    }

    /// Numbers that stood for this person before.
    pub(crate) fn previous_ids(&self, being: &Being, birth: Date) -> Vec<PreviousId> {
        let old = match being.slot {
            Slot::Persona { number: 4, .. } => number(being.sex, being.year, 4),
            Slot::Persona { .. } => None,
            Slot::Ordinary(place) => self.old_number(being, place),
        };
        let Some(personal_id) = old else {
            return Vec::new();
        };
        let mut draw = self.draw(Topic::Papers, being.key());
        let until = draw.day(birth.max(NUMBERS_BEGIN), super::REFERENCE);
        let status = self
            .locate(&personal_id)
            .map_or(IdStatus::Cancelled, |(_, status)| status);
        vec![PreviousId {
            personal_id,
            status,
            until,
        }]
    }

    fn ordinary_place(&self, id: &CitizenId) -> (Being, IdStatus) {
        let (sex, year) = (id.sex(), id.birth_year());
        let serial = u64::from(id.serial()) - PERSONAS;
        let place = self.serials.forward(serial);
        let Some(old) = place.checked_sub(PEOPLE) else {
            let slot = Slot::Ordinary(place);
            return (Being { sex, year, slot }, IdStatus::Current);
        };
        let change = self.change(old);
        let being = Being {
            sex: change.sex(sex),
            year: year + change.years,
            slot: Slot::Ordinary(self.reissued.forward(old)),
        };
        (being, change.status)
    }

    fn old_number(&self, being: &Being, place: u64) -> Option<CitizenId> {
        let old = self.reissued.backward(place);
        if old >= OLD_NUMBERS {
            return None;
        }
        let change = self.change(old);
        let (sex, year) = (change.sex(being.sex), being.year - change.years);
        number(sex, year, self.ordinary_serial(PEOPLE + old))
    }

    fn ordinary_serial(&self, place: u64) -> u64 {
        self.serials.backward(place) + PERSONAS
    }

    /// What was wrong with an old number (Decree 70/2024 Art. 11).
    fn change(&self, old: u64) -> Change {
        let mut draw = Draw::new(self.seed, Topic::Reissue, old);
        let (sex_differs, years) = match draw.below(10) {
            0 | 1 => (true, 0),
            2..5 => (false, if draw.chance(500) { 1 } else { -1 }),
            _ => (false, 0),
        };
        let status = if draw.chance(150) {
            IdStatus::Cancelled
        } else {
            IdStatus::Superseded
        };
        Change {
            sex_differs,
            years,
            status,
        }
    }
}

struct Change {
    sex_differs: bool,
    years: i16,
    status: IdStatus,
}

impl Change {
    const fn sex(&self, sex: Sex) -> Sex {
        if self.sex_differs { opposite(sex) } else { sex }
    }
}

fn persona_place(id: &CitizenId) -> (Being, IdStatus) {
    let serial = u64::from(id.serial());
    let (number, role) = match serial.checked_sub(OWN) {
        None => (serial, Role::Own),
        // The number in force of persona 4, who has no child, is that of a child's place.
        Some(19) => (4, Role::Own),
        Some(kin) => (
            kin / 4,
            KIN_ROLES
                .get((kin % 4) as usize)
                .copied()
                .unwrap_or(Role::Own),
        ),
    };
    let status = if serial == 4 {
        IdStatus::Superseded
    } else {
        IdStatus::Current
    };
    let slot = Slot::Persona { number, role };
    let (sex, year) = (id.sex(), id.birth_year());
    (Being { sex, year, slot }, status)
}

const fn persona_serial(number: u64, role: Role) -> u64 {
    match role {
        Role::Own if number == 4 => OWN + 4 * 4 + 3,
        Role::Own => number,
        Role::Father => OWN + 4 * number,
        Role::Mother => OWN + 4 * number + 1,
        Role::Partner => OWN + 4 * number + 2,
        Role::Child => OWN + 4 * number + 3,
    }
}

/// `999 C YY NNNNNN`; none outside the years that have numbers.
fn number(sex: Sex, year: i16, serial: u64) -> Option<CitizenId> {
    if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
        return None;
    }
    let since_1900 = u64::from((year - FIRST_YEAR).unsigned_abs());
    let century = 2 * (since_1900 / 100) + sex_digit(sex);
    let mut rest = ((999 * 10 + century) * 100 + since_1900 % 100) * 1_000_000 + serial;
    let mut digits = [b'0'; 12];
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        rest /= 10;
    }
    CitizenId::from_agency(std::str::from_utf8(&digits).ok()?)
}

/// 0 for male, 1 for female, as in the century digit.
pub(crate) const fn sex_digit(sex: Sex) -> u64 {
    match sex {
        Sex::Male => 0,
        Sex::Female => 1,
    }
}

const fn opposite(sex: Sex) -> Sex {
    match sex {
        Sex::Male => Sex::Female,
        Sex::Female => Sex::Male,
    }
}

/// The first year that a number can hold.
pub(crate) const FIRST_YEAR: i16 = 1900;
/// The year of the reference day: nobody is born later.
pub(crate) const LAST_YEAR: i16 = 2026;
/// Serials of personas and their relatives.
pub(crate) const PERSONAS: u64 = Persona::COUNT as u64;
/// Personas proper; four relatives each fill the serials up to [`PERSONAS`].
const OWN: u64 = 200;
/// Ordinary serials of one sex and year.
pub(crate) const ORDINARY: u64 = 1_000_000 - PERSONAS;
/// Ordinary serials that are numbers in force: 95 %, in whole blocks of four couples.
pub(crate) const PEOPLE: u64 = 949_048;
/// Ordinary serials that are old numbers: the other 5 %.
const OLD_NUMBERS: u64 = ORDINARY - PEOPLE;
/// The order of relatives behind a persona's serial.
const KIN_ROLES: [Role; 4] = [Role::Father, Role::Mother, Role::Partner, Role::Child];
/// Personal numbers are given out since the Law on Citizen Identification of 2014 is in force.
const NUMBERS_BEGIN: Date = jiff::civil::date(2016, 1, 1);
