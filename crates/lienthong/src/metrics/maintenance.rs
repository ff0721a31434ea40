//! Which agencies are under maintenance, and until when.

use std::sync::Arc;

use adapter::Agency;
use opentelemetry::KeyValue;

use super::Metrics;

impl Metrics {
    /// Shows of these agencies until when each is under maintenance, as far as is known.
    pub(crate) fn watch_maintenance(&self, agencies: Vec<Arc<dyn Agency>>) {
        let end = "gateway.source.maintenance.end.timestamp";
        self.meter
            .i64_observable_gauge(end)
            .with_unit("s")
            .with_description("When the maintenance of a source ends, in seconds of Unix time; 0 if there is none.")
            .with_callback(move |gauge| {
                for agency in &agencies {
                    let end = agency.maintenance().map_or(0, |end| end.as_second());
                    gauge.observe(end, &[KeyValue::new("source", agency.source().name())]);
                }
            })
            .build();
    }
}
