//! Who asks as no officer at work does: counted, and told to whoever is awake.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use admission::{Level, Step, Suspicion};
use exchange::Caller;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::counter;

/// One count for each level and step.
#[derive(Debug, Default)]
pub(super) struct Suspicions([[AtomicU64; Step::ALL.len()]; Level::ALL.len()]);

impl Suspicions {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let this = Arc::<Self>::default();
        let read = Arc::clone(&this);
        counter(
            meter,
            "scrutiny.suspicions",
            "Who asks as no officer at work does, by who it is and what followed.",
            move |counted| {
                for (level, step, count) in read.all() {
                    let labels = [
                        KeyValue::new("level", level.name()),
                        KeyValue::new("step", step.name()),
                    ];
                    counted.observe(count.load(Relaxed), &labels);
                }
            },
        );
        this
    }

    fn all(&self) -> impl Iterator<Item = (Level, Step, &AtomicU64)> {
        let levels = Level::ALL.into_iter().zip(&self.0);
        levels.flat_map(|(level, steps)| {
            let steps = Step::ALL.into_iter().zip(steps);
            steps.map(move |(step, count)| (level, step, count))
        })
    }

    /// Counts and logs; never who the officer is.
    pub(super) fn tell(&self, caller: &Caller, suspicion: Suspicion) {
        let is_it = |it: &(Level, Step, _)| it.0 == suspicion.level && it.1 == suspicion.step;
        if let Some((_, _, count)) = self.all().find(is_it) {
            count.fetch_add(1, Relaxed);
        }
        let (agency, system) = (caller.agency(), caller.system());
        let (who, id) = (suspicion.level.name(), suspicion.id);
        match suspicion.step {
            Step::Suspended => {
                tracing::error!(%agency, %system, who, %id, "EnumerationSuspected: suspended until it is lifted");
            }
            Step::SteppedDown => {
                tracing::warn!(%agency, %system, who, "a pattern of questions: one a second is answered");
            }
        }
    }
}
