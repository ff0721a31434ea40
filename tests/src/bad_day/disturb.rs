//! The knobs of the simulated agencies, over their control listeners, and what their journals say.

use std::collections::HashMap;
use std::time::Duration;

use exchange::Source;
use serde_json::{Value, json};
use sim::{Scenario, Step};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{Rest, Sandbox};

/// The control listeners.
#[derive(Clone, Debug)]
pub(super) struct Controls {
    each: Vec<(Source, Rest)>,
    seed: u64,
}

/// What each agency was asked about each person, and what it did, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Journals(HashMap<(Source, String), Vec<String>>);

impl Journals {
    /// What a source did when asked about a person.
    pub(super) fn of(&self, source: Source, subject: &str) -> &[String] {
        let found = self.0.get(&(source, subject.to_owned()));
        found.map_or(&[], Vec::as_slice)
    }

    /// How many questions came to all of them.
    pub(super) fn total(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    fn add(&mut self, source: Source, taken: &Value) {
        let entries = taken["entries"].as_array().cloned().unwrap_or_default();
        for entry in entries {
            // The record beside them plays the fault.
            if entry["operation"] == "StreamObligations" {
                continue;
            }
            let (Some(subject), Some(outcome)) =
                (entry["subject"].as_str(), entry["outcome"].as_str())
            else {
                continue;
            };
            let place = self.0.entry((source, subject.to_owned())).or_default();
            place.push(outcome.to_owned());
        }
    }
}

/// Gathers the journals until told to stop: they keep the last questions only.
#[derive(Debug)]
pub(super) struct Gathering {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Journals>,
}

impl Gathering {
    pub(super) async fn end(self) -> Journals {
        self.stop.send(()).ok();
        self.task.await.expect("the journals are gathered")
    }
}

impl Controls {
    pub(super) fn of(sandbox: &Sandbox, seed: u64) -> Self {
        let control = |source: Source| {
            let address = sandbox.text(&format!("/agencies/{source}/control"));
            (source, Rest::plain(address))
        };
        Self {
            each: Source::ALL.into_iter().map(control).collect(),
            seed,
        }
    }

    /// Sets the knobs of some.
    pub(super) async fn disturb(&self, some: &[Source], knobs: &Value) {
        for (_, control) in self.each.iter().filter(|(source, _)| some.contains(source)) {
            let set = control.put("/knobs", knobs).await;
            assert_eq!(set.status, 200, "{}", set.text);
        }
    }

    /// Has all behave.
    pub(super) async fn rest(&self) {
        self.disturb(&Source::ALL, &json!({})).await;
    }

    /// Plays a scenario, over and over as it says, for so long.
    pub(super) async fn play(&self, scenario: &Scenario, time: Duration) {
        self.disturb(&Source::ALL, &json!({"seed": self.seed}))
            .await;
        let end = Instant::now() + time;
        let mut begun = Instant::now();
        loop {
            for step in &scenario.step {
                let due = begun + Duration::from_secs_f64(step.at_s);
                sleep_until(due.min(end)).await;
                if due >= end {
                    return;
                }
                self.step(step).await;
            }
            begun += Duration::from_secs(scenario.repeat_s.unwrap_or(u64::from(u32::MAX)));
        }
    }

    async fn step(&self, step: &Step) {
        let named = |source: &Source| step.agency == "all" || step.agency == source.name();
        let some: Vec<Source> = Source::ALL.into_iter().filter(named).collect();
        let knobs = json!({"faults": step.fault, "latency": step.latency,
            "latency_of": step.latency_of, "again": step.again});
        self.disturb(&some, &knobs).await;
    }

    /// Begins to gather the journals.
    pub(super) fn gather(&self) -> Gathering {
        let (stop, mut stopped) = oneshot::channel();
        let each = self.each.clone();
        let task = tokio::spawn(async move {
            let mut journals = Journals::default();
            loop {
                let last = stopped.try_recv().is_ok();
                for (source, control) in &each {
                    let taken = control.post("/journal:take", "", &[]).await.unwrap();
                    assert_eq!(taken.status, 200, "{}", taken.text);
                    journals.add(*source, &taken.json());
                }
                if last {
                    return journals;
                }
                sleep(OFTEN).await;
            }
        });
        Gathering { stop, task }
    }
}

/// Far more often than a journal is full.
const OFTEN: Duration = Duration::from_millis(250);
