//! What the numbers must be.

use super::measured::{Admissions, Measured};
use super::record::aim;
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
        lines.extend(five_sources(measured));
        lines.extend(
            [Sources::One, Sources::Five]
                .map(|sources| added(measured, sources))
                .into_iter()
                .flatten(),
        );
        lines.extend(measured.records().into_iter().map(|alone| Line {
            what: format!("the record alone at {}/s: wait p99", alone.rate),
            measured: format!("{} µs", alone.report.wait_us.p99),
            limit: format!("≤ 3 × a sync + 1 ms = {} µs (aim)", alone.aim()),
            kept: alone.report.wait_us.p99 <= alone.aim(),
        }));
        lines.extend(through(measured));
        lines.extend(admission(measured));
        lines.extend(guard(measured));
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

/// The least of what admission took: what else ran on the core only adds to it.
fn admission(measured: &Measured) -> Vec<Line> {
    let least = |of: fn(&Admissions) -> f64| measured.admissions.iter().map(of).reduce(f64::min);
    let line = |what: &str, took: Option<f64>, limit: f64| {
        took.map(|took| Line {
            what: what.to_owned(),
            measured: format!("{took:.2} µs"),
            limit: format!("≤ {limit:.0} µs"),
            kept: took <= limit,
        })
    };
    let decision = least(|it| it.decision_us);
    let whole = least(|it| it.whole_us);
    let lines = [
        line("a decision: CPU", decision, DECISION_US),
        line("the whole of admission: CPU", whole, ADMISSION_US),
    ];
    lines.into_iter().flatten().collect()
}

/// The least of what a guard took.
fn guard(measured: &Measured) -> Option<Line> {
    let all = measured.guards.iter().map(|it| it.guard_us);
    let least = all.reduce(f64::min)?;
    Some(Line {
        what: "the guard of a source: CPU per call".to_owned(),
        measured: format!("{least:.2} µs"),
        limit: format!("≤ {GUARD_US:.0} µs"),
        kept: least <= GUARD_US,
    })
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

/// The gateway against the clock, and against what this machine makes of a microsecond.
fn five_sources(measured: &Measured) -> Option<Line> {
    let cpu = measured.cpu(Server::Gateway, Sources::Five)?;
    let bare = measured.cpu(Server::Passthrough, Sources::One);
    let scaled = bare.map(|bare| cpu * REFERENCE_US / bare);
    let beside = scaled
        .map(|scaled| format!("; {scaled:.0} µs where the pass-through takes {REFERENCE_US:.0}"));
    Some(Line {
        what: "five sources: CPU per exchange".to_owned(),
        measured: format!("{cpu:.0} µs{}", beside.unwrap_or_default()),
        limit: format!("≤ {FIVE_US:.0} µs on the reference machine"),
        kept: scaled.unwrap_or(cpu) <= FIVE_US,
    })
}

/// What the gateway adds at half load, beside what the pass-through adds at the same rate and what
/// a sync of the disk takes.
fn added(measured: &Measured, sources: Sources) -> Option<Line> {
    let added = measured.added(Server::Gateway, sources)?;
    let ms = |us: f64| us / 1e3;
    let mut text = format!(
        "{:.2} ms in the middle second; in all {:.2}",
        ms(added.second),
        ms(added.all)
    );
    if let Some(bare) = measured.added(Server::Passthrough, sources) {
        let (second, all) = (ms(bare.second), ms(bare.all));
        text += &format!(", the pass-through {second:.2} and {all:.2}");
    }
    if let Some(sync) = measured.sync() {
        text += &format!(", a sync of this disk {:.2}", ms(sync));
    }
    let half = measured.saturation(sources) / 2.0;
    Some(Line {
        what: format!("{sources}: added latency p99 at {half:.0}/s"),
        measured: text,
        limit: format!("≤ {ADDED_MS:.0} ms"),
        kept: ms(added.second) <= ADDED_MS,
    })
}

/// The wait for the record through the gateway, where a sync was measured beside it.
fn through(measured: &Measured) -> Vec<Line> {
    let Some(sync) = measured.sync() else {
        return Vec::new();
    };
    let aim = aim(sync as u32);
    let lines = measured.through().into_iter().map(|through| Line {
        what: format!(
            "the record through the gateway, {} at {:.0}/s: wait p99",
            through.what, through.per_second
        ),
        measured: format!("{} µs", through.wait.p99),
        limit: format!("≤ 3 × a sync + 1 ms = {aim} µs (aim)"),
        kept: through.wait.p99 <= aim,
    });
    lines.collect()
}

/// Rounded up, in millions of bytes.
pub(super) const fn megabytes(kib: u64) -> u64 {
    (kib * 1024).div_ceil(1_000_000)
}

const ONE_RATIO: f64 = 1.8;
const FIVE_US: f64 = 700.0;
/// The CPU time of the pass-through on the machine for which the budget was set.
const REFERENCE_US: f64 = 54.0;
const ADDED_MS: f64 = 5.0;
const IDLE_MB: u64 = 100;
const DECISION_US: f64 = 2.0;
const ADMISSION_US: f64 = 25.0;
const GUARD_US: f64 = 5.0;
const START_MS: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use super::super::measured::tests::report;
    use super::super::measured::{Guards, Turn};
    use super::*;

    fn measured(gateway: f64, five: f64) -> Measured {
        let turn = |server, sources, cpu| Turn::new(server, sources, 1, report(cpu, 9000.0));
        Measured {
            turns: vec![
                turn(Server::Passthrough, Sources::One, 50.0),
                turn(Server::Gateway, Sources::One, gateway),
                turn(Server::Gateway, Sources::Five, five),
            ],
            half: vec![turn(Server::Gateway, Sources::One, gateway)],
            syncs: Vec::new(),
            records: Vec::new(),
            admissions: Vec::new(),
            guards: Vec::new(),
            handshakes: Vec::new(),
            starts: vec![300.0, 1200.0, 400.0],
            spans: 1,
        }
    }

    #[test]
    fn what_is_just_within_the_limits_is_kept() {
        let budget = Budget::of(&measured(90.0, 648.0));
        assert_eq!(budget.len(), 5);
        assert_eq!(budget.over(), 0, "{budget:?}");
        assert_eq!(budget.lines()[0].measured, "90.0 µs = 1.80 × 50.0 µs");
        let scaled = "648 µs; 700 µs where the pass-through takes 54";
        assert_eq!(budget.lines()[1].measured, scaled);
    }

    #[test]
    fn of_admission_the_least_counts() {
        let took = |decision_us, whole_us| Admissions {
            decision_us,
            whole_us,
        };
        let mut measured = measured(90.0, 648.0);
        measured.admissions = vec![took(2.5, 24.0), took(1.5, 26.0)];
        assert_eq!(Budget::of(&measured).over(), 0);
        measured.admissions = vec![took(2.1, 25.1)];
        assert_eq!(Budget::of(&measured).over(), 2);
    }

    #[test]
    fn of_a_guard_the_least_counts() {
        let took = |guard_us| Guards { guard_us };
        let guards = vec![took(7.0), took(5.0)];
        let measured = Measured {
            guards,
            ..Measured::default()
        };
        assert_eq!(Budget::of(&measured).over(), 0);
        let guards = vec![took(5.1)];
        let measured = Measured {
            guards,
            ..Measured::default()
        };
        let budget = Budget::of(&measured);
        assert_eq!(
            (budget.over(), budget.lines()[0].measured.as_str()),
            (1, "5.10 µs")
        );
    }

    #[test]
    fn what_is_over_is_counted() {
        let budget = Budget::of(&measured(95.0, 649.0));
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
    fn the_tail_is_judged_by_its_middle_second() {
        let line = |second, all| {
            let mut report = report(90.0, 4500.0);
            report.added_us.p99 = all;
            report.middle.as_mut().unwrap().added_us.p99 = second;
            let half = vec![Turn::new(Server::Gateway, Sources::One, 1, report)];
            let measured = Measured {
                half,
                ..Measured::default()
            };
            added(&measured, Sources::One).unwrap()
        };
        assert!(line(4_999, 90_000).kept);
        assert!(!line(5_001, 90_000).kept);
        let text = "4.00 ms in the middle second; in all 9.00";
        assert_eq!(line(4_000, 9_000).measured, text);
    }

    #[test]
    fn what_was_not_measured_has_no_line() {
        assert_eq!(Budget::of(&Measured::default()).len(), 0);
    }
}
