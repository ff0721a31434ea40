//! The record alone: how long an exchange waits for it, beside what a sync of the disk takes.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::measured::Quantiles;

/// How many records a second are asked for, in turn.
pub(super) const RATES: [u32; 3] = [1_000, 5_000, 10_000];

/// The record at one rate, for one window.
#[derive(Debug)]
pub(super) struct Alone {
    /// How many a second were asked for.
    pub(super) rate: u32,
    pub(super) report: RecordReport,
    /// A sync of the same disk, just after.
    pub(super) sync: Quantiles,
}

/// What `bench record` says.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct RecordReport {
    pub(super) per_second: f64,
    pub(super) wait_us: Wait,
    pub(super) cpu_us: f64,
    pub(super) written_bytes: u64,
    pub(super) stolen: f64,
}

/// Quantiles of the wait in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Wait {
    pub(super) p50: u32,
    pub(super) p99: u32,
    pub(super) p999: u32,
}

impl RecordReport {
    /// Reads one.
    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).context("the record says nothing sensible")
    }
}

impl Alone {
    /// The longest p99 aimed at, in microseconds: three syncs of this disk at its own p99, and one
    /// millisecond.
    pub(super) const fn aim(&self) -> u32 {
        aim(self.sync.p99)
    }

    /// For the terminal, when the window is done.
    pub(super) fn line(&self) -> String {
        let Self { rate, report, sync } = self;
        let Wait { p50, p99, p999 } = report.wait_us;
        format!(
            "record alone {rate}/s: {:.0}/s, wait p50 {p50} p99 {p99} p99.9 {p999} µs, a sync p99 {} µs, \
             {:.1} µs, {} bytes, stolen {:.1} %",
            report.per_second,
            sync.p99,
            report.cpu_us,
            report.written_bytes,
            report.stolen * 100.0
        )
    }
}

/// The longest p99 aimed at where a sync has that one, in microseconds.
pub(super) const fn aim(sync: u32) -> u32 {
    sync.saturating_mul(3).saturating_add(1_000)
}

/// Of each rate the window from which least was stolen.
pub(super) fn quietest(windows: &[Alone]) -> Vec<&Alone> {
    let of_rate = |rate: u32| {
        let same = windows.iter().filter(move |window| window.rate == rate);
        same.min_by(|a, b| a.report.stolen.total_cmp(&b.report.stolen))
    };
    RATES.into_iter().filter_map(of_rate).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A window at that rate, from which so much was stolen.
    pub(in crate::bench) fn alone(rate: u32, stolen: f64) -> Alone {
        Alone {
            rate,
            report: RecordReport {
                per_second: f64::from(rate),
                wait_us: Wait {
                    p50: 400,
                    p99: 2_500,
                    p999: 5_000,
                },
                cpu_us: 31.0,
                written_bytes: 2_900,
                stolen,
            },
            sync: Quantiles { p50: 300, p99: 500 },
        }
    }

    #[test]
    fn of_each_rate_the_quietest_window_counts() {
        let windows = [alone(5_000, 0.2), alone(1_000, 0.1), alone(5_000, 0.01)];
        let counted = quietest(&windows);
        let counted: Vec<_> = counted
            .iter()
            .map(|it| (it.rate, it.report.stolen))
            .collect();
        assert_eq!(counted, [(1_000, 0.1), (5_000, 0.01)]);
        assert_eq!(windows[0].aim(), 2_500);
    }

    #[test]
    fn what_bench_record_prints_is_read() {
        let text = r#"{"exchanges":10,"per_second":5.0,"wait_us":{"p50":1,"p99":2,"p999":3,"max":4},
            "cpu_us":1.5,"written_bytes":9,"stolen":0.0}"#;
        assert_eq!(RecordReport::read(text).unwrap().wait_us.p999, 3);
        assert!(RecordReport::read("{}").is_err());
    }
}
