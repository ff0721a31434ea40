//! What operators see of a guard.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use exchange::Source;
use jiff::Timestamp;
use tokio::time::Instant;

use super::Guard;
use super::breaker::{Phase, State};
use super::window::Share;

/// A guard at a time.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// The source.
    pub source: Source,
    /// Its circuit.
    pub circuit: Circuit,
    /// How many calls have failed in a row.
    pub failures_in_a_row: u32,
    /// The calls of the window, and how many of them failed.
    pub window: (u64, u64),
    /// How many calls are under way.
    pub in_flight: u32,
    /// How many may be at present.
    pub limit: u32,
    /// How many may be at most.
    pub max_calls: u32,
    /// How long an answer usually takes.
    pub typical: Duration,
    /// How long one takes at present.
    pub recent: Duration,
}

/// A circuit at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls pass.
    Closed,
    /// None passes.
    Open {
        /// How long until the next probe is due.
        probe_in: Duration,
    },
    /// One call is under way to try.
    Probing,
}

impl Circuit {
    /// Every name.
    pub const NAMES: [&str; 3] = ["closed", "open", "probing"];

    /// Its name in metrics and lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::Probing => "probing",
        }
    }
}

/// What a guard has counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls, by what their end says of the source.
    pub calls: [(&'static str, u64); 4],
    /// Questions that were kept back, by why.
    pub kept_back: [(&'static str, u64); 4],
    /// Calls on nobody's behalf, by what their end says of the source, or that they were kept back.
    pub errands: [(&'static str, u64); 5],
    /// Second calls.
    pub retries: u64,
    /// Second calls for which there was no budget.
    pub over_budget: u64,
    /// How often the circuit opened.
    pub opened: u64,
    /// How many probes were made.
    pub probes: u64,
}

/// One of the addresses of a source.
#[derive(Clone, Copy, Debug)]
pub struct Address<'g> {
    /// Its name.
    pub name: &'g str,
    /// Open while it is left aside.
    pub circuit: Circuit,
    /// How many calls are under way to it.
    pub in_flight: u32,
    /// How many calls it has answered or failed since the start.
    pub calls: u64,
    /// How many of them it has failed.
    pub failed: u64,
    /// How often it was left aside.
    pub ejected: u64,
}

impl Guard {
    /// The addresses of the source, if there are several.
    pub fn addresses(&self) -> impl Iterator<Item = Address<'_>> {
        let now_ms = self.elapsed_ms(Instant::now());
        let all = self.places.all();
        let several = if all.len() > 1 { all } else { &[] };
        several.iter().map(move |it| Address {
            name: &it.name,
            circuit: circuit(it.breaker.state(), now_ms),
            in_flight: it.in_flight.load(Relaxed),
            calls: it.calls.load(Relaxed),
            failed: it.failed.load(Relaxed),
            ejected: it.ejected.load(Relaxed),
        })
    }

    /// Until when the source is under maintenance, as far as is known.
    #[must_use]
    pub fn maintenance(&self) -> Option<Timestamp> {
        let now = self.announced.now();
        let learned = self.places.closed_until(now.as_millisecond());
        let learned = learned.and_then(|end| Timestamp::from_millisecond(end).ok());
        learned.max(self.announced.end(now))
    }

    /// The guard as it is.
    #[must_use]
    pub fn view(&self) -> View {
        let now_ms = self.elapsed_ms(Instant::now());
        let Share { calls, failures } = self.breaker.share(now_ms);
        View {
            source: self.source,
            circuit: circuit(self.breaker.state(), now_ms),
            failures_in_a_row: self.breaker.in_a_row(),
            window: (calls, failures),
            in_flight: self.limit.in_flight(),
            limit: self.limit.allowed(),
            max_calls: self.limit.max(),
            typical: self.typical.get(),
            recent: self.limit.latency().0,
        }
    }

    /// What it has counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (tally, errands) = (&self.tally, &self.errands);
        let kept_back = [
            &errands.overloaded,
            &errands.circuit_open,
            &errands.maintenance,
        ];
        Counts {
            errands: [
                ("answered", errands.answered.load(Relaxed)),
                ("failed", errands.failed.load(Relaxed)),
                ("local", errands.local.load(Relaxed)),
                ("dropped", errands.dropped.load(Relaxed)),
                (
                    "kept_back",
                    kept_back.map(|it| it.load(Relaxed)).iter().sum(),
                ),
            ],
            calls: [
                ("answered", tally.answered.load(Relaxed)),
                ("failed", tally.failed.load(Relaxed)),
                ("local", tally.local.load(Relaxed)),
                ("dropped", tally.dropped.load(Relaxed)),
            ],
            kept_back: [
                ("circuit_open", tally.circuit_open.load(Relaxed)),
                ("overloaded", tally.overloaded.load(Relaxed)),
                ("no_time", tally.no_time.load(Relaxed)),
                ("maintenance", tally.maintenance.load(Relaxed)),
            ],
            retries: tally.retries.load(Relaxed),
            over_budget: tally.over_budget.load(Relaxed),
            opened: tally.opened.load(Relaxed),
            probes: tally.probes.load(Relaxed),
        }
    }
}

fn circuit(state: State, now_ms: u64) -> Circuit {
    match state.phase {
        Phase::Closed => Circuit::Closed,
        Phase::Open => Circuit::Open {
            probe_in: Duration::from_millis(state.at_ms.saturating_sub(now_ms)),
        },
        Phase::Probing => Circuit::Probing,
    }
}
