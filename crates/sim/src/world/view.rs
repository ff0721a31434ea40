//! A person as one agency holds them: the known discrepancies between the registers.
//!
//! Personas agree everywhere, but for persona 9, whose marriage population does not know, and persona
//! 20, of whom civil status names the parents by birth.

use exchange::{CitizenId, PartialDate, Sex, Source};
use unicode_normalization::UnicodeNormalization;

use super::World;
use super::being::{Being, Slot};
use super::draw::{Draw, Topic};
use crate::Person;
use crate::person::{IdStatus, MaritalStatus, PopulationMatch};

impl World {
    /// The person as that agency holds them, known discrepancies included; none if the agency
    /// does not know them.
    ///
    /// Under a number that was replaced, population answers with the number in force; the other
    /// agencies still file the record under the number that was asked for.
    #[must_use]
    pub fn view(&self, id: &CitizenId, agency: Source) -> Option<Person> {
        let (being, status) = self.locate(id)?;
        let mut draw = Draw::new(self.seed, Topic::View, being.key() | (agency as u64) << 56);
        let ordinary = matches!(being.slot, Slot::Ordinary(_));
        if ordinary && agency != Source::Population && draw.chance(5) {
            return None;
        }
        let facts = self.facts(&being)?;
        let mut person = facts.person(status);
        if agency != Source::Population && status != IdStatus::Current {
            person.personal_id = *id;
            person.tax.tax_code = id.reveal().to_owned();
        }
        if ordinary {
            tweak(&mut person, agency, &mut draw);
        }
        if agency == Source::CivilStatus && being.persona() == Some(ADOPTED) {
            person.father = Some(facts.unknown_parent(Sex::Male));
            person.mother = Some(facts.unknown_parent(Sex::Female));
        }
        if agency == Source::Population && lags(&being, &mut draw) {
            forget_marriage(&mut person);
        }
        Some(person)
    }
}

/// The persona who is somebody's adopted child.
pub(crate) const ADOPTED: u64 = 20;

/// True if population has not heard of a marriage.
fn lags(being: &Being, draw: &mut Draw) -> bool {
    match being.slot {
        Slot::Ordinary(_) => draw.chance(10),
        Slot::Persona { .. } => being.persona() == Some(9),
    }
}

fn forget_marriage(person: &mut Person) {
    person.marital_status = MaritalStatus::Single;
    person.spouse = None;
    person.marriages.clear();
}

fn tweak(person: &mut Person, agency: Source, draw: &mut Draw) {
    match agency {
        Source::Population => {
            if draw.chance(50) {
                person.death = None;
            }
        }
        Source::Health => {
            if draw.chance(20) {
                misspell(person, draw);
            }
            if draw.chance(3) {
                person.sex = other(person.sex);
            }
        }
        Source::CivilStatus => {}
        Source::Tax => tweak_tax(person, draw),
        Source::SocialSecurity => {
            if draw.chance(300) {
                person.death = None;
            }
            if draw.chance(5) {
                person.birth_date = year_alone(person.birth_date);
            }
            if draw.chance(3) {
                person.sex = other(person.sex);
            }
        }
    }
}

fn tweak_tax(person: &mut Person, draw: &mut Draw) {
    // One name in twenty ends in oa, oe or uy with a tone: together 2 % of all.
    if draw.chance(400) {
        let given = &mut person.name.given;
        *given = tone_on_second_vowel(given).into();
    }
    if draw.chance(5) {
        misspell(person, draw);
        person.tax.population_match = PopulationMatch::MismatchName;
    }
    person.tax.taxpayer_name = person.name.full_upper();
    if draw.chance(30) {
        person.tax.head_address = person.birth_place.clone();
    }
    if person.death.is_some() && draw.chance(400) {
        person.death = None;
        person.tax.status = "04";
        person.tax.closed_on = None;
    }
}

/// A clerk's mistake that makes another name: the middle name is lost, or another.
fn misspell(person: &mut Person, draw: &mut Draw) {
    let name = &mut person.name;
    let other = draw.pick(&["", "Thanh", "Minh"]);
    name.middle = if name.middle == other {
        "Ngọc".into()
    } else {
        other.into()
    };
}

/// `Hòa` as `Hoà`, `Thúy` as `Thuý`: the same name in the older spelling.
fn tone_on_second_vowel(given: &str) -> String {
    let mut letters: Vec<char> = given.nfd().collect();
    if let [.., first, tone, second] = letters.as_mut_slice()
        && matches!(
            *tone,
            '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}'
        )
        && matches!((*first, *second), ('o', 'a' | 'e') | ('u', 'y'))
    {
        std::mem::swap(tone, second);
    }
    letters.into_iter().nfc().collect()
}

fn year_alone(date: PartialDate) -> PartialDate {
    PartialDate::new(i32::from(date.year()), 0, 0).unwrap_or(date)
}

const fn other(sex: Sex) -> Sex {
    match sex {
        Sex::Male => Sex::Female,
        Sex::Female => Sex::Male,
    }
}

#[cfg(test)]
mod tests {
    use exchange::name_key;

    use super::*;

    #[test]
    fn the_older_spelling_is_the_same_name() {
        for (new, old) in [("Hòa", "Hoà"), ("Thúy", "Thuý"), ("Thủy", "Thuỷ")] {
            assert_eq!(tone_on_second_vowel(new), old);
            assert_eq!(name_key(new), name_key(old));
        }
        assert_eq!(tone_on_second_vowel("Hoàng"), "Hoàng");
        assert_eq!(tone_on_second_vowel("Lan"), "Lan");
    }
}
