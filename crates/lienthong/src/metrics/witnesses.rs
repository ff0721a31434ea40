//! What the witnesses come to: cosignatures under the latest checkpoint, failures, and how long the
//! quorum is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use evidence::NotCosigned;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::counter;
use super::disk::Level;
use crate::config::chain;

/// The counts of the witnesses.
#[derive(Debug)]
pub(super) struct Witnesses {
    cosignatures: Arc<Level>,
    missing: Arc<Level>,
    failures: Arc<[AtomicU64; NotCosigned::KINDS.len()]>,
}

impl Witnesses {
    pub(super) fn new(meter: &Meter, node: &[KeyValue; 1]) -> Self {
        let failures = Arc::<[AtomicU64; _]>::default();
        let (read, of_node) = (Arc::clone(&failures), node.clone());
        counter(
            meter,
            "audit.witness.failures",
            "Questions to witnesses that brought no cosignature.",
            move |counted| {
                for (kind, count) in NotCosigned::KINDS.into_iter().zip(read.iter()) {
                    let [node] = of_node.clone();
                    counted.observe(count.load(Relaxed), &[node, KeyValue::new("kind", kind)]);
                }
            },
        );
        Self {
            cosignatures: Level::new(
                meter,
                "audit.checkpoint.cosignatures",
                "",
                "Cosignatures of witnesses under the latest checkpoint.",
                node,
            ),
            missing: Level::new(
                meter,
                "audit.quorum.missing",
                "s",
                "For how long no checkpoint has met the quorum of witnesses; 0 if the latest has.",
                node,
            ),
            failures,
        }
    }

    pub(super) fn cosigned(&self, count: usize) {
        self.cosignatures
            .tell(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(super) fn missing(&self, time: Duration) {
        self.missing.tell(time.as_secs());
    }

    /// Counts a failure; of those in a row, the first is logged.
    pub(super) fn failed(&self, witness: &str, why: &NotCosigned, is_first: bool) {
        if let Some(count) = self.failures.get(why.kind()) {
            count.fetch_add(1, Relaxed);
        }
        if is_first {
            let why = chain(why);
            tracing::warn!(witness, why, "a witness does not cosign; it is asked again");
        }
    }
}
