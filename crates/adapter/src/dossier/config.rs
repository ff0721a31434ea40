//! The settings of an agency's dossiers: the stanza `[agency.<name>.dossiers]`.

use std::time::Duration;

use exchange::Criticality;
use schemars::JsonSchema;
use serde::Deserialize;

/// After which time a dossier hangs, for each class of question, in seconds.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Config {
    /// Of an emergency.
    #[schemars(range(min = 1, max = 2_592_000))]
    pub emergency_ttl_s: u32,
    /// Of a citizen who waits at the desk.
    #[schemars(range(min = 1, max = 2_592_000))]
    pub citizen_waiting_ttl_s: u32,
    /// Of an officer who works on a file.
    #[schemars(range(min = 1, max = 2_592_000))]
    pub back_office_ttl_s: u32,
    /// Of a list for which nobody waits.
    #[schemars(range(min = 1, max = 2_592_000))]
    pub bulk_ttl_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            emergency_ttl_s: 300,
            // As long as somebody stays at a desk.
            citizen_waiting_ttl_s: 900,
            // Half a working day, so that somebody is told before it is over.
            back_office_ttl_s: 14_400,
            bulk_ttl_s: 86_400,
        }
    }
}

impl Config {
    /// After which time a dossier of that class hangs.
    #[must_use]
    pub const fn ttl(&self, class: Criticality) -> Duration {
        let seconds = match class {
            Criticality::Emergency => self.emergency_ttl_s,
            Criticality::CitizenWaiting => self.citizen_waiting_ttl_s,
            Criticality::BackOffice => self.back_office_ttl_s,
            Criticality::Bulk => self.bulk_ttl_s,
        };
        Duration::from_secs(seconds as u64)
    }

    /// Everything that is wrong, with the key that it concerns.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("emergency_ttl_s", self.emergency_ttl_s),
            ("citizen_waiting_ttl_s", self.citizen_waiting_ttl_s),
            ("back_office_ttl_s", self.back_office_ttl_s),
            ("bulk_ttl_s", self.bulk_ttl_s),
        ];
        let wrong = all
            .into_iter()
            .filter(|(_, ttl_s)| !(1..=MOST_S).contains(ttl_s));
        wrong
            .map(|(key, ttl_s)| (key, format!("{ttl_s} is not between 1 and {MOST_S}")))
            .collect()
    }
}

/// Thirty days.
const MOST_S: u32 = 2_592_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_time() {
        let config = Config::default();
        assert_eq!(config.problems(), []);
        let ttl = |class| config.ttl(class).as_secs();
        assert_eq!(ttl(Criticality::Emergency), 300);
        assert_eq!(ttl(Criticality::CitizenWaiting), 900);
        assert_eq!(ttl(Criticality::BackOffice), 14_400);
        assert_eq!(ttl(Criticality::Bulk), 86_400);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = Config {
            emergency_ttl_s: 0,
            bulk_ttl_s: u32::MAX,
            ..Config::default()
        };
        let keys: Vec<_> = wrong.problems().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["emergency_ttl_s", "bulk_ttl_s"]);
    }
}
