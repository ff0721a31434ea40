//! Whether quotas are shared with other nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use opentelemetry::metrics::Meter;

use super::{Metrics, counter, gauge};

/// What is known of the store of common quotas.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// 0 until there was a round; then 1 more than whether the last one was answered.
    last: AtomicU64,
    failures: AtomicU64,
}

impl Sharing {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let this = Arc::<Self>::default();
        let read = Arc::clone(&this);
        gauge(
            meter,
            "quota.shared",
            "",
            "1 if the store of common quotas answered the last time, 0 if each node keeps to its part.",
            move |gauge| {
                if let Some(shared) = read.last.load(Relaxed).checked_sub(1) {
                    gauge.observe(shared, &[]);
                }
            },
        );
        let read = Arc::clone(&this);
        counter(
            meter,
            "quota.lease_failures",
            "Rounds of leases that the store of common quotas did not answer.",
            move |counted| counted.observe(read.failures.load(Relaxed), &[]),
        );
        this
    }
}

impl Metrics {
    /// Counts a round of leases.
    pub(crate) fn leased(&self, is_answered: bool) {
        self.sharing.last.store(1 + u64::from(is_answered), Relaxed);
        if !is_answered {
            self.sharing.failures.fetch_add(1, Relaxed);
        }
    }
}
