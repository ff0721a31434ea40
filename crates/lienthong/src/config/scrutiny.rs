//! What `[scrutiny]` says: from how many on a way of asking is suspicious. What is left out stays as
//! [`Thresholds::DEFAULT`] has it.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

use admission::{Citizens, Thresholds};
use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problems;

/// From how many on a way of asking is suspicious.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scrutiny {
    /// For so many seconds a miss counts, and a step-down lasts.
    #[schemars(extend("default" = Thresholds::DEFAULT.window_s.get()))]
    window_s: Option<NonZeroU32>,
    /// So many different citizens who do not exist step down.
    #[schemars(extend("default" = Thresholds::DEFAULT.misses_step_down))]
    misses_step_down: Option<NonZeroU16>,
    /// So many suspend.
    #[schemars(extend("default" = Thresholds::DEFAULT.misses))]
    misses: Option<NonZeroU16>,
    /// The least part of misses where many work, in hundredths.
    #[schemars(extend("default" = Thresholds::DEFAULT.share_percent))]
    share_percent: Option<NonZeroU8>,
    /// So many of the last 64 citizens with the number next to another's step down.
    #[schemars(extend("default" = Thresholds::DEFAULT.sequence))]
    sequence: Option<NonZeroU8>,
    /// After a step-down, one question in so many milliseconds.
    #[schemars(extend("default" = Thresholds::DEFAULT.step_down_ms.get()))]
    step_down_ms: Option<NonZeroU32>,
    /// So many claims about one person that do not match close them to the officer.
    #[schemars(extend("default" = Thresholds::DEFAULT.mismatches))]
    mismatches: Option<NonZeroU8>,
    /// For so many seconds such a claim counts.
    #[schemars(extend("default" = Thresholds::DEFAULT.mismatch_window_s.get()))]
    mismatch_window_s: Option<NonZeroU32>,
    /// About how many different citizens one officer may ask within an hour.
    #[schemars(extend("default" = Thresholds::DEFAULT.officer.per_hour.get()))]
    officer_citizens_per_hour: Option<NonZeroU32>,
    /// About how many different citizens one officer may ask within a day.
    #[schemars(extend("default" = Thresholds::DEFAULT.officer.per_day.get()))]
    officer_citizens_per_day: Option<NonZeroU32>,
    /// About how many different citizens one system may ask within an hour.
    #[schemars(extend("default" = Thresholds::DEFAULT.system.per_hour.get()))]
    system_citizens_per_hour: Option<NonZeroU32>,
    /// About how many different citizens one system may ask within a day.
    #[schemars(extend("default" = Thresholds::DEFAULT.system.per_day.get()))]
    system_citizens_per_day: Option<NonZeroU32>,
    /// About how many different citizens one agency may ask within an hour.
    #[schemars(extend("default" = Thresholds::DEFAULT.agency.per_hour.get()))]
    agency_citizens_per_hour: Option<NonZeroU32>,
    /// About how many different citizens one agency may ask within a day.
    #[schemars(extend("default" = Thresholds::DEFAULT.agency.per_day.get()))]
    agency_citizens_per_day: Option<NonZeroU32>,
}

impl Scrutiny {
    /// The numbers; what cannot be is told.
    pub(super) fn thresholds(&self, problems: &mut Problems) -> Thresholds {
        let of = Thresholds::DEFAULT;
        let thresholds = Thresholds {
            window_s: self.window_s.unwrap_or(of.window_s),
            misses_step_down: self.misses_step_down.map_or(of.misses_step_down, u16::from),
            misses: self.misses.map_or(of.misses, u16::from),
            share_percent: self.share_percent.map_or(of.share_percent, u8::from),
            sequence: self.sequence.map_or(of.sequence, u8::from),
            step_down_ms: self.step_down_ms.unwrap_or(of.step_down_ms),
            mismatches: self.mismatches.map_or(of.mismatches, u8::from),
            mismatch_window_s: self.mismatch_window_s.unwrap_or(of.mismatch_window_s),
            officer: Citizens {
                per_hour: self
                    .officer_citizens_per_hour
                    .unwrap_or(of.officer.per_hour),
                per_day: self.officer_citizens_per_day.unwrap_or(of.officer.per_day),
            },
            system: Citizens {
                per_hour: self.system_citizens_per_hour.unwrap_or(of.system.per_hour),
                per_day: self.system_citizens_per_day.unwrap_or(of.system.per_day),
            },
            agency: Citizens {
                per_hour: self.agency_citizens_per_hour.unwrap_or(of.agency.per_hour),
                per_day: self.agency_citizens_per_day.unwrap_or(of.agency.per_day),
            },
        };
        judge(&thresholds, problems);
        thresholds
    }
}

fn judge(thresholds: &Thresholds, problems: &mut Problems) {
    let mut at_most = |key: &str, number: u32, most: u32, why: &str| {
        if number > most {
            let what = format!("is {number}; at most {most}{why}");
            problems.add(&format!("scrutiny.{key}"), what);
        }
    };
    let (misses, most) = (thresholds.misses, Thresholds::MOST_MISSES);
    at_most("misses", misses.into(), most.into(), ", each is remembered");
    let slow = thresholds.misses_step_down.into();
    at_most(
        "misses_step_down",
        slow,
        misses.into(),
        ", the number that suspends",
    );
    at_most("share_percent", thresholds.share_percent.into(), 100, "");
    let (sequence, most) = (thresholds.sequence.into(), Thresholds::MOST_SEQUENCE);
    at_most(
        "sequence",
        sequence,
        most.into(),
        " of the last 64 follow another",
    );
    let (mismatches, most) = (thresholds.mismatches.into(), Thresholds::MOST_MISMATCHES);
    at_most(
        "mismatches",
        mismatches,
        most.into(),
        ", each is remembered",
    );
    for (who, budget) in [
        ("officer", thresholds.officer),
        ("system", thresholds.system),
        ("agency", thresholds.agency),
    ] {
        let (hour, day) = (budget.per_hour.get(), budget.per_day.get());
        let key = format!("{who}_citizens_per_hour");
        at_most(&key, hour, day, ", the number of a day");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Thresholds, String) {
        let mut problems = Problems::default();
        let thresholds = toml::from_str::<Scrutiny>(text).unwrap();
        let thresholds = thresholds.thresholds(&mut problems);
        (thresholds, problems.to_string())
    }

    #[test]
    fn what_is_left_out_stays_and_what_is_said_counts() {
        assert_eq!(read(""), (Thresholds::DEFAULT, String::new()));
        let (said, problems) = read("officer_citizens_per_hour = 3\nmisses = 500\nsequence = 63");
        assert_eq!((said.officer.per_hour.get(), said.misses), (3, 500));
        assert_eq!(said.officer.per_day, Thresholds::DEFAULT.officer.per_day);
        assert_eq!(problems, "");
    }

    #[test]
    fn what_cannot_be_is_told_with_its_key() {
        for (text, problem) in [
            ("misses = 501", "scrutiny.misses: is 501; at most 500"),
            (
                "misses = 24",
                "scrutiny.misses_step_down: is 25; at most 24",
            ),
            (
                "share_percent = 101",
                "scrutiny.share_percent: is 101; at most 100",
            ),
            ("sequence = 64", "scrutiny.sequence: is 64; at most 63"),
            ("mismatches = 11", "scrutiny.mismatches: is 11; at most 10"),
            (
                "system_citizens_per_day = 99999",
                "scrutiny.system_citizens_per_hour: is 100000; at most 99999",
            ),
        ] {
            let (_, problems) = read(text);
            assert!(problems.starts_with(problem), "{text}: {problems}");
        }
    }
}
