//! Old numbers of a person at other registers: keyed permutations of the place of the number in
//! force among all numbers, so that a number finds its person again.

use exchange::CitizenId;

use super::World;
use super::being::{Being, FIRST_YEAR, LAST_YEAR, PEOPLE, Role, Slot, sex_digit};
use super::draw::{Draw, Topic, digits};

/// The number of personal numbers from 1900 to the reference year: two sexes, a million each.
pub(crate) const NUMBERS: u64 = (LAST_YEAR - FIRST_YEAR + 1) as u64 * 2 * 1_000_000;

impl World {
    /// The people whom that nine-digit number (CMND) names: none, one or two.
    #[must_use]
    pub fn by_legacy(&self, number: &str) -> Vec<CitizenId> {
        let place = parse(number, 9).and_then(|n| n.checked_sub(LEGACY_FIRST));
        let Some(place) = place.filter(|place| *place < 2 * NUMBERS) else {
            return Vec::new();
        };
        let Some(holder) = self.being_at(self.legacy.backward(place) / 2) else {
            return Vec::new();
        };
        let candidates = [Some(holder), namesake(&holder)];
        let held = |being: &Being| self.legacy_ids(being).iter().any(|held| held == number);
        candidates
            .iter()
            .flatten()
            .filter(|being| held(being))
            .filter_map(|being| self.id(being))
            .collect()
    }

    /// The person of that ten-digit tax code.
    #[must_use]
    pub fn by_tax_code(&self, code: &str) -> Option<CitizenId> {
        let place = unspell_tax_code(code).filter(|place| *place < 2 * NUMBERS)?;
        let being = self.being_at(self.taxes.backward(place) / 2)?;
        let held = self.old_tax_codes(&being).iter().any(|held| held == code);
        held.then(|| self.id(&being)).flatten()
    }

    /// The person of that ten-digit insurance code.
    #[must_use]
    pub fn by_insurance_code(&self, code: &str) -> Option<CitizenId> {
        let place = parse(code, 10)?.checked_sub(INSURANCE_FIRST)?;
        let place = Some(place).filter(|place| *place < NUMBERS)?;
        let being = self.being_at(self.insurances.backward(place))?;
        self.id(&being)
    }

    /// Nine-digit numbers: of 2 % of those who can have had a card before 2021, of personas, and
    /// some of them of two people.
    pub(crate) fn legacy_ids(&self, being: &Being) -> Vec<String> {
        let Some(place) = self.number_place(being) else {
            return Vec::new();
        };
        let first = |place| digits(LEGACY_FIRST + self.legacy.forward(2 * place), 9);
        if being.year > LAST_LEGACY_YEAR {
            return Vec::new();
        }
        match being.slot {
            Slot::Persona { .. } => vec![match namesake(being).filter(|n| n.is_primary()) {
                Some(primary) => first(self.number_place(&primary).unwrap_or(place)),
                None => first(place),
            }],
            Slot::Ordinary(_) => self.ordinary_legacy_ids(being, place, first),
        }
    }

    fn ordinary_legacy_ids(
        &self,
        being: &Being,
        place: u64,
        first: impl Fn(u64) -> String,
    ) -> Vec<String> {
        let primary = namesake(being).filter(Being::is_primary).unwrap_or(*being);
        let mut pair = self.draw(Topic::Legacy, primary.key());
        if namesake(being).is_some() && pair.chance(1) {
            return vec![first(self.number_place(&primary).unwrap_or(place))];
        }
        let mut draw = self.draw(Topic::Legacy, being.key() | OWN_LEGACY);
        let mut numbers = Vec::new();
        if draw.chance(19) {
            numbers.push(first(place));
            if draw.chance(100) {
                numbers.push((LEGACY_FIRST + self.legacy.forward(2 * place + 1)).to_string());
            }
        }
        numbers
    }

    /// Ten-digit tax codes of those who were adults before July 2025.
    pub(crate) fn old_tax_codes(&self, being: &Being) -> Vec<String> {
        let Some(place) = self
            .number_place(being)
            .filter(|_| being.year <= LAST_TAX_YEAR)
        else {
            return Vec::new();
        };
        let mut draw = Draw::new(self.seed, Topic::Tax, being.key());
        let count = if draw.chance(40) { 2 } else { 1 };
        (0..count)
            .map(|nth| spell_tax_code(self.taxes.forward(2 * place + nth)))
            .collect()
    }

    /// The ten-digit insurance code.
    pub(crate) fn insurance_code(&self, being: &Being) -> String {
        let place = self.number_place(being).unwrap_or_default();
        digits(INSURANCE_FIRST + self.insurances.forward(place), 10)
    }

    /// The household code of the household that this person holds.
    pub(crate) fn household_code(&self, owner: &Being) -> String {
        let place = self.number_place(owner).unwrap_or_default();
        digits(self.households.forward(place), 10)
    }

    /// The place of the number in force among all numbers.
    fn number_place(&self, being: &Being) -> Option<u64> {
        let year = u64::from((being.year - FIRST_YEAR).unsigned_abs());
        let place = (2 * year + sex_digit(being.sex)) * 1_000_000 + self.serial(being);
        being.is_numbered().then_some(place)
    }

    fn being_at(&self, place: u64) -> Option<Being> {
        let (group, serial) = (place / 1_000_000, place % 1_000_000);
        let century = group / 2 / 100 * 2 + group % 2;
        let text = format!("999{century}{:02}{serial:06}", group / 2 % 100);
        let (being, _) = self.locate(&CitizenId::from_agency(&text)?)?;
        // An old number has no codes of its own.
        (self.number_place(&being) == Some(place)).then_some(being)
    }
}

impl Being {
    /// True for the one of a pair whose nine-digit number both carry.
    fn is_primary(&self) -> bool {
        match self.slot {
            Slot::Ordinary(place) => place % 2 == 0,
            Slot::Persona { role, .. } => role == Role::Own,
        }
    }
}

/// The one with whom somebody may share a nine-digit number.
fn namesake(being: &Being) -> Option<Being> {
    let slot = match being.slot {
        Slot::Ordinary(place) => Slot::Ordinary(place ^ 1),
        Slot::Persona {
            number: number @ 5,
            role: Role::Own,
        } => Slot::Persona {
            number,
            role: Role::Child,
        },
        Slot::Persona {
            number: number @ 5,
            role: Role::Child,
        } => Slot::Persona {
            number,
            role: Role::Own,
        },
        Slot::Persona { .. } => return None,
    };
    Some(Being { slot, ..*being })
}

fn parse(text: &str, digits: usize) -> Option<u64> {
    let all_digits = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

/// Spells a number below 899 999 100 as a tax code: two digits, six that are not all zero, a
/// ninth of the nine for which a check digit exists, and the check digit.
fn spell_tax_code(place: u64) -> String {
    let (head, choice) = (place / 9, place % 9);
    let head = head / 999_999 * 1_000_000 + head % 999_999 + 1;
    let barred = barred_ninth(head);
    let ninth = choice + u64::from(choice >= barred);
    let nine = head * 10 + ninth;
    digits(nine * 10 + 10 - weighted_sum(nine) % 11, 10)
}

/// The inverse of [`spell_tax_code`].
fn unspell_tax_code(code: &str) -> Option<u64> {
    let number = parse(code, 10)?;
    let (head, ninth) = (number / 100, number / 10 % 10);
    let barred = barred_ninth(head);
    let choice = ninth.checked_sub(u64::from(ninth > barred))?;
    let middle = (head % 1_000_000).checked_sub(1)?;
    let place = (head / 1_000_000 * 999_999 + middle) * 9 + choice;
    (spell_tax_code(place) == code).then_some(place)
}

/// The ninth digit for which no check digit exists; 10 if there is none. One of the nine that are
/// left is then never used.
fn barred_ninth(head: u64) -> u64 {
    (0..10)
        .find(|ninth| weighted_sum(head * 10 + ninth).is_multiple_of(11))
        .unwrap_or(10)
}

/// Σ weightᵢ·dᵢ over nine digits (Circular 105/2020/TT-BTC).
fn weighted_sum(nine_digits: u64) -> u64 {
    const WEIGHTS: [u64; 9] = [3, 5, 7, 13, 17, 19, 23, 29, 31];
    let mut rest = nine_digits;
    let mut sum = 0;
    for weight in WEIGHTS {
        sum += weight * (rest % 10);
        rest /= 10;
    }
    sum
}

/// Real nine-digit numbers begin with a code from 01 to 38.
const LEGACY_FIRST: u64 = 400_000_000;
/// Real insurance codes begin with the code of a province, 01 to 96.
const INSURANCE_FIRST: u64 = 9_700_000_000;
/// The youngest who can have had an old card: 14 years old in 2020.
const LAST_LEGACY_YEAR: i16 = 2006;
/// The youngest who were of age when tax codes of ten digits ended.
const LAST_TAX_YEAR: i16 = 2007;
/// Keeps a person's own draw apart from that of their pair.
const OWN_LEGACY: u64 = 1 << 60;

const _: () = assert!(
    PEOPLE.is_multiple_of(2),
    "every ordinary place is one of a pair"
);

#[cfg(test)]
mod tests {
    use exchange::{Identifier, IdentifierKind};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_tax_code_is_valid_and_found_again(place in 0..2 * NUMBERS) {
            let code = spell_tax_code(place);
            let valid = Identifier::parse(IdentifierKind::TaxCode, &code, 2026);
            prop_assert!(valid.is_ok(), "{}", code);
            prop_assert_eq!(unspell_tax_code(&code), Some(place));
        }
    }

    #[test]
    fn codes_with_a_wrong_check_digit_are_nobodys() {
        assert_eq!(unspell_tax_code("0100233480"), None);
        assert!(unspell_tax_code("0100233488").is_some());
        assert_eq!(unspell_tax_code("0100000000"), None);
    }
}
