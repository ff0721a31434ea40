//! How the sources are: circuits, limits, and what was kept back from them.
//!
//! The guards count by themselves; the meter reads them when it is asked.

use std::sync::Arc;

use adapter::guard::{Circuit, Counts, Guard};
use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

use super::{Metrics, counter, gauge};

/// The guards of the sources that are asked.
type Guards = Arc<[Arc<Guard>]>;

impl Metrics {
    /// Shows these guards.
    pub(crate) fn guards(&self, guards: &Guards) {
        self.circuits(guards);
        self.limits(guards);
        self.calls(guards);
        self.maintenance(guards);
        self.endpoints(guards);
        for (name, what, read) in SUMS {
            let guards = Arc::clone(guards);
            counter(&self.meter, name, what, move |counted| {
                for guard in &*guards {
                    counted.observe(read(&guard.counts()), &[source(guard)]);
                }
            });
        }
    }

    fn circuits(&self, guards: &Guards) {
        let guards = Arc::clone(guards);
        let what = "1 for the state that the circuit to a source is in, 0 for the others.";
        gauge(&self.meter, "source.circuit", "", what, move |gauge| {
            for guard in &*guards {
                let is = guard.view().circuit.name();
                for name in Circuit::NAMES {
                    let labels = [source(guard), KeyValue::new("circuit", name)];
                    gauge.observe(u64::from(name == is), &labels);
                }
            }
        });
    }

    fn limits(&self, guards: &Guards) {
        let under_way = Arc::clone(guards);
        let what = "Calls that are under way to a source.";
        gauge(&self.meter, "source.in_flight", "", what, move |gauge| {
            for guard in &*under_way {
                gauge.observe(guard.view().in_flight.into(), &[source(guard)]);
            }
        });
        let guards = Arc::clone(guards);
        let what = "Calls that may be under way to a source at present.";
        gauge(&self.meter, "source.limit", "", what, move |gauge| {
            for guard in &*guards {
                gauge.observe(guard.view().limit.into(), &[source(guard)]);
            }
        });
    }

    fn calls(&self, guards: &Guards) {
        let calls = Arc::clone(guards);
        let what = "Calls to a source, by what their end says of it.";
        counter(&self.meter, "source.calls", what, move |counted| {
            for guard in &*calls {
                labelled(counted, guard, "end", &guard.counts().calls);
            }
        });
        let looks = Arc::clone(guards);
        let what = "Calls to a source on nobody's behalf, by their end: looks at dossiers.";
        counter(&self.meter, "source.looks", what, move |counted| {
            for guard in &*looks {
                labelled(counted, guard, "end", &guard.counts().errands);
            }
        });
        let guards = Arc::clone(guards);
        let what = "Questions that were kept back from a source, by why.";
        counter(&self.meter, "source.kept_back", what, move |counted| {
            for guard in &*guards {
                labelled(counted, guard, "why", &guard.counts().kept_back);
            }
        });
    }
}

fn labelled(
    counted: &dyn AsyncInstrument<u64>,
    guard: &Guard,
    label: &'static str,
    counts: &[(&'static str, u64)],
) {
    for (value, count) in counts {
        counted.observe(*count, &[source(guard), KeyValue::new(label, *value)]);
    }
}

fn source(guard: &Guard) -> KeyValue {
    KeyValue::new("source", guard.source().name())
}

/// A counter with one series for each source: its name, what it counts, and where that stands.
type Sum = (&'static str, &'static str, fn(&Counts) -> u64);

const SUMS: [Sum; 4] = [
    (
        "source.retries",
        "Calls that were made a second time.",
        |it| it.retries,
    ),
    (
        "source.retries.over_budget",
        "Calls that were not made a second time for want of budget.",
        |it| it.over_budget,
    ),
    (
        "source.circuit.opened",
        "How often the circuit to a source opened.",
        |it| it.opened,
    ),
    (
        "source.circuit.probes",
        "Calls that tried whether a source is back.",
        |it| it.probes,
    ),
];
