//! The wall clock as a thing that is passed, so that tests can set it.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A source of wall-clock time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl dyn Clock {
    /// The current year in `Asia/Ho_Chi_Minh` (UTC+7, no daylight saving since 1975).
    #[must_use]
    pub fn year(&self) -> i16 {
        self.today().year()
    }

    /// The current day in `Asia/Ho_Chi_Minh`.
    #[must_use]
    pub fn today(&self) -> Date {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        self.now().to_zoned(zone).date()
    }
}
