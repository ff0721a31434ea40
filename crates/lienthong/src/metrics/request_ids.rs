//! Whether request ids are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use opentelemetry::metrics::Meter;

use super::{Metrics, counter, gauge};
use crate::config::chain;

/// What is known of the store of request ids.
#[derive(Debug)]
pub(super) struct RequestIds {
    stored: AtomicU64,
    lost: AtomicU64,
}

impl RequestIds {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let this = Arc::new(Self {
            stored: AtomicU64::new(1),
            lost: AtomicU64::new(0),
        });
        let read = Arc::clone(&this);
        gauge(
            meter,
            "gateway.request_ids.stored",
            "",
            "1 if request ids could be stored the last time, 0 while each node knows its own alone.",
            move |gauge| gauge.observe(read.stored.load(Relaxed), &[]),
        );
        let read = Arc::clone(&this);
        counter(
            meter,
            "gateway.request_ids.lost",
            "Beginnings and ends of questions that were never stored: too many waited.",
            move |counted| counted.observe(read.lost.load(Relaxed), &[]),
        );
        this
    }
}

impl Metrics {
    /// Notes that request ids are stored, `again` after a failure.
    pub(super) fn keeps_request_ids(&self, again: bool) {
        self.request_ids.stored.store(1, Relaxed);
        if again {
            tracing::info!("request ids are stored again");
        }
    }

    /// Notes that they cannot be stored.
    pub(super) fn keeps_no_request_ids(&self, error: &evidence::Error, is_first: bool) {
        self.request_ids.stored.store(0, Relaxed);
        if is_first {
            let error = chain(error);
            tracing::error!(
                error,
                "request ids are not stored: this node knows those that it was asked itself"
            );
        }
    }

    /// Counts what was never stored.
    pub(super) fn lost_request_ids(&self, count: u64) {
        self.request_ids.lost.fetch_add(count, Relaxed);
    }
}
