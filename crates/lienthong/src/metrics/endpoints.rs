//! How the addresses of a source are, of those that have several. With one there is no series.

use std::sync::Arc;

use adapter::guard::{Address, Circuit, Guard};
use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;

use super::{Metrics, counter, gauge};

/// The guards of the sources that are asked.
type Guards = Arc<[Arc<Guard>]>;

impl Metrics {
    /// Shows the addresses of these sources.
    pub(super) fn endpoints(&self, guards: &Guards) {
        for (name, what, read) in STATES {
            let guards = Arc::clone(guards);
            gauge(&self.meter, name, "", what, move |gauge| {
                each(&guards, gauge, read);
            });
        }
        for (name, what, read) in SUMS {
            let guards = Arc::clone(guards);
            counter(&self.meter, name, what, move |counted| {
                each(&guards, counted, read);
            });
        }
    }
}

fn each(guards: &Guards, instrument: &dyn AsyncInstrument<u64>, read: fn(&Address<'_>) -> u64) {
    for guard in &**guards {
        for address in guard.addresses() {
            let labels = [
                KeyValue::new("source", guard.source().name()),
                KeyValue::new("endpoint", address.name.to_owned()),
            ];
            instrument.observe(read(&address), &labels);
        }
    }
}

/// An instrument with one series for each address: its name, what it shows, and where that stands.
type Shown = (&'static str, &'static str, fn(&Address<'_>) -> u64);

const STATES: [Shown; 2] = [
    (
        "source.endpoint.aside",
        "1 while one of several addresses of a source is left aside, 0 while it is used.",
        |it| u64::from(it.circuit != Circuit::Closed),
    ),
    (
        "source.endpoint.in_flight",
        "Calls that are under way to one of several addresses of a source.",
        |it| it.in_flight.into(),
    ),
];

const SUMS: [Shown; 3] = [
    (
        "source.endpoint.calls",
        "Calls to one of several addresses of a source that have ended.",
        |it| it.calls,
    ),
    (
        "source.endpoint.failed",
        "Calls that one of several addresses of a source has failed.",
        |it| it.failed,
    ),
    (
        "source.endpoint.ejected",
        "How often one of several addresses of a source was left aside.",
        |it| it.ejected,
    ),
];
