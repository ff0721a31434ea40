//! From how many on a way of asking is suspicious. Not here: how they are read (the program's
//! configuration).

use std::num::NonZeroU32;

/// The numbers of scrutiny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// For so many seconds a miss counts, and a step-down lasts.
    pub window_s: NonZeroU32,
    /// So many different citizens who do not exist step down.
    pub misses_step_down: u16,
    /// So many suspend.
    pub misses: u16,
    /// The least part of misses where many work, in hundredths.
    pub share_percent: u8,
    /// So many of the last 64 citizens with the number next to another's step down.
    pub sequence: u8,
    /// After a step-down, one question in so many milliseconds.
    pub step_down_ms: NonZeroU32,
    /// So many claims about one person that do not match close them to the officer.
    pub mismatches: u8,
    /// For so many seconds such a claim counts.
    pub mismatch_window_s: NonZeroU32,
    /// About how many different citizens one officer may ask.
    pub officer: Citizens,
    /// The same of one system.
    pub system: Citizens,
    /// The same of one agency.
    pub agency: Citizens,
}

/// About how many different citizens one may ask: more steps down, twice as many suspends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Citizens {
    /// Within an hour of the clock.
    pub per_hour: NonZeroU32,
    /// Within a day, in `Asia/Ho_Chi_Minh`.
    pub per_day: NonZeroU32,
}

impl Thresholds {
    /// The numbers when nothing is set.
    ///
    /// An officer who needs three minutes for a citizen sees 160 in a day of eight hours; 200 in one hour
    /// are none whom they serve. A province has a million people: a tenth of them in an hour is a
    /// campaign that is announced, and has a limit of its own.
    pub const DEFAULT: Self = Self {
        window_s: nonzero(600),
        misses_step_down: 25,
        misses: 50,
        share_percent: 20,
        sequence: 40,
        step_down_ms: nonzero(1_000),
        mismatches: 5,
        mismatch_window_s: nonzero(3_600),
        officer: citizens(200, 1_000),
        system: citizens(100_000, 500_000),
        agency: citizens(200_000, 1_000_000),
    };

    /// The most mismatches that can be set: their times are remembered.
    pub const MOST_MISMATCHES: u8 = 10;
    /// The most misses that can be set: each is remembered.
    pub const MOST_MISSES: u16 = 500;
    /// The longest sequence that can be set: the first of the last 64 follows nobody.
    pub const MOST_SEQUENCE: u8 = 63;
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const fn citizens(per_hour: u32, per_day: u32) -> Citizens {
    Citizens {
        per_hour: nonzero(per_hour),
        per_day: nonzero(per_day),
    }
}

const fn nonzero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
