//! The seconds of a window, each with what the hypervisor gave to others while it lasted.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::tally::Tally;
use crate::latency::{Latencies, Quantiles};
use crate::process::CoreTime;

/// What came in a window, second by second.
#[derive(Debug)]
pub(super) struct Seconds {
    over: Vec<Second>,
    tally: Tally,
    begun: Instant,
    cores: CoreTime,
}

#[derive(Debug)]
struct Second {
    tally: Tally,
    stolen: f64,
}

/// The quieter half of the seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Quiet {
    /// As `added_us` of the whole window.
    added_us: Quantiles,
    /// The most that was stolen from one of them.
    stolen: f64,
}

impl Seconds {
    /// Begins the first.
    pub(super) fn begin(cores: CoreTime) -> Self {
        Self {
            over: Vec::new(),
            tally: Tally::default(),
            begun: Instant::now(),
            cores,
        }
    }

    /// What counts in the present second.
    pub(super) const fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// True if the second is over.
    pub(super) fn is_over(&self) -> bool {
        self.begun.elapsed() >= SECOND
    }

    /// Begins the next second.
    pub(super) fn turn(&mut self, cores: CoreTime) {
        self.over.push(Second {
            tally: std::mem::take(&mut self.tally),
            stolen: cores.stolen_since(&self.cores),
        });
        (self.begun, self.cores) = (Instant::now(), cores);
    }

    /// Ends the window; returns everything that came, and what came in the quieter half.
    ///
    /// What came since the last second was over belongs to it.
    pub(super) fn end(mut self, cores: CoreTime) -> (Tally, Quiet) {
        let rest = std::mem::take(&mut self.tally);
        match self.over.last_mut() {
            Some(last) if self.begun.elapsed() < SECOND / 2 => last.tally.merge(rest),
            _ => {
                self.tally = rest;
                self.turn(cores);
            }
        }
        self.over.sort_by(|a, b| a.stolen.total_cmp(&b.stolen));
        let half = self.over.len().div_ceil(2);
        let quiet = self.over.iter().take(half);
        let stolen = quiet.clone().map(|it| it.stolen).fold(0.0, f64::max);
        let mut added = Latencies::default();
        quiet.for_each(|it| added.extend(it.tally.added.clone()));
        let mut all = Tally::default();
        self.over.into_iter().for_each(|it| all.merge(it.tally));
        let added_us = added.quantiles();
        (all, Quiet { added_us, stolen })
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::super::tally::Exchange;
    use super::*;

    /// The counters of two cores after so many seconds of which so many ticks were stolen.
    fn cores(second: u64, stolen: u64) -> CoreTime {
        let line = format!("cpu {} 0 0 0 0 0 0 {stolen}", second * 200 - stolen);
        CoreTime::read(&line).unwrap()
    }

    fn answered(ms: u64) -> Exchange {
        let took = Duration::from_millis(ms);
        Exchange::new(took, took, 100)
    }

    #[tokio::test(start_paused = true)]
    async fn the_quieter_half_is_chosen_by_what_was_stolen() {
        let mut seconds = Seconds::begin(cores(0, 0));
        let mut stolen = 0;
        for (place, ticks) in [50, 0, 30, 2, 1].into_iter().enumerate() {
            assert!(!seconds.is_over());
            tokio::time::advance(SECOND).await;
            assert!(seconds.is_over());
            seconds.tally().add(Ok(answered(10 + place as u64)));
            stolen += ticks;
            seconds.turn(cores(place as u64 + 1, stolen));
        }
        seconds.tally().add(Ok(answered(20)));
        let (all, quiet) = seconds.end(cores(5, stolen));
        assert_eq!(all.exchanges(), 6);
        // The seconds with 0, 1 and 2 ticks, the last with what was answered late.
        let added = serde_json::to_value(quiet.added_us).unwrap();
        assert_eq!(added["p50"], 13_000);
        assert_eq!(added["max"], 20_000);
        assert!((quiet.stolen - 0.01).abs() < 1e-9);
    }
}
