//! Dates that may lack a day or a month, as old registers legally hold them.

use std::fmt;

/// A date of which the day, or month and day, may be unknown.
///
/// `Debug` prints the precision only: a birth date is personal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDate {
    year: i16,
    month: u8,
    day: u8,
}

/// Why a date is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateViolation {
    /// The year is outside 1 to 9999.
    #[error("the year lies outside 1 to 9999")]
    Year,
    /// The month is outside 1 to 12.
    #[error("the month lies outside 1 to 12")]
    Month,
    /// The month has no such day, or a day stands without a month.
    #[error("the month has no such day")]
    Day,
}

impl PartialDate {
    /// Puts a date together; 0 stands for an unknown month or day.
    ///
    /// # Errors
    /// The first part that is out of range.
    pub fn new(year: i32, month: i32, day: i32) -> Result<Self, DateViolation> {
        let year = i16::try_from(year)
            .ok()
            .filter(|y| (1..=9999).contains(y))
            .ok_or(DateViolation::Year)?;
        let month = i8::try_from(month)
            .ok()
            .filter(|m| (0..=12).contains(m))
            .ok_or(DateViolation::Month)?;
        let day = i8::try_from(day)
            .ok()
            .filter(|d| *d >= 0)
            .ok_or(DateViolation::Day)?;
        let whole = jiff::civil::Date::new(year, month.max(1), day.max(1));
        if (month == 0 && day != 0) || whole.is_err() {
            return Err(DateViolation::Day);
        }
        Ok(Self {
            year,
            month: month.unsigned_abs(),
            day: day.unsigned_abs(),
        })
    }

    /// Every part that is out of range; of a day whose month is none, whether any month has it.
    pub fn violations(year: i32, month: i32, day: i32) -> impl Iterator<Item = DateViolation> {
        let of_year = Self::new(year, 0, 0);
        let of_month = Self::new(LEAP_YEAR, month, 0);
        let year = of_year.map_or(LEAP_YEAR, |_| year);
        let month = of_month.map_or(1, |_| month);
        let parts = [of_year, of_month, Self::new(year, month, day)];
        parts.into_iter().filter_map(Result::err)
    }

    /// Reads `yyyy-MM-dd`, `yyyy-MM`, `yyyy`, or the same without dashes; zeros, and the digits
    /// of a time after the day (`yyyyMMddHHmm`), are allowed and mean unknown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // No form is longer; the zeros stand for what is not said.
        let mut digits = [b'0'; 14];
        let (mut count, mut dashes) = (0, 0);
        for byte in text.trim().bytes() {
            match byte {
                b'-' => dashes += 1,
                b'0'..=b'9' => {
                    *digits.get_mut(count)? = byte;
                    count += 1;
                }
                _ => return None,
            }
        }
        if !matches!(
            (count, dashes),
            (4, 0) | (6, 0..=1) | (8, 0 | 2) | (12 | 14, 0)
        ) {
            return None;
        }
        let [y1, y2, y3, y4, m1, m2, d1, d2, ..] = digits;
        let number = |digits: &[u8]| {
            let digits = digits.iter().map(|digit| i32::from(digit - b'0'));
            digits.fold(0, |number, digit| number * 10 + digit)
        };
        Self::new(
            number(&[y1, y2, y3, y4]),
            number(&[m1, m2]),
            number(&[d1, d2]),
        )
        .ok()
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub const fn year(&self) -> i16 {
        self.year
    }

    /// The month, if known.
    #[must_use]
    pub fn month(&self) -> Option<u8> {
        (self.month != 0).then_some(self.month)
    }

    /// The day, if known.
    #[must_use]
    pub fn day(&self) -> Option<u8> {
        (self.day != 0).then_some(self.day)
    }

    /// True if both dates may be the same day: every part that both know is equal.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let both = |a: u8, b: u8| a == 0 || b == 0 || a == b;
        self.year == other.year && both(self.month, other.month) && both(self.day, other.day)
    }

    /// True if the other date says every part that this one knows, and says the same.
    #[must_use]
    pub fn is_told_by(&self, other: &Self) -> bool {
        let told = |known: u8, said: u8| known == 0 || known == said;
        self.year == other.year && told(self.month, other.month) && told(self.day, other.day)
    }

    /// ISO 8601 with reduced precision: `1999-01-02`, `1999-01` or `1999`.
    #[must_use]
    pub fn reveal(&self) -> String {
        match (self.month, self.day) {
            (0, _) => format!("{:04}", self.year),
            (m, 0) => format!("{:04}-{m:02}", self.year),
            (m, d) => format!("{:04}-{m:02}-{d:02}", self.year),
        }
    }
}

impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.month, self.day) {
            (0, _) => "PartialDate(year)",
            (_, 0) => "PartialDate(month)",
            _ => "PartialDate(day)",
        })
    }
}

/// A year whose months have every day that they may have.
const LEAP_YEAR: i32 = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_is_out_of_range_is_named() {
        use DateViolation::{Day, Month, Year};
        let of =
            |year, month, day| -> Vec<_> { PartialDate::violations(year, month, day).collect() };
        assert_eq!(of(0, 13, 44), [Year, Month, Day]);
        assert_eq!(of(1999, 13, 44), [Month, Day]);
        assert_eq!(of(1999, 13, 31), [Month]);
        assert_eq!(of(1999, 2, 29), [Day]);
        assert_eq!(of(0, 2, 29), [Year]);
        assert_eq!(of(1999, 0, 1), [Day]);
        assert_eq!(of(1999, 2, 28), []);
    }

    #[test]
    fn every_wire_form_is_read() {
        let cases = [
            ("19990102", "1999-01-02"),
            ("1999-01-02", "1999-01-02"),
            ("199901", "1999-01"),
            ("1999-01", "1999-01"),
            ("1999", "1999"),
            ("19990000", "1999"),
            ("199901020830", "1999-01-02"),
            ("199900000000", "1999"),
        ];
        for (text, iso) in cases {
            assert_eq!(PartialDate::parse(text).unwrap().reveal(), iso, "{text}");
        }
        for wrong in [
            "",
            "99",
            "1999-13",
            "19990230",
            "1999/01/02",
            "0000",
            "19990002",
            "1999-0102",
        ] {
            assert_eq!(PartialDate::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_year_agrees_with_every_day_of_it() {
        let year = PartialDate::parse("1999").unwrap();
        let day = PartialDate::parse("19990102").unwrap();
        assert!(year.agrees_with(&day) && day.agrees_with(&year));
        assert!(!day.agrees_with(&PartialDate::parse("19990103").unwrap()));
    }
}
