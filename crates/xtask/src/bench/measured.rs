//! What was measured, and what follows from it.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::under_test::{Server, Sources};

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// The closed loops, in the order they ran.
    pub(super) turns: Vec<Turn>,
    /// The gateway at half of what it can take.
    pub(super) half: Vec<(Sources, Report)>,
    /// Start to first answer, in milliseconds.
    pub(super) starts: Vec<f64>,
    /// How many spans were exported.
    pub(super) spans: u64,
}

/// One server alone under load for one window.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) server: Server,
    pub(super) sources: Sources,
    pub(super) round: u32,
    pub(super) report: Report,
}

/// What `bench load` says.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Report {
    pub(super) exchanges: u64,
    pub(super) failed: u64,
    pub(super) failures: String,
    pub(super) per_second: f64,
    pub(super) cpu_us: f64,
    pub(super) busy: f64,
    pub(super) latency_us: Quantiles,
    pub(super) added_us: Quantiles,
    pub(super) answer_bytes: u64,
    pub(super) idle_kib: u64,
    pub(super) after_kib: u64,
}

/// Quantiles in microseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Quantiles {
    pub(super) p50: u32,
    pub(super) p99: u32,
}

impl Report {
    /// Reads one; a load in which more than one exchange in a hundred fails measures nothing.
    pub(super) fn read(text: &str) -> Result<Self> {
        let report: Self = serde_json::from_str(text).context("the load says nothing sensible")?;
        ensure!(
            report.failed * 100 <= report.exchanges,
            "{} of {} exchanges failed: {}",
            report.failed,
            report.failed + report.exchanges,
            report.failures
        );
        Ok(report)
    }

    /// For the terminal, when the open loop is done.
    pub(super) fn added_line(&self, sources: Sources, rate: f64) -> String {
        let Quantiles { p50, p99 } = self.added_us;
        format!("gateway      {sources:<12} at {rate:.0}/s: added p50 {p50} µs, p99 {p99} µs")
    }
}

impl Turn {
    pub(super) const fn new(server: Server, sources: Sources, round: u32, report: Report) -> Self {
        Self {
            server,
            sources,
            round,
            report,
        }
    }

    /// For the terminal, when the turn is done.
    pub(super) fn line(&self) -> String {
        let Self {
            server,
            sources,
            round,
            report,
        } = self;
        let Report {
            per_second,
            cpu_us,
            failed,
            ..
        } = report;
        let failed = match failed {
            0 => String::new(),
            _ => format!(", {failed} failed: {}", report.failures),
        };
        format!(
            "{server:<12} {sources:<12} round {round}: {per_second:.0}/s, {cpu_us:.1} µs{failed}"
        )
    }
}

impl Measured {
    /// The CPU time of an exchange in the middle one of all rounds, in microseconds; none if there
    /// was none.
    pub(super) fn cpu(&self, server: Server, sources: Sources) -> Option<f64> {
        median(self.of(server, sources).map(|report| report.cpu_us))
    }

    /// What the gateway can take: the rate of the middle one of its closed loops.
    pub(super) fn saturation(&self, sources: Sources) -> f64 {
        let rates = self.of(Server::Gateway, sources);
        median(rates.map(|report| report.per_second)).unwrap_or_default()
    }

    /// The most resident memory that a gateway held before its load, in KiB.
    pub(super) fn idle_kib(&self) -> Option<u64> {
        let gateways = self
            .turns
            .iter()
            .filter(|turn| turn.server == Server::Gateway);
        gateways.map(|turn| turn.report.idle_kib).max()
    }

    /// The middle one of the start-up times, in milliseconds.
    pub(super) fn start_ms(&self) -> Option<f64> {
        median(self.starts.iter().copied())
    }

    fn of(&self, server: Server, sources: Sources) -> impl Iterator<Item = &Report> {
        let same = move |turn: &&Turn| turn.server == server && turn.sources == sources;
        self.turns.iter().filter(same).map(|turn| &turn.report)
    }
}

/// The middle one, the upper of two: a neighbour on the machine spoils some windows, not most.
fn median(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A report of that much CPU per exchange and that rate.
    pub(in crate::bench) fn report(cpu_us: f64, per_second: f64) -> Report {
        let quantiles = Quantiles {
            p50: 1000,
            p99: 4000,
        };
        Report {
            exchanges: 1000,
            failed: 0,
            failures: String::new(),
            per_second,
            cpu_us,
            busy: 0.9,
            latency_us: quantiles,
            added_us: quantiles,
            answer_bytes: 700,
            idle_kib: 40_960,
            after_kib: 81_920,
        }
    }

    #[test]
    fn the_middle_round_counts_for_each_server_and_question() {
        let turn = |server, sources, cpu| Turn::new(server, sources, 1, report(cpu, 2.0 * cpu));
        let measured = Measured {
            turns: vec![
                turn(Server::Passthrough, Sources::One, 50.0),
                turn(Server::Gateway, Sources::One, 80.0),
                turn(Server::Gateway, Sources::One, 300.0),
                turn(Server::Gateway, Sources::One, 90.0),
                turn(Server::Gateway, Sources::Five, 600.0),
            ],
            ..Measured::default()
        };
        assert_eq!(measured.cpu(Server::Gateway, Sources::One), Some(90.0));
        assert_eq!(measured.cpu(Server::Passthrough, Sources::Five), None);
        assert!((measured.saturation(Sources::One) - 180.0).abs() < 1e-9);
    }

    #[test]
    fn a_load_that_mostly_fails_is_no_measurement() {
        let text = r#"{"exchanges":10,"failed":9,"failures":"9 Unavailable","per_second":1.0,
            "cpu_us":1.0,"busy":0.1,"latency_us":{"p50":1,"p99":1,"max":1},
            "added_us":{"p50":1,"p99":1,"max":1},"answer_bytes":1,"idle_kib":1,"after_kib":1}"#;
        let error = Report::read(text).unwrap_err().to_string();
        assert_eq!(error, "9 of 19 exchanges failed: 9 Unavailable");
    }
}
