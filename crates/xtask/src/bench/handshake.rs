//! New connections: what a full handshake of both sides costs, with either key exchange.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The key exchanges, as `bench handshakes` is told and as a reader knows them.
pub(super) const EXCHANGES: [(&str, &str); 2] =
    [("hybrid", "X25519MLKEM768"), ("classical", "X25519")];

/// Handshakes with one key exchange, for one window.
#[derive(Debug)]
pub(super) struct Shaken {
    pub(super) exchange: &'static str,
    pub(super) report: HandshakeReport,
}

/// What `bench handshakes` says.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct HandshakeReport {
    pub(super) handshakes: u32,
    pub(super) failed: u32,
    pub(super) per_second: f64,
    pub(super) cpu_us: f64,
    pub(super) stolen: f64,
}

impl HandshakeReport {
    /// Reads one; where more than one handshake in a hundred fails nothing is measured.
    pub(super) fn read(text: &str) -> Result<Self> {
        let report: Self =
            serde_json::from_str(text).context("the handshakes say nothing sensible")?;
        let Self {
            handshakes, failed, ..
        } = report;
        ensure!(
            failed * 100 <= handshakes,
            "{failed} of {} handshakes failed",
            handshakes + failed
        );
        Ok(report)
    }
}

impl Shaken {
    /// For the terminal, when the window is done.
    pub(super) fn line(&self) -> String {
        let Self { exchange, report } = self;
        format!(
            "handshakes {exchange}: {:.0}/s, {:.0} µs, stolen {:.1} %",
            report.per_second,
            report.cpu_us,
            report.stolen * 100.0
        )
    }
}

/// Of each key exchange the window from which least was stolen.
pub(super) fn quietest(windows: &[Shaken]) -> Vec<&Shaken> {
    let of = |exchange: &str| {
        let same = windows
            .iter()
            .filter(move |window| window.exchange == exchange);
        same.min_by(|a, b| a.report.stolen.total_cmp(&b.report.stolen))
    };
    EXCHANGES
        .into_iter()
        .filter_map(|(_, exchange)| of(exchange))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A window with that key exchange, from which so much was stolen.
    pub(in crate::bench) fn shaken(exchange: &'static str, stolen: f64) -> Shaken {
        Shaken {
            exchange,
            report: HandshakeReport {
                handshakes: 5_000,
                failed: 0,
                per_second: 1_000.0,
                cpu_us: 900.0,
                stolen,
            },
        }
    }

    #[test]
    fn of_each_key_exchange_the_quietest_window_counts() {
        let windows = [
            shaken("X25519", 0.0),
            shaken("X25519MLKEM768", 0.3),
            shaken("X25519MLKEM768", 0.1),
        ];
        let counted = quietest(&windows);
        let counted: Vec<_> = counted
            .iter()
            .map(|it| (it.exchange, it.report.stolen))
            .collect();
        assert_eq!(counted, [("X25519MLKEM768", 0.1), ("X25519", 0.0)]);
    }

    #[test]
    fn handshakes_that_mostly_fail_are_no_measurement() {
        let of = |failed: u32| {
            let text = format!(
                r#"{{"handshakes":100,"failed":{failed},"per_second":1,"cpu_us":1,"stolen":0}}"#
            );
            HandshakeReport::read(&text)
        };
        assert_eq!(of(1).unwrap().handshakes, 100);
        let error = of(2).unwrap_err().to_string();
        assert_eq!(error, "2 of 102 handshakes failed");
    }
}
