//! How many batch jobs there are, and what becomes of their items.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use evidence::BatchState;
use gate::ItemEnd;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::{counter, gauge};

/// Jobs by their state, and items by how they ended.
#[derive(Debug, Default)]
pub(super) struct Batches {
    jobs: [AtomicU64; BatchState::ALL.len()],
    items: [AtomicU64; ItemEnd::ALL.len()],
}

impl Batches {
    pub(super) fn new(meter: &Meter) -> Arc<Self> {
        let this = Arc::<Self>::default();
        let read = Arc::clone(&this);
        gauge(
            meter,
            "gateway.batch.jobs",
            "",
            "Batch jobs that have not expired, by state; of several nodes all say the same.",
            move |gauge| {
                for (state, count) in BatchState::ALL.into_iter().zip(&read.jobs) {
                    let state = KeyValue::new("state", state.name());
                    gauge.observe(count.load(Relaxed), &[state]);
                }
            },
        );
        let read = Arc::clone(&this);
        counter(
            meter,
            "gateway.batch.items",
            "Items of batch jobs that were asked, by what has become of them.",
            move |counted| {
                for (end, count) in ItemEnd::ALL.into_iter().zip(&read.items) {
                    let end = KeyValue::new("end", end.name());
                    counted.observe(count.load(Relaxed), &[end]);
                }
            },
        );
        this
    }

    pub(super) fn jobs(&self, counts: &[(BatchState, u64)]) {
        for (state, place) in BatchState::ALL.into_iter().zip(&self.jobs) {
            let count = counts.iter().find(|(its, _)| *its == state);
            place.store(count.map_or(0, |(_, count)| *count), Relaxed);
        }
    }

    pub(super) fn item(&self, end: ItemEnd) {
        for (its, count) in ItemEnd::ALL.into_iter().zip(&self.items) {
            if its == end {
                count.fetch_add(1, Relaxed);
            }
        }
    }
}
