//! What a guard counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Calls that the source answered.
    pub(super) answered: AtomicU64,
    /// Calls in which it failed.
    pub(super) failed: AtomicU64,
    /// Calls that say nothing of it.
    pub(super) local: AtomicU64,
    /// Calls that their callers gave up.
    pub(super) dropped: AtomicU64,
    /// Second calls.
    pub(super) retries: AtomicU64,
    /// Second calls for which there was no budget.
    pub(super) over_budget: AtomicU64,
    /// Questions that were not asked since the circuit was open.
    pub(super) circuit_open: AtomicU64,
    /// Questions that were not asked since there was no place.
    pub(super) overloaded: AtomicU64,
    /// Questions that were not asked since there was no time.
    pub(super) no_time: AtomicU64,
    /// Questions that were not asked since the source is under maintenance.
    pub(super) maintenance: AtomicU64,
    /// How often the circuit opened.
    pub(super) opened: AtomicU64,
    /// How many probes were made.
    pub(super) probes: AtomicU64,
}

impl Tally {
    pub(super) fn add(count: &AtomicU64) {
        count.fetch_add(1, Relaxed);
    }
}
