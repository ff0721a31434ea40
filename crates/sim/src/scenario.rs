//! A scenario: which knobs are set at which second, from a file, the same each time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use exchange::Source;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::{Again, Knob, KnobSettings, Knobs, Latency};

/// Steps in time, and the seed of what is probable in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is for.
    #[serde(default)]
    pub about: String,
    /// Where the dice of every simulator begin.
    #[serde(default)]
    pub seed: u64,
    /// After so many seconds it begins again; it ends with its last step if left out.
    pub repeat_s: Option<u64>,
    /// What happens, in the order of time.
    pub step: Vec<Step>,
}

/// The knobs of one agency from a second on. What a step does not name is at rest again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, counted from the start.
    pub at_s: f64,
    /// At which agency, by its name; at every one if it is `all`.
    pub agency: String,
    /// Faults; the first that applies wins.
    #[serde(default)]
    pub fault: Vec<Knob>,
    /// Latency of every answer.
    #[serde(default)]
    pub latency: Latency,
    /// Latency of the answers about some persons, in its place.
    #[serde(default)]
    pub latency_of: BTreeMap<String, Latency>,
    /// When to come again, of who is refused.
    #[serde(default)]
    pub again: Again,
}

/// Why a scenario is none.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is no TOML of a scenario.
    #[error("{0}")]
    Malformed(String),
    /// A step is wrong.
    #[error("step {number}: {what}")]
    Step {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong.
        what: String,
    },
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let read: Result<Self, _> = toml::from_str(text);
        let scenario = read.map_err(|error| ScenarioError::Malformed(error.to_string()))?;
        scenario.check()?;
        Ok(scenario)
    }

    /// One of those that come with the program.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Self::parse(text).ok()
    }

    /// The names of those that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Looks whether these simulators can play it; what it names and nobody plays is left out.
    ///
    /// # Errors
    /// The first step that one of them cannot.
    pub fn fits(&self, stage: &[(Source, Arc<Knobs>)]) -> Result<(), ScenarioError> {
        for (index, step) in self.step.iter().enumerate() {
            for (source, knobs) in stage.iter().filter(|(source, _)| step.names(*source)) {
                let faults = step.fault.iter().map(|knob| knob.fault);
                let unsaid = faults.into_iter().find(|fault| !knobs.offers(*fault));
                let what = match (unsaid, Knobs::new(*source).set(&step.settings())) {
                    (Some(fault), _) => {
                        format!("fault: the wire of {source} cannot say {}", fault.name())
                    }
                    (None, Err(what)) => what,
                    (None, Ok(())) => continue,
                };
                let number = index + 1;
                return Err(ScenarioError::Step { number, what });
            }
        }
        Ok(())
    }

    /// Plays it until it ends, which one that repeats never does.
    pub async fn play(&self, stage: &[(Source, Arc<Knobs>)]) {
        for (_, knobs) in stage {
            knobs.seed(self.seed);
        }
        let mut begun = Instant::now();
        loop {
            for step in &self.step {
                sleep_until(begun + Duration::from_secs_f64(step.at_s)).await;
                step.set(stage);
            }
            let Some(repeat) = self.repeat_s else { return };
            begun += Duration::from_secs(repeat);
            sleep_until(begun).await;
        }
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let mut last = 0.0;
        for (index, step) in self.step.iter().enumerate() {
            let wrong = |what: &str| ScenarioError::Step {
                number: index + 1,
                what: what.to_owned(),
            };
            if !(step.at_s >= last && step.at_s < LONGEST_S) {
                return Err(wrong(
                    "at_s: not after the step before, or later than a day",
                ));
            }
            if !Source::ALL.into_iter().any(|source| step.names(source)) {
                return Err(wrong("agency: there is none of that name"));
            }
            if self
                .repeat_s
                .is_some_and(|repeat| step.at_s >= repeat as f64)
            {
                return Err(wrong("at_s: the scenario begins again before"));
            }
            last = step.at_s;
        }
        Ok(())
    }
}

impl Step {
    fn names(&self, source: Source) -> bool {
        self.agency == "all" || self.agency == source.name()
    }

    fn settings(&self) -> KnobSettings {
        KnobSettings {
            faults: self.fault.clone(),
            latency: self.latency,
            latency_of: self.latency_of.clone(),
            again: self.again,
            seed: None,
        }
    }

    fn set(&self, stage: &[(Source, Arc<Knobs>)]) {
        let named = stage.iter().filter(|(source, _)| self.names(*source));
        for (source, knobs) in named {
            match knobs.set(&self.settings()) {
                Ok(()) => tracing::info!(%source, at_s = self.at_s, "the scenario goes on"),
                Err(what) => tracing::warn!(%source, what, "a step of the scenario was refused"),
            }
        }
    }
}

/// A day.
const LONGEST_S: f64 = 86_400.0;

/// The scenarios that come with the program; files, so that they can be copied.
const BUILT_IN: [(&str, &str); 3] = [
    ("bad-day", include_str!("scenarios/bad-day.toml")),
    ("log-outs", include_str!("scenarios/log-outs.toml")),
    ("maintenance", include_str!("scenarios/maintenance.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;
    use exchange::CitizenId;

    fn stage() -> Vec<(Source, Arc<Knobs>)> {
        let knobs = |source| (source, Arc::new(Knobs::new(source)));
        Source::ALL.into_iter().map(knobs).collect()
    }

    #[test]
    fn those_that_come_with_the_program_can_be_played() {
        for name in Scenario::names() {
            let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name).unwrap();
            let scenario = Scenario::parse(text).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
            scenario.fits(&stage()).unwrap();
        }
        let bad_day = Scenario::built_in("bad-day").unwrap();
        for source in Source::ALL {
            let disturbed = bad_day.step.iter().any(|step| step.names(source));
            assert!(disturbed, "{source} has a good day");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_step() {
        let step = |text: &str| {
            let text = format!("[[step]]\nat_s = 1\nagency = \"tax\"\n[[step]]\n{text}");
            Scenario::parse(&text).unwrap_err().to_string()
        };
        assert!(step("at_s = 0\nagency = \"tax\"").starts_with("step 2: at_s"));
        assert!(step("at_s = 2\nagency = \"land\"").starts_with("step 2: agency"));
        assert!(step("at_s = 2\nagency = \"tax\"\nhurry = 1").contains("unknown field `hurry`"));
        assert!(step("at_s = nan\nagency = \"tax\"").starts_with("step 2: at_s"));
    }

    #[test]
    fn a_step_that_a_wire_cannot_say_is_refused_before_anything_is_set() {
        let text = "[[step]]\nat_s = 0\nagency = \"all\"\nfault = [{ fault = \"bomb\" }]";
        let (scenario, stage) = (Scenario::parse(text).unwrap(), stage());
        scenario.fits(&stage).unwrap();
        stage[4].1.withhold(&[FaultKind::Bomb]);
        let wrong = scenario.fits(&stage).unwrap_err().to_string();
        let said = "step 1: fault: the wire of social_security cannot say bomb";
        assert_eq!(wrong, said);
    }

    #[tokio::test(start_paused = true)]
    async fn steps_come_in_their_time_again_and_again() {
        let text = "repeat_s = 10\n[[step]]\nat_s = 2\nagency = \"tax\"\nfault = [{ fault = \"hang\" }]\n\
             [[step]]\nat_s = 5\nagency = \"all\"";
        let (scenario, stage) = (Scenario::parse(text).unwrap(), stage());
        let tax = Arc::clone(&stage[3].1);
        let played = tokio::spawn(async move { scenario.play(&stage).await });
        let id = CitizenId::from_agency("999099001000").unwrap();
        let begun = Instant::now();
        let hangs = Some(FaultKind::Hang);
        for (second, fault) in [(1, None), (3, hangs), (6, None), (13, hangs)] {
            sleep_until(begun + Duration::from_secs(second)).await;
            assert_eq!(tax.decide(&id), fault, "at {second} s");
        }
        played.abort();
    }

    #[test]
    fn the_same_seed_rolls_the_same_dice() {
        let text = r#"{"faults": [{"fault": "hang", "probability": 0.5}]}"#;
        let id = CitizenId::from_agency("999099001000").unwrap();
        let rolls = |seed| {
            let knobs = Knobs::new(Source::Tax);
            knobs.set(&serde_json::from_str(text).unwrap()).unwrap();
            knobs.seed(seed);
            (0..64)
                .map(|_| knobs.decide(&id).is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8_000));
    }
}
