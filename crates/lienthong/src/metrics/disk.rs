//! What the log of evidence tells: waits, batches, how it stands, whether it is whole, and who has
//! cosigned.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use edge::{Readiness, Record};
use evidence::NotCosigned;
use evidence::keys::VerifierKey;
use evidence::verify::VerifyError;
use opentelemetry::metrics::{Histogram, Meter};
use opentelemetry::{KeyValue, Value};
use tokio::time::Instant;

use super::runway::Runway;
use super::witnesses::Witnesses;
use super::{Metrics, counter, gauge};

/// The counts of the log.
#[derive(Debug)]
pub(super) struct Disk {
    node: [KeyValue; 1],
    commit_wait: Histogram<f64>,
    fsync: Histogram<f64>,
    batch: Histogram<u64>,
    queue: Arc<Level>,
    next_seq: Arc<Level>,
    checkpoint_size: Arc<Level>,
    free: Arc<Level>,
    /// Whom a full disk keeps from being sent calls.
    readiness: OnceLock<Readiness>,
    days_left: Arc<Level>,
    runway: Runway,
    indexed: Arc<Level>,
    verified: Arc<Level>,
    findings: Arc<AtomicU64>,
    witnesses: Witnesses,
}

/// A number that is told now and then; not observed before it is first told.
#[derive(Debug)]
pub(super) struct Level(AtomicU64);

impl Disk {
    pub(super) fn new(meter: &Meter, node: &str) -> Self {
        let node = [KeyValue::new("node", Value::from(Arc::<str>::from(node)))];
        let seconds = |name, description| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(SECONDS.to_vec())
                .build()
        };
        let level = |name, unit, description| Level::new(meter, name, unit, description, &node);
        Self {
            commit_wait: seconds(
                "audit.commit_wait",
                "How long exchanges wait for their record.",
            ),
            fsync: seconds(
                "audit.fsync",
                "How long the disk takes to make a batch durable.",
            ),
            batch: batch(meter),
            queue: level(
                "audit.queue.depth",
                "",
                "Exchanges that are open or wait for their record.",
            ),
            next_seq: level(
                "audit.next_seq",
                "",
                "The sequence number of the next record.",
            ),
            checkpoint_size: level(
                "audit.checkpoint.size",
                "",
                "The number of records under the latest checkpoint.",
            ),
            free: level("audit.free", "By", "Bytes free on the disk of the log."),
            readiness: OnceLock::new(),
            days_left: level(
                "audit.disk.left",
                "d",
                "Days until that disk is full, at the pace since yesterday.",
            ),
            runway: Runway::default(),
            indexed: level(
                "audit.indexed",
                "",
                "Records before this number can be searched.",
            ),
            verified: level(
                "audit.last_verify_ok.timestamp",
                "",
                "When the log was last read again with nothing wrong, in seconds since 1970.",
            ),
            findings: findings(meter, &node),
            witnesses: Witnesses::new(meter, &node),
            node,
        }
    }
}

fn batch(meter: &Meter) -> Histogram<u64> {
    meter
        .u64_histogram("audit.batch.entries")
        .with_description("Records that became durable together.")
        .with_boundaries(ENTRIES.to_vec())
        .build()
}

impl Level {
    pub(super) fn new(
        meter: &Meter,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        node: &[KeyValue; 1],
    ) -> Arc<Self> {
        let level = Arc::new(Self(AtomicU64::new(UNTOLD)));
        let read = Arc::clone(&level);
        let node = node.clone();
        gauge(meter, name, unit, description, move |gauge| {
            let value = read.0.load(Relaxed);
            if value != UNTOLD {
                gauge.observe(value, &node);
            }
        });
        level
    }

    pub(super) fn tell(&self, value: u64) {
        self.0.store(value, Relaxed);
    }
}

/// Counts what is found wrong with the log.
fn findings(meter: &Meter, node: &[KeyValue; 1]) -> Arc<AtomicU64> {
    let count = Arc::<AtomicU64>::default();
    let (read, node) = (Arc::clone(&count), node.clone());
    counter(
        meter,
        "audit.verify.findings",
        "What was wrong with the log when it was read again.",
        move |counted| counted.observe(read.load(Relaxed), &node),
    );
    count
}

impl Metrics {
    /// Has that node not be ready while the disk of the log has no room.
    pub(crate) fn readiness(&self, readiness: Readiness) {
        // The first node is the only one.
        self.disk.readiness.set(readiness).ok();
    }
}

impl evidence::Observer for Metrics {
    fn commit_wait(&self, wait: Duration) {
        let disk = &self.disk;
        disk.commit_wait.record(wait.as_secs_f64(), &disk.node);
    }

    fn synced(&self, took: Duration) {
        let disk = &self.disk;
        disk.fsync.record(took.as_secs_f64(), &disk.node);
    }

    fn batch(&self, leaves: u32) {
        let disk = &self.disk;
        disk.batch.record(u64::from(leaves), &disk.node);
    }

    fn queue_depth(&self, places: u32) {
        self.disk.queue.tell(u64::from(places));
    }

    fn free_bytes(&self, bytes: u64) {
        self.disk.free.tell(bytes);
        if let Some(days) = self.disk.runway.days(Instant::now(), bytes) {
            self.disk.days_left.tell(days);
        }
    }

    fn disk_low(&self, low: bool) {
        if low {
            tracing::error!(
                "AuditDiskLow: the disk of the log is below its reserve, nobody is answered"
            );
        } else {
            tracing::info!("the disk of the log has room again");
        }
        if let Some(readiness) = self.disk.readiness.get() {
            readiness.record(if low {
                Record::Unwritable
            } else {
                Record::Writable
            });
        }
    }

    fn next_seq(&self, seq: u64) {
        self.disk.next_seq.tell(seq);
    }

    fn not_published(&self, error: &evidence::Error) {
        let error = crate::config::chain(error);
        tracing::error!(error, "the record is not published; it is tried again");
    }

    fn published(&self, size: u64) {
        self.disk.checkpoint_size.tell(size);
    }

    fn scrubbed(&self, at_s: u64) {
        self.disk.verified.tell(at_s);
    }

    fn scrub_found(&self, found: &VerifyError) {
        self.disk.findings.fetch_add(1, Relaxed);
        let found = crate::config::chain(found);
        tracing::error!(found, "AuditDamaged: the log is not what was written");
    }

    fn scrub_late(&self, needs: Duration) {
        let seconds = needs.as_secs();
        tracing::warn!(
            seconds,
            "the log is too large to be read again within scrub_interval_s"
        );
    }

    fn keys_changed(&self, add: &[VerifierKey], gone: &[VerifierKey]) {
        tracing::warn!(?add, ?gone, "the keys that sign the record have changed");
    }

    fn keys_not_changed(&self, error: &evidence::Error) {
        let error = crate::config::chain(error);
        tracing::error!(
            error,
            "other keys are wanted and do not sign; it is tried again"
        );
    }

    fn clock_set(&self, step_ms: i64) {
        tracing::error!(step_ms, "the clock of this machine was set");
    }

    fn filed(&self, next: u64) {
        self.disk.indexed.tell(next);
    }

    fn openings_lost(&self, count: u64) {
        tracing::error!(count, "the keys to what records hide are lost");
    }

    fn not_filed(&self, error: &evidence::Error) {
        let error = crate::config::chain(error);
        tracing::error!(
            error,
            "the record is not filed for search; it is tried again"
        );
    }

    fn not_turned(&self, error: &evidence::Error) {
        let error = crate::config::chain(error);
        tracing::error!(
            error,
            "the log of the next half-year is not begun; it is tried again"
        );
    }

    fn lock_store_moved(&self, from: &Path, to: &Path) {
        let (from, to) = (from.display(), to.display());
        tracing::warn!(%from, %to, "the lock store of a half-year was taken out of the log's directory");
    }

    fn request_ids_stored(&self, again: bool) {
        self.keeps_request_ids(again);
    }

    fn request_ids_not_stored(&self, error: &evidence::Error, is_first: bool) {
        self.keeps_no_request_ids(error, is_first);
    }

    fn request_ids_lost(&self, count: u64) {
        self.lost_request_ids(count);
    }

    fn cosigned(&self, count: usize) {
        self.disk.witnesses.cosigned(count);
    }

    fn not_cosigned(&self, witness: &str, why: &NotCosigned, is_first: bool) {
        self.disk.witnesses.failed(witness, why, is_first);
    }

    fn cosigns_again(&self, witness: &str) {
        tracing::info!(witness, "a witness cosigns again");
    }

    fn quorum_missing(&self, time: Duration) {
        self.disk.witnesses.missing(time);
    }

    fn quorum_overdue(&self, time: Duration) {
        let seconds = time.as_secs();
        tracing::error!(seconds, "no checkpoint meets the quorum of witnesses");
    }
}

/// A number no log reaches.
const UNTOLD: u64 = u64::MAX;
/// From a fast disk's sync to one that is in trouble; narrow where the wait for the record mostly is.
const SECONDS: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.0075, 0.01,
    0.025, 0.05, 0.1, 0.25, 1.0,
];
const ENTRIES: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];
