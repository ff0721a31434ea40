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
    pub(super) fn begin() -> anyhow::Result<Self> {
        Ok(Self {
            over: Vec::new(),
            tally: Tally::default(),
            begun: Instant::now(),
            cores: CoreTime::now()?,
        })
    }

    /// What counts in the present second; begins the next one when it is over.
    pub(super) fn tally(&mut self) -> anyhow::Result<&mut Tally> {
        if self.begun.elapsed() >= SECOND {
            self.turn()?;
        }
        Ok(&mut self.tally)
    }

    /// Ends the last second; returns everything that came, and what came in the quieter half.
    pub(super) fn end(mut self) -> anyhow::Result<(Tally, Quiet)> {
        self.turn()?;
        self.over.sort_by(|a, b| a.stolen.total_cmp(&b.stolen));
        let half = self.over.len().div_ceil(2);
        let quiet = self.over.iter().take(half);
        let stolen = quiet.clone().map(|it| it.stolen).fold(0.0, f64::max);
        let mut added = Latencies::default();
        quiet.for_each(|it| added.extend(it.tally.added.clone()));
        let mut all = Tally::default();
        self.over.into_iter().for_each(|it| all.merge(it.tally));
        let added_us = added.quantiles();
        Ok((all, Quiet { added_us, stolen }))
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        let cores = CoreTime::now()?;
        self.over.push(Second {
            tally: std::mem::take(&mut self.tally),
            stolen: cores.stolen_since(&self.cores),
        });
        (self.begun, self.cores) = (Instant::now(), cores);
        Ok(())
    }
}

const SECOND: Duration = Duration::from_secs(1);
