//! How much operators have stopped, and whether that is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use exchange::Switch;
use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::{Metrics, gauge};

/// What is stopped, by kind, and when that was read.
#[derive(Debug, Default)]
pub(super) struct Switches {
    stopped: [AtomicU64; Switch::KINDS.len()],
    read_at: AtomicI64,
}

impl Switches {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let this = Arc::<Self>::default();
        let read = Arc::clone(&this);
        gauge(
            meter,
            "gateway.switches.stopped",
            "",
            "What operators have stopped, by kind.",
            move |gauge| {
                for (kind, count) in Switch::KINDS.into_iter().zip(&read.stopped) {
                    gauge.observe(count.load(Relaxed), &[KeyValue::new("kind", kind)]);
                }
            },
        );
        let read = Arc::clone(&this);
        let read_at = meter.i64_observable_gauge("gateway.switches.read.timestamp");
        read_at
            .with_unit("s")
            .with_description("When the switches were last read, in seconds of Unix time.")
            .with_callback(move |gauge| gauge.observe(read.read_at.load(Relaxed), &[]))
            .build();
        this
    }
}

impl Metrics {
    /// Notes how much of each kind is stopped.
    pub(crate) fn switches(&self, counts: [u64; Switch::KINDS.len()]) {
        for (place, count) in self.switches.stopped.iter().zip(counts) {
            place.store(count, Relaxed);
        }
    }

    /// Notes that the switches were read.
    pub(crate) fn switches_read(&self, at: Timestamp) {
        self.switches.read_at.store(at.as_second(), Relaxed);
    }
}
