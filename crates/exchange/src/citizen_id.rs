//! The 12-digit personal identification number (số định danh cá nhân).
//!
//! `PPP C YY NNNNNN`: place of birth registration, century and sex, year of birth, serial
//! (Decree 137/2015 Art. 13). There is no check digit in any published rule, so none is checked.
//! Not here: whether the person exists.

use std::fmt;

/// A personal identification number, parsed once; never a bare string.
///
/// `Debug` prints no digit. The digits come out through [`CitizenId::reveal`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CitizenId([u8; 12]);

/// Why a text is no personal identification number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdViolation {
    /// Not exactly 12 characters.
    #[error("a personal id has exactly 12 digits")]
    Length,
    /// A character that is no ASCII digit (full-width digits are not digits here).
    #[error("a personal id holds ASCII digits only")]
    NotDigits,
    /// The encoded year of birth lies in the future.
    #[error("the year of birth in the id lies in the future")]
    FutureBirthYear,
}

/// What is odd about an id without making it wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdWarning {
    /// The first three digits are in no published list of provinces and territories.
    UnknownPrefix,
    /// The first three digits mark a synthetic citizen.
    Synthetic,
}

/// Sex as the century digit encodes it, and as records state it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sex {
    /// An even century digit.
    Male,
    /// An odd century digit.
    Female,
}

impl CitizenId {
    /// Parses `text`, and returns every violation at once.
    ///
    /// `this_year` is the current year in `Asia/Ho_Chi_Minh`.
    ///
    /// # Errors
    /// All that is wrong with the text, in the order of the checks.
    pub fn parse(text: &str, this_year: i16) -> Result<Self, Vec<IdViolation>> {
        let mut violations = Vec::new();
        if text.chars().count() != 12 {
            violations.push(IdViolation::Length);
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            violations.push(IdViolation::NotDigits);
        }
        match <[u8; 12]>::try_from(text.as_bytes()) {
            Ok(digits) if violations.is_empty() => {
                let id = Self(digits);
                if id.birth_year() > this_year {
                    return Err(vec![IdViolation::FutureBirthYear]);
                }
                Ok(id)
            }
            _ => Err(violations),
        }
    }

    /// Parses what an agency sent: the form is checked, the year is not.
    #[must_use]
    pub fn from_agency(text: &str) -> Option<Self> {
        Self::parse(text.trim(), i16::MAX).ok()
    }

    /// The digits, for the agency that is asked, the commitment in the record and the answer.
    #[must_use]
    pub fn reveal(&self) -> &str {
        // The bytes were checked to be ASCII digits when the id was made.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The three digits of the place of birth registration.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.reveal().get(..3).unwrap_or_default()
    }

    /// The year of birth that the id encodes (1900 to 2399).
    #[must_use]
    pub const fn birth_year(&self) -> i16 {
        let [_, _, _, c, y, z, ..] = self.0;
        let century = (c - b'0') as i16 / 2;
        1900 + 100 * century + 10 * (y - b'0') as i16 + (z - b'0') as i16
    }

    /// The sex that the id encodes.
    #[must_use]
    pub const fn sex(&self) -> Sex {
        let [_, _, _, c, ..] = self.0;
        if (c - b'0').is_multiple_of(2) {
            Sex::Male
        } else {
            Sex::Female
        }
    }

    /// The last six digits as a number.
    #[must_use]
    pub fn serial(&self) -> u32 {
        self.reveal()
            .get(6..)
            .and_then(|s| s.parse().ok())
            .unwrap_or_default()
    }

    /// True for prefix 999, which no authority issues: a synthetic citizen.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.prefix() == "999"
    }

    /// What is odd about the id; never a reason to refuse it.
    #[must_use]
    pub fn warning(&self) -> Option<IdWarning> {
        let prefix: u16 = self.prefix().parse().unwrap_or_default();
        match prefix {
            999 => Some(IdWarning::Synthetic),
            0 | 101..=295 => None,
            1..=96 if PROVINCES.contains(&prefix) => None,
            _ => Some(IdWarning::UnknownPrefix),
        }
    }
}

impl fmt::Debug for CitizenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CitizenId(…)")
    }
}

/// The 63 provinces of birth registration (Circular 59/2021/TT-BCA, Annex I). They were not
/// renumbered by the merger of 1 July 2025; 101 to 295 and 000 are foreign (Annex II).
const PROVINCES: [u16; 63] = [
    1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36, 37,
    38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77,
    79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CitizenId {
        CitizenId::parse(text, 2026).unwrap()
    }

    #[test]
    fn century_digit_gives_sex_and_year() {
        let cases = [
            ("001099000000", Sex::Male, 1999),
            ("079185000000", Sex::Female, 1985),
            ("096312000000", Sex::Female, 2012),
        ];
        for (text, sex, year) in cases {
            assert_eq!(
                (id(text).sex(), id(text).birth_year()),
                (sex, year),
                "{text}"
            );
            assert_eq!(id(text).warning(), None, "{text}");
        }
    }

    #[test]
    fn every_violation_is_reported_at_once() {
        assert_eq!(
            CitizenId::parse("00109900000x1", 2026),
            Err(vec![IdViolation::Length, IdViolation::NotDigits])
        );
        assert_eq!(
            CitizenId::parse("00109900000", 2026),
            Err(vec![IdViolation::Length])
        );
        assert_eq!(
            CitizenId::parse("001999000000", 2026),
            Err(vec![IdViolation::FutureBirthYear])
        );
        assert_eq!(
            CitizenId::parse("００１０９９００００００", 2026),
            Err(vec![IdViolation::NotDigits])
        );
    }

    #[test]
    fn unknown_prefixes_warn_and_pass() {
        assert_eq!(id("003099000000").warning(), Some(IdWarning::UnknownPrefix));
        assert_eq!(id("999099000001").warning(), Some(IdWarning::Synthetic));
        assert_eq!(id("286099000000").warning(), None);
        assert_eq!(id("000099000000").warning(), None);
    }

    #[test]
    fn debug_shows_no_digit() {
        let text = format!("{:?}", id("999099000001"));
        assert!(!text.chars().any(|c| c.is_ascii_digit()), "{text}");
    }
}
