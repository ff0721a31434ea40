//! What was measured, and what follows from it.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::handshake::{self, Shaken};
use super::record::{self, Alone, Wait};
use super::under_test::{Server, Sources};

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// The closed loops, in the order they ran.
    pub(super) turns: Vec<Turn>,
    /// Each server at half of what the gateway can take.
    pub(super) half: Vec<Turn>,
    /// What a sync of the disk takes, in microseconds.
    pub(super) syncs: Vec<Quantiles>,
    /// The record alone, at each rate in turn.
    pub(super) records: Vec<Alone>,
    /// What a decision costs, and the whole of admission, each time it was measured.
    pub(super) admissions: Vec<Admissions>,
    /// What a guard adds to a call, each time it was measured.
    pub(super) guards: Vec<Guards>,
    /// New connections, with each key exchange in turn.
    pub(super) handshakes: Vec<Shaken>,
    /// Start to first answer, in milliseconds.
    pub(super) starts: Vec<f64>,
    /// How many spans were exported.
    pub(super) spans: u64,
}

/// One server alone under load for one window, full or half.
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
    pub(super) stolen: f64,
    pub(super) latency_us: Quantiles,
    pub(super) added_us: Quantiles,
    pub(super) record_wait_us: Option<Wait>,
    pub(super) middle: Option<Middle>,
    pub(super) answer_bytes: u64,
    pub(super) idle_kib: u64,
    pub(super) after_kib: u64,
}

/// What `bench admission` says: CPU for each call, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Admissions {
    /// Under an agreement that asks for nothing.
    pub(super) decision_us: f64,
    /// Under one that asks for everything.
    pub(super) whole_us: f64,
}

/// What `bench guard` says: CPU for each call, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Guards {
    /// What the guard adds.
    pub(super) guard_us: f64,
}

/// The middle one of the seconds of a window by their p99.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Middle {
    pub(super) added_us: Quantiles,
    pub(super) stolen: f64,
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
        let (per_second, cpu, stolen) = (report.per_second, report.cpu_us, report.stolen * 100.0);
        let Quantiles { p50, p99 } = report.added_us;
        let failed = match report.failed {
            0 => String::new(),
            failed => format!(", {failed} failed: {}", report.failures),
        };
        let middle = report.middle.map(|middle| {
            let (p99, stolen) = (middle.added_us.p99, middle.stolen * 100.0);
            format!("; in the middle second p99 {p99} µs, stolen {stolen:.1} %")
        });
        format!(
            "{server:<12} {sources:<12} round {round}: {per_second:.0}/s, {cpu:.1} µs, added p50 {p50} \
             p99 {p99} µs, stolen {stolen:.1} %{}{failed}",
            middle.unwrap_or_default()
        )
    }
}

impl Measured {
    /// The CPU time of an exchange in the middle one of the quiet rounds, in microseconds; none if
    /// there was none.
    pub(super) fn cpu(&self, server: Server, sources: Sources) -> Option<f64> {
        let quiet = quiet(&self.turns, server, sources);
        median(quiet.iter().map(|report| report.cpu_us))
    }

    /// What the gateway can take: the rate of the middle one of its quiet closed loops.
    pub(super) fn saturation(&self, sources: Sources) -> f64 {
        let quiet = quiet(&self.turns, Server::Gateway, sources);
        median(quiet.iter().map(|report| report.per_second)).unwrap_or_default()
    }

    /// The p99 of what a server adds at half load, in microseconds, in the middle second of a window
    /// and in all: the middle ones of its quiet windows.
    pub(super) fn added(&self, server: Server, sources: Sources) -> Option<Added> {
        let windows = quiet(&self.half, server, sources);
        let of_second = |report: &&Report| report.middle.map(|middle| middle.added_us.p99);
        Some(Added {
            second: median(windows.iter().filter_map(of_second).map(f64::from))?,
            all: median(windows.iter().map(|it| f64::from(it.added_us.p99)))?,
        })
    }

    /// The p99 of a sync on this disk, in microseconds: that of the middle probe.
    pub(super) fn sync(&self) -> Option<f64> {
        median(self.syncs.iter().map(|sync| f64::from(sync.p99)))
    }

    /// The most that was stolen from a window that counts, 0 to 1.
    pub(super) fn stolen(&self) -> f64 {
        let servers = [Server::Passthrough, Server::Gateway];
        let kinds = servers.map(|server| [(server, Sources::One), (server, Sources::Five)]);
        let counted = kinds.as_flattened().iter().flat_map(|&(server, sources)| {
            let turns = quiet(&self.turns, server, sources);
            turns.into_iter().chain(quiet(&self.half, server, sources))
        });
        counted.map(|report| report.stolen).fold(0.0, f64::max)
    }

    /// The most resident memory that a gateway held before its load, in KiB.
    pub(super) fn idle_kib(&self) -> Option<u64> {
        let gateways = self
            .turns
            .iter()
            .filter(|turn| turn.server == Server::Gateway);
        gateways.map(|turn| turn.report.idle_kib).max()
    }

    /// The record through the gateway: under full load and at half of it, of each kind of lookup the
    /// window from which least was stolen.
    pub(super) fn through(&self) -> Vec<Through> {
        let mut all = Vec::new();
        for (load, turns) in [("full load", &self.turns), ("half load", &self.half)] {
            for sources in [Sources::One, Sources::Five] {
                let quietest = quiet(turns, Server::Gateway, sources).into_iter().next();
                all.extend(quietest.and_then(|report| {
                    Some(Through {
                        what: format!("{sources}, {load}"),
                        per_second: report.per_second,
                        wait: report.record_wait_us?,
                        stolen: report.stolen,
                    })
                }));
            }
        }
        all
    }

    /// The record alone, in the quietest window of each rate.
    pub(super) fn records(&self) -> Vec<&Alone> {
        record::quietest(&self.records)
    }

    /// New connections, in the quietest window of each key exchange.
    pub(super) fn handshakes(&self) -> Vec<&Shaken> {
        handshake::quietest(&self.handshakes)
    }

    /// The middle one of the start-up times, in milliseconds.
    pub(super) fn start_ms(&self) -> Option<f64> {
        median(self.starts.iter().copied())
    }
}

/// The wait for the record in one window of the gateway, by its own histogram.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Through {
    /// Which lookups, under which load.
    pub(super) what: String,
    pub(super) per_second: f64,
    pub(super) wait: Wait,
    pub(super) stolen: f64,
}

/// What a server adds, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Added {
    /// In the middle second.
    pub(super) second: f64,
    /// In all.
    pub(super) all: f64,
}

/// The windows that count: of the same server and question, those from which the hypervisor took
/// least.
///
/// Stolen time stops server, load and disk alike; what then looks slow is a neighbour on the
/// machine. Which windows are taken does not depend on what was measured in them.
fn quiet(turns: &[Turn], server: Server, sources: Sources) -> Vec<&Report> {
    let same = |turn: &&Turn| turn.server == server && turn.sources == sources;
    let mut reports: Vec<&Report> = turns.iter().filter(same).map(|turn| &turn.report).collect();
    reports.sort_by(|a, b| a.stolen.total_cmp(&b.stolen));
    reports.truncate(COUNTED);
    reports
}

/// How many windows of a kind count.
const COUNTED: usize = 3;

/// The middle one, the upper of two.
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
            stolen: 0.0,
            latency_us: quantiles,
            added_us: quantiles,
            record_wait_us: None,
            middle: Some(Middle {
                added_us: Quantiles {
                    p50: 900,
                    p99: 3000,
                },
                stolen: 0.0,
            }),
            answer_bytes: 700,
            idle_kib: 40_960,
            after_kib: 81_920,
        }
    }

    #[test]
    fn windows_from_which_much_was_stolen_do_not_count() {
        let turns = [
            (90.0, 0.0),
            (300.0, 0.4),
            (80.0, 0.01),
            (70.0, 0.0),
            (200.0, 0.2),
        ];
        let measured = Measured {
            turns: turns
                .map(|(cpu, stolen)| {
                    let report = Report {
                        stolen,
                        ..report(cpu, 1.0)
                    };
                    Turn::new(Server::Gateway, Sources::One, 1, report)
                })
                .into(),
            ..Measured::default()
        };
        assert_eq!(measured.cpu(Server::Gateway, Sources::One), Some(80.0));
        assert!((measured.stolen() - 0.01).abs() < 1e-9);
    }

    #[test]
    fn half_load_has_a_number_for_the_middle_second_and_one_for_all() {
        let half = |p99| {
            let mut report = report(90.0, 4500.0);
            report.added_us.p99 = p99;
            Turn::new(Server::Gateway, Sources::One, 1, report)
        };
        let measured = Measured {
            half: vec![half(90_000), half(8_000), half(9_000)],
            ..Measured::default()
        };
        let (second, all) = (3_000.0, 9_000.0);
        let added = measured.added(Server::Gateway, Sources::One);
        assert_eq!(added, Some(Added { second, all }));
        assert_eq!(measured.added(Server::Gateway, Sources::Five), None);
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
            "cpu_us":1.0,"busy":0.1,"stolen":0.0,"latency_us":{"p50":1,"p99":1,"max":1},
            "added_us":{"p50":1,"p99":1,"max":1},"middle":null,"answer_bytes":1,
            "idle_kib":1,"after_kib":1}"#;
        let error = Report::read(text).unwrap_err().to_string();
        assert_eq!(error, "9 of 19 exchanges failed: 9 Unavailable");
    }
}
