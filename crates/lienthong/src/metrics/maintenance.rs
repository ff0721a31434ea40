//! Which sources are under maintenance, and until when.

use std::sync::Arc;

use adapter::guard::Guard;
use opentelemetry::KeyValue;

use super::Metrics;

impl Metrics {
    /// Shows of these sources until when each is under maintenance, as far as is known.
    pub(super) fn maintenance(&self, guards: &Arc<[Arc<Guard>]>) {
        let guards = Arc::clone(guards);
        let end = "gateway.source.maintenance.end.timestamp";
        self.meter
            .i64_observable_gauge(end)
            .with_unit("s")
            .with_description("When the maintenance of a source ends, in seconds of Unix time; 0 if there is none.")
            .with_callback(move |gauge| {
                for guard in &*guards {
                    let end = guard.maintenance().map_or(0, |end| end.as_second());
                    gauge.observe(end, &[KeyValue::new("source", guard.source().name())]);
                }
            })
            .build();
    }
}
