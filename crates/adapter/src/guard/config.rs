//! The settings of a guard: the stanza `[agency.<name>.guard]`.

use schemars::JsonSchema;
use serde::Deserialize;

/// How a source is guarded.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many calls may be under way to the source at once, at most.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_calls: u32,
    /// How many at least, however slow it is; never more than at most.
    #[schemars(range(min = 1, max = 100_000))]
    pub min_calls: u32,
    /// The circuit opens after so many failures in a row.
    #[schemars(range(min = 1))]
    pub failures_in_a_row: u32,
    /// Or if less than this part of the calls of the window succeed.
    #[schemars(range(max = 100))]
    pub min_success_percent: u8,
    /// The window, in milliseconds.
    #[schemars(range(min = 10))]
    pub window_ms: u32,
    /// So many calls must be in the window for that.
    #[schemars(range(min = 1))]
    pub min_samples: u32,
    /// How long the circuit is open the first time, and each time for too few answers, in milliseconds; each
    /// time after that for a probe that fails or for failures in a row, twice as long.
    #[schemars(range(min = 1))]
    pub open_ms: u32,
    /// How long at most, also if the source asks to be left alone for longer, in milliseconds.
    #[schemars(range(min = 1))]
    pub max_open_ms: u32,
    /// How many questions of a hundred may be asked a second time.
    #[schemars(range(max = 100))]
    pub retries_percent: u8,
    /// And how many more in each second.
    #[schemars(range(max = 1_000))]
    pub retries_per_second: u32,
    /// Of several addresses, one is left aside after so many failures in a row, or if less than
    /// `min_success_percent` of its calls succeed.
    #[schemars(range(min = 1))]
    pub eject_after: u32,
    /// How long it is left aside the first time, in milliseconds; each time after that twice as long.
    #[schemars(range(min = 1))]
    pub eject_ms: u32,
    /// How long at most, in milliseconds.
    #[schemars(range(min = 1))]
    pub max_eject_ms: u32,
    /// How many of a hundred addresses may be left aside at once: one at least, never all.
    #[schemars(range(max = 100))]
    pub max_ejected_percent: u8,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            // What six thousand questions a second come to while a gateway stands still for a sixth of one.
            max_calls: 1_024,
            // The gateway's own haste looks like a slow source: that many are no danger to any.
            min_calls: 32,
            failures_in_a_row: 7,
            min_success_percent: 80,
            window_ms: 30_000,
            min_samples: 20,
            open_ms: 1_000,
            max_open_ms: 60_000,
            retries_percent: 10,
            retries_per_second: 3,
            // Fewer than open the circuit of the whole source.
            eject_after: 5,
            // A server that starts again takes that long; meanwhile the others answer.
            eject_ms: 10_000,
            max_eject_ms: 300_000,
            max_ejected_percent: 50,
        }
    }
}

impl Config {
    /// Everything that is wrong, with the key that it concerns.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let mut within = |key, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                wrong.push((key, format!("{value} is not between {least} and {most}")));
            }
        };
        within("max_calls", self.max_calls, 1, 100_000);
        within("min_calls", self.min_calls, 1, 100_000);
        within("failures_in_a_row", self.failures_in_a_row, 1, u32::MAX);
        within(
            "min_success_percent",
            self.min_success_percent.into(),
            0,
            100,
        );
        within("window_ms", self.window_ms, 10, u32::MAX);
        within("min_samples", self.min_samples, 1, u32::MAX);
        within("open_ms", self.open_ms, 1, u32::MAX);
        within(
            "max_open_ms",
            self.max_open_ms,
            self.open_ms.max(1),
            u32::MAX,
        );
        within("retries_percent", self.retries_percent.into(), 0, 100);
        within("retries_per_second", self.retries_per_second, 0, 1_000);
        within("eject_after", self.eject_after, 1, u32::MAX);
        within("eject_ms", self.eject_ms, 1, u32::MAX);
        let least = self.eject_ms.max(1);
        within("max_eject_ms", self.max_eject_ms, least, u32::MAX);
        let percent = self.max_ejected_percent.into();
        within("max_ejected_percent", percent, 0, 100);
        wrong
    }

    /// The rule by which one of several addresses is left aside: that of a circuit.
    pub(super) fn ejection(&self) -> Self {
        Self {
            failures_in_a_row: self.eject_after,
            open_ms: self.eject_ms,
            max_open_ms: self.max_eject_ms,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_right() {
        assert_eq!(Config::default().problems(), []);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = Config {
            min_calls: 0,
            min_success_percent: 101,
            open_ms: 2_000,
            max_open_ms: 1_000,
            max_eject_ms: 1,
            ..Config::default()
        };
        let keys: Vec<_> = wrong.problems().into_iter().map(|(key, _)| key).collect();
        let expected = [
            "min_calls",
            "min_success_percent",
            "max_open_ms",
            "max_eject_ms",
        ];
        assert_eq!(keys, expected);
    }
}
