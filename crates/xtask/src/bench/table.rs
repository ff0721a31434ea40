//! The tables at the end, in Markdown.

use std::fmt::Write as _;

use super::budget::{Budget, megabytes};
use super::measured::Measured;
use super::record::aim;

/// Every window under full load.
pub(super) fn turns(measured: &Measured) -> String {
    let mut out = String::from(TURNS);
    for turn in &measured.turns {
        let report = &turn.report;
        // Writing to a string does not fail.
        writeln!(
            out,
            "| {} | {} | {} | {:.0} | {:.1} | {:.0} % | {:.1} % | {} | {} | {} | {} | {} |",
            turn.server,
            turn.sources,
            turn.round,
            report.per_second,
            report.cpu_us,
            report.busy * 100.0,
            report.stolen * 100.0,
            report.latency_us.p50,
            report.latency_us.p99,
            report.answer_bytes,
            megabytes(report.after_kib),
            report.failed,
        )
        .ok();
    }
    let stolen = measured.stolen() * 100.0;
    writeln!(out, "\nSpans exported: {}.", measured.spans).ok();
    writeln!(
        out,
        "At most {stolen:.1} % of the cores were stolen in a window that counts."
    )
    .ok();
    out
}

/// The record alone, beside a sync of the disk it is written to.
pub(super) fn records(measured: &Measured) -> String {
    let mut out = String::from(RECORDS);
    for alone in measured.records() {
        let (report, wait) = (&alone.report, alone.report.wait_us);
        writeln!(
            out,
            "| {} | {:.0} | {} | {} | {} | {} | {} | {:.1} | {} | {:.1} % |",
            alone.rate,
            report.per_second,
            wait.p50,
            wait.p99,
            wait.p999,
            alone.sync.p99,
            alone.aim(),
            report.cpu_us,
            report.written_bytes,
            report.stolen * 100.0,
        )
        .ok();
    }
    out
}

/// The record through the gateway, beside a sync of the disk alone.
pub(super) fn through(measured: &Measured) -> String {
    let mut out = String::from(THROUGH);
    let sync = measured.sync().map_or(0, |sync| sync as u32);
    for through in measured.through() {
        let wait = through.wait;
        writeln!(
            out,
            "| {} | {:.0} | {} | {} | {} | {sync} | {} | {:.1} % |",
            through.what,
            through.per_second,
            wait.p50,
            wait.p99,
            wait.p999,
            aim(sync),
            through.stolen * 100.0,
        )
        .ok();
    }
    out
}

/// New connections.
pub(super) fn handshakes(measured: &Measured) -> String {
    let mut out = String::from(HANDSHAKES);
    for shaken in measured.handshakes() {
        let report = &shaken.report;
        writeln!(
            out,
            "| {} | {:.0} | {:.0} | {} | {:.1} % |",
            shaken.exchange,
            report.per_second,
            report.cpu_us,
            report.failed,
            report.stolen * 100.0,
        )
        .ok();
    }
    out
}

/// The budget, and what became of it.
pub(super) fn budget(budget: &Budget) -> String {
    let mut out = String::from("| what | measured | budget | |\n|---|---|---|---|\n");
    for line in budget.lines() {
        let verdict = if line.kept { "PASS" } else { "over" };
        let (what, measured, limit) = (&line.what, &line.measured, &line.limit);
        writeln!(out, "| {what} | {measured} | {limit} | {verdict} |").ok();
    }
    out
}

const TURNS: &str = "\
| server | lookup | round | per second | CPU µs | core busy | stolen | p50 µs | p99 µs | answer bytes | RSS after, MB | failed |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

const RECORDS: &str = "\
| record alone, asked for | per second | wait p50 µs | p99 µs | p99.9 µs | a sync p99 µs | aim p99 µs | CPU µs | bytes written | stolen |
|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

const HANDSHAKES: &str = "\
| full handshakes of both sides | per second | CPU µs | failed | stolen |
|---|--:|--:|--:|--:|
";

const THROUGH: &str = "\
| record through the gateway | per second | wait p50 µs | p99 µs | p99.9 µs | a sync p99 µs | aim p99 µs | stolen |
|---|--:|--:|--:|--:|--:|--:|--:|
";

#[cfg(test)]
mod tests {
    use super::super::handshake::tests::shaken;
    use super::super::measured::tests::report;
    use super::super::measured::{Quantiles, Turn};
    use super::super::record::Wait;
    use super::super::record::tests::alone;
    use super::super::under_test::{Server, Sources};
    use super::*;

    #[test]
    fn each_window_and_each_limit_is_a_row() {
        let turn = |server| Turn::new(server, Sources::One, 1, report(50.0, 9000.0));
        let measured = Measured {
            turns: vec![turn(Server::Passthrough), turn(Server::Gateway)],
            ..Measured::default()
        };
        let rows = turns(&measured);
        assert!(
            rows.contains("| gateway | one source | 1 | 9000 | 50.0 | 90 % |"),
            "{rows}"
        );
        let alone = Measured {
            records: vec![alone(5_000, 0.0)],
            ..Measured::default()
        };
        let row = "| 5000 | 5000 | 400 | 2500 | 5000 | 500 | 2500 | 31.0 | 2900 | 0.0 % |";
        assert!(records(&alone).contains(row), "{}", records(&alone));
        let (mut gateway, sync) = (report(50.0, 6000.0), 500);
        gateway.record_wait_us = Some(Wait {
            p50: 900,
            p99: 2_600,
            p999: 5_000,
        });
        let gateway = Measured {
            turns: vec![Turn::new(Server::Gateway, Sources::Five, 1, gateway)],
            syncs: vec![Quantiles {
                p50: 300,
                p99: sync,
            }],
            ..Measured::default()
        };
        let row = "| five sources, full load | 6000 | 900 | 2600 | 5000 | 500 | 2500 | 0.0 % |";
        assert!(through(&gateway).contains(row), "{}", through(&gateway));
        let shaken = Measured {
            handshakes: vec![shaken("X25519", 0.0)],
            ..Measured::default()
        };
        let row = "| X25519 | 1000 | 900 | 0 | 0.0 % |";
        assert!(handshakes(&shaken).contains(row), "{}", handshakes(&shaken));
        let rows = budget(&Budget::of(&measured));
        assert!(rows.contains("| 50.0 µs = 1.00 × 50.0 µs | ≤ 1.8 × pass-through | PASS |"));
        assert!(rows.contains("| memory of an idle gateway | 42 MB | < 100 MB | PASS |"));
    }
}
