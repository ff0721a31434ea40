//! How many emergencies wait to be reviewed, and for how many that is overdue.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use opentelemetry::metrics::Meter;

use super::{Metrics, gauge};

/// What is open.
#[derive(Debug, Default)]
pub(super) struct Reviews {
    open: AtomicU64,
    overdue: AtomicU64,
}

impl Reviews {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let this = Arc::<Self>::default();
        let read = Arc::clone(&this);
        gauge(
            meter,
            "gateway.reviews.open",
            "",
            "Exchanges in an emergency that nobody has reviewed yet.",
            move |gauge| gauge.observe(read.open.load(Relaxed), &[]),
        );
        let read = Arc::clone(&this);
        gauge(
            meter,
            "gateway.reviews.overdue",
            "",
            "Those of them that should have been reviewed by now.",
            move |gauge| gauge.observe(read.overdue.load(Relaxed), &[]),
        );
        this
    }
}

impl Metrics {
    /// Notes how many reviews are open, and how many of these are overdue.
    pub(crate) fn reviews(&self, open: u64, overdue: u64) {
        self.reviews.open.store(open, Relaxed);
        self.reviews.overdue.store(overdue, Relaxed);
    }
}
