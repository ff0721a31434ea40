//! Half-years: tags and the keys of persons change with them. The calendar is that of Vietnam.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};

/// A half-year, such as `2026h2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Epoch {
    year: i16,
    half: i8,
}

impl Epoch {
    /// The half-year of a time in milliseconds since 1970, in `Asia/Ho_Chi_Minh`: UTC+7, without
    /// daylight saving since 1975.
    pub(crate) fn of(ts_ms: u64) -> Self {
        let ms = i64::try_from(ts_ms).unwrap_or(i64::MAX);
        let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
        let date = time.to_zoned(TimeZone::fixed(offset(7))).date();
        Self {
            year: date.year(),
            half: if date.month() <= 6 { 1 } else { 2 },
        }
    }

    /// The half-year after this one.
    pub(crate) const fn next(self) -> Self {
        if self.half == 1 {
            Self { half: 2, ..self }
        } else {
            Self {
                year: self.year.saturating_add(1),
                half: 1,
            }
        }
    }

    /// When it begins, in milliseconds since 1970.
    pub(crate) fn begins(self) -> u64 {
        let month = if self.half == 1 { 1 } else { 7 };
        let midnight = Date::new(self.year, month, 1).ok();
        let midnight = midnight.and_then(|day| day.to_zoned(TimeZone::fixed(offset(7))).ok());
        let ms = midnight.map_or(0, |midnight| midnight.timestamp().as_millisecond());
        u64::try_from(ms).unwrap_or(0)
    }
}

/// The day of a time in milliseconds since 1970, in the same calendar, and when it began.
pub(crate) fn day_of(ts_ms: u64) -> (Date, u64) {
    let vietnam = TimeZone::fixed(offset(7));
    let ms = i64::try_from(ts_ms).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    let day = time.to_zoned(vietnam.clone()).date();
    let began = day.to_zoned(vietnam).ok();
    let ms = began.map_or(0, |began| began.timestamp().as_millisecond());
    (day, u64::try_from(ms).unwrap_or(0))
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}h{}", self.year, self.half)
    }
}

impl FromStr for Epoch {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "a half-year is written like 2026h2";
        let (year, half) = text.split_once('h').ok_or(FORM)?;
        let epoch = Self {
            year: year.parse().map_err(|_| FORM)?,
            half: half.parse().map_err(|_| FORM)?,
        };
        let is_it = matches!(epoch.half, 1 | 2) && epoch.to_string() == text;
        is_it.then_some(epoch).ok_or(FORM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_year_begins_at_midnight_in_vietnam() {
        let epoch = |time: &str| {
            let time: Timestamp = time.parse().unwrap();
            Epoch::of(time.as_millisecond().try_into().unwrap()).to_string()
        };
        assert_eq!(epoch("2026-06-30T16:59:59.999Z"), "2026h1");
        assert_eq!(epoch("2026-06-30T17:00:00Z"), "2026h2");
        assert_eq!(epoch("2026-12-31T17:00:00Z"), "2027h1");
    }

    #[test]
    fn a_day_begins_at_midnight_in_vietnam() {
        for (time, day, began) in [
            (
                "2026-02-15T16:59:59.999Z",
                "2026-02-15",
                "2026-02-14T17:00:00Z",
            ),
            ("2026-02-15T17:00:00Z", "2026-02-16", "2026-02-15T17:00:00Z"),
        ] {
            let ms = |time: &str| time.parse::<Timestamp>().unwrap().as_millisecond() as u64;
            assert_eq!(day_of(ms(time)), (day.parse().unwrap(), ms(began)));
        }
    }

    #[test]
    fn a_half_year_begins_where_the_one_before_ends() {
        let mut epoch: Epoch = "2026h1".parse().unwrap();
        for expected in ["2026h2", "2027h1", "2027h2"] {
            let next = epoch.next();
            assert_eq!(next.to_string(), expected);
            assert_eq!(Epoch::of(next.begins()), next);
            assert_eq!(Epoch::of(next.begins() - 1), epoch);
            epoch = next;
        }
    }

    #[test]
    fn a_half_year_has_one_form() {
        assert_eq!("2026h2".parse::<Epoch>().unwrap().to_string(), "2026h2");
        for text in ["", "2026", "2026h3", "2026h02", "+2026h1", "26h1", "h"] {
            assert!(text.parse::<Epoch>().is_err(), "{text}");
        }
    }
}
