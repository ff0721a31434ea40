//! The hours of an agreement: on which days of the week, from when until when, in Vietnam.
//!
//! Not here: what happens outside of them (`check.rs`).

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::{TimeZone, offset};

/// When one may ask; a span of minutes on some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    first: Weekday,
    last: Weekday,
    /// Minutes since midnight; the end is not within.
    from: u16,
    until: u16,
}

impl Hours {
    /// Reads `MON-FRI 07:30-17:30`, or `SAT 07:30-11:30`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "must be like MON-FRI 07:30-17:30".to_owned();
        let (days, times) = text.split_once(' ').ok_or_else(wrong)?;
        let (from, until) = times.split_once('-').ok_or_else(wrong)?;
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let hours = Self {
            first: weekday(first).ok_or_else(wrong)?,
            last: weekday(last).ok_or_else(wrong)?,
            from: minute(from).ok_or_else(wrong)?,
            until: minute(until).ok_or_else(wrong)?,
        };
        if hours.until <= hours.from {
            return Err("ends before it begins; write what lies behind midnight apart".to_owned());
        }
        Ok(hours)
    }

    /// True if the instant lies within.
    pub(crate) fn contain(&self, now: Timestamp) -> bool {
        let now = now.to_zoned(TimeZone::fixed(offset(7)));
        let minute = now.hour().unsigned_abs() as u16 * 60 + now.minute().unsigned_abs() as u16;
        let day = self.first.until(now.weekday());
        day <= self.first.until(self.last) && (self.from..self.until).contains(&minute)
    }
}

fn weekday(text: &str) -> Option<Weekday> {
    let place = DAYS.iter().position(|day| *day == text)?;
    Weekday::from_monday_zero_offset(i8::try_from(place).ok()?).ok()
}

/// The minute of the day; 24:00 is its end.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let of_day = hour * 60 + minute;
    (minute < 60 && of_day <= 24 * 60).then_some(of_day)
}

const DAYS: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

#[cfg(test)]
mod tests {
    use super::*;

    /// True if these hours contain that time of the week of Monday, 15 June 2026, in Vietnam.
    fn contain(hours: &str, day: u8, time: &str) -> bool {
        let at = format!("2026-06-{}T{time}:00+07:00", 14 + day);
        Hours::parse(hours).unwrap().contain(at.parse().unwrap())
    }

    #[test]
    fn hours_begin_with_their_first_minute_and_end_before_their_last() {
        let office = "MON-FRI 07:30-17:30";
        assert!(!contain(office, 1, "07:29"));
        assert!(contain(office, 1, "07:30"));
        assert!(contain(office, 5, "17:29"));
        assert!(!contain(office, 5, "17:30"));
        assert!(!contain(office, 6, "12:00"));
        assert!(contain("SAT 07:30-11:30", 6, "08:00"));
        assert!(!contain("SAT 07:30-11:30", 7, "08:00"));
    }

    #[test]
    fn days_may_run_over_the_end_of_the_week_and_a_day_may_be_whole() {
        let weekend = "SAT-MON 00:00-24:00";
        for (day, within) in [(5, false), (6, true), (7, true), (1, true), (2, false)] {
            assert_eq!(contain(weekend, day, "23:59"), within, "{day}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for wrong in [
            "",
            "MON",
            "MON 7:30-8:00",
            "MON 07:30",
            "MON 07:60-08:00",
            "MON 08:00-24:01",
            "mon 08:00-09:00",
            "MON-FUN 08:00-09:00",
            "MON 09:00-09:00",
            "MON 22:00-06:00",
            "MON +1:00-09:00",
        ] {
            assert!(Hours::parse(wrong).is_err(), "{wrong}");
        }
    }
}
