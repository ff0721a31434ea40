//! Announced maintenance, as a configuration writes it: times of Vietnam.
//!
//! Pure: no clock.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::{TimeZone, offset};
use schemars::JsonSchema;
use serde::Deserialize;

/// One announced window: `2026-12-01T22:00/2026-12-02T04:00`, `sunday 22:00-04:00` or
/// `daily 00:00-01:00`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", inline)]
pub struct Window(When);

#[derive(Clone, Debug, PartialEq, Eq)]
enum When {
    Once { start: Timestamp, end: Timestamp },
    Weekly { day: Weekday, time: Hours },
    Daily { time: Hours },
}

/// From one time of a day to another, of the next day if it is not later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hours {
    start: Time,
    end: Time,
}

impl Window {
    /// When it ends, if that time is within it.
    #[must_use]
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let (day, hours) = match &self.0 {
            When::Once { start, end } => {
                return (*start..*end).contains(&now).then_some(*end);
            }
            When::Weekly { day, time } => (Some(*day), time),
            When::Daily { time } => (None, time),
        };
        let today = offset(HOURS_EAST).to_datetime(now).date();
        // What began yesterday may not have ended yet.
        let begun = [Some(today), today.yesterday().ok()];
        let mut begun = begun.into_iter().flatten();
        begun.find_map(|date| {
            let on = day.is_none_or(|day| date.weekday() == day);
            let start = instant(date.to_datetime(hours.start))?;
            let last = match hours.end > hours.start {
                true => date,
                false => date.tomorrow().ok()?,
            };
            let end = instant(last.to_datetime(hours.end))?;
            (on && (start..end).contains(&now)).then_some(end)
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((start, end)) = text.split_once('/') {
            let (start, end) = (once(start)?, once(end)?);
            return (start < end).then_some(Self(When::Once { start, end }));
        }
        let (day, hours) = text.split_once(' ')?;
        let (start, end) = hours.split_once('-')?;
        let (start, end) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
        let time = Hours { start, end };
        if day == "daily" {
            return (start != end).then_some(Self(When::Daily { time }));
        }
        let day = DAYS.iter().find(|(name, _)| *name == day)?.1;
        Some(Self(When::Weekly { day, time }))
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text} is no window: write `2026-12-01T22:00/2026-12-02T04:00`, \
                 `sunday 22:00-04:00` or `daily 00:00-01:00`, in the time of Vietnam"
            )
        };
        Self::parse(&text).ok_or_else(wrong)
    }
}

fn once(text: &str) -> Option<Timestamp> {
    instant(text.trim().parse().ok()?)
}

fn instant(local: DateTime) -> Option<Timestamp> {
    let zone = TimeZone::fixed(offset(HOURS_EAST));
    zone.to_timestamp(local).ok()
}

/// Vietnam, the whole year.
const HOURS_EAST: i8 = 7;

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The end in Vietnam's time, of a window at a time of Vietnam.
    fn end(window: &str, now: &str) -> Option<String> {
        let window = Window::try_from(window.to_owned()).unwrap();
        let end = window.end(once(now).unwrap())?;
        Some(offset(HOURS_EAST).to_datetime(end).to_string())
    }

    #[test]
    fn a_window_has_its_first_instant_and_not_its_last() {
        let window = "2026-12-01T22:00/2026-12-02T04:00";
        let over = Some("2026-12-02T04:00:00".to_owned());
        assert_eq!(end(window, "2026-12-01T21:59:59"), None);
        assert_eq!(end(window, "2026-12-01T22:00"), over);
        assert_eq!(end(window, "2026-12-02T03:59:59"), over);
        assert_eq!(end(window, "2026-12-02T04:00"), None);
    }

    #[test]
    fn a_weekly_window_lasts_past_midnight_into_the_next_day_alone() {
        // 2026-11-29 is a Sunday.
        let window = "sunday 22:00-04:00";
        let over = Some("2026-11-30T04:00:00".to_owned());
        assert_eq!(end(window, "2026-11-29T21:59"), None);
        assert_eq!(end(window, "2026-11-29T23:00"), over);
        assert_eq!(end(window, "2026-11-30T03:00"), over);
        assert_eq!(end(window, "2026-11-30T05:00"), None);
        assert_eq!(end(window, "2026-11-29T03:00"), None);
    }

    #[test]
    fn a_daily_window_comes_every_day() {
        let window = "daily 00:00-01:00";
        assert_eq!(
            end(window, "2026-11-30T00:30").as_deref(),
            Some("2026-11-30T01:00:00")
        );
        assert_eq!(end(window, "2026-11-30T01:00"), None);
    }

    #[test]
    fn what_is_no_window_is_refused_with_an_example() {
        for wrong in [
            "",
            "sunday",
            "sonntag 22:00-04:00",
            "sunday 25:00-04:00",
            "daily 01:00-01:00",
            "2026-12-02T04:00/2026-12-01T22:00",
        ] {
            let said = Window::try_from(wrong.to_owned()).unwrap_err();
            assert!(said.contains("`sunday 22:00-04:00`"), "{said}");
        }
    }
}
