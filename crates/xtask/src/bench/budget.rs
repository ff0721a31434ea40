//! What the numbers must be.

use super::measured::Measured;
use super::under_test::{Server, Sources};

/// The lines of the budget for which there is a measurement.
#[derive(Debug)]
pub(super) struct Budget(Vec<Line>);

/// One number and its limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) what: String,
    pub(super) measured: String,
    pub(super) limit: String,
    pub(super) kept: bool,
}

impl Budget {
    /// Holds what was measured against the limits.
    pub(super) fn of(measured: &Measured) -> Self {
        let mut lines = Vec::new();
        lines.extend(one_source(measured));
        lines.extend(
            measured
                .cpu(Server::Gateway, Sources::Five)
                .map(|cpu| Line {
                    what: "five sources: CPU per exchange".to_owned(),
                    measured: format!("{cpu:.0} µs"),
                    limit: format!("≤ {FIVE_US:.0} µs"),
                    kept: cpu <= FIVE_US,
                }),
        );
        lines.extend(measured.half.iter().map(|(sources, report)| {
            let added = f64::from(report.added_us.p99) / 1e3;
            Line {
                what: format!("{sources}: added latency p99 at {:.0}/s", report.per_second),
                measured: format!("{added:.2} ms"),
                limit: format!("≤ {ADDED_MS:.0} ms"),
                kept: added <= ADDED_MS,
            }
        }));
        lines.extend(measured.idle_kib().map(|kib| Line {
            what: "memory of an idle gateway".to_owned(),
            measured: format!("{} MB", megabytes(kib)),
            limit: format!("< {IDLE_MB} MB"),
            kept: megabytes(kib) < IDLE_MB,
        }));
        lines.extend(measured.start_ms().map(|ms| Line {
            what: "start to first answer".to_owned(),
            measured: format!("{ms:.0} ms"),
            limit: format!("< {START_MS:.0} ms"),
            kept: ms < START_MS,
        }));
        Self(lines)
    }

    /// Its lines.
    pub(super) fn lines(&self) -> &[Line] {
        &self.0
    }

    /// How many lines.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// How many are over.
    pub(super) fn over(&self) -> usize {
        self.0.iter().filter(|line| !line.kept).count()
    }
}

/// The gateway against the pass-through.
fn one_source(measured: &Measured) -> Option<Line> {
    let gateway = measured.cpu(Server::Gateway, Sources::One)?;
    let bare = measured.cpu(Server::Passthrough, Sources::One)?;
    let ratio = gateway / bare;
    Some(Line {
        what: "one source: CPU per exchange".to_owned(),
        measured: format!("{gateway:.1} µs = {ratio:.2} × {bare:.1} µs"),
        limit: format!("≤ {ONE_RATIO} × pass-through"),
        kept: ratio <= ONE_RATIO,
    })
}

/// Rounded up, in millions of bytes.
pub(super) const fn megabytes(kib: u64) -> u64 {
    (kib * 1024).div_ceil(1_000_000)
}

const ONE_RATIO: f64 = 1.8;
const FIVE_US: f64 = 700.0;
const ADDED_MS: f64 = 5.0;
const IDLE_MB: u64 = 100;
const START_MS: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use super::super::measured::Turn;
    use super::super::measured::tests::report;
    use super::*;

    fn measured(gateway: f64, five: f64) -> Measured {
        let turn = |server, sources, cpu| Turn::new(server, sources, 1, report(cpu, 9000.0));
        Measured {
            turns: vec![
                turn(Server::Passthrough, Sources::One, 50.0),
                turn(Server::Gateway, Sources::One, gateway),
                turn(Server::Gateway, Sources::Five, five),
            ],
            half: vec![(Sources::One, report(gateway, 4500.0))],
            starts: vec![300.0, 1200.0, 400.0],
            spans: 1,
        }
    }

    #[test]
    fn what_is_just_within_the_limits_is_kept() {
        let budget = Budget::of(&measured(90.0, 700.0));
        assert_eq!(budget.len(), 5);
        assert_eq!(budget.over(), 0, "{budget:?}");
        assert_eq!(budget.lines()[0].measured, "90.0 µs = 1.80 × 50.0 µs");
    }

    #[test]
    fn what_is_over_is_counted() {
        let budget = Budget::of(&measured(95.0, 701.0));
        let over = budget.lines().iter().filter(|line| !line.kept);
        let over: Vec<_> = over.map(|line| line.what.as_str()).collect();
        assert_eq!(
            over,
            [
                "one source: CPU per exchange",
                "five sources: CPU per exchange"
            ]
        );
        assert_eq!(budget.over(), 2);
    }

    #[test]
    fn what_was_not_measured_has_no_line() {
        assert_eq!(Budget::of(&Measured::default()).len(), 0);
    }
}
