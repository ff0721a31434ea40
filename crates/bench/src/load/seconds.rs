//! The seconds of a window, each with what the hypervisor gave to others while it lasted.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::tally::Tally;
use crate::latency::Quantiles;
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

/// The middle one of the seconds by their p99: as many were better as were worse.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Middle {
    /// As `added_us` of the whole window.
    added_us: Quantiles,
    /// What was stolen from it.
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

    /// Ends the window; returns everything that came, and what came in the middle second.
    ///
    /// What came since the last second was over belongs to it.
    pub(super) fn end(mut self, cores: CoreTime) -> (Tally, Middle) {
        let rest = std::mem::take(&mut self.tally);
        match self.over.last_mut() {
            Some(last) if self.begun.elapsed() < SECOND / 2 => last.tally.merge(rest),
            _ => {
                self.tally = rest;
                self.turn(cores);
            }
        }
        let each = self.over.iter().map(|it| Middle {
            added_us: it.tally.added.clone().quantiles(),
            stolen: it.stolen,
        });
        let mut each: Vec<_> = each.collect();
        each.sort_by_key(|second| second.added_us.p99);
        let middle = each.get(each.len() / 2).copied().unwrap_or_default();
        let mut all = Tally::default();
        self.over.into_iter().for_each(|it| all.merge(it.tally));
        (all, middle)
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
    async fn the_middle_second_is_that_with_the_middle_p99() {
        let mut seconds = Seconds::begin(cores(0, 0));
        let mut stolen = 0;
        for (place, (ms, ticks)) in [(50, 40), (3, 0), (4, 2), (90, 0)].into_iter().enumerate() {
            assert!(!seconds.is_over());
            tokio::time::advance(SECOND).await;
            assert!(seconds.is_over());
            seconds.tally().add(Ok(answered(1)));
            seconds.tally().add(Ok(answered(ms)));
            stolen += ticks;
            seconds.turn(cores(place as u64 + 1, stolen));
        }
        seconds.tally().add(Ok(answered(2)));
        tokio::time::advance(SECOND).await;
        let (all, middle) = seconds.end(cores(5, stolen));
        assert_eq!(all.exchanges(), 9);
        // By p99: 2, 3, 4, 50 and 90 ms.
        let added = serde_json::to_value(middle.added_us).unwrap();
        assert_eq!(
            (&added["p50"], &added["p99"]),
            (&1_000.into(), &4_000.into())
        );
        assert!((middle.stolen - 0.01).abs() < 1e-9);
    }
}
