//! What a load says at its end, as one line of JSON.

use std::fmt;

use serde::Serialize;

use super::Spent;
use super::seconds::Middle;
use super::tally::Tally;
use crate::histogram::Waits;
use crate::latency::Quantiles;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Exchanges that count.
    exchanges: usize,
    /// How many do not.
    failed: usize,
    /// Those, by reason.
    failures: String,
    /// Exchanges per second of the window.
    per_second: f64,
    /// CPU time of the server's process for each exchange, in microseconds; what failed is paid
    /// for by what did not.
    cpu_us: f64,
    /// CPU time of the server's process for each second of the window.
    busy: f64,
    /// The share of all cores that the hypervisor gave to others during the window.
    stolen: f64,
    /// From the call to the decoded answer.
    latency_us: Quantiles,
    /// The same without the slowest source.
    added_us: Quantiles,
    /// How long exchanges waited for their record, by the buckets of the server's own histogram.
    record_wait_us: Option<Waits>,
    /// Of an open loop, the middle one of its seconds by their p99.
    middle: Option<Middle>,
    /// The mean size of an answer.
    answer_bytes: usize,
    /// Resident memory of the server before the load, in KiB.
    idle_kib: u64,
    /// And after it.
    after_kib: u64,
}

impl Report {
    /// Sums up a tally.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of one run stay far below 2⁵³"
    )]
    pub(super) fn new(
        tally: Tally,
        spent: &Spent,
        middle: Option<Middle>,
        idle_kib: u64,
        after_kib: u64,
    ) -> Self {
        let exchanges = tally.exchanges();
        let count = exchanges.max(1);
        let seconds = spent.time.as_secs_f64();
        Self {
            exchanges,
            failed: tally.failed.values().sum(),
            failures: tally.failures(),
            per_second: exchanges as f64 / seconds,
            cpu_us: spent.cpu.as_secs_f64() * 1e6 / count as f64,
            busy: spent.cpu.as_secs_f64() / seconds,
            stolen: spent.stolen,
            answer_bytes: tally.bytes / count,
            latency_us: tally.latencies.quantiles(),
            added_us: tally.added.quantiles(),
            record_wait_us: spent.record_wait,
            middle,
            idle_kib,
            after_kib,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}
